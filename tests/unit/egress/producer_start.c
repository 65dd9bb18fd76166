/* SPDX-License-Identifier: Apache-2.0 */
#include <dirent.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/log.h"
#include "rig.h"

static int start_error(struct rig *rig, struct error *error)
{
	int rc;

	rig->config.property_count = rig->property_count;
	rc = producer_start(&rig->producer, &rig->config, error);
	assert_null(rig->producer);
	return rc;
}

static void producer_with_a_refused_property_does_not_start(void **state)
{
	struct rig *rig = rig_new("127.0.0.1:1");
	struct error error = {""};

	(void)state;
	rig_property(rig, "acks", "1");
	assert_true(start_error(rig, &error) < 0);
	assert_non_null(strstr(error.text, "acks=1"));
	rig_free(rig);
}

static void producer_on_a_cpu_that_is_not_there_does_not_start(void **state)
{
	struct rig *rig = rig_new(NULL);
	struct error error = {""};
	const int cpus[] = {1000};

	(void)state;
	rig->config.cpus = cpus;
	rig->config.cpu_count = 1;
	assert_true(start_error(rig, &error) < 0);
	assert_non_null(strstr(error.text, "kafka.cpus"));
	rig_free(rig);
}

static void producer_with_too_many_handles_does_not_start(void **state)
{
	struct rig *rig = rig_new("127.0.0.1:1");
	struct error error = {""};

	(void)state;
	rig->config.handles = PRODUCER_HANDLES + 1;
	assert_true(start_error(rig, &error) < 0);
	assert_non_null(strstr(error.text, "expected 1 to 8"));
	rig_free(rig);
}

static int last_allowed_cpu(void)
{
	cpu_set_t set;
	int cpu = CPU_SETSIZE;

	assert_int_equal(sched_getaffinity(0, sizeof(set), &set), 0);
	while (cpu > 0 && !CPU_ISSET((size_t)cpu - 1, &set))
		cpu--;
	return cpu - 1;
}

/* Threads of this process that may run on `cpu` and nowhere else. */
static unsigned threads_pinned_to(int cpu)
{
	DIR *tasks = opendir("/proc/self/task");
	struct dirent *entry;
	unsigned count = 0;
	cpu_set_t set;

	assert_non_null(tasks);
	while ((entry = readdir(tasks)) != NULL) {
		int tid = atoi(entry->d_name);

		if (tid > 0 && sched_getaffinity(tid, sizeof(set), &set) == 0)
			count += CPU_COUNT(&set) == 1 && CPU_ISSET((size_t)cpu, &set);
	}
	closedir(tasks);
	return count;
}

static void client_threads_live_on_the_producers_cpus(void **state)
{
	struct rig *rig = rig_new("127.0.0.1:1");
	const int cpus[] = {last_allowed_cpu()};

	(void)state;
	rig->config.cpus = cpus;
	rig->config.cpu_count = 1;
	rig->config.drain_seconds = 0;
	assert_int_equal(threads_pinned_to(cpus[0]), 0);
	rig_start(rig);
	assert_true(threads_pinned_to(cpus[0]) >= 3); /* the producer, the client's main and a broker's */
	rig_stop(rig);
	assert_int_equal(threads_pinned_to(cpus[0]), 0);
	rig_free(rig);
}

static void empty_producer_stops_at_once_and_twice(void **state)
{
	struct rig *rig = rig_new("127.0.0.1:1");

	(void)state;
	rig_start(rig);
	rig_stop(rig);
	rig_stop(rig);
	rig_free(rig);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(producer_with_a_refused_property_does_not_start),
		cmocka_unit_test(producer_on_a_cpu_that_is_not_there_does_not_start),
		cmocka_unit_test(producer_with_too_many_handles_does_not_start),
		cmocka_unit_test(client_threads_live_on_the_producers_cpus),
		cmocka_unit_test(empty_producer_stops_at_once_and_twice),
	};

	log_set_level(LOG_ERROR);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
