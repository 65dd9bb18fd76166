/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "egress/latency.h"

static struct latency latency;

static int clear(void **state)
{
	(void)state;
	memset(&latency, 0, sizeof(latency));
	return 0;
}

static void percentile_of_nothing_is_zero(void **state)
{
	(void)state;
	assert_int_equal(latency_percentile(&latency, 99), 0);
}

static void each_value_is_known_to_a_sixteenth(void **state)
{
	uint64_t us = 1;

	(void)state;
	for (; us < (uint64_t)1 << 35; us += us / 7 + 1) {
		uint64_t told;

		clear(NULL);
		latency_add(&latency, us, 3);
		told = latency_percentile(&latency, 50);
		assert_true(told >= us);
		assert_true(told - us <= us / 16);
	}
}

static void value_beyond_the_last_bucket_is_counted_in_it(void **state)
{
	(void)state;
	latency_add(&latency, UINT64_MAX, 1);
	assert_int_equal(latency_percentile(&latency, 50), ((uint64_t)1 << 36) - 1);
}

static void percentiles_split_where_the_counts_do(void **state)
{
	(void)state;
	latency_add(&latency, 10, 90);
	latency_add(&latency, 15, 9);
	latency_add(&latency, 1000000, 1);
	assert_int_equal(latency_percentile(&latency, 50), 10);
	assert_int_equal(latency_percentile(&latency, 90), 10);
	assert_int_equal(latency_percentile(&latency, 99), 15);
	assert_true(latency_percentile(&latency, 100) >= 1000000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(percentile_of_nothing_is_zero, clear),
		cmocka_unit_test_setup(each_value_is_known_to_a_sixteenth, clear),
		cmocka_unit_test_setup(value_beyond_the_last_bucket_is_counted_in_it, clear),
		cmocka_unit_test_setup(percentiles_split_where_the_counts_do, clear),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
