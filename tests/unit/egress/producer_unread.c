/* SPDX-License-Identifier: Apache-2.0 */
/* A disk that cannot read some of what it has: the daemon starts, delivers the rest, and counts what is lost. */
#include <errno.h>
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cmocka.h>

#include "spool_rig.h"

#define BATCHES 30u
#define RECORDS 100u

/* Reads of files whose names hold this fail where they touch [bad_from, bad_to). */
static _Atomic(const char *) bad_name;
static atomic_ullong bad_from, bad_to;

static int is_bad(int file, uint64_t from, uint64_t to)
{
	const char *name = atomic_load(&bad_name);
	char link[64], path[PATH_MAX];
	ssize_t n;

	if (name == NULL || to <= atomic_load(&bad_from) || from >= atomic_load(&bad_to))
		return 0;
	(void)snprintf(link, sizeof(link), "/proc/self/fd/%d", file);
	n = readlink(link, path, sizeof(path) - 1);
	path[n > 0 ? n : 0] = '\0';
	return strstr(path, name) != NULL;
}

/* In the library's place: the spool's own. */
ssize_t pread(int file, void *data, size_t size, off_t offset)
{
	if (is_bad(file, (uint64_t)offset, (uint64_t)offset + size)) {
		errno = EIO;
		return -1;
	}
	return (ssize_t)syscall(SYS_pread64, file, data, size, offset);
}

static int is_read_out(struct rig *rig)
{
	return spool_rig_on_disk() == 0 && counter_read(&producer_counters(rig->producer)->held) == 0 &&
	       atomic_load(&spool_rig_counts()->passing) == 0;
}

/* A producer that has put some on disk, into the logs of lane and topic. */
static void begin_without_kafka(void)
{
	atomic_store(&bad_name, NULL);
	mock_broker_down(spool_rig.mock, 1);
	spool_rig_begin();
	for (unsigned i = 0; i < BATCHES; i++)
		rig_send(spool_rig.rig, 0, 0, RECORDS, 60);
	rig_wait(spool_rig.rig, spool_rig_has_left);
}

/* The same, for a producer to come. */
static void leave(void)
{
	begin_without_kafka();
	spool_rig_end();
	mock_broker_up(spool_rig.mock, 1);
}

static void fail_reads(const char *name, uint64_t from, uint64_t to)
{
	atomic_store(&bad_from, from);
	atomic_store(&bad_to, to);
	atomic_store(&bad_name, name);
}

/* All that was left is delivered, or counted as damaged. Returns the latter. */
static uint64_t deliver(void)
{
	const struct spool_counters *c;
	uint64_t damaged;

	spool_rig_begin();
	rig_wait(spool_rig.rig, is_read_out);
	c = spool_rig_counts();
	damaged = counter_read(&c->damaged);
	assert_int_equal(rig_acked(spool_rig.rig) + damaged + counter_read(&c->settled), counter_read(&c->recovered));
	spool_rig_end();
	return damaged;
}

static void sector_of_a_file_that_cannot_be_read_is_passed_over(void **state)
{
	uint64_t damaged;

	(void)state;
	leave();
	fail_reads("/00000000000000000000.log", 20480, 24576);
	damaged = deliver();
	assert_in_range(damaged, RECORDS, 8 * RECORDS);
	assert_int_equal(deliver(), 0);
}

static void state_that_cannot_be_read_is_no_reason_not_to_start(void **state)
{
	(void)state;
	leave();
	fail_reads("/state", 0, 4096);
	assert_int_equal(deliver(), 0);
}

static void header_that_cannot_be_read_is_no_reason_not_to_start(void **state)
{
	(void)state;
	leave();
	fail_reads("/00000000000000000000.log", 0, 4096);
	assert_in_range(deliver(), 1, 8 * RECORDS);
}

/* An hour of which something was damaged is complete when all that is left of it is delivered. */
static void damage_holds_up_no_hour(void **state)
{
	(void)state;
	begin_without_kafka();
	assert_false(spool_rig_hours_are_complete(spool_rig.rig));
	fail_reads("/00000000000000000000.log", 40960, 45056); /* behind those that are read already, to be tried */
	mock_broker_up(spool_rig.mock, 1);
	rig_wait(spool_rig.rig, is_read_out);
	assert_in_range(counter_read(&spool_rig_counts()->damaged), RECORDS, 8 * RECORDS);
	rig_wait(spool_rig.rig, spool_rig_hours_are_complete);
	spool_rig_end();
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, spool_rig_setup, spool_rig_teardown)
	const struct CMUnitTest tests[] = {
		TEST(sector_of_a_file_that_cannot_be_read_is_passed_over),
		TEST(state_that_cannot_be_read_is_no_reason_not_to_start),
		TEST(header_that_cannot_be_read_is_no_reason_not_to_start),
		TEST(damage_holds_up_no_hour),
	};
#undef TEST

	return cmocka_run_group_tests(tests, NULL, NULL);
}
