/* SPDX-License-Identifier: Apache-2.0 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/compiler.h"
#include "wire/event_time.h"

enum form { NUMBER = 0, STRING = 1 };

/* Parses from a heap block of exactly the text's size, so that a sanitizer sees every read beyond it. */
static int parse(const char *text, int is_string, int64_t *time_us, int *is_us)
{
	size_t len = strlen(text);
	uint8_t *block = malloc(len);
	int result;

	assert_true(len == 0 || block != NULL);
	if (len > 0)
		memcpy(block, text, len);
	*time_us = -1;
	*is_us = -1;
	result = event_time_parse((struct slice){block, (uint32_t)len}, is_string, time_us, is_us);
	free(block);
	return result;
}

static void check(const char *text, int is_string, int64_t expected_us, int expected_is_us)
{
	int64_t time_us;
	int is_us, result = parse(text, is_string, &time_us, &is_us);

	if (result != 0 || time_us != expected_us || is_us != expected_is_us)
		fail_msg("%s: result %d, %" PRId64 " us (expected %" PRId64 "), is_us %d (expected %d)", text, result,
			time_us, expected_us, is_us, expected_is_us);
}

static void numbers_are_read_by_magnitude(void **state)
{
	(void)state;
	for (int form = NUMBER; form <= STRING; form++) {
		check("0", form, 0, 0);
		check("1", form, 1000000, 0);
		check("1700000000", form, 1700000000000000, 0);
		check("99999999999", form, 99999999999000000, 0);
		check("100000000000", form, 100000000000000, 0);
		check("1700000000123", form, 1700000000123000, 0);
		check("99999999999999", form, 99999999999999000, 0);
		check("100000000000000", form, 100000000000000, form == NUMBER);
		check("1700000000123456", form, 1700000000123456, form == NUMBER);
		check("99999999999999999", form, 99999999999999999, form == NUMBER);
	}
}

static void fractions_are_cut_below_a_microsecond(void **state)
{
	(void)state;
	for (int form = NUMBER; form <= STRING; form++) {
		check("0.5", form, 500000, 0);
		check("1700000000.1", form, 1700000000100000, 0);
		check("1700000000.123456", form, 1700000000123456, 0);
		check("1700000000.1234569", form, 1700000000123456, 0);
		check("1700000000.000000000000000000000000000000001", form, 1700000000000000, 0);
		check("1700000000123.4", form, 1700000000123400, 0);
		check("1700000000123.4567", form, 1700000000123456, 0);
		check("1700000000123456.9", form, 1700000000123456, 0);
	}
}

static void rfc3339_is_read_in_strings(void **state)
{
	(void)state;
	check("1970-01-01T00:00:00Z", STRING, 0, 0);
	check("2023-11-14T22:13:20Z", STRING, 1700000000000000, 0);
	check("2023-11-14t22:13:20z", STRING, 1700000000000000, 0);
	check("2023-11-14 22:13:20Z", STRING, 1700000000000000, 0);
	check("2023-11-14T22:13:20.5Z", STRING, 1700000000500000, 0);
	check("2023-11-14T22:13:20.123456789Z", STRING, 1700000000123456, 0);
	check("2023-11-14T23:13:20+01:00", STRING, 1700000000000000, 0);
	check("2023-11-14T16:43:20.000001-05:30", STRING, 1700000000000001, 0);
	check("2023-11-15T22:12:20+23:59", STRING, 1700000000000000, 0);
	check("2024-02-29T00:00:00Z", STRING, 1709164800000000, 0);
	check("2000-02-29T00:00:00Z", STRING, 951782400000000, 0);
	check("2016-12-31T23:59:60Z", STRING, 1483228800000000, 0);
	check("2017-01-01T00:59:60.25+01:00", STRING, 1483228800250000, 0);
	check("9999-12-31T23:59:59.999999Z", STRING, 253402300799999999, 0);
}

static void everything_else_is_refused(void **state)
{
	static const char *const texts[] = {
		"", " ", "-1", "+1", "00", "01", "01700000000", ".5", "1.", "1.x", "1.5.5", "1e9", "1.7e9", "0x10", "1 ", " 1",
		"100000000000000000", "1700000000000000000", "9223372036854775808", "18446744073709551616",
		"1000000000000000000000000000000000000", "12345678x", "1234567x", "123456789:", "null", "now",
		"2023-11-14", "2023-11-14T22:13:20", "2023-11-14T22:13Z", "2023-11-14T22:13:20.Z", "2023-11-14T22:13:20.1",
		"2023-11-14T22:13:20.1234567890Z", "2023-11-14T22:13:20,5Z", "2023-11-14T22:13:20ZZ", "2023-11-14T22:13:20Z ",
		"2023-11-14T22:13:20+0100", "2023-11-14T22:13:20+01", "2023-11-14T22:13:20+24:00", "2023-11-14T22:13:20+01:60",
		"2023-11-14T22:13:20*01:00", "2023-11-14T22:13:20+01-00", "2023-11-14_22:13:20Z", "2023-11-14T22-13:20Z",
		"2023-11-14T22:13-20Z", "2023/11-14T22:13:20Z", "2023-11/14T22:13:20Z", "2023-00-14T22:13:20Z",
		"2023-13-14T22:13:20Z", "2023-11-00T22:13:20Z", "2023-11-31T22:13:20Z", "2023-02-29T22:13:20Z",
		"1900-02-29T00:00:00Z", "2100-02-29T00:00:00Z", "2023-11-14T24:00:00Z", "2023-11-14T22:60:20Z",
		"2023-11-14T22:13:61Z", "2023-11-14T22:13:60Z", "2016-12-31T23:59:60+01:00", "1969-12-31T23:59:59Z",
		"1970-01-01T00:00:00+00:01", "9999-12-31T23:59:59-00:01", "0000-01-01T00:00:00Z", "202a-11-14T22:13:20Z",
		"2023-11-14T22:13:2xZ", "20231114T221320Z00000", "2023-11-14T22:13:20Y",
	};
	int64_t time_us;
	int is_us;

	(void)state;
	for (size_t i = 0; i < ARRAY_LENGTH(texts); i++)
		for (int form = NUMBER; form <= STRING; form++)
			if (parse(texts[i], form, &time_us, &is_us) != -EINVAL || is_us != 0)
				fail_msg("'%s' was accepted: %" PRId64, texts[i], time_us);
	assert_int_equal(parse("2023-11-14T22:13:20Z", NUMBER, &time_us, &is_us), -EINVAL);
}

/* libc's calendar is the reference; a prime step meets every day of the week, month and leap rule. */
static void rfc3339_agrees_with_libc(void **state)
{
	(void)state;
	for (int64_t seconds = 0; seconds < 253402300800; seconds += 9999991) {
		char text[64];
		struct tm tm;
		time_t t = (time_t)seconds;

		assert_non_null(gmtime_r(&t, &tm));
		assert_true(strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%SZ", &tm) == 20);
		check(text, STRING, seconds * 1000000, 0);
	}
}

static void every_prefix_of_a_time_is_read_without_overrun(void **state)
{
	static const char full[] = "2023-11-14T22:13:20.123456789+01:00";
	char text[sizeof(full)];
	int64_t time_us;
	int is_us;

	(void)state;
	for (size_t len = 5; len < sizeof(full) - 1; len++) {
		memcpy(text, full, len);
		text[len] = '\0';
		assert_int_equal(parse(text, STRING, &time_us, &is_us), -EINVAL);
	}
	assert_int_equal(parse(full, STRING, &time_us, &is_us), 0);
}

static void digits_agree_with_libc(void **state)
{
	uint64_t value = 0;

	(void)state;
	for (int i = 0; i < 4000; i++) {
		uint8_t out[EVENT_TIME_DIGITS];
		char expected[32];
		unsigned len = event_time_digits(out, value);

		assert_int_equal(len, snprintf(expected, sizeof(expected), "%" PRIu64, value));
		assert_memory_equal(out, expected, len);
		value = i < 1200 ? value + 1 : i == 3998 ? UINT64_MAX : value * 3 + (uint64_t)i;
	}
}

static void plain_numbers_of_all_lengths_are_read_whole(void **state)
{
	static const char digits[] = "12345678901234567";

	(void)state;
	for (size_t len = 1; len < sizeof(digits); len++) {
		char text[sizeof(digits)];
		uint64_t value;

		(void)snprintf(text, sizeof(text), "%.*s", (int)len, digits);
		value = strtoull(text, NULL, 10);
		check(text, NUMBER, (int64_t)(value * (len <= 11 ? 1000000 : len <= 14 ? 1000 : 1)), len > 14);
		for (size_t at = 0; at < len; at++)
			for (const char *wrong = "/:a- \x80"; *wrong != '\0'; wrong++) {
				char damaged[sizeof(text)];
				int64_t time_us;
				int is_us;

				memcpy(damaged, text, sizeof(text));
				damaged[at] = *wrong;
				assert_int_equal(parse(damaged, NUMBER, &time_us, &is_us), -EINVAL);
			}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(plain_numbers_of_all_lengths_are_read_whole),
		cmocka_unit_test(numbers_are_read_by_magnitude),
		cmocka_unit_test(fractions_are_cut_below_a_microsecond),
		cmocka_unit_test(rfc3339_is_read_in_strings),
		cmocka_unit_test(everything_else_is_refused),
		cmocka_unit_test(rfc3339_agrees_with_libc),
		cmocka_unit_test(every_prefix_of_a_time_is_read_without_overrun),
		cmocka_unit_test(digits_agree_with_libc),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
