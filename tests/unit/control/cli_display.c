/* SPDX-License-Identifier: Apache-2.0 */
#include "control/cli/display.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>

static void expect(enum display_kind kind, const char *json, const char *text)
{
	json_t *value = json_loads(json, JSON_DECODE_ANY, NULL);
	char *shown = display_value(kind, value);

	assert_non_null(value);
	assert_string_equal(shown, text);
	free(shown);
	json_decref(value);
}

static void counts_have_commas(void **state)
{
	(void)state;
	expect(SHOW_COUNT, "0", "0");
	expect(SHOW_COUNT, "999", "999");
	expect(SHOW_COUNT, "1000", "1,000");
	expect(SHOW_COUNT, "123456", "123,456");
	expect(SHOW_COUNT, "9223372036854775807", "9,223,372,036,854,775,807");
	expect(SHOW_COUNT, "-100", "-100");
	expect(SHOW_COUNT, "-1000", "-1,000");
	expect(SHOW_COUNT, "-9223372036854775808", "-9,223,372,036,854,775,808");
	expect(SHOW_COUNT, "999.5", "1,000");
	expect(SHOW_COUNT, "1e300", "0");
	expect(SHOW_RATE, "1234.4", "1,234/s");
}

static void bytes_have_units(void **state)
{
	(void)state;
	expect(SHOW_BYTES, "1023", "1023 B");
	expect(SHOW_BYTES, "1536", "1.5 KiB");
	expect(SHOW_BYTES, "1073741824", "1.0 GiB");
	expect(SHOW_BYTES, "1e30", "888178419700125.2 PiB");
}

static void times_have_units(void **state)
{
	(void)state;
	expect(SHOW_SECONDS, "59.9", "59 s");
	expect(SHOW_SECONDS, "60", "1 min 0 s");
	expect(SHOW_SECONDS, "3599", "59 min 59 s");
	expect(SHOW_SECONDS, "86399", "23 h 59 min");
	expect(SHOW_SECONDS, "86400", "1 d 0 h");
	expect(SHOW_SECONDS, "-5", "0 s");
	expect(SHOW_SECONDS, "1e300", "0 s");
	expect(SHOW_TIME, "0", "1970-01-01T00:00:00Z");
	expect(SHOW_TIME, "1732245059999999", "2024-11-22T03:10:59Z");
	expect(SHOW_TIME, "\"just now\"", "just now");
}

static void what_is_absent_is_a_dash(void **state)
{
	char *shown = display_value(SHOW_COUNT, NULL);

	(void)state;
	assert_string_equal(shown, "-");
	free(shown);
	expect(SHOW_TEXT, "null", "-");
	expect(SHOW_TEXT, "\"\"", "-");
	expect(SHOW_TEXT, "[]", "-");
	expect(SHOW_TEXT, "{}", "-");
	expect(SHOW_EPOCH, "1732245000", "673ff608");
	expect(SHOW_ADDRESS, "-1", "-");
	expect(SHOW_ADDRESS, "4294967295", "4294967295");
}

static void every_kind_takes_what_it_did_not_expect(void **state)
{
	(void)state;
	expect(SHOW_COUNT, "\"many\"", "many");
	expect(SHOW_TEXT, "12345", "12,345");
	expect(SHOW_TEXT, "true", "yes");
	expect(SHOW_LINK, "true", "up");
	expect(SHOW_LINK, "false", "down");
	expect(SHOW_TEXT, "[\"a\",[1,2],\"b\"]", "a, 1, 2, b");
	expect(SHOW_ADDRESS, "[0,1]", "0,1");
}

static void what_a_terminal_obeys_is_escaped(void **state)
{
	(void)state;
	expect(SHOW_TEXT, "\"a\\u001b[31m\\u007f\\n\"", "a\\x1b[31m\\x7f\\x0a");
	expect(SHOW_TEXT, "\"\\u0080\\u009f\\u00a0\"", "\\xc2\\x80\\xc2\\x9f\xc2\xa0");
	expect(SHOW_TEXT, "\"\\u202a\\u202e\\u202f\"", "\\xe2\\x80\\xaa\\xe2\\x80\\xae\xe2\x80\xaf");
	expect(SHOW_TEXT, "\"\\u2066\\u2069\\u206a\"", "\\xe2\\x81\\xa6\\xe2\\x81\\xa9\xe2\x81\xaa");
	expect(SHOW_TEXT, "\"gr\\u00fc\\u00df\\u20ac\"", "gr\xc3\xbc\xc3\x9f\xe2\x82\xac");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(counts_have_commas),
		cmocka_unit_test(bytes_have_units),
		cmocka_unit_test(times_have_units),
		cmocka_unit_test(what_is_absent_is_a_dash),
		cmocka_unit_test(every_kind_takes_what_it_did_not_expect),
		cmocka_unit_test(what_a_terminal_obeys_is_escaped),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
