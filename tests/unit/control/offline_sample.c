/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "control/offline/sample.h"

/* Reads a line on a heap block of its own size, so that an overrun is seen. */
struct read {
	uint8_t *line;
	struct sample sample;
	struct error error;
	int rc;
};

static struct read read_line(const char *text)
{
	uint32_t len = (uint32_t)strlen(text);
	struct read read = {.line = malloc(len > 0 ? len : 1)};

	assert_non_null(read.line);
	memcpy(read.line, text, len);
	read.rc = sample_read(&read.sample, (struct slice){read.line, len}, "type", &read.error);
	return read;
}

static void read_free(struct read *read)
{
	sample_fini(&read->sample);
	free(read->line);
}

static void expect_slice(struct slice slice, const char *text)
{
	if (text == NULL) {
		assert_null(slice.data);
		return;
	}
	assert_int_equal(slice.len, strlen(text));
	assert_memory_equal(slice.data, text, slice.len);
}

static void expect_event(const char *line, const char *body, const char *expected)
{
	struct read read = read_line(line);

	assert_int_equal(read.rc, 0);
	expect_slice(read.sample.event.body, body);
	expect_slice(read.sample.expect, expected);
	read_free(&read);
}

static void a_line_is_an_event_unless_it_is_wrapped(void **state)
{
	static const char *const plain[] = {"{\"type\":\"x\"}", "{}", "{\"type\"", "nonsense", "[{\"event\":1}]",
		"{\"event\":{},\"type\":\"x\"}", "{\"type\":\"x\",\"event\":{},\"event\":{}}", "{\"type\":\"x\",\"event\":{},\"source\":1}",
		"{\"expect\":{}}", "{\"event\":1,\"a\":2}", "{\"event\":\"x\",\"event\":\"y\"}", "{\"source\":\"10.0.0.1\",\"receive\":1}"};

	(void)state;
	for (size_t i = 0; i < sizeof(plain) / sizeof(plain[0]); i++)
		expect_event(plain[i], plain[i], NULL);
	expect_event("{\"event\":{\"a\": 1.0 }}", "{\"a\": 1.0 }", NULL);
	expect_event(" { \"expect\" : {\"topic\":null} , \"event\" : {} } ", "{}", "{\"topic\":null}");
	expect_event("{\"e\\u0076ent\":{\"a\":1,\"a\":2}}", "{\"a\":1,\"a\":2}", NULL);
}

static void a_text_is_what_arrives(void **state)
{
	(void)state;
	expect_event("{\"event\":\"\"}", "", NULL);
	expect_event("{\"event\":\"{\\\"a\\u0022:\\n\"}", "{\"a\":\n", NULL);
}

static void blank_lines_are_passed_over(void **state)
{
	static const char *const blank[] = {"", " ", "\t\r", " \n "};

	(void)state;
	for (size_t i = 0; i < sizeof(blank) / sizeof(blank[0]); i++) {
		struct read read = read_line(blank[i]);

		assert_int_equal(read.rc, 1);
		read_free(&read);
	}
}

static void time_and_source_are_what_is_asked_for(void **state)
{
	struct read read = read_line("{\"event\":{},\"receive\":\"1970-01-01T00:00:02Z\",\"source\":\"2001:db8::7\"}");

	(void)state;
	assert_int_equal(read.rc, 0);
	assert_true(read.sample.event.has_receive);
	assert_int_equal(read.sample.event.receive_us, 2000000);
	assert_true(read.sample.event.source.high == UINT64_C(0x20010db800000000));
	assert_int_equal(read.sample.event.source.low, 7);
	read_free(&read);
	read = read_line("{\"event\":{}}");
	assert_false(read.sample.event.has_receive);
	assert_true(address_compare(read.sample.event.source, address_of_v4(0x7f000001)) == 0);
	read_free(&read);
}

static void what_is_wrong_is_named(void **state)
{
	static const struct {
		const char *line, *why;
	} cases[] = {
		{"{\"event\":null}", "event is neither"},
		{"{\"event\":[]}", "event is neither"},
		{"{\"event\":{},\"expect\":\"kept\"}", "expect is no object"},
		{"{\"event\":{},\"expect\":{},\"typ\":1}", "holds others"},
		{"{\"event\":{},\"expect\":{},\"expect\":{}}", "one of them twice"},
		{"{\"event\":{},\"expected\":{}}", "event has no type beside it"},
		{"{\"event\":{\"type\":\"x\"},\"foo\":1}", "or wrap the event"},
		{"{\"event\":{},\"event\":{}}", "has another member, or one of them twice"},
		{"{\"event\":{},\"receive\":1,\"receive\":1}", "one of them twice"},
		{"{\"event\":{},\"typ\":\"x\"}", "no type beside it"},
		{"{\"event\":{},\"expected\":{}} x", "no type beside it"},
		{"{\"event\":{},\"receive\":true}", "receive is no time"},
		{"{\"event\":{},\"receive\":\"2200-01-01T00:00:00Z\"}", "receive is no time before 2200"},
		{"{\"event\":{},\"source\":7}", "source is no address"},
		{"{\"event\":{},\"source\":\"10.0.0.0/8\"}", "source is no address"},
		{"{\"event\":{},\"expect\":{}} {\"event\":{},\"expect\":{}}", "more than one object in the line"},
		{"{\"event\":{}}{\"type\":\"x\"}", "more than one object in the line"},
		{"{\"event\":{},\"expect\":{}} x", "more than one object in the line"},
		{"{\"event\":{},\"expect\":{}},", "more than one object in the line"},
		{"{\"event\":{},\"expect\":{}} {", "more than one object in the line"},
		{"{\"event\":{},\"expect\":{},\"typ\":1} x", "holds others"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct read read = read_line(cases[i].line);

		assert_int_equal(read.rc, -EINVAL);
		if (strstr(read.error.text, cases[i].why) == NULL)
			fail_msg("%s: %s", cases[i].line, read.error.text);
		read_free(&read);
	}
}

/* An input says which member holds its events' type. */
static void the_type_is_looked_for_where_the_input_has_it(void **state)
{
	static const struct {
		const char *line, *type;
		int rc;
	} cases[] = {
		{"{\"event\":{},\"kind\":\"x\"}", "kind", 0},
		{"{\"event\":{},\"type\":\"x\"}", "kind", -EINVAL},
		{"{\"event\":{},\"x\":1}", "event", -EINVAL},
		{"{\"event\":\"x\",\"x\":1}", "event", 0},
		{"{\"event\":{},\"source\":\"x\",\"x\":1}", "source", 0},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct slice line = {(const uint8_t *)cases[i].line, (uint32_t)strlen(cases[i].line)};
		struct sample sample;
		struct error error;

		assert_int_equal(sample_read(&sample, line, cases[i].type, &error), cases[i].rc);
		sample_fini(&sample);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_line_is_an_event_unless_it_is_wrapped),
		cmocka_unit_test(a_text_is_what_arrives),
		cmocka_unit_test(blank_lines_are_passed_over),
		cmocka_unit_test(time_and_source_are_what_is_asked_for),
		cmocka_unit_test(what_is_wrong_is_named),
		cmocka_unit_test(the_type_is_looked_for_where_the_input_has_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
