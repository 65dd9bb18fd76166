/* SPDX-License-Identifier: Apache-2.0 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "tables/quotas.h"

static struct ip_address ip(const char *text)
{
	struct ip_address address;

	assert_int_equal(address_parse((struct slice){(const uint8_t *)text, (uint32_t)strlen(text)}, &address), 0);
	return address;
}

static void add(struct quota *quota, const char *text)
{
	struct ip_address address;
	unsigned length;

	assert_int_equal(
		address_parse_prefix((struct slice){(const uint8_t *)text, (uint32_t)strlen(text)}, &address, &length), 0);
	quota_add_prefix(quota, address, length);
}

static void the_first_entry_that_a_sender_is_in_counts(void **state)
{
	static struct quotas quotas;

	(void)state;
	quotas = (struct quotas){.count = 3};
	add(&quotas.each[0], "10.1.0.0/16");
	add(&quotas.each[0], "2001:db8:1::/48");
	add(&quotas.each[1], "10.0.0.0/8");
	add(&quotas.each[1], "2001:db8::/32");
	add(&quotas.each[1], "fd09::7");
	quotas.each[1].datagrams = 10;
	quotas.each[2].bytes = 2048;
	quotas_seal(&quotas, 1000000000);
	assert_null(quotas_find(&quotas, ip("10.1.255.255"))); /* limits nothing */
	assert_null(quotas_find(&quotas, ip("2001:db8:1:ffff::1")));
	assert_ptr_equal(quotas_find(&quotas, ip("10.2.0.0")), &quotas.each[1]);
	assert_ptr_equal(quotas_find(&quotas, ip("10.0.255.255")), &quotas.each[1]);
	assert_ptr_equal(quotas_find(&quotas, ip("2001:db8:2::")), &quotas.each[1]);
	assert_ptr_equal(quotas_find(&quotas, ip("fd09::7")), &quotas.each[1]);
	assert_ptr_equal(quotas_find(&quotas, ip("fd09::6")), &quotas.each[2]);
	assert_ptr_equal(quotas_find(&quotas, ip("11.0.0.0")), &quotas.each[2]);
	assert_ptr_equal(quotas_find(&quotas, ip("::")), &quotas.each[2]);
	quotas.count = 2;
	assert_null(quotas_find(&quotas, ip("11.0.0.0")));
}

static void a_prefix_may_be_all_or_one_address(void **state)
{
	static struct quotas quotas;

	(void)state;
	quotas = (struct quotas){.count = 2};
	add(&quotas.each[0], "0.0.0.0/0");
	quotas.each[0].datagrams = 1;
	add(&quotas.each[1], "::/0");
	quotas.each[1].datagrams = 1;
	quotas_seal(&quotas, 1000);
	assert_ptr_equal(quotas_find(&quotas, ip("0.0.0.0")), &quotas.each[0]);
	assert_ptr_equal(quotas_find(&quotas, ip("255.255.255.255")), &quotas.each[0]);
	assert_ptr_equal(quotas_find(&quotas, ip("::")), &quotas.each[1]);
	assert_ptr_equal(quotas_find(&quotas, ip("ffff::1")), &quotas.each[1]);
}

static void the_dearer_of_both_limits_counts(void **state)
{
	static struct quotas quotas;
	const struct quota *quota = &quotas.each[0];

	(void)state;
	quotas = (struct quotas){.count = 1, .each[0] = {.datagrams = 1000, .bytes = 1000000, .burst_us = 2000000}};
	quotas_seal(&quotas, 2000000000);
	assert_int_equal(quota_cost(quota, 0), 2000000);
	assert_int_equal(quota_cost(quota, 1000), 2000000);
	assert_int_equal(quota_cost(quota, 1001), 2002000);
	assert_int_equal(quota_cost(quota, 65535), 131070000);
	assert_int_equal(quota->burst_ticks, 4000000000);
}

/* Or it would never be taken. */
static void the_longest_datagram_fits_into_a_burst(void **state)
{
	static struct quotas quotas;
	const struct quota *quota = &quotas.each[0];

	(void)state;
	quotas = (struct quotas){.count = 1, .each[0] = {.bytes = QUOTA_BYTES_MIN, .burst_us = 1000}};
	quotas_seal(&quotas, UINT64_C(5000000000));
	assert_int_equal(quota->burst_ticks, quota_cost(quota, 65535));
	assert_in_range(quota->burst_ticks, UINT64_C(5000000000) * 63, UINT64_C(5000000000) * 64);
}

static void the_largest_rates_still_cost_something(void **state)
{
	static struct quotas quotas;

	(void)state;
	quotas = (struct quotas){.count = 1, .each[0] = {.datagrams = QUOTA_RATE_MAX}};
	quotas_seal(&quotas, 1000000000);
	assert_int_equal(quota_cost(&quotas.each[0], 65535), 100);
	quotas.each[0] = (struct quota){.bytes = QUOTA_BYTES_MAX};
	quotas_seal(&quotas, 1000000000);
	assert_in_range(quota_cost(&quotas.each[0], 65535), 58, 60);
	assert_non_null(quotas_find(&quotas, ip("10.0.0.1")));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_first_entry_that_a_sender_is_in_counts),
		cmocka_unit_test(a_prefix_may_be_all_or_one_address),
		cmocka_unit_test(the_dearer_of_both_limits_counts),
		cmocka_unit_test(the_longest_datagram_fits_into_a_burst),
		cmocka_unit_test(the_largest_rates_still_cost_something),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
