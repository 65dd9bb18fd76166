/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/compiler.h"
#include "wire/number.h"

/* Parses from a heap block of exactly the text's size, so that a sanitizer sees every read beyond it. */
static int parse(const char *text, struct number *number)
{
	size_t len = strlen(text);
	uint8_t *block = malloc(len);
	int result;

	assert_true(len == 0 || block != NULL);
	if (len > 0)
		memcpy(block, text, len);
	result = number_parse((struct slice){block, (uint32_t)len}, number);
	free(block);
	return result;
}

static int compare(const char *left, const char *right)
{
	struct number a = {0, 0}, b = {0, 0};

	if (parse(left, &a) != 0 || parse(right, &b) != 0)
		fail_msg("%s or %s was refused", left, right);
	return number_compare(a, b);
}

static void texts_of_one_number_have_one_key(void **state)
{
	static const char *const same[][6] = {
		{"0", "-0", "0.0", "-0.000", "0e5", "0E-999"},
		{"1", "1.0", "10e-1", "0.1e1", "1E0", "1e+0"},
		{"-12", "-12.0", "-1.2e1", "-120e-1", "-0.012e3", "-1200.0e-2"},
		{"100000000", "1e8", "100000000.0", "0.0001e12", "10e7", "1E+08"},
		{"1234567890123456", "1234567890123456.0", "1.234567890123456e15", "1234567890.123456e6",
			"0.1234567890123456e16", "12345678901234560e-1"},
		{"1e1000000000", "1e1000000001", "1e99999999999999999999999", "1E+1000000000", "1e2000000000",
			"1e18446744073709551616"},
		{"1234567890123456789", "1234567890123456789.9", "12345678901234567899e-1", "1234567890123456789.0001",
			"1.2345678901234567891e18", "1234567890123456789e0"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LENGTH(same); i++)
		for (unsigned j = 1; j < ARRAY_LENGTH(same[0]); j++)
			if (compare(same[i][0], same[i][j]) != 0)
				fail_msg("%s is not %s", same[i][0], same[i][j]);
}

static void keys_rise_with_the_numbers(void **state)
{
	static const char *const rising[] = {"-1e1000000000", "-1e999", "-12345678901234567890123", "-9007199254740993",
		"-9007199254740992", "-100000000", "-99999999", "-10", "-9.99", "-9", "-1.5", "-1", "-0.1", "-0.09",
		"-1e-5", "-1e-999999999", "0", "1e-1000000000", "1e-999999999", "1e-5", "0.00002", "0.09", "0.1",
		"0.11", "0.9", "1", "1.000000000000000001", "2", "9", "10", "11", "99", "100", "999.9", "12345678",
		"123456789", "9007199254740992", "9007199254740993", "90071992547409935e-1", "9007199254740994",
		"99999999999999999", "999999999999999999999", "1e21", "1.5e21", "1e999", "1e1000000000"};

	(void)state;
	for (size_t i = 0; i < ARRAY_LENGTH(rising); i++)
		for (size_t j = 0; j < ARRAY_LENGTH(rising); j++)
			if (compare(rising[i], rising[j]) != (i > j) - (i < j))
				fail_msg("%s and %s", rising[i], rising[j]);
}

static void other_texts_are_refused(void **state)
{
	static const char *const bad[] = {"", "-", "+1", " 1", "1 ", "01", "-01", "00", "1.", ".1", "-.1", "1.e1", "1e",
		"1e+", "1e-", "1e1.0", "1x", "x", "0x10", "1,5", "1:", "/1", "12345678x", "1234567890123456x", "--1",
		"1-", "1e5e", "Infinity", "NaN", "12345/78", "1234:678", "\xB1", "1\xB1", "99999999\xB9"};
	struct number number = {1, 2};

	(void)state;
	for (size_t i = 0; i < ARRAY_LENGTH(bad); i++)
		if (parse(bad[i], &number) != -EINVAL)
			fail_msg("'%s' was accepted", bad[i]);
	assert_true(number.high == 1 && number.low == 2);
}

static uint64_t random_state = 1;

static uint32_t random_below(uint32_t bound)
{
	random_state ^= random_state >> 12;
	random_state ^= random_state << 25;
	random_state ^= random_state >> 27;
	return (uint32_t)((random_state * UINT64_C(0x2545F4914F6CDD1D) >> 33) % bound);
}

/* Whole numbers against the CPU's own comparison, written plainly, with a fraction of zeros or with an exponent. */
static void print_whole(char out[64], int64_t value)
{
	unsigned zeros = random_below(5);

	switch (random_below(3)) {
	case 0:
		snprintf(out, 64, "%lld", (long long)value);
		break;
	case 1:
		snprintf(out, 64, "%lld.%.*s", (long long)value, (int)zeros + 1, "000000");
		break;
	default:
		if (value == 0)
			snprintf(out, 64, "0e-%u", zeros);
		else
			snprintf(out, 64, "%lld%.*se-%u", (long long)value, (int)zeros, "0000", zeros);
		break;
	}
}

static int64_t random_whole(void)
{
	int64_t value = (int64_t)random_below(1u << 30) << 30 | random_below(1u << 30);

	value >>= random_below(60);
	return random_below(2) ? -value : value;
}

static void whole_numbers_compare_as_the_machine_does(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 300000; i++) {
		int64_t a = random_whole(), b = random_below(3) ? random_whole() : a + (int64_t)random_below(3) - 1;
		char left[64], right[64];

		print_whole(left, a);
		print_whole(right, b);
		if (compare(left, right) != (a > b) - (a < b))
			fail_msg("%s and %s", left, right);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(texts_of_one_number_have_one_key),
		cmocka_unit_test(keys_rise_with_the_numbers),
		cmocka_unit_test(other_texts_are_refused),
		cmocka_unit_test(whole_numbers_compare_as_the_machine_does),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
