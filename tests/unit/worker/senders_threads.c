/* SPDX-License-Identifier: Apache-2.0 */
/* Several workers and one table of senders: none may send more than its quota over all of them. Run with TSan as well. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <pthread.h>
#include <stdatomic.h>

#include "base/memory.h"
#include "sources_helpers.h"
#include "worker/senders.h"

#define WORKERS   4u
#define SENDERS   8u
#define DATAGRAMS 20000u
#define BURST     5000u

struct worker {
	struct senders *senders;
	const struct quota *quota;
	uint32_t first, count; /* senders, in turn */
	uint64_t step;         /* of the clock, each time */
	unsigned taken[SENDERS];
	pthread_t thread;
};

static void *worker_main(void *argument)
{
	struct worker *worker = argument;

	for (unsigned i = 0; i < DATAGRAMS; i++) {
		struct address from = ipv4(worker->first + i % worker->count);
		int took = senders_charge(worker->senders, &from, 100, worker->quota, 1 + i * worker->step);

		if (worker->count == SENDERS)
			worker->taken[i % SENDERS] += (unsigned)took;
	}
	return NULL;
}

static int count_row(void *context, const struct senders_row *row)
{
	uint64_t *dropped = context;

	assert_in_range(row->address.family, ADDRESS_IPV4, ADDRESS_IPV4);
	*dropped += row->dropped;
	return 0;
}

static struct senders *senders_of(uint32_t count)
{
	struct senders *senders;

	assert_int_equal(senders_new(&senders, &(struct senders_config){.count = count, .node = MEMORY_ANY_NODE}), 0);
	return senders;
}

static const struct quota *quota(void)
{
	static struct quotas quotas;

	quotas = (struct quotas){.count = 1, .each[0] = {.datagrams = 1000, .burst_us = BURST * 1000u}};
	quotas_seal(&quotas, 1000000000);
	return &quotas.each[0];
}

static void run(struct worker *workers, const struct senders *senders)
{
	uint64_t dropped = 0;

	for (unsigned i = 0; i < WORKERS; i++)
		assert_int_equal(pthread_create(&workers[i].thread, NULL, worker_main, &workers[i]), 0);
	for (unsigned i = 0; i < 20; i++)
		(void)senders_read(senders, count_row, &dropped);
	for (unsigned i = 0; i < WORKERS; i++)
		pthread_join(workers[i].thread, NULL);
}

static void a_quota_holds_over_all_workers(void **state)
{
	struct senders *senders = senders_of(1024);
	struct worker workers[WORKERS];
	uint64_t dropped = 0;

	(void)state;
	for (uint32_t i = 0; i < SENDERS; i++) { /* they are known: see senders.h for what two workers make of a new one */
		struct address from = ipv4(i);

		assert_int_equal(senders_charge(senders, &from, 0, quota(), 1), 1);
	}
	for (unsigned i = 0; i < WORKERS; i++)
		workers[i] = (struct worker){.senders = senders, .quota = quota(), .count = SENDERS};
	run(workers, senders);
	for (unsigned s = 0; s < SENDERS; s++) {
		unsigned sum = 1;

		for (unsigned i = 0; i < WORKERS; i++)
			sum += workers[i].taken[s];
		assert_int_equal(sum, BURST);
	}
	(void)senders_read(senders, count_row, &dropped);
	assert_int_equal(dropped, WORKERS * DATAGRAMS - SENDERS * (BURST - 1));
	assert_int_equal(senders_unlimited(senders), 0);
	senders_free(senders);
}

/* Places change hands all the time: nothing is torn, and nothing hangs. */
static void a_small_table_is_fought_for(void **state)
{
	struct senders *senders = senders_of(16);
	struct worker workers[WORKERS];

	(void)state;
	for (unsigned i = 0; i < WORKERS; i++)
		workers[i] = (struct worker){.senders = senders, .quota = quota(), .first = i * 50, .count = 100, .step = 300000};
	run(workers, senders);
	senders_free(senders);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_quota_holds_over_all_workers),
		cmocka_unit_test(a_small_table_is_fought_for),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
