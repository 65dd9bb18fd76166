/* SPDX-License-Identifier: Apache-2.0 */
/* penstock spool quarantine, and what a daemon makes of what it leaves. */
#include "offline_spool_rig.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "spool/format.h"
#include "spool/lock.h"

#define LANE  "lane.0"
#define FIRST "00000000000000000000.log"

static const struct offline yes = {.yes = 1}, yes_json = {.yes = 1, .json = 1};
static const char *directory;
static uint64_t firsts[8];
static unsigned count;

static uint64_t events_of(uint64_t from, uint64_t to)
{
	uint64_t events = 0;

	while (from < to)
		events += ++from;
	return events;
}

/* Twelve entries over three files or more, as a daemon leaves them that is killed. */
static int begin(void **state)
{
	(void)state;
	directory = rig_begin();
	(void)rig_log(LANE);
	rig_append(12, 3000);
	rig_kill();
	count = rig_segments(LANE, firsts, 8);
	assert_in_range(count, 3, 7);
	firsts[count] = 12;
	return 0;
}

static int end(void **state)
{
	(void)state;
	rig_end();
	return 0;
}

static char *word_of(unsigned segment)
{
	static char words[8][128];
	char name[SPOOL_NAME_MAX];

	spool_segment_name(name, firsts[segment]);
	(void)snprintf(words[segment], sizeof(words[segment]), LANE "/%s", name);
	return words[segment];
}

static void without_yes_nothing_is_moved(void **state)
{
	struct rig_output output;
	uint64_t sum = rig_sum();
	char expected[128];

	(void)state;
	output = rig_run(offline_spool_quarantine, NULL, word_of(1), word_of(0), NULL);
	assert_int_equal(output.code, 1);
	(void)snprintf(expected, sizeof(expected), "nothing was moved: %llu unsettled events",
		(unsigned long long)events_of(0, firsts[2]));
	assert_non_null(strstr(output.err, expected));
	assert_non_null(strstr(output.err, "--yes"));
	(void)snprintf(expected, sizeof(expected), ".log: %llu unsettled events; not moved to " FIRST ".bad",
		(unsigned long long)events_of(0, firsts[1]));
	assert_non_null(strstr(output.out, expected));
	assert_int_equal(rig_sum(), sum);
	rig_output_free(&output);
}

/* A daemon counts what went as damaged, delivers the rest, and gives no position to another entry. */
static void expect_gone(unsigned from, unsigned to)
{
	uint64_t lost = events_of(firsts[from], firsts[to]);
	struct rig_read_out daemon;
	struct spool_log_info info;

	daemon = rig_read_out(LANE);
	assert_int_equal(daemon.recovered, events_of(0, 12));
	assert_int_equal(daemon.damaged, lost);
	assert_int_equal(daemon.events, events_of(0, 12) - lost);
	assert_int_equal(daemon.end, 12);
	spool_log_info(rig_log(LANE), &info);
	assert_int_equal(info.end, 12);
	rig_append(1, 3000);
	rig_close();
	daemon = rig_read_out(LANE);
	assert_int_equal(daemon.end, 13);
}

static void a_daemon_counts_a_moved_file(unsigned segment)
{
	struct rig_output output = rig_run(offline_spool_quarantine, &yes_json, word_of(segment), NULL);
	char bad[SPOOL_NAME_MAX + 8];
	const json_t *file;

	assert_int_equal(output.code, 0);
	assert_true(json_is_true(json_object_get(output.json, "moved")));
	file = json_array_get(json_object_get(output.json, "files"), 0);
	assert_int_equal(
		json_integer_value(json_object_get(file, "events")), events_of(firsts[segment], firsts[segment + 1]));
	(void)snprintf(bad, sizeof(bad), "%s.bad", word_of(segment) + strlen(LANE "/"));
	assert_true(rig_has(LANE, bad));
	assert_false(rig_has(LANE, word_of(segment) + strlen(LANE "/")));
	rig_output_free(&output);
	expect_gone(segment, segment + 1);
}

static void the_first_file(void **state)
{
	(void)state;
	a_daemon_counts_a_moved_file(0);
}

static void one_amid(void **state)
{
	(void)state;
	a_daemon_counts_a_moved_file(1);
}

static void the_last_file(void **state)
{
	(void)state;
	a_daemon_counts_a_moved_file(count - 1);
}

static void all_files(void **state)
{
	struct rig_output output;

	(void)state;
	for (unsigned i = 0; i < count; i++) {
		output = rig_run(offline_spool_quarantine, &yes, word_of(i), NULL);
		assert_int_equal(output.code, 0);
		rig_output_free(&output);
	}
	expect_gone(0, count);
}

/* One that a crash kept from being unlinked. */
static void what_is_settled_goes_without_asking(void **state)
{
	struct rig_output output;
	size_t size;
	uint8_t *data = rig_read(LANE, FIRST, &size);

	(void)state;
	(void)rig_log(LANE);
	rig_settle(firsts[1]);
	rig_kill();
	assert_false(rig_has(LANE, FIRST));
	rig_write(LANE, FIRST, data, size);
	free(data);
	output = rig_run(offline_spool_quarantine, NULL, word_of(0), NULL);
	assert_int_equal(output.code, 0);
	assert_non_null(strstr(output.out, ": 0 unsettled events; moved to"));
	assert_true(rig_has(LANE, FIRST ".bad"));
	rig_output_free(&output);
}

static void refuses(const struct offline *options, char *word, char *more, const char *why)
{
	uint64_t sum = rig_sum();
	struct rig_output output = rig_run(offline_spool_quarantine, options, word, more, NULL);

	assert_int_equal(output.code, 2);
	if (strstr(output.err, why) == NULL)
		fail_msg("\"%s\" lacks \"%s\"", output.err, why);
	assert_int_equal(rig_sum(), sum);
	rig_output_free(&output);
}

static void what_is_no_file_of_a_log_is_refused(void **state)
{
	char none[] = "lane.0/00000000000000000001.log", other[] = "lane.7/" FIRST, bare[] = FIRST,
	     state_file[] = "lane.0/state", deep[] = "a/lane.0/" FIRST, up[] = "../lane.0";

	(void)state;
	refuses(&yes, none, NULL, "has no segment 00000000000000000001.log");
	refuses(&yes, other, NULL, "has no log lane.7; `penstock spool status` names them");
	refuses(&yes, bare, NULL, "is no LOG/FILE; expected one such as lane.0/");
	refuses(&yes, state_file, NULL, "has no segment state");
	refuses(&yes, deep, NULL, "is no LOG/FILE");
	refuses(&yes, up, NULL, "has no log ..");
	refuses(&yes, word_of(1), word_of(1), "is named twice");
	refuses(&yes, word_of(1), none, "has no segment");
}

static void what_a_daemon_has_is_refused(void **state)
{
	struct spool_lock *lock;
	struct error error;

	(void)state;
	assert_int_equal(spool_lock_take(&lock, directory, &error), 0);
	refuses(&yes, word_of(0), NULL, "a daemon is at work on it; stop it first: nothing was moved");
	spool_lock_release(lock);
}

static void a_file_of_that_name_is_not_overwritten(void **state)
{
	struct rig_output output;
	uint8_t *data;
	size_t size;

	(void)state;
	rig_write(LANE, FIRST ".bad", "kept", 4);
	output = rig_run(offline_spool_quarantine, &yes, word_of(0), NULL);
	assert_int_equal(output.code, 2);
	assert_non_null(strstr(output.err, FIRST ".bad is there already: move it to another place first"));
	assert_true(rig_has(LANE, FIRST));
	data = rig_read(LANE, FIRST ".bad", &size);
	assert_int_equal(size, 4);
	free(data);
	rig_output_free(&output);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(without_yes_nothing_is_moved, begin, end),
		cmocka_unit_test_setup_teardown(the_first_file, begin, end),
		cmocka_unit_test_setup_teardown(one_amid, begin, end),
		cmocka_unit_test_setup_teardown(the_last_file, begin, end),
		cmocka_unit_test_setup_teardown(all_files, begin, end),
		cmocka_unit_test_setup_teardown(what_is_settled_goes_without_asking, begin, end),
		cmocka_unit_test_setup_teardown(what_is_no_file_of_a_log_is_refused, begin, end),
		cmocka_unit_test_setup_teardown(what_a_daemon_has_is_refused, begin, end),
		cmocka_unit_test_setup_teardown(a_file_of_that_name_is_not_overwritten, begin, end),
	};

	log_set_level(LOG_ERROR);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
