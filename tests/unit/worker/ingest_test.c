/* SPDX-License-Identifier: Apache-2.0 */
/* What the ingest member is put together from, against the C library's own rendering. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "worker/ingest.h"

static const int64_t times[] = {0, 9, 10, 99, 100, -1, -100, 999999999999999, 1000000000000000, 1000000000000001,
	1763779650123456, 1999999900000000, 1234567800000009, 9999999999999999, 10000000000000000, INT64_MAX,
	INT64_MIN};

static void event_times_are_rendered_whatever_their_length(void **state)
{
	(void)state;
	for (unsigned i = 0; i < sizeof(times) / sizeof(times[0]); i++) {
		char out[INGEST_END], expected[64];

		for (int late = 0; late < 2; late++) {
			unsigned n = ingest_end_time(out, times[i], late);

			(void)snprintf(
				expected, sizeof(expected), ",%" PRId64 "%s]}", times[i], late ? ",\"late\"" : "");
			assert_int_equal(n, strlen(expected));
			assert_memory_equal(out, expected, n);
		}
	}
}

static void heads_have_the_longest_numbers_too(void **state)
{
	char out[INGEST_HEAD], expected[96];
	unsigned n;

	(void)state;
	for (unsigned i = 0; i < sizeof(times) / sizeof(times[0]); i++) {
		n = ingest_head(out, times[i], times[i], UINT32_MAX);
		(void)snprintf(expected, sizeof(expected), "\",%" PRId64 ",%" PRId64 ",4294967295", times[i], times[i]);
		assert_int_equal(n, strlen(expected));
		assert_true(n <= INGEST_HEAD);
		assert_memory_equal(out, expected, n);
	}
}

static void sequences_are_hexadecimal_without_leading_zeros(void **state)
{
	(void)state;
	for (unsigned shift = 0; shift < 64; shift++) {
		const uint64_t values[] = {
			UINT64_C(1) << shift, (UINT64_C(1) << shift) - 1, UINT64_C(0xfedcba9876543210) >> shift};

		for (unsigned i = 0; i < 3; i++) {
			uint8_t out[INGEST_DIGITS];
			char expected[32];
			unsigned digits = ingest_hex_digits(values[i]);

			(void)snprintf(expected, sizeof(expected), "%" PRIx64, values[i]);
			assert_int_equal(digits, strlen(expected));
			ingest_hex(out, values[i], digits);
			assert_memory_equal(out, expected, digits);
		}
	}
}

static void the_longest_prefix_fits(void **state)
{
	char out[INGEST_PREFIX];

	(void)state;
	assert_int_equal(ingest_prefix(out, "a_node_of_16_chr", UINT32_MAX, UINT16_MAX, UINT16_MAX), 48);
	assert_string_equal(out, ",\"ingest\":[\"a_node_of_16_chr-ffffffff-ffff-ffff-");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(event_times_are_rendered_whatever_their_length),
		cmocka_unit_test(heads_have_the_longest_numbers_too),
		cmocka_unit_test(sequences_are_hexadecimal_without_leading_zeros),
		cmocka_unit_test(the_longest_prefix_fits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
