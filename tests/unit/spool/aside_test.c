/* SPDX-License-Identifier: Apache-2.0 */
/* What is put aside is kept, however often it happens to a name, and seen. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "sim_disk.h"
#include "spool/format.h"
#include "spool/inspect.h"
#include "spool/log.h"
#include "spool/state.h"

#define MANY 110u

static struct sim_disk *sim;
static struct spool_log *spool;

static void open_log(void)
{
	struct spool_log_config config = {.disk = sim_disk_of(sim), .segment_bytes = SPOOL_SEGMENT_MIN, .name = "aside"};
	struct error error;

	assert_int_equal(spool_log_open(&spool, &config, &error), 0);
}

static int begin(void **state)
{
	(void)state;
	sim = sim_disk_new(5, 1);
	return 0;
}

static int end(void **state)
{
	(void)state;
	sim_disk_free(sim);
	return 0;
}

static void put(const char *name, const char *text)
{
	sim_disk_put(sim, name, text, strlen(text));
}

static void expect(const char *name, const char *text)
{
	uint64_t size;
	const uint8_t *data = sim_disk_get(sim, name, &size);

	assert_non_null(data);
	assert_int_equal(size, strlen(text));
	assert_memory_equal(data, text, size);
}

static void second_state_that_is_damaged_does_not_take_the_place_of_the_first(void **state)
{
	(void)state;
	put(SPOOL_STATE_NAME, "the first");
	open_log();
	spool_log_close(spool);
	put(SPOOL_STATE_NAME, "the second");
	open_log();
	spool_log_close(spool);
	put(SPOOL_STATE_NAME, "the third");
	open_log();
	spool_log_close(spool);
	expect("state.bad", "the first");
	expect("state.1.bad", "the second");
	expect("state.2.bad", "the third");
}

static void segment_put_aside_does_not_take_the_place_of_another(void **state)
{
	char name[SPOOL_NAME_MAX], aside[SPOOL_NAME_MAX + 8];

	(void)state;
	spool_segment_name(name, 0);
	(void)snprintf(aside, sizeof(aside), "%s.bad", name);
	put(aside, "the first");
	put(name, "no segment");
	open_log();
	spool_log_close(spool);
	expect(aside, "the first");
	(void)snprintf(aside, sizeof(aside), "%s.1.bad", name);
	expect(aside, "no segment");
}

static void file_in_the_way_does_not_take_the_place_of_another(void **state)
{
	struct spool_entry entry = {.topic = "t", .events = 1};
	char name[SPOOL_NAME_MAX], aside[SPOOL_NAME_MAX + 8];

	(void)state;
	spool_segment_name(name, 0);
	(void)snprintf(aside, sizeof(aside), "%s.bad", name);
	open_log();
	put(aside, "the first");
	put(name, "in the way");
	assert_int_equal(spool_log_append(spool, &entry, NULL, 0), 0);
	spool_log_close(spool);
	expect(aside, "the first");
	(void)snprintf(aside, sizeof(aside), "%s.1.bad", name);
	expect(aside, "in the way");
}

static void all_that_lies_there_is_seen(void **state)
{
	const struct spool_sight *sights;
	struct spool_inspection *inspection;
	struct error error = {""};
	char name[SPOOL_NAME_MAX];
	unsigned count, times;

	(void)state;
	open_log();
	spool_log_close(spool);
	for (unsigned i = 0; i < MANY; i++) {
		(void)snprintf(name, sizeof(name), "%u.bad", i);
		put(name, "damaged");
	}
	assert_int_equal(spool_inspect_open(&inspection, sim_disk_of(sim), "aside", &error), 0);
	sights = spool_inspect_sights(inspection, &count);
	for (unsigned i = 0; i < MANY; i++) {
		times = 0;
		(void)snprintf(name, sizeof(name), "%u.bad", i);
		for (unsigned k = 0; k < count; k++)
			times += strcmp(sights[k].file, name) == 0;
		assert_int_equal(times, 1);
	}
	spool_inspect_close(inspection);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(second_state_that_is_damaged_does_not_take_the_place_of_the_first, begin, end),
		cmocka_unit_test_setup_teardown(segment_put_aside_does_not_take_the_place_of_another, begin, end),
		cmocka_unit_test_setup_teardown(file_in_the_way_does_not_take_the_place_of_another, begin, end),
		cmocka_unit_test_setup_teardown(all_that_lies_there_is_seen, begin, end),
	};

	log_set_level((enum log_level)(LOG_ERROR - 1));
	return cmocka_run_group_tests(tests, NULL, NULL);
}
