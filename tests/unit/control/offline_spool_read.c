/* SPDX-License-Identifier: Apache-2.0 */
/* What penstock spool status and check say of spools that are whole, and of such that are not. Nothing is ever changed
 * by them. */
#include "offline_spool_rig.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "spool/format.h"
#include "spool/lock.h"

#define LANE  "lane.0"
#define FIRST "00000000000000000000.log"

static const struct offline as_json = {.json = 1};

static const char *directory;

static int begin(void **state)
{
	(void)state;
	directory = rig_begin();
	return 0;
}

static int end(void **state)
{
	(void)state;
	rig_end();
	return 0;
}

static json_int_t number(const json_t *object, const char *key)
{
	assert_true(json_is_integer(json_object_get(object, key)));
	return json_integer_value(json_object_get(object, key));
}

static const char *text(const json_t *object, const char *key)
{
	assert_true(json_is_string(json_object_get(object, key)));
	return json_string_value(json_object_get(object, key));
}

/* Ten entries in lane 0, events 1 to 10, the first three settled; two in a parked topic's log. */
static void make_two_logs(void)
{
	(void)rig_log(LANE);
	rig_append(10, 1000);
	rig_settle(3);
	(void)rig_log("topic.0.ev.view");
	rig_append(2, 50);
	rig_close();
}

static void status_tells_what_waits_in_each_log(void **state)
{
	struct rig_output output;
	const json_t *logs, *lane, *topic;

	(void)state;
	make_two_logs();
	output = rig_look(offline_spool_status, &as_json);
	assert_int_equal(output.code, 0);
	assert_string_equal(output.err, "");
	logs = json_object_get(output.json, "logs");
	assert_int_equal(json_array_size(logs), 2);
	lane = json_array_get(logs, 0);
	topic = json_array_get(logs, 1);
	assert_string_equal(text(lane, "log"), LANE);
	assert_int_equal(number(lane, "frontier"), 3);
	assert_int_equal(number(lane, "end"), 10);
	assert_int_equal(number(lane, "entries"), 7);
	assert_int_equal(number(lane, "events"), 4 + 5 + 6 + 7 + 8 + 9 + 10);
	assert_int_equal(number(lane, "oldest_us"), RIG_OPENED_US);
	assert_int_equal(number(lane, "oldest_hour"), RIG_HOUR);
	assert_int_equal(number(lane, "suspect"), 0);
	assert_string_equal(text(topic, "log"), "topic.0.ev.view");
	assert_int_equal(number(topic, "events"), 3);
	assert_int_equal(number(output.json, "events"), 52);
	assert_int_equal(number(output.json, "entries"), 9);
	assert_true(json_is_false(json_object_get(output.json, "in_use")));
	rig_output_free(&output);
}

static void status_is_a_table_for_a_person(void **state)
{
	struct rig_output output;

	(void)state;
	make_two_logs();
	output = rig_look(offline_spool_status, NULL);
	assert_int_equal(output.code, 0);
	assert_non_null(strstr(output.out, ", which no daemon has\n"));
	assert_non_null(strstr(output.out, "EVENTS  BATCHES  FRONTIER  END"));
	assert_non_null(strstr(output.out, "2025-11-24T16:00:00Z"));
	rig_output_free(&output);
}

static void a_log_that_is_written_to_can_be_looked_at(void **state)
{
	struct spool_lock *lock;
	struct rig_output output;
	struct error error;

	(void)state;
	(void)rig_log(LANE);
	assert_int_equal(spool_lock_take(&lock, directory, &error), 0);
	rig_append(5, 1000);
	output = rig_look(offline_spool_status, &as_json);
	assert_int_equal(output.code, 0);
	assert_true(json_is_true(json_object_get(output.json, "in_use")));
	assert_int_equal(number(output.json, "entries"), 5);
	rig_output_free(&output);
	output = rig_look(offline_spool_check, &as_json);
	assert_int_equal(output.code, 0);
	assert_int_equal(number(output.json, "entries"), 5);
	rig_output_free(&output);
	rig_settle(5);
	rig_append(1, 1000);
	output = rig_look(offline_spool_check, &as_json);
	assert_int_equal(output.code, 0);
	rig_output_free(&output);
	spool_lock_release(lock);
}

static void a_whole_spool_is_well(void **state)
{
	struct rig_output output;

	(void)state;
	make_two_logs();
	output = rig_look(offline_spool_check, &as_json);
	assert_int_equal(output.code, 0);
	assert_true(json_is_true(json_object_get(output.json, "ok")));
	assert_int_equal(number(output.json, "entries"), 12);
	assert_int_equal(number(output.json, "events"), 58);
	assert_int_equal(number(output.json, "damaged"), 0);
	rig_output_free(&output);
	output = rig_look(offline_spool_check, NULL);
	assert_int_equal(output.code, 0);
	assert_non_null(strstr(output.out, "\nall is well\n"));
	rig_output_free(&output);
}

/* The one damaged place that check must find, which is what a daemon would lose. */
static void expect_place(
	const char *file, json_int_t at, json_int_t position, json_int_t positions, json_int_t events, json_int_t next)
{
	struct rig_output output = rig_look(offline_spool_check, &as_json), plain = rig_look(offline_spool_check, NULL);
	const json_t *places = json_object_get(output.json, "damage"), *place = json_array_get(places, 0);
	struct rig_read_out daemon;

	assert_int_equal(output.code, 1);
	assert_int_equal(plain.code, 1);
	assert_int_equal(json_array_size(places), 1);
	assert_string_equal(text(place, "log"), LANE);
	assert_string_equal(text(place, "file"), file);
	if (at >= 0)
		assert_int_equal(number(place, "offset"), at);
	assert_int_equal(number(place, "positions"), positions);
	if (positions > 0)
		assert_int_equal(number(place, "position"), position);
	assert_int_equal(number(place, "events"), events);
	assert_int_equal(json_integer_value(json_object_get(place, "next")), next);
	assert_int_equal(number(output.json, "lost"), events);
	assert_non_null(strstr(plain.out, file));
	assert_non_null(strstr(plain.out, text(place, "what")));
	rig_output_free(&output);
	rig_output_free(&plain);
	daemon = rig_read_out(LANE);
	assert_int_equal(daemon.damaged, events);
}

/* Twelve entries over three files or more, unsettled; returns how many files. */
static unsigned make_files(uint64_t firsts[8])
{
	unsigned count;

	(void)rig_log(LANE);
	rig_append(12, 3000);
	rig_close();
	count = rig_segments(LANE, firsts, 8);
	assert_in_range(count, 3, 8);
	return count;
}

static uint64_t events_of(uint64_t from, uint64_t to)
{
	uint64_t events = 0;

	while (from < to)
		events += ++from;
	return events;
}

static void check_names_a_damaged_payload(void **state)
{
	uint64_t firsts[8], at[16];
	unsigned count;

	(void)state;
	make_files(firsts);
	count = rig_entries(LANE, 0, at, 16);
	assert_true(count > 3);
	rig_flip(LANE, FIRST, at[2] + 500);
	expect_place(FIRST, (json_int_t)(at[2] + 104 + strlen("ev.click")), 2, 1, 3,
		(json_int_t)at[2] + (json_int_t)spool_entry_size(8, 3 * 3010));
}

static void check_names_a_damaged_entry(void **state)
{
	uint64_t firsts[8], at[16];

	(void)state;
	make_files(firsts);
	assert_true(rig_entries(LANE, 0, at, 16) > 3);
	rig_flip(LANE, FIRST, at[1] + 20);
	expect_place(FIRST, -1, 1, 1, 2, (json_int_t)at[2]);
}

/* Some bytes behind its second entry. What is missing is told under the name of this file. */
static void expect_cut(size_t more, const char *name)
{
	uint64_t firsts[8], at[16];
	uint8_t *data;
	size_t size;

	make_files(firsts);
	assert_true(rig_entries(LANE, 0, at, 16) > 3);
	data = rig_read(LANE, FIRST, &size);
	rig_write(LANE, FIRST, data, at[2] + more);
	free(data);
	expect_place(name, -1, 2, (json_int_t)firsts[1] - 2, (json_int_t)events_of(2, firsts[1]), 0);
}

static void check_names_a_file_that_is_cut(void **state)
{
	(void)state;
	expect_cut(50, FIRST);
}

/* Nothing tells whether a file ended there: what is left of it is whole, and is not to be put aside. */
static void check_names_what_is_missing_when_a_file_is_cut_between_entries(void **state)
{
	(void)state;
	expect_cut(0, "00000000000000000002.log");
}

/* The file before a missing one is whole, and is not to be put aside. `room`: bytes of it, beyond its entries. */
static void expect_missing_file(size_t room)
{
	uint64_t firsts[8];
	char name[SPOOL_NAME_MAX];
	uint8_t *data;
	size_t size;

	make_files(firsts);
	spool_segment_name(name, firsts[1]);
	rig_remove(LANE, name);
	data = rig_read(LANE, FIRST, &size);
	data = realloc(data, size + room);
	assert_non_null(data);
	memset(data + size, 0, room);
	rig_write(LANE, FIRST, data, size + room);
	free(data);
	expect_place(name, -1, (json_int_t)firsts[1], (json_int_t)(firsts[2] - firsts[1]),
		(json_int_t)events_of(firsts[1], firsts[2]), 0);
}

static void check_names_files_that_are_missing(void **state)
{
	(void)state;
	expect_missing_file(0);
}

static void check_names_files_that_are_missing_behind_reserved_room(void **state)
{
	(void)state;
	expect_missing_file(4 * SPOOL_SEGMENT_MIN);
}

static void check_names_a_file_of_which_nothing_can_be_read(void **state)
{
	uint64_t firsts[8];
	char name[SPOOL_NAME_MAX];
	uint8_t *data;
	size_t size;

	(void)state;
	make_files(firsts);
	spool_segment_name(name, firsts[1]);
	data = rig_read(LANE, name, &size);
	memset(data + sizeof(struct spool_segment_header), 0, size - sizeof(struct spool_segment_header));
	rig_write(LANE, name, data, size);
	free(data);
	expect_place(name, sizeof(struct spool_segment_header), (json_int_t)firsts[1], (json_int_t)(firsts[2] - firsts[1]),
		(json_int_t)events_of(firsts[1], firsts[2]), 0);
}

static void check_names_a_first_file_that_is_missing(void **state)
{
	uint64_t firsts[8];

	(void)state;
	make_files(firsts);
	rig_remove(LANE, FIRST);
	expect_place(FIRST, -1, 0, (json_int_t)firsts[1], (json_int_t)events_of(0, firsts[1]), 0);
}

static void check_names_a_damaged_header_that_costs_nothing(void **state)
{
	uint64_t firsts[8];

	(void)state;
	make_files(firsts);
	rig_flip(LANE, FIRST, 20);
	expect_place(FIRST, 0, 0, 0, 0, 0);
}

static void check_names_a_damaged_slot_of_the_state(void **state)
{
	uint64_t firsts[8];
	struct rig_output output;

	(void)state;
	make_files(firsts);
	(void)rig_log(LANE);
	rig_settle(1);
	rig_settle(2);
	rig_close();
	rig_flip(LANE, "state", SPOOL_STATE_BLOCK + 20);
	output = rig_look(offline_spool_status, NULL);
	assert_int_equal(output.code, 1);
	assert_non_null(strstr(output.out, LANE "/state: at 4096, 64 bytes: one slot is damaged"));
	rig_output_free(&output);
	rig_flip(LANE, "state", 20);
	output = rig_look(offline_spool_check, &as_json);
	assert_int_equal(output.code, 1);
	assert_int_equal(number(output.json, "damaged"), 2);
	assert_int_equal(number(output.json, "lost"), 0);
	rig_output_free(&output);
}

static void what_is_settled_is_damaged_without_loss(void **state)
{
	uint64_t firsts[8], at[16];

	(void)state;
	make_files(firsts);
	(void)rig_log(LANE);
	rig_settle(3);
	rig_close();
	assert_true(rig_entries(LANE, 0, at, 16) > 3);
	rig_flip(LANE, FIRST, at[1] + 300);
	expect_place(FIRST, (json_int_t)(at[1] + 104 + strlen("ev.click")), 1, 1, 0,
		(json_int_t)at[1] + (json_int_t)spool_entry_size(8, 2 * 3009));
}

static void a_torn_end_is_told_and_is_no_damage(void **state)
{
	struct rig_output output;
	uint64_t at[16];
	uint8_t *file;
	size_t size;

	(void)state;
	(void)rig_log(LANE);
	rig_append(4, 500);
	rig_kill();
	assert_int_equal(rig_entries(LANE, 0, at, 16), 4);
	file = rig_read(LANE, FIRST, &size);
	rig_write(LANE, FIRST, file, at[3] + 300); /* the beginning of an entry, of which the disk got no more */
	free(file);
	output = rig_look(offline_spool_check, &as_json);
	assert_int_equal(output.code, 0);
	assert_int_equal(number(output.json, "entries"), 3);
	assert_int_equal(number(json_array_get(json_object_get(output.json, "torn"), 0), "offset"),
		at[2] + spool_entry_size(8, 3 * 509));
	rig_output_free(&output);
	output = rig_look(offline_spool_check, NULL);
	assert_int_equal(output.code, 0);
	assert_non_null(strstr(output.out, "a write that a crash or an error cut off"));
	assert_non_null(strstr(output.out, "all is well"));
	rig_output_free(&output);
}

static void what_is_no_log_is_told(void **state)
{
	struct rig_output output;

	(void)state;
	make_two_logs();
	rig_write(LANE, "00000000000000000009.log.bad", "x", 1);
	rig_write(LANE, "notes", "x", 1);
	output = rig_look(offline_spool_status, NULL);
	assert_int_equal(output.code, 0);
	assert_non_null(strstr(output.out, LANE "/00000000000000000009.log.bad: put aside"));
	assert_non_null(strstr(output.out, LANE "/notes: not the spool's"));
	rig_output_free(&output);
}

/* Whoever can write beside the logs does not control the terminal of who looks at them. */
static void names_of_files_are_spelled_out(void **state)
{
	static offline_run *const looks[] = {offline_spool_status, offline_spool_check};

	(void)state;
	make_two_logs();
	rig_write(LANE, "\x1b[31m\n.log", "x", 1);
	for (unsigned i = 0; i < 2; i++) {
		struct rig_output output = rig_look(looks[i], NULL);

		assert_non_null(strstr(output.out, LANE "/\\x1b[31m\\x0a.log: "));
		assert_null(strchr(output.out, '\x1b'));
		rig_output_free(&output);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(status_tells_what_waits_in_each_log, begin, end),
		cmocka_unit_test_setup_teardown(status_is_a_table_for_a_person, begin, end),
		cmocka_unit_test_setup_teardown(a_log_that_is_written_to_can_be_looked_at, begin, end),
		cmocka_unit_test_setup_teardown(a_whole_spool_is_well, begin, end),
		cmocka_unit_test_setup_teardown(check_names_a_damaged_payload, begin, end),
		cmocka_unit_test_setup_teardown(check_names_a_damaged_entry, begin, end),
		cmocka_unit_test_setup_teardown(check_names_a_file_that_is_cut, begin, end),
		cmocka_unit_test_setup_teardown(check_names_what_is_missing_when_a_file_is_cut_between_entries, begin, end),
		cmocka_unit_test_setup_teardown(check_names_files_that_are_missing, begin, end),
		cmocka_unit_test_setup_teardown(check_names_files_that_are_missing_behind_reserved_room, begin, end),
		cmocka_unit_test_setup_teardown(check_names_a_file_of_which_nothing_can_be_read, begin, end),
		cmocka_unit_test_setup_teardown(check_names_a_first_file_that_is_missing, begin, end),
		cmocka_unit_test_setup_teardown(check_names_a_damaged_header_that_costs_nothing, begin, end),
		cmocka_unit_test_setup_teardown(check_names_a_damaged_slot_of_the_state, begin, end),
		cmocka_unit_test_setup_teardown(what_is_settled_is_damaged_without_loss, begin, end),
		cmocka_unit_test_setup_teardown(a_torn_end_is_told_and_is_no_damage, begin, end),
		cmocka_unit_test_setup_teardown(what_is_no_log_is_told, begin, end),
		cmocka_unit_test_setup_teardown(names_of_files_are_spelled_out, begin, end),
	};

	log_set_level(LOG_ERROR);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
