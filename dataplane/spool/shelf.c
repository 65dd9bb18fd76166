/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/fault.h"
#include "batch/settled.h"
#include "spool/internal.h"

#define RETRY_MS    500  /* after the disk has failed */
#define PATIENCE_MS 2000 /* with a disk that fails, until the memory that waits for it is given back */
#define HURRY_MS    5

static void tell(struct shelf *shelf, const struct spool_log_info *info)
{
	counter_set(&shelf->state.bytes, info->bytes);
	counter_set(&shelf->state.segments, info->segments);
	counter_set(&shelf->state.suspect, info->suspect);
	counter_set(&shelf->state.frontier, info->frontier);
	counter_set(&shelf->state.end, info->end);
}

counter *shelf_gauge(struct spool *spool, const struct shelf *shelf)
{
	if (shelf->is_dead)
		return &spool->counters.dead;
	return shelf->topic >= 0 ? &spool->counters.parked : &spool->counters.spooled;
}

/* What was found in it waits to be delivered. */
static void recovered(struct spool *spool, const struct spool_log_info *info)
{
	if (info->end != info->frontier)
		atomic_fetch_add(&spool->recovering, 1);
	counter_add(&spool->counters.recovered, info->recovered);
}

/* What the disk cannot read is damage, and no reason not to start. */
static int open_log(struct shelf *shelf, const struct spool_log_config *config, struct error *error)
{
	int rc = spool_log_open(&shelf->log, config, error);

	if (rc != -EIO)
		return rc;
	log_write(LOG_ERROR, "%s; what the disk cannot read of it is taken for damaged", error->text);
	shelf->disk->salvage = 1;
	rc = spool_log_open(&shelf->log, config, error);
	shelf->disk->salvage = 0;
	return rc;
}

int shelf_open(struct spool *spool, const char *name, int lane, unsigned class, int topic, struct error *error)
{
	struct shelf *shelf = calloc(1, sizeof(*shelf));
	struct spool_log_config config = {.segment_bytes = spool->config.segment_bytes};
	struct spool_log_info info;
	char path[4096];
	int rc;

	if (shelf == NULL || spool->shelf_count == SPOOL_LOGS) {
		free(shelf);
		return error_set(error, -ENOMEM, "spool: no room for another log");
	}
	(void)snprintf(shelf->name, sizeof(shelf->name), "%s", name);
	(void)snprintf(path, sizeof(path), "%s/%s", spool->directory, name);
	shelf->index = (uint16_t)spool->shelf_count;
	shelf->lane = lane;
	shelf->class = class;
	shelf->topic = topic;
	shelf->is_dead = strncmp(name, SHELF_DEAD, strlen(SHELF_DEAD)) == 0;
	config.no_reserve = shelf->is_dead;
	rc = spool_disk_posix_new(&shelf->disk, path, error);
	config.disk = shelf->disk;
	config.name = shelf->name;
	if (rc == 0)
		rc = open_log(shelf, &config, error);
	if (rc != 0) {
		shelf_close(shelf);
		return rc;
	}
	spool_log_info(shelf->log, &info);
	shelf->recovered_end = shelf->is_dead ? 0 : info.end;
	counter_set(&shelf->state.left_events, info.recovered);
	shelf->damaged = info.damaged;
	shelf->empty = info.empty;
	tell(shelf, &info);
	atomic_init(&shelf->state.left, info.end - info.frontier);
	atomic_init(&shelf->state.go, 0);
	counter_add(shelf_gauge(spool, shelf), info.recovered);
	if (!shelf->is_dead)
		recovered(spool, &info);
	spool->shelves[spool->shelf_count] = shelf;
	return (int)atomic_fetch_add(&spool->shelf_count, 1);
}

void shelf_close(struct shelf *shelf)
{
	spool_log_close(shelf->log);
	spool_disk_posix_free(shelf->disk);
	free(shelf->pending);
	free(shelf->carried);
	exhume_forget(shelf);
	free(shelf);
}

void shelf_take_off(struct spool *spool, struct shelf *shelf, uint64_t events, counter *as)
{
	if (events > counter_read(&shelf->state.left_events))
		events = counter_read(&shelf->state.left_events);
	if (events == 0)
		return;
	if (!shelf->is_dead)
		counter_add(as, events);
	counter_sub(shelf_gauge(spool, shelf), events);
	counter_sub(&shelf->state.left_events, events);
}

/* The frontier has moved from `before`: by what was settled, passed over as damaged, or given up. */
static void moved(struct spool *spool, struct shelf *shelf, uint64_t before)
{
	uint64_t frontier = counter_read(&shelf->state.frontier);

	shelf->ahead = shelf->ahead > frontier - before ? (unsigned)(shelf->ahead - (frontier - before)) : 0;
	if (before < shelf->recovered_end && frontier >= shelf->recovered_end)
		atomic_fetch_sub(&spool->recovering, 1);
}

void shelf_account(struct spool *spool, struct shelf *shelf)
{
	uint64_t before = counter_read(&shelf->state.frontier);
	struct spool_log_info info;

	spool_log_info(shelf->log, &info);
	tell(shelf, &info);
	moved(spool, shelf, before);
	shelf_take_off(spool, shelf, info.damaged - shelf->damaged, &spool->counters.damaged);
	shelf_take_off(spool, shelf, info.empty - shelf->empty, &spool->counters.settled);
	shelf->hours_damaged |= info.damaged != shelf->damaged;
	shelf->damaged = info.damaged;
	shelf->empty = info.empty;
}

static int is_whole(const struct batch *batch)
{
	return batch_unsettled_records(batch) == batch->records;
}

uint32_t shelf_lane_of(const struct batch *batch)
{
	return batch->lane == SPOOL_LANE ? batch->from_lane : batch->lane;
}

int64_t shelf_opened_us(const struct batch *batch)
{
	if (batch->opened_tsc != 0)
		return clock_utc_us(batch->opened_tsc);
	return batch->lane == SPOOL_LANE ? batch->opened_us : 0;
}

static int append(struct spool *spool, struct shelf *shelf, const struct batch *batch, int part, uint64_t *position)
{
	struct slice payload = {batch->data, batch->bytes};
	int rc = part ? shelf_gather(spool, batch, &payload) : 0;
	uint32_t records = part ? batch_unsettled_records(batch) : batch->records;
	struct spool_entry entry = {
		.partition = batch->partition,
		.lane = shelf_lane_of(batch),
		.records = records,
		.events = part ? (uint32_t)batch_unsettled_events(batch) : batch->events,
		.pack = batch->pack,
		.bytes = payload.len,
		.first_seq = batch->first_seq,
		.skipped = batch->skipped + (batch->records - records),
		.hour = batch->hour,
		.opened_us = shelf_opened_us(batch),
		.base_ms = batch->base_ms,
	};

	if (rc != 0)
		return rc;
	if (shelf->is_dead)
		(void)snprintf(entry.reason, sizeof(entry.reason), "%s", batch->reason);
	else if (batch->lane == SPOOL_LANE)
		(void)snprintf(entry.reason, sizeof(entry.reason), "%s", SPOOL_CARRIED);
	(void)snprintf(entry.topic, sizeof(entry.topic), "%s", spool->config.topics->topics[batch->topic].name);
	rc = spool_log_append(shelf->log, &entry, &payload, 1);
	if (rc != 0)
		return rc;
	counter_add(&spool->counters.written, entry.events);
	*position = entry.position;
	return 0;
}

/* Memory that is wanted does not wait for its group: one sync takes all that came during the one before. */
static void hurry(const struct spool *spool, struct shelf *shelf)
{
	int64_t soon = spool->now_ms + HURRY_MS;

	if (shelf->group_ms > soon)
		shelf->group_ms = soon;
}

struct pending *shelf_new_pending(struct shelf *shelf)
{
	unsigned room = shelf->pending_room * 2 + 64;
	struct pending *more;

	if (shelf->pending_count < shelf->pending_room)
		return &shelf->pending[shelf->pending_count];
	more = realloc(shelf->pending, room * sizeof(*more));
	if (more == NULL)
		return NULL;
	shelf->pending = more;
	shelf->pending_room = room;
	return &shelf->pending[shelf->pending_count];
}

int shelf_takes(const struct spool *spool, const struct shelf *shelf)
{
	return !shelf->failed && shelf->rewritten >= shelf->pending_count && spool->now_ms >= shelf->retry_ms;
}

void shelf_fail(const struct spool *spool, struct shelf *shelf, int rc)
{
	if (rc == -ENOBUFS) { /* the disk is well, and the log too long until the next commit, which is not to wait */
		shelf->uncommitted = spool->config.batches;
		return;
	}
	shelf->failed = 1;
	shelf->retry_ms = spool->now_ms + RETRY_MS;
}

/* What has just been appended, after shelf_new_pending. */
void shelf_pend(struct spool *spool, struct shelf *shelf, struct pending pending, uint64_t position)
{
	if (shelf->pending_count == 0)
		shelf->first_pending = position;
	shelf->wrote_ms = spool->now_ms;
	shelf->pending[shelf->pending_count] = pending;
	if (shelf->pending_count++ == 0)
		shelf->group_ms = spool->now_ms + (int64_t)spool->config.sync_us / 1000;
	shelf->rewritten = shelf->pending_count;
}

/* Writes a batch, which stands in no log or (when it is to be parked) in another one. 0 or -errno. */
int shelf_write(struct spool *spool, struct batch *batch, int leave, struct shelf *shelf)
{
	int part = leave && !is_whole(batch), rc;
	uint64_t position;

	if (shelf_new_pending(shelf) == NULL)
		return -ENOMEM;
	if (!shelf_takes(spool, shelf))
		return -EAGAIN;
	if (!shelf->is_dead)
		rc = policy_make_room(spool, policy_class(spool, shelf));
	else
		rc = policy_is_crowded(spool) ? -EDQUOT : 0;
	if (rc != 0)
		return rc;
	rc = append(spool, shelf, batch, part, &position);
	if (rc != 0) {
		shelf_fail(spool, shelf, rc);
		return rc;
	}
	shelf_pend(spool, shelf, (struct pending){.batch = batch, .from = batch->log, .from_position = batch->position,
		.events = part ? (uint32_t)batch_unsettled_events(batch) : batch->events, .leave = (uint8_t)leave,
		.accepted = (uint8_t)!leave, .part = (uint8_t)part}, position);
	if (leave)
		hurry(spool, shelf);
	if (spool_log_unsynced(shelf->log) >= spool->config.sync_bytes && spool->now_ms >= shelf->retry_ms)
		spool->group_full = 1;
	shelf_account(spool, shelf);
	batch->log = shelf->index;
	batch->position = position;
	return 0;
}

/* The entry is durable, and nobody has it in memory. */
static void put_away(struct spool *spool, struct shelf *shelf, struct batch *batch, uint64_t position, uint64_t events)
{
	spool_log_mark(shelf->log, position, SPOOL_ON_DISK);
	if (!shelf->is_dead && position >= shelf->recovered_end)
		hours_add(spool, shelf, batch->hour);
	if (!shelf->is_dead && position < shelf->cursor)
		shelf->cursor = position;
	atomic_fetch_add(&shelf->state.left, 1);
	counter_add(&shelf->state.left_events, events);
	counter_add(shelf_gauge(spool, shelf), events);
	if (shelf->is_dead) {
		dead_put_away(spool, shelf, batch, events);
		return;
	}
	if (batch->lane != SPOOL_LANE) {
		spool_answer(spool, batch, SPOOL_LEFT);
		return;
	}
	atomic_fetch_sub(&spool->counters.returning, events);
	replay_home(spool, batch);
}

static int is_pending(const struct shelf *shelf, uint64_t position)
{
	return shelf->pending_count != 0 && position >= shelf->first_pending;
}

/* It stands in a part of the log that has made room meanwhile: since it was read, or before it was durable. */
static void give_up(struct spool *spool, const struct shelf *shelf, struct batch *batch, uint64_t events)
{
	loss_add_batch(spool, &spool->loss[policy_class(spool, shelf)], batch, events);
	counter_add(&spool->counters.made_room, events);
	if (batch->lane != SPOOL_LANE) {
		spool_answer(spool, batch, SPOOL_LEFT);
		return;
	}
	atomic_fetch_sub(&spool->counters.returning, events);
	replay_home(spool, batch);
}

/* A batch that stands in a log already, and whose memory is wanted. */
void shelf_leave(struct spool *spool, struct batch *batch)
{
	struct shelf *shelf = spool->shelves[batch->log];
	int was_read = batch->lane == SPOOL_LANE, is_counted = was_read && batch->position >= shelf->recovered_end;
	int64_t hour = batch->hour;

	if (was_read)
		shelf->reading--;
	if (batch->position < counter_read(&shelf->state.frontier)) {
		give_up(spool, shelf, batch, batch_unsettled_events(batch));
	} else if (!is_pending(shelf, batch->position)) {
		put_away(spool, shelf, batch, batch->position, batch_unsettled_events(batch));
	} else {
		shelf->pending[batch->position - shelf->first_pending].leave = 1;
		hurry(spool, shelf);
	}
	if (is_counted) /* when it was first put away; the hour stays open until it is again */
		hours_take(spool, shelf, hour);
}

void shelf_settle(struct spool *spool, uint16_t log, uint64_t position, int64_t hour)
{
	struct shelf *shelf = spool->shelves[log];

	if (is_pending(shelf, position))
		shelf->pending[position - shelf->first_pending].batch = NULL;
	else if (hour >= 0 && position >= shelf->recovered_end)
		hours_take(spool, shelf, hour);
	spool_log_mark(shelf->log, position, SPOOL_SETTLED);
	shelf->uncommitted++;
	shelf->ahead++;
	shelf_account(spool, shelf);
}

/* The entry is durable. Its hour is counted here before it is not there: in between it must not seem complete. */
static void release_one(struct spool *spool, struct shelf *shelf, const struct pending *p, uint64_t position)
{
	int was_read;
	int64_t hour;

	if (p->batch == NULL || !p->leave)
		return;
	was_read = p->batch->lane == SPOOL_LANE;
	hour = p->batch->hour;
	if (position < counter_read(&shelf->state.frontier))
		give_up(spool, shelf, p->batch, p->events);
	else
		put_away(spool, shelf, p->batch, position, p->events);
	if (p->from == BATCH_UNLOGGED)
		return;
	FAULT_KILL("spool_park_begin");
	if (was_read)
		spool->shelves[p->from]->reading--;
	shelf_settle(spool, p->from, carry_follow(spool, spool->shelves[p->from], p->from_position), was_read ? hour : -1);
	FAULT_KILL("spool_park_done");
}

/* Of what is pending, the first `count` are durable. */
static void release(struct spool *spool, struct shelf *shelf, unsigned count)
{
	uint64_t first = shelf->first_pending;

	for (unsigned i = 0; i < count; i++)
		release_one(spool, shelf, &shelf->pending[i], first + i);
	shelf->pending_count -= count;
	shelf->rewritten -= count;
	shelf->first_pending += count;
	memmove(shelf->pending, shelf->pending + count, shelf->pending_count * sizeof(shelf->pending[0]));
	if (shelf->pending_count == 0)
		shelf->group_ms = 0;
}

/* After a failed sync: what was not durable is written once more, each entry to the position it had. */
static int rewrite(struct spool *spool, struct shelf *shelf)
{
	uint64_t position;
	int rc = 0;

	while (rc == 0 && shelf->rewritten < shelf->pending_count) {
		struct pending *p = &shelf->pending[shelf->rewritten];

		if (p->batch == NULL) {
			reached_store(spool); /* an empty entry tells of no sequence */
			rc = spool_log_append_empty(shelf->log, p->events);
		} else {
			rc = append(spool, shelf, p->batch, p->part, &position);
		}
		shelf->rewritten += rc == 0;
		FAULT_KILL("spool_rewrite");
	}
	return rc;
}

/* The disk cannot take over what it was left: the batch is as it was, and what is written of it here counts for nothing. */
static void take_back(struct spool *spool, struct shelf *shelf, struct pending *p, uint64_t position)
{
	struct batch *batch = p->batch;

	if (batch == NULL || !p->leave)
		return;
	if (shelf->is_dead)
		return; /* a letter has memory of its own, and nowhere else to go */
	p->leave = 0;
	if (!p->accepted) {
		p->batch = NULL;
		batch->log = p->from;
		batch->position = p->from_position;
		if (batch->log != BATCH_UNLOGGED)
			batch->position = carry_follow(spool, spool->shelves[batch->log], batch->position);
		spool_log_mark(shelf->log, position, SPOOL_SETTLED);
	}
	counter_add(&spool->counters.refused, 1);
	if (batch->lane == SPOOL_LANE)
		shelf_leave(spool, batch);
	else
		spool_answer(spool, batch, SPOOL_REFUSED);
}

/* A disk that fails on and on: what waits for it in memory may go to Kafka from there. */
static void has_failed(struct spool *spool, struct shelf *shelf)
{
	shelf->retry_ms = spool->now_ms + RETRY_MS;
	if (shelf->failing_ms == 0)
		shelf->failing_ms = spool->now_ms;
	if (spool->now_ms - shelf->failing_ms < PATIENCE_MS)
		return;
	for (unsigned i = 0; i < shelf->pending_count; i++)
		take_back(spool, shelf, &shelf->pending[i], shelf->first_pending + i);
}

static int make_durable(struct spool *spool, struct shelf *shelf)
{
	int rc = shelf->failed ? 0 : rewrite(spool, shelf);
	struct spool_log_info info;
	int64_t began_ms;

	shelf->failed = rc != 0;
	if (rc != 0) {
		spool_trouble(spool, "writing", shelf, rc);
		return rc;
	}
	counter_add(&spool->counters.syncs, 1);
	began_ms = clock_ms();
	rc = spool_log_sync(shelf->log);
	spool_slow(spool, shelf, clock_ms() - began_ms);
	spool_log_info(shelf->log, &info);
	shelf->failed = 0;
	if (shelf->pending_count != 0 && info.synced > shelf->first_pending)
		release(spool, shelf, (unsigned)(info.synced - shelf->first_pending));
	carry_durable(spool, shelf, info.synced);
	if (rc == 0 || rc == -EAGAIN)
		return rc;
	carry_undo(spool, shelf);
	counter_add(&spool->counters.sync_failures, 1);
	spool_trouble(spool, "syncing a file, which is not written to again", shelf, rc);
	shelf->rewritten = 0;
	return rc;
}

void shelf_group(struct spool *spool, struct shelf *shelf)
{
	int rc;

	if ((shelf->pending_count == 0 && !shelf->failed) || spool->now_ms < shelf->retry_ms ||
		(!shelf->failed && spool->now_ms < shelf->group_ms && spool_log_unsynced(shelf->log) < spool->config.sync_bytes))
		return;
	rc = make_durable(spool, shelf);
	shelf_account(spool, shelf);
	if (rc != 0)
		has_failed(spool, shelf);
	else if (shelf->pending_count == 0)
		shelf->failing_ms = 0;
}
