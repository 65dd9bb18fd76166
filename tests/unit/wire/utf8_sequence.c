/* SPDX-License-Identifier: Apache-2.0 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "wire/utf8.h"

static int is_scalar_value(uint32_t code_point)
{
	return code_point < 0xD800 || (code_point > 0xDFFF && code_point <= 0x10FFFF);
}

/* The code point of an encoding, by arithmetic alone: no rule about which are allowed. */
static uint32_t decode(const uint8_t *bytes, int len)
{
	uint32_t code_point = len == 1 ? bytes[0] : bytes[0] & (0x7Fu >> len);

	for (int i = 1; i < len; i++)
		code_point = code_point << 6 | (bytes[i] & 0x3Fu);
	return code_point;
}

static void every_scalar_value_goes_there_and_back(void **state)
{
	(void)state;
	for (uint32_t code_point = 0; code_point <= 0x10FFFF; code_point++) {
		uint8_t bytes[UTF8_MAX];
		int len;

		if (!is_scalar_value(code_point))
			continue;
		len = (int)utf8_encode(bytes, code_point);
		assert_int_equal(utf8_sequence(bytes, UTF8_MAX), len);
		assert_int_equal(decode(bytes, len), code_point);
		for (int cut = 1; cut < len; cut++)
			assert_int_equal(utf8_sequence(bytes, (uint32_t)cut), 0);
	}
}

/* All sequences of three bytes (the fourth fixed): what is taken is the shortest encoding of a scalar value. */
static void nothing_else_is_taken(void **state)
{
	(void)state;
	for (uint32_t i = 0; i < 1u << 24; i++) {
		uint8_t bytes[UTF8_MAX] = {(uint8_t)(i >> 16), (uint8_t)(i >> 8), (uint8_t)i, 0x80}, again[UTF8_MAX];
		int len = utf8_sequence(bytes, UTF8_MAX);

		if (len == -1)
			continue;
		assert_in_range(len, 1, 4);
		assert_true(is_scalar_value(decode(bytes, len)));
		assert_int_equal(utf8_encode(again, decode(bytes, len)), len);
		assert_memory_equal(bytes, again, (size_t)len);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_scalar_value_goes_there_and_back),
		cmocka_unit_test(nothing_else_is_taken),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
