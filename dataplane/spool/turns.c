/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <time.h>

#include "base/clock.h"
#include "spool/internal.h"

/* What the spool's thread does, turn by turn: orders, groups that are to be durable, what is read back, commits. */

#define COMMIT_MS 500 /* between two commits of a log's frontier: what is settled in between may be there twice after a crash */
#define RECORD_MS 1000 /* between two lines on what goes on being given up */
#define IDLE_MS   200
#define SLOW_MS   20 /* of one log's sync, from which on orders are taken before the next log's */
#define REST_MS   60000

/* A file is written to until it is full, and takes room of the others meanwhile. */
static int may_rest(const struct spool *spool, const struct shelf *shelf)
{
	unsigned rest_ms = spool->config.rest_ms != 0 ? spool->config.rest_ms : REST_MS;
	int is_time = spool->now_ms < spool->wanted_ms || spool->now_ms - shelf->wrote_ms >= rest_ms;

	return is_time && shelf->pending_count == 0 && counter_read(&shelf->state.segments) != 0;
}

static void commit_one(struct spool *spool, struct shelf *shelf)
{
	int rc;

	if (shelf->failed || shelf->rewritten < shelf->pending_count)
		return;
	if (may_rest(spool, shelf))
		(void)spool_log_rest(shelf->log);
	if (spool_log_retires(shelf->log))
		reached_store(spool);
	rc = spool_log_commit(shelf->log);
	shelf->failed = rc != 0;
	if (rc != 0)
		spool_trouble(spool, "keeping its state", shelf, rc);
	else
		shelf->uncommitted = 0;
	shelf_account(spool, shelf);
	hours_forget_damaged(spool, shelf);
}

/* Between two logs, since each of them may have waited for the disk: orders wait for one sync, not for those of all logs. */
static unsigned take_orders_after(struct spool *spool)
{
	int64_t now_ms = clock_ms();

	if (now_ms - spool->now_ms < SLOW_MS)
		return 0;
	spool->now_ms = now_ms;
	return orders_take(spool);
}

static unsigned group(struct spool *spool)
{
	unsigned taken = 0;

	for (unsigned i = 0; i < spool->shelf_count; i++) {
		shelf_group(spool, spool->shelves[i]);
		taken += take_orders_after(spool);
	}
	return taken;
}

static void record(struct spool *spool)
{
	if (spool->now_ms < spool->record_ms)
		return;
	spool->record_ms = spool->now_ms + RECORD_MS;
	loss_record_all(spool);
}

/* At a pace, and no later than when a pool full of batches has been settled: what a crash repeats is bounded. On a slow disk no
 * more than half of the time goes into it. */
static unsigned commit(struct spool *spool)
{
	int64_t began_ms = spool->now_ms;
	int is_time = began_ms >= spool->commit_ms;
	unsigned taken = 0;

	if (is_time) {
		reached_keep(spool);
		taken += take_orders_after(spool);
	}
	for (unsigned i = 0; i < spool->shelf_count; i++) {
		carry(spool, spool->shelves[i]);
		if (!is_time && spool->shelves[i]->uncommitted < spool->config.batches)
			continue;
		commit_one(spool, spool->shelves[i]);
		taken += take_orders_after(spool);
	}
	if (is_time) {
		int64_t spent_ms = clock_ms() - began_ms;

		spool->commit_ms = began_ms + spent_ms + (spent_ms > COMMIT_MS ? spent_ms : COMMIT_MS);
		policy_look_for_room(spool);
		dead_count_bytes(spool);
		record(spool);
	}
	return taken;
}

/* Until when nothing is due. */
static int64_t next_due(const struct spool *spool)
{
	int64_t due = spool->now_ms + IDLE_MS, more = replay_due(spool);

	if (more != 0 && more < due)
		due = more;

	for (unsigned i = 0; i < spool->shelf_count; i++) {
		const struct shelf *shelf = spool->shelves[i];
		int64_t at = shelf->group_ms > shelf->retry_ms ? shelf->group_ms : shelf->retry_ms;

		if (shelf->pending_count != 0 && at < due)
			due = at;
	}
	return due;
}

static void rest(struct spool *spool)
{
	int64_t due = next_due(spool);
	struct timespec until = {due / 1000, due % 1000 * 1000000};

	while (sem_clockwait(&spool->wake, CLOCK_MONOTONIC, &until) != 0 && errno == EINTR)
		continue;
}

void *spool_main(void *argument)
{
	struct spool *spool = argument;
	unsigned done;

	while (!atomic_load_explicit(&spool->stop, memory_order_acquire)) {
		atomic_fetch_add(&spool->turns, 1);
		spool->now_ms = clock_ms();
		done = orders_take(spool);
		done += group(spool);
		done += exhume_turn(spool);
		done += replay_read(spool);
		done += commit(spool);
		if (done == 0)
			rest(spool);
	}
	while (orders_take(spool) != 0) /* nobody waits for the answers of the last ones, but they are to be obeyed */
		continue;
	loss_record_all(spool);
	loss_record_stopped(spool);
	reached_keep(spool);
	return NULL;
}
