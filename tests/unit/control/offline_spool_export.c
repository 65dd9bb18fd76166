/* SPDX-License-Identifier: Apache-2.0 */
/* What penstock spool export prints. */
#include "offline_spool_rig.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "batch/record.h"

#define LANE    "lane.0"
#define FIRST   "00000000000000000000.log"
#define BASE_MS INT64_C(1764000000000)

static uint8_t payload[65536], *at;
static uint32_t records;

static int begin(void **state)
{
	(void)state;
	(void)rig_begin();
	at = payload;
	records = 0;
	return 0;
}

static int end(void **state)
{
	(void)state;
	rig_end();
	return 0;
}

static struct slice slice_of(const char *text)
{
	return (struct slice){(const uint8_t *)text, text != NULL ? (uint32_t)strlen(text) : 0};
}

static void add(const char *key, struct slice value, int64_t delta_ms)
{
	at = record_open_any(at, records++, slice_of(key), value.len, delta_ms);
	memcpy(at, value.data, value.len);
	at += value.len;
	*at++ = 0;
}

static void append(const char *topic, int64_t base_ms)
{
	rig_append_payload(topic, payload, (uint32_t)(at - payload), records, base_ms);
	at = payload;
	records = 0;
}

static void expect(const struct offline *options, int code, const char *lines)
{
	uint64_t sum = rig_sum();
	struct rig_output output = rig_run(offline_spool_export, options, NULL);

	assert_int_equal(output.code, code);
	assert_string_equal(output.out, lines);
	assert_int_equal(rig_sum(), sum);
	rig_output_free(&output);
}

/* What a line break stands in is not ours to mend: it comes back byte for byte. */
static void each_record_is_a_line_of_json(void **state)
{
	(void)state;
	(void)rig_log(LANE);
	add(NULL, slice_of("{\"type\":\"click\",\"n\":18446744073709551615}"), 0);
	add("caf\xc3\xa9 \"\n\\", slice_of(" {\t\"a\": [1,  2] } "), 0);
	add("\xff\xfe", slice_of("no JSON"), 0);
	add("", slice_of("{\"a\":1}\n{\"a\":2}"), 0);
	add(NULL, slice_of("[1e2, \"\\u0000\"]"), 0);
	add(NULL, slice_of("{\"a\":\"\x80\"}"), 0);
	add(NULL, slice_of(""), 0);
	add(NULL, slice_of("ab"), 0);
	add(NULL, slice_of("{\n\"a\":1}"), 0);
	add(NULL, slice_of("{}\r\n"), 0);
	append("ev.click", 0);
	add(NULL, slice_of("{}"), 250);
	append("ev.view", BASE_MS);
	rig_close();
	expect(NULL, 0,
		"{\"log\":\"lane.0\",\"position\":0,\"index\":0,\"topic\":\"ev.click\",\"partition\":2,"
		"\"value\":{\"type\":\"click\",\"n\":18446744073709551615}}\n"
		"{\"log\":\"lane.0\",\"position\":0,\"index\":1,\"topic\":\"ev.click\",\"partition\":2,"
		"\"key\":\"caf\xc3\xa9 \\\"\\u000a\\\\\",\"value\": {\t\"a\": [1,  2] } }\n"
		"{\"log\":\"lane.0\",\"position\":0,\"index\":2,\"topic\":\"ev.click\",\"partition\":2,"
		"\"key_base64\":\"//4=\",\"value_base64\":\"bm8gSlNPTg==\"}\n"
		"{\"log\":\"lane.0\",\"position\":0,\"index\":3,\"topic\":\"ev.click\",\"partition\":2,"
		"\"key\":\"\",\"value_base64\":\"eyJhIjoxfQp7ImEiOjJ9\"}\n"
		"{\"log\":\"lane.0\",\"position\":0,\"index\":4,\"topic\":\"ev.click\",\"partition\":2,"
		"\"value\":[1e2, \"\\u0000\"]}\n"
		"{\"log\":\"lane.0\",\"position\":0,\"index\":5,\"topic\":\"ev.click\",\"partition\":2,"
		"\"value_base64\":\"eyJhIjoigCJ9\"}\n"
		"{\"log\":\"lane.0\",\"position\":0,\"index\":6,\"topic\":\"ev.click\",\"partition\":2,"
		"\"value_base64\":\"\"}\n"
		"{\"log\":\"lane.0\",\"position\":0,\"index\":7,\"topic\":\"ev.click\",\"partition\":2,"
		"\"value_base64\":\"YWI=\"}\n"
		"{\"log\":\"lane.0\",\"position\":0,\"index\":8,\"topic\":\"ev.click\",\"partition\":2,"
		"\"value_base64\":\"ewoiYSI6MX0=\"}\n"
		"{\"log\":\"lane.0\",\"position\":0,\"index\":9,\"topic\":\"ev.click\",\"partition\":2,"
		"\"value_base64\":\"e30NCg==\"}\n"
		"{\"log\":\"lane.0\",\"position\":1,\"index\":0,\"topic\":\"ev.view\",\"partition\":2,"
		"\"timestamp_ms\":1764000000250,\"value\":{}}\n");
}

static void make_three(void)
{
	(void)rig_log(LANE);
	add(NULL, slice_of("{\"n\":0}"), 0);
	append("a", 0);
	add(NULL, slice_of("{\"n\":1}"), 0);
	append("b", 0);
	(void)rig_log("topic.0.a");
	add(NULL, slice_of("{\"n\":2}"), 0);
	append("a", 0);
	(void)rig_log(LANE);
	rig_settle(1);
	rig_close();
}

#define LINE(log, position, topic, n)                                                                                  \
	"{\"log\":\"" log "\",\"position\":" position ",\"index\":0,\"topic\":\"" topic                                \
	"\",\"partition\":2,\"value\":{\"n\":" n "}}\n"

static void only_what_is_asked_for_is_printed(void **state)
{
	const struct offline all = {.all = 1}, topic = {.topic = "a"}, both = {.all = 1, .topic = "a"},
			     none = {.topic = "c"};

	(void)state;
	make_three();
	expect(NULL, 0, LINE(LANE, "1", "b", "1") LINE("topic.0.a", "0", "a", "2"));
	expect(&all, 0, LINE(LANE, "0", "a", "0") LINE(LANE, "1", "b", "1") LINE("topic.0.a", "0", "a", "2"));
	expect(&topic, 0, LINE("topic.0.a", "0", "a", "2"));
	expect(&both, 0, LINE(LANE, "0", "a", "0") LINE("topic.0.a", "0", "a", "2"));
	expect(&none, 0, "");
}

static void a_dead_letter_says_why_and_is_not_among_what_waits(void **state)
{
	struct spool_entry entry = {
		.topic = "a", .partition = 2, .records = 1, .events = 1, .pack = 1, .reason = "MSG_SIZE_TOO_LARGE"};
	const struct offline as_json = {.json = 1};
	struct rig_output output;
	struct slice piece;

	(void)state;
	add(NULL, slice_of("{}"), 0);
	piece = (struct slice){payload, (uint32_t)(at - payload)};
	entry.bytes = piece.len;
	assert_int_equal(spool_log_append(rig_log("dead.0"), &entry, &piece, 1), 0);
	rig_close();
	expect(NULL, 0,
		"{\"log\":\"dead.0\",\"position\":0,\"index\":0,\"topic\":\"a\",\"partition\":2,"
		"\"reason\":\"MSG_SIZE_TOO_LARGE\",\"value\":{}}\n");
	output = rig_run(offline_spool_status, &as_json, NULL);
	assert_int_equal(output.code, 0);
	assert_int_equal(json_integer_value(json_object_get(output.json, "events")), 0);
	assert_int_equal(json_integer_value(json_object_get(output.json, "dead_letters")), 1);
	rig_output_free(&output);
}

static void what_is_damaged_is_skipped_and_counted(void **state)
{
	const struct offline other = {.topic = "c"};
	struct rig_output output;
	uint64_t entries[16];

	(void)state;
	(void)rig_log(LANE);
	rig_append(3, 40);
	rig_close();
	assert_int_equal(rig_entries(LANE, 0, entries, 16), 3);
	rig_flip(LANE, FIRST, entries[1] + 150);
	output = rig_run(offline_spool_export, NULL, NULL);
	assert_int_equal(output.code, 1);
	assert_null(strstr(output.out, "\"position\":1"));
	assert_non_null(strstr(output.out, "\"position\":2,\"index\":2"));
	assert_non_null(strstr(output.err, "lane.0: 1 damaged places were skipped, with 2 unsettled events"));
	rig_output_free(&output);
	expect(&other, 0, ""); /* of another topic nothing is damaged */
}

static void a_payload_that_is_no_records_is_counted(void **state)
{
	struct rig_output output;

	(void)state;
	(void)rig_log(LANE);
	rig_append_payload("a", "\xff\xff\xff\xff\xff\xff\xff", 7, 1, 0);
	rig_close();
	output = rig_run(offline_spool_export, NULL, NULL);
	assert_int_equal(output.code, 1);
	assert_string_equal(output.out, "");
	rig_output_free(&output);
}

static void expect_bad(const char *directory, const char *why)
{
	static offline_run *const runs[] = {offline_spool_status, offline_spool_check, offline_spool_export};
	char path[256], *words[] = {path};
	const struct offline options = {.words = words};

	(void)snprintf(path, sizeof(path), "%s", directory);
	for (unsigned i = 0; i < sizeof(runs) / sizeof(runs[0]); i++) {
		struct rig_output output = rig_run(runs[i], &options, NULL);

		assert_int_equal(output.code, 2);
		assert_string_equal(output.out, "");
		if (strstr(output.err, why) == NULL)
			fail_msg("\"%s\" lacks \"%s\"", output.err, why);
		rig_output_free(&output);
	}
}

static void what_is_no_spool_is_refused_with_a_cure(void **state)
{
	char path[256];
	const char *directory;

	(void)state;
	rig_end();
	directory = rig_begin();
	expect_bad(directory, "is no spool: it holds no lane.N and no topic.P.NAME; expected spool.directory");
	expect_bad("/nowhere", "/nowhere: No such file or directory; expected spool.directory");
	(void)rig_log(LANE);
	rig_append(1, 40);
	rig_close();
	(void)snprintf(path, sizeof(path), "%s/" LANE, directory);
	expect_bad(path, "is one log of a spool: name the directory that it lies in");
	(void)snprintf(path, sizeof(path), "%s/" LANE "/" FIRST, directory);
	expect_bad(path, "Not a directory");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(each_record_is_a_line_of_json, begin, end),
		cmocka_unit_test_setup_teardown(only_what_is_asked_for_is_printed, begin, end),
		cmocka_unit_test_setup_teardown(a_dead_letter_says_why_and_is_not_among_what_waits, begin, end),
		cmocka_unit_test_setup_teardown(what_is_damaged_is_skipped_and_counted, begin, end),
		cmocka_unit_test_setup_teardown(a_payload_that_is_no_records_is_counted, begin, end),
		cmocka_unit_test_setup_teardown(what_is_no_spool_is_refused_with_a_cure, begin, end),
	};

	log_set_level(LOG_ERROR);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
