/* SPDX-License-Identifier: Apache-2.0 */
/* Several workers and one table: the sums must be exact however the workers are delayed. Run with TSan as well. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "base/rcu.h"
#include "sources_helpers.h"

#define WORKERS 4u

struct arrival {
	uint64_t id, seq;
	uint32_t epoch;
	int heartbeat;
};

struct worker {
	struct sources *table;
	struct arrival *arrivals;
	unsigned count;
	unsigned chunk_ends[256]; /* where the chunks end */
	unsigned chunks;          /* 0: no meeting */
	pthread_barrier_t *meeting;
	uint64_t random;
	uint64_t verdicts[5];
	pthread_t thread;
};

static void dawdle(uint64_t *random)
{
	uint64_t value = random_next(random) >> 40;

	if (value % 64 == 0)
		sched_yield();
	for (volatile unsigned i = 0; i < value % 50; i++)
		;
}

static void worker_send(struct worker *worker, const struct arrival *arrival, uint64_t tsc)
{
	struct frame_header header = {.source_id = arrival->id, .source_epoch = arrival->epoch,
		.sequence = arrival->seq, .flags = arrival->heartbeat ? FRAME_HEARTBEAT : 0};
	struct address from = ipv4(1);

	worker->verdicts[sources_note(worker->table, &from, &header, tsc)]++;
}

static void *worker_main(void *argument)
{
	struct worker *worker = argument;
	unsigned chunk = 0;

	rcu_worker_register();
	for (unsigned i = 0; i < worker->count || chunk < worker->chunks; i++) {
		while (chunk < worker->chunks && i == worker->chunk_ends[chunk]) {
			rcu_worker_offline();
			pthread_barrier_wait(worker->meeting);
			rcu_worker_online();
			chunk++;
		}
		if (i >= worker->count)
			break;
		worker_send(worker, &worker->arrivals[i], i);
		dawdle(&worker->random);
		if (i % 32 == 0)
			rcu_quiescent();
	}
	rcu_worker_unregister();
	return NULL;
}

static struct worker workers[WORKERS];

static void workers_make(struct sources *table, unsigned room, pthread_barrier_t *meeting)
{
	for (unsigned i = 0; i < WORKERS; i++) {
		workers[i] = (struct worker){.table = table, .meeting = meeting, .random = i + 1};
		workers[i].arrivals = calloc(room, sizeof(struct arrival));
		assert_non_null(workers[i].arrivals);
	}
}

static void give(unsigned worker, struct arrival arrival)
{
	workers[worker].arrivals[workers[worker].count++] = arrival;
}

static void workers_start(void)
{
	for (unsigned i = 0; i < WORKERS; i++)
		assert_int_equal(pthread_create(&workers[i].thread, NULL, worker_main, &workers[i]), 0);
}

static uint64_t workers_join(enum sources_verdict verdict)
{
	uint64_t sum = 0;

	for (unsigned i = 0; i < WORKERS; i++) {
		pthread_join(workers[i].thread, NULL);
		sum += workers[i].verdicts[verdict];
		free(workers[i].arrivals);
	}
	return sum;
}

/* The workers meet after every chunk, of half a window, so that no duplicate outlives the window. */
static void one_sequence_over_four_workers_with_duplicates_is_exact(void **state)
{
	enum { WINDOW = 512, CHUNK = 128, CHUNKS = 200 };
	struct sources *table = table_new(4, WINDOW, NEVER);
	uint64_t random = 99, seq = UINT64_MAX - CHUNK * CHUNKS / 2, sent = 1, duplicates = 0;
	pthread_barrier_t meeting;
	struct sources_row row;

	(void)state;
	assert_int_equal(pthread_barrier_init(&meeting, NULL, WORKERS), 0);
	workers_make(table, CHUNK * CHUNKS * 3, &meeting);
	send_seq(table, seq - 1);
	for (unsigned chunk = 0; chunk < CHUNKS; chunk++) {
		for (unsigned i = 0; i < CHUNK; i++, seq++) {
			struct arrival arrival = {.id = 1, .epoch = 1, .seq = seq};

			if (random_next(&random) >> 33 & 7)
				give(random_next(&random) >> 33 & 3, arrival), sent++;
			else
				continue;
			while ((random_next(&random) >> 33 & 3) == 0)
				give(random_next(&random) >> 33 & 3, arrival), duplicates++;
		}
		for (unsigned i = 0; i < WORKERS; i++)
			workers[i].chunk_ends[workers[i].chunks++] = workers[i].count;
	}
	workers_start();
	assert_int_equal(workers_join(SOURCES_DUPLICATE), duplicates);
	send_heartbeat(table, seq, 0);
	row = row_get(table, 1, 1);
	assert_int_equal(row.received, sent);
	assert_int_equal(row.duplicate, duplicates);
	assert_int_equal(row.expected, CHUNK * CHUNKS + 1);
	assert_int_equal(row.lost, CHUNK * CHUNKS + 1 - sent);
	assert_int_equal(sources_check(table), 0);
	pthread_barrier_destroy(&meeting);
	sources_free(table);
}

/* Nobody waits for anybody, the window is as small as it can be, and a worker may lag by thousands. */
static void one_sequence_over_four_workers_that_never_wait_is_exact(void **state)
{
	enum { SENT = 200000 };
	struct sources *table = table_new(4, SOURCES_WINDOW_MIN, NEVER);
	uint64_t random = 5, sent = 1;
	struct sources_row row;

	(void)state;
	workers_make(table, SENT * 2, NULL);
	send_seq(table, 0);
	for (uint64_t seq = 1; seq < SENT; seq++) {
		struct arrival arrival = {.id = 1, .epoch = 1, .seq = seq};

		if ((random_next(&random) >> 33 & 7) != 0)
			give(random_next(&random) >> 33 & 3, arrival), sent++;
		if ((random_next(&random) >> 33 & 63) == 0)
			give(random_next(&random) >> 33 & 3,
				(struct arrival){.id = 1, .epoch = 1, .seq = seq, .heartbeat = 1});
	}
	workers_start();
	assert_int_equal(workers_join(SOURCES_DUPLICATE), 0);
	send_heartbeat(table, SENT, 0);
	row = row_get(table, 1, 1);
	assert_int_equal(row.received, sent);
	assert_int_equal(row.expected, SENT);
	assert_int_equal(row.lost, SENT - sent);
	assert_int_equal(sources_check(table), 0);
	sources_free(table);
}

/* Every worker sees every source first: one account each, and a restart is one restart. */
static void workers_that_meet_a_source_at_once_make_one_account(void **state)
{
	enum { IDS = 300, EPOCHS = 3, EACH = 4 };
	struct sources *table = table_new(16384, 64, NEVER);
	struct sources_totals totals;
	pthread_barrier_t meeting;

	(void)state;
	assert_int_equal(pthread_barrier_init(&meeting, NULL, WORKERS), 0);
	workers_make(table, IDS * EPOCHS * EACH, &meeting);
	for (unsigned w = 0; w < WORKERS; w++) {
		for (uint32_t epoch = 1; epoch <= EPOCHS; epoch++) {
			for (uint64_t id = 0; id < IDS; id++)
				for (unsigned n = 0; n < EACH; n++)
					give(w, (struct arrival){.id = id, .epoch = epoch, .seq = 64 + n * WORKERS + w});
			workers[w].chunk_ends[workers[w].chunks++] = workers[w].count;
		}
	}
	workers_start();
	assert_int_equal(workers_join(SOURCES_UNTRACKED), 0);
	totals = totals_get(table);
	assert_int_equal(totals.tracked, IDS * EPOCHS);
	assert_int_equal(totals.restarted, IDS * (EPOCHS - 1));
	assert_int_equal(totals.received, IDS * EPOCHS * EACH * WORKERS);
	assert_int_equal(totals.duplicate, 0);
	assert_int_equal(totals.lost, 0);
	assert_int_equal(sources_check(table), 0);
	pthread_barrier_destroy(&meeting);
	sources_free(table);
}

static atomic_int stop_control;

/* Retires whatever it can, busy or not, and reads all the time. */
static void *control_main(void *argument)
{
	struct sources *table = argument;
	uint64_t *retired = calloc(1, sizeof(*retired));
	struct sources_totals totals;

	while (retired != NULL && !atomic_load(&stop_control)) {
		*retired += sources_retire(table, NEVER, NULL);
		(void)sources_totals(table, &totals, NULL);
		sched_yield();
	}
	return retired;
}

static int use_row(void *context, const struct sources_row *row)
{
	*(uint64_t *)context += row->received + row->id + row->address.bytes[0];
	return 0;
}

/* Shows accounts to somebody while another control thread retires them. */
static void *reader_main(void *argument)
{
	struct sources *table = argument;
	uint64_t *sum = calloc(1, sizeof(*sum));
	struct sources_totals totals;

	while (sum != NULL && !atomic_load(&stop_control)) {
		(void)sources_read(table, use_row, sum);
		(void)sources_totals(table, &totals, NULL);
		sched_yield();
	}
	return sum;
}

static void accounts_that_retire_under_busy_workers_lose_no_count(void **state)
{
	enum { SENT = 100000, IDS = 7 };
	struct sources *table = table_new(64, 64, NEVER);
	struct sources_totals totals;
	uint64_t untracked, *retired, *sum;
	pthread_t control, reader;

	(void)state;
	atomic_store(&stop_control, 0);
	workers_make(table, SENT, NULL);
	for (unsigned w = 0; w < WORKERS; w++)
		for (unsigned i = 0; i < SENT; i++)
			give(w, (struct arrival){.id = i % IDS, .epoch = 1 + i / 20000, .seq = i * WORKERS + w});
	assert_int_equal(pthread_create(&control, NULL, control_main, table), 0);
	assert_int_equal(pthread_create(&reader, NULL, reader_main, table), 0);
	workers_start();
	untracked = workers_join(SOURCES_UNTRACKED);
	atomic_store(&stop_control, 1);
	pthread_join(control, (void **)&retired);
	pthread_join(reader, (void **)&sum);
	free(sum);
	assert_non_null(retired);
	totals = totals_get(table);
	assert_int_equal(totals.received + totals.duplicate, (uint64_t)SENT * WORKERS - untracked);
	assert_int_equal(totals.untracked, untracked);
	assert_int_equal(totals.expected, totals.received + totals.lost);
	assert_int_equal(totals.retired, *retired);
	assert_true(*retired > 0);
	assert_int_equal(sources_check(table), 0);
	free(retired);
	while (sources_retire(table, NEVER, NULL) > 0)
		;
	assert_int_equal(totals_get(table).tracked, 0);
	assert_int_equal(totals_get(table).received, totals.received);
	sources_free(table);
}

static _Atomic uint64_t noted;

/* One sender that starts again and again, and others that are there already. */
static void *restarting_main(void *argument)
{
	struct sources *table = argument;
	struct frame_header header = {.source_id = 1};
	struct address from = ipv4(1);

	rcu_worker_register();
	while (!atomic_load(&stop_control)) {
		header.source_epoch++;
		for (header.sequence = 0; header.sequence < 500; header.sequence++) {
			atomic_fetch_add(&noted, 1);
			(void)sources_note(table, &from, &header, 1);
		}
		rcu_quiescent();
	}
	rcu_worker_unregister();
	return NULL;
}

/* Whether it was seen in its place, where it went, or both. */
static void account_that_is_pushed_out_while_all_are_read_counts_once(void **state)
{
	enum { OTHERS = 8000, READS = 400 };
	struct sources *table = table_new(2 * OTHERS, 64, NEVER);
	pthread_t thread;

	(void)state;
	for (uint64_t id = 0; id < OTHERS; id++) {
		struct frame_header header = {.source_id = 2 + id, .source_epoch = 1};
		struct address from = ipv4(1);

		(void)sources_note(table, &from, &header, 1);
	}
	atomic_store(&stop_control, 0);
	atomic_store(&noted, OTHERS);
	assert_int_equal(pthread_create(&thread, NULL, restarting_main, table), 0);
	for (unsigned i = 0; i < READS; i++) {
		struct sources_totals totals;

		(void)sources_totals(table, &totals, NULL);
		assert_in_range(totals.received + totals.untracked, OTHERS, atomic_load(&noted));
		(void)sources_retire(table, 0, NULL);
	}
	atomic_store(&stop_control, 1);
	assert_int_equal(pthread_join(thread, NULL), 0);
	assert_int_equal(totals_get(table).received + totals_get(table).untracked, atomic_load(&noted));
	sources_free(table);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_sequence_over_four_workers_with_duplicates_is_exact),
		cmocka_unit_test(one_sequence_over_four_workers_that_never_wait_is_exact),
		cmocka_unit_test(workers_that_meet_a_source_at_once_make_one_account),
		cmocka_unit_test(accounts_that_retire_under_busy_workers_lose_no_count),
		cmocka_unit_test(account_that_is_pushed_out_while_all_are_read_counts_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
