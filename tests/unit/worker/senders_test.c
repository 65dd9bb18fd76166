/* SPDX-License-Identifier: Apache-2.0 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "base/memory.h"
#include "sources_helpers.h"
#include "worker/senders.h"

#define HZ UINT64_C(1000000000)

static const uint64_t secret[2] = {1, 2};

static struct senders *senders_of(uint32_t count)
{
	struct senders_config config = {.count = count, .node = MEMORY_ANY_NODE, .secret = secret};
	struct senders *senders;

	assert_int_equal(senders_new(&senders, &config), 0);
	return senders;
}

static const struct quota *quota_of(uint64_t datagrams, uint64_t bytes, uint64_t burst_us)
{
	static struct quotas quotas;

	quotas = (struct quotas){.count = 1, .each[0] = {.datagrams = datagrams, .bytes = bytes, .burst_us = burst_us}};
	quotas_seal(&quotas, HZ);
	return &quotas.each[0];
}

/* Of `count` datagrams at once, how many are taken. */
static unsigned taken(struct senders *senders, uint32_t sender, uint32_t len, const struct quota *quota, unsigned count,
	uint64_t tsc)
{
	struct address from = ipv4(sender);
	unsigned n = 0;

	for (unsigned i = 0; i < count; i++)
		n += (unsigned)senders_charge(senders, &from, len, quota, tsc);
	return n;
}

struct found {
	struct senders_row rows[64];
	unsigned count;
};

static int keep(void *context, const struct senders_row *row)
{
	struct found *found = context;

	assert_in_range(found->count, 0, 63);
	found->rows[found->count++] = *row;
	return 0;
}

static struct found read_all(const struct senders *senders)
{
	struct found found = {.count = 0};

	assert_int_equal(senders_read(senders, keep, &found), 0);
	return found;
}

static void a_sender_gets_its_burst_and_then_its_rate(void **state)
{
	struct senders *senders = senders_of(64);
	const struct quota *quota = quota_of(1000, 0, 500000);

	(void)state;
	assert_int_equal(taken(senders, 1, 100, quota, 800, HZ), 500);
	assert_int_equal(taken(senders, 1, 100, quota, 8, HZ + 999999), 0);
	assert_int_equal(taken(senders, 1, 100, quota, 8, HZ + 1000000), 1);
	assert_int_equal(taken(senders, 1, 100, quota, 800, HZ + 201000000), 200);
	assert_int_equal(taken(senders, 1, 100, quota, 800, 9 * HZ), 500); /* however long it was silent */
	senders_free(senders);
}

static void bytes_count_as_they_come(void **state)
{
	struct senders *senders = senders_of(64);
	const struct quota *quota = quota_of(0, 1000000, 1000000);

	(void)state;
	assert_int_equal(taken(senders, 1, 50000, quota, 30, HZ), 20);
	assert_int_equal(taken(senders, 1, 0, quota, 30, HZ), 30);
	assert_int_equal(taken(senders, 2, 1000, quota, 3000, HZ), 1000);
	quota = quota_of(0, 1024, 1000); /* a long one is taken after a silence */
	assert_int_equal(taken(senders, 3, 65507, quota, 2, HZ), 1);
	assert_int_equal(taken(senders, 3, 1, quota, 200, HZ), 28);
	senders_free(senders);
}

static void what_is_dropped_is_told_by_sender(void **state)
{
	struct senders *senders = senders_of(64);
	const struct quota *quota = quota_of(10, 0, 1000000);
	struct address six = {.family = ADDRESS_IPV6, .bytes = {0xfd, 9, [15] = 7}};
	struct found found;

	(void)state;
	assert_int_equal(taken(senders, 1, 100, quota, 10, HZ), 10);
	assert_int_equal(taken(senders, 2, 100, quota, 13, HZ), 10);
	for (unsigned i = 0; i < 14; i++)
		assert_int_equal(senders_charge(senders, &six, 7, quota, 2 * HZ), i < 10);
	found = read_all(senders);
	assert_int_equal(found.count, 2);
	if (found.rows[0].address.family == ADDRESS_IPV6) {
		struct senders_row first = found.rows[0];

		found.rows[0] = found.rows[1];
		found.rows[1] = first;
	}
	assert_int_equal(found.rows[0].dropped, 3);
	assert_int_equal(found.rows[0].bytes, 300);
	assert_int_equal(found.rows[0].last_tsc, HZ);
	assert_memory_equal(found.rows[0].address.bytes, ipv4(2).bytes, 16);
	assert_int_equal(found.rows[0].address.family, ADDRESS_IPV4);
	assert_int_equal(found.rows[1].dropped, 4);
	assert_int_equal(found.rows[1].bytes, 28);
	assert_memory_equal(found.rows[1].address.bytes, six.bytes, 16);
	assert_int_equal(senders_unlimited(senders), 0);
	senders_free(senders);
}

/* What was dropped of the sender that had it before is not told of the new one. */
static void a_place_that_is_taken_over_begins_at_nothing(void **state)
{
	struct senders *senders = senders_of(16);
	const struct quota *quota = quota_of(10, 0, 1000000);
	unsigned told = 0;
	struct found found;

	(void)state;
	for (unsigned from = 1; from <= 60; from++)
		(void)taken(senders, from, 100, quota, 13, HZ);
	assert_int_equal(taken(senders, 100, 100, quota, 11, 100 * HZ), 10);
	found = read_all(senders);
	assert_int_equal(found.count, 16);
	for (unsigned i = 0; i < found.count; i++)
		if (found.rows[i].last_tsc == 100 * HZ) {
			assert_int_equal(found.rows[i].dropped, 1);
			assert_int_equal(found.rows[i].bytes, 100);
			told++;
		}
	assert_int_equal(told, 1);
	senders_free(senders);
}

/* Where eight senders of a place are ahead of the clock, the ninth is unlimited; later it gets the place of one of which nothing
 * was dropped. */
static void a_full_table_limits_those_it_has(void **state)
{
	struct senders *senders = senders_of(16);
	const struct quota *quota = quota_of(10, 0, 1000000);
	unsigned limited = 0;
	struct found found;

	(void)state;
	for (uint32_t i = 1; i <= 60; i++)
		limited += taken(senders, i, 100, quota, 11, HZ) == 10;
	assert_int_equal(limited, 16);
	assert_int_equal(senders_unlimited(senders), (60 - 16) * 11);
	found = read_all(senders);
	assert_int_equal(found.count, 16);
	for (uint32_t i = 61; i <= 70; i++) /* in time that all before have used up */
		assert_int_equal(taken(senders, i, 100, quota, 5, HZ), 5);
	assert_int_equal(read_all(senders).count, 16);
	for (uint32_t i = 101; i <= 160; i++)
		assert_int_equal(taken(senders, i, 100, quota, 1, 3 * HZ), 1);
	assert_int_equal(read_all(senders).count, 0); /* of sixteen there is room for no more than sixteen */
	senders_free(senders);
}

static void the_count_of_drops_is_kept_while_others_can_give_way(void **state)
{
	struct senders *senders = senders_of(16);
	const struct quota *quota = quota_of(10, 0, 1000000);

	(void)state;
	assert_int_equal(taken(senders, 1, 100, quota, 11, HZ), 10);
	for (uint32_t i = 100; i < 1100; i++)
		assert_int_equal(taken(senders, i, 100, quota, 1, 3 * HZ + i * HZ), 1);
	assert_int_equal(read_all(senders).count, 1);
	assert_int_equal(senders_unlimited(senders), 0);
	senders_free(senders);
}

/* The same as a bucket that leaks by the clock. */
struct leak {
	uint64_t level, at;
};

static int leak_takes(struct leak *leak, const struct quota *quota, uint32_t len, uint64_t tsc)
{
	uint64_t gone = tsc - leak->at, level = leak->level > gone ? leak->level - gone : 0;

	leak->level = level;
	leak->at = tsc;
	if (level + quota_cost(quota, len) > quota->burst_ticks)
		return 0;
	leak->level += quota_cost(quota, len);
	return 1;
}

/* The clock passes 2^64 on the way. */
static void many_arrivals_are_judged_as_by_a_leaking_bucket(void **state)
{
	struct senders *senders = senders_of(1024);
	const struct quota *quota = quota_of(1000, 400000, 20000);
	uint64_t random = 7, tsc = (uint64_t)0 - HZ, took = 0;
	struct leak leaks[16];

	(void)state;
	for (unsigned i = 0; i < 16; i++)
		leaks[i] = (struct leak){.at = tsc};
	for (unsigned i = 0; i < 200000; i++) {
		uint64_t value = random_next(&random);
		uint32_t sender = (uint32_t)(value >> 60), len = (uint32_t)(value >> 40 & 1023);
		struct address from = ipv4(sender);
		int wanted;

		tsc += (value >> 20 & 0xffff) * (value >> 18 & 3);
		wanted = leak_takes(&leaks[sender], quota, len, tsc);
		assert_int_equal(senders_charge(senders, &from, len, quota, tsc), wanted);
		took += (uint64_t)wanted;
	}
	assert_in_range(tsc, HZ, 100 * HZ);
	assert_in_range(took, 20000, 180000);
	senders_free(senders);
}

/* A reload may change it: what a sender has used stays used. */
static void another_quota_goes_on_from_what_is_used(void **state)
{
	struct senders *senders = senders_of(64);

	(void)state;
	assert_int_equal(taken(senders, 1, 100, quota_of(10, 0, 1000000), 20, HZ), 10);
	assert_int_equal(taken(senders, 1, 100, quota_of(1000, 0, 2000000), 2000, HZ), 1000);
	assert_int_equal(taken(senders, 1, 100, quota_of(1000, 0, 1000000), 2000, HZ + HZ / 2), 0);
	senders_free(senders);
}

/* What was used under a quota with a longer burst counts as that of the present one. */
static void a_shorter_burst_is_waited_for_at_the_most(void **state)
{
	struct senders *senders = senders_of(16);
	uint64_t tsc = 1000 * HZ;

	(void)state;
	assert_int_equal(taken(senders, 1, 100, quota_of(1, 0, 3600000000), 1000, tsc), 1000);
	assert_int_equal(taken(senders, 1, 100, quota_of(1000, 0, 1000000), 1, tsc), 0);
	assert_int_equal(taken(senders, 1, 100, quota_of(1000, 0, 1000000), 2000, tsc + HZ / 2), 500);
	assert_int_equal(taken(senders, 1, 100, quota_of(1000, 0, 1000000), 2000, tsc + 3 * HZ), 1000);
	senders_free(senders);
}

static void sizes_that_are_none_are_refused(void **state)
{
	static const uint32_t counts[] = {0, 8, 17, 48, SENDERS_MAX * 2};
	struct senders *senders;

	(void)state;
	for (unsigned i = 0; i < sizeof(counts) / sizeof(counts[0]); i++)
		assert_int_equal(senders_new(&senders, &(struct senders_config){.count = counts[i]}), -22);
	senders_free(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_sender_gets_its_burst_and_then_its_rate),
		cmocka_unit_test(bytes_count_as_they_come),
		cmocka_unit_test(a_place_that_is_taken_over_begins_at_nothing),
		cmocka_unit_test(what_is_dropped_is_told_by_sender),
		cmocka_unit_test(a_full_table_limits_those_it_has),
		cmocka_unit_test(the_count_of_drops_is_kept_while_others_can_give_way),
		cmocka_unit_test(many_arrivals_are_judged_as_by_a_leaking_bucket),
		cmocka_unit_test(another_quota_goes_on_from_what_is_used),
		cmocka_unit_test(a_shorter_burst_is_waited_for_at_the_most),
		cmocka_unit_test(sizes_that_are_none_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
