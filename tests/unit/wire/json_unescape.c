/* SPDX-License-Identifier: Apache-2.0 */
#include "json_levels.h"

static int unescape(const char *raw, size_t len, uint8_t *out, uint32_t size)
{
	uint8_t *block = exact_copy(raw, len);
	int result = json_unescape((struct slice){block, (uint32_t)len}, out, size);

	free(block);
	return result;
}

static void check(const char *raw, const char *expected, size_t expected_len)
{
	uint8_t out[64];
	int len = unescape(raw, strlen(raw), out, sizeof(out));

	if (len != (int)expected_len || memcmp(out, expected, expected_len) != 0)
		fail_msg("%s gives %.*s", raw, len > 0 ? len : 0, out);
	assert_true(len <= (int)strlen(raw));
	/* The size it needs is enough, one byte less is not. */
	assert_int_equal(unescape(raw, strlen(raw), out, (uint32_t)len), len);
	if (len > 0)
		assert_int_equal(unescape(raw, strlen(raw), out, (uint32_t)len - 1), -1);
}

static void escapes_become_characters(void **state)
{
	(void)state;
	check("", "", 0);
	check("plain \xc3\xa9", "plain \xc3\xa9", 8);
	check("\\\"\\\\\\/\\b\\f\\n\\r\\t", "\"\\/\b\f\n\r\t", 8);
	check("a\\u0041b", "aAb", 3);
	check("\\u0000", "\0", 1);
	check("\\u007f\\u0080\\u07ff\\u0800\\uffff", "\x7f\xc2\x80\xdf\xbf\xe0\xa0\x80\xef\xbf\xbf", 11);
	check("\\u00E9\\u00e9", "\xc3\xa9\xc3\xa9", 4);
	check("\\ud83d\\ude00", "\xf0\x9f\x98\x80", 4);
	check("\\uD800\\uDC00\\uDBFF\\uDFFF", "\xf0\x90\x80\x80\xf4\x8f\xbf\xbf", 8);
}

static void half_pairs_become_replacement_characters(void **state)
{
	(void)state;
	check("\\ud800", "\xef\xbf\xbd", 3);
	check("\\udfff", "\xef\xbf\xbd", 3);
	check("\\ud800x", "\xef\xbf\xbdx", 4);
	check("\\ud800\\n", "\xef\xbf\xbd\n", 4);
	check("\\ud800\\u0041", "\xef\xbf\xbd" "A", 4);
	check("\\ud800\\ud83d\\ude00", "\xef\xbf\xbd\xf0\x9f\x98\x80", 7);
	check("\\ude00\\ud83d", "\xef\xbf\xbd\xef\xbf\xbd", 6);
}

static void what_is_no_escape_is_refused(void **state)
{
	static const char *const raws[] = {"\\", "a\\", "\\x", "\\u", "\\u1", "\\u12", "\\u123", "\\u123g", "\\u 123", "\\U0041",
		"\\'", "\\0", "\\ud800\\", "\\ud800\\u", "\\ud800\\u12"};
	uint8_t out[64];

	(void)state;
	for (size_t i = 0; i < ARRAY_LENGTH(raws); i++)
		assert_int_equal(unescape(raws[i], strlen(raws[i]), out, sizeof(out)), -1);
	assert_int_equal(unescape("\\\0", 2, out, sizeof(out)), -1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(escapes_become_characters),
		cmocka_unit_test(half_pairs_become_replacement_characters),
		cmocka_unit_test(what_is_no_escape_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
