/* SPDX-License-Identifier: Apache-2.0 */
#include "spool/spool.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/memory.h"
#include "base/ring.h"
#include "base/thread.h"
#include "batch/settled.h"
#include "spool/internal.h"
#include "spool/lock.h"

#define TURN_ORDERS 4096u /* taken in a row: others have their turn, too */
#define COMMIT_MS   500  /* between two commits of a log's frontier: what is settled in between may be there twice after a crash */
#define TROUBLE_S   60   /* between two lines of one kind: an outage may be long, and concern many logs */
#define RECORD_MS   1000 /* between two lines on what goes on being given up */
#define IDLE_MS     200
#define SLOW_MS     20   /* of one log's sync, from which on orders are taken before the next log's */
#define REST_MS     60000
#define AGAIN_MS    100
#define WANTED_MS   2000 /* after which room that was not there is taken to be wanted no more */
#define STALL_MS    1000 /* of a sync, from which on it is said what the log can take */
/* Thin traffic makes small batches, and many of them have to be on their way at once; larger ones make the pool anew. */
#define REPLAY_BATCH 16384u

void spool_trouble(struct spool *spool, const char *what, const struct shelf *shelf, int rc)
{
	unsigned more;

	if (log_allowed(&spool->trouble_log, TROUBLE_S, &more))
		log_write(LOG_ERROR, "spool %s/%s: %s: %s (%u others before it); tried again", spool->directory, shelf->name, what,
			strerror(-rc), more);
}

void spool_slow(struct spool *spool, const struct shelf *shelf, int64_t took_ms)
{
	uint64_t group = spool->config.sync_bytes;
	unsigned more;

	if (took_ms >= STALL_MS && log_allowed(&spool->slow_log, TROUBLE_S, &more))
		log_write(LOG_WARNING,
			"spool %s/%s: a sync took %.1f s (%u others before it): with a group of %llu KiB this log takes %.0f KiB/s; a "
			"larger spool.group takes more, and a power cut may cost as much",
			spool->directory, shelf->name, (double)took_ms / 1000, more, (unsigned long long)group / 1024,
			(double)group / 1024 * 1000 / (double)took_ms);
}

void spool_answer(struct spool *spool, struct batch *batch, enum spool_answer answer)
{
	/* The ring has room for every batch there is, and each has one answer at a time. */
	(void)ring_push(spool->answers, batch_tag(batch, (uint32_t)answer));
}

/* The log of a topic is made when it is first needed. NULL: it cannot be. */
static struct shelf *topic_shelf(struct spool *spool, uint16_t topic)
{
	struct shelf *shelf = atomic_load(&spool->topics[topic]);
	char name[SHELF_NAME_MAX];
	struct error error = {""};
	unsigned more;
	int index;

	if (shelf != NULL)
		return shelf;
	(void)snprintf(name, sizeof(name), "topic.%u.%s", spool->config.index, spool->config.topics->topics[topic].name);
	index = shelf_open(spool, name, -1, 0, topic, &error);
	if (index < 0) {
		if (log_allowed(&spool->topic_log, TROUBLE_S, &more))
			log_write(LOG_ERROR, "%s", error.text);
		return NULL;
	}
	atomic_store(&spool->topics[topic], spool->shelves[index]);
	return spool->shelves[index];
}

static void refuse(struct spool *spool, struct batch *batch, int rc, const struct shelf *shelf)
{
	counter_add(&spool->counters.refused, 1);
	if (rc == -EDQUOT || rc == -ENOSPC)
		spool->wanted_ms = spool->now_ms + WANTED_MS;
	reached_loosen(spool, batch);
	if (shelf != NULL && rc != -EAGAIN && rc != -EDQUOT)
		spool_trouble(spool, "writing", shelf, rc);
	if (batch->lane == SPOOL_LANE) {
		spool->shelves[batch->log]->again_ms = spool->now_ms + AGAIN_MS;
		shelf_leave(spool, batch); /* it stays where it is */
	} else {
		spool_answer(spool, batch, rc == -EDQUOT || rc == -ENOSPC ? SPOOL_FULL : SPOOL_REFUSED);
	}
}

/* Of a class of which a part is kept. In mode wal it is Kafka's all the same while it can take it. */
static int sample_out(struct spool *spool, struct batch *batch, enum spool_order order)
{
	unsigned class = spool_class_of(spool, batch->topic);
	uint32_t events = (uint32_t)batch_unsettled_events(batch);

	if (batch->lane == SPOOL_LANE || batch->log != BATCH_UNLOGGED || !policy_samples_out(spool, batch, class))
		return 0;
	reached_loosen(spool, batch);
	if (order == SPOOL_WRITE) {
		spool_answer(spool, batch, SPOOL_REFUSED);
		return 1;
	}
	loss_add(&spool->loss[class], spool->config.topics->topics[batch->topic].name, batch->lane, batch->first_seq,
		batch->records, events, batch->opened_tsc != 0 ? clock_utc_us(batch->opened_tsc) : 0);
	spool_answer(spool, batch, SPOOL_SAMPLED);
	return 1;
}

static void write_order(struct spool *spool, struct batch *batch, enum spool_order order)
{
	struct shelf *shelf;
	int rc;

	if (sample_out(spool, batch, order))
		return;
	if (batch->lane != SPOOL_LANE)
		reached_begin(spool);
	shelf = order == SPOOL_PARK
			? topic_shelf(spool, batch->topic)
			: spool->shelves[spool->lanes[batch->lane][spool_class_of(spool, batch->topic)]];
	rc = shelf != NULL ? shelf_write(spool, batch, order != SPOOL_WRITE, shelf) : -ENOMEM;
	if (rc == 0)
		reached_note(spool, batch);
	else
		refuse(spool, batch, rc, shelf);
	if (rc != 0 || order != SPOOL_WRITE)
		return;
	counter_add(&spool->counters.accepted, batch->events);
	spool_answer(spool, batch, SPOOL_WRITTEN);
}

static void settle_order(struct spool *spool, struct batch *batch)
{
	int read = batch->lane == SPOOL_LANE;

	shelf_settle(spool, batch->log, batch->position, read ? batch->hour : -1);
	if (!read) {
		spool_answer(spool, batch, SPOOL_FREE);
		return;
	}
	spool->shelves[batch->log]->reading--;
	replay_home(spool, batch);
}

/* Its part of the log has made room for others while it was in memory: it is written once more. */
static int is_lost(const struct spool *spool, const struct batch *batch)
{
	return batch->lane != SPOOL_LANE && batch->position < counter_read(&spool->shelves[batch->log]->state.frontier);
}

static void obey(struct spool *spool, struct batch *batch, enum spool_order order)
{
	if (batch->log != BATCH_UNLOGGED)
		batch->position = carry_follow(spool, spool->shelves[batch->log], batch->position);
	if (order == SPOOL_SETTLE)
		settle_order(spool, batch);
	else if (order == SPOOL_BURY)
		dead_order(spool, batch);
	else if (order == SPOOL_STAY)
		shelf_leave(spool, batch);
	else if (order == SPOOL_LEAVE && batch->log != BATCH_UNLOGGED && !is_lost(spool, batch))
		shelf_leave(spool, batch);
	else
		write_order(spool, batch, order);
}

/* All that wait, however long the disk kept the thread, up to as many bytes of one log as a power cut may cost. */
static unsigned take_orders(struct spool *spool)
{
	unsigned taken = 0;
	void *tag;

	spool->group_full = 0;
	while (taken < TURN_ORDERS && !spool->group_full && ring_pop(spool->orders, &tag, 1) == 1) {
		uint32_t order;
		struct batch *batch = batch_of_tag(tag, &order);

		obey(spool, batch, (enum spool_order)order);
		taken++;
	}
	return taken;
}

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
	return take_orders(spool);
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
		reached_store(spool);
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

static void *spool_main(void *argument)
{
	struct spool *spool = argument;
	unsigned done;

	while (!atomic_load_explicit(&spool->stop, memory_order_acquire)) {
		spool->now_ms = clock_ms();
		done = take_orders(spool);
		done += group(spool);
		done += exhume_turn(spool);
		done += replay_read(spool);
		done += commit(spool);
		if (done == 0)
			rest(spool);
	}
	while (take_orders(spool) != 0) /* nobody waits for the answers of the last ones, but they are to be obeyed */
		continue;
	loss_record_all(spool);
	loss_record_stopped(spool);
	reached_store(spool);
	return NULL;
}

void spool_order(struct spool *spool, struct batch *batch, enum spool_order order)
{
	(void)ring_push(spool->orders, batch_tag(batch, (uint32_t)order));
}

void spool_wake(struct spool *spool)
{
	int value = 0;

	if (sem_getvalue(&spool->wake, &value) == 0 && value < 2)
		sem_post(&spool->wake);
}

unsigned spool_answers(struct spool *spool, struct batch **batches, enum spool_answer *answers, unsigned count)
{
	void *tags[64];
	unsigned n = ring_pop(spool->answers, tags, count < 64 ? count : 64);

	for (unsigned i = 0; i < n; i++) {
		uint32_t answer;

		batches[i] = batch_of_tag(tags[i], &answer);
		answers[i] = (enum spool_answer)answer;
	}
	return n;
}

struct spool_log_state *spool_lane_state(struct spool *spool, uint16_t lane, unsigned class)
{
	return &spool->shelves[spool->lanes[lane][class]]->state;
}

struct spool_log_state *spool_topic_state(struct spool *spool, uint16_t topic)
{
	struct shelf *shelf = atomic_load(&spool->topics[topic]);

	return shelf != NULL ? &shelf->state : NULL;
}

const struct spool_log_state *spool_log_at(const struct spool *spool, unsigned number, const char **name)
{
	if (number >= atomic_load(&spool->shelf_count))
		return NULL;
	*name = spool->shelves[number]->name;
	return &spool->shelves[number]->state;
}

const struct spool_reason *spool_reason_at(const struct spool *spool, unsigned number)
{
	return number < SPOOL_REASONS && atomic_load(&spool->reasons[number].name) != NULL ? &spool->reasons[number] : NULL;
}

int spool_is_parked(const struct spool *spool, const struct batch *batch)
{
	return spool->shelves[batch->log]->topic >= 0;
}

struct spool_counters *spool_counters(struct spool *spool)
{
	return &spool->counters;
}

const struct spool_counters *spool_count(const struct spool *spool)
{
	return &spool->counters;
}

int64_t spool_hours_settled(const struct spool *spool, int64_t from, int64_t to)
{
	if (atomic_load(&spool->recovering) != 0)
		return from;
	for (int64_t hour = from; hour < to && hour < from + HOURS; hour++)
		if (counter_read(&spool->hours[(uint64_t)hour % HOURS]) != 0)
			return hour;
	return to;
}

static int open_memory(struct spool *spool, struct error *error)
{
	uint32_t size = spool->config.batch_bytes < REPLAY_BATCH ? spool->config.batch_bytes : REPLAY_BATCH;
	unsigned room;

	spool->replay_max = (unsigned)(spool->config.replay_bytes / size) + 64;
	room = spool->config.batches + spool->replay_max + SPOOL_LETTERS + 64;
	spool->orders = ring_new(room, -1);
	spool->answers = ring_new(room, -1);
	spool->scratch = malloc(SPOOL_PAYLOAD_MAX);
	if (spool->orders == NULL || spool->answers == NULL || spool->scratch == NULL ||
		replay_open(spool, size) != 0)
		return error_set(error, -ENOMEM, "spool %s: out of memory", spool->directory);
	return 0;
}

static int create_thread(struct spool *spool)
{
	char name[16];
	int rc;

	(void)snprintf(name, sizeof(name), "spool-%u", spool->config.index);
	rc = thread_start(&spool->thread, name, spool->config.cpus, spool->config.cpu_count, spool_main, spool);
	spool->started = rc == 0;
	return rc;
}

int spool_start(struct spool **spool, const struct spool_config *config, struct error *error)
{
	struct spool *s = memory_map(sizeof(*s), CACHE_GUARD, -1);
	int rc;

	if (s == NULL)
		return error_set(error, -ENOMEM, "spool %s: out of memory", config->directory);
	s->config = *config;
	if (s->config.class_count == 0) {
		s->config.class_count = 1;
		s->config.classes[0] = (struct spool_class){.name = "all", .percent = 100};
	}
	for (unsigned i = 0; i < s->config.class_count; i++)
		s->turned_ms[i] = clock_wall_us() / 1000;
	s->directory = strdup(config->directory);
	sem_init(&s->wake, 0, 0);
	sem_init(&s->wish.done, 0, 0);
	rc = s->directory != NULL ? open_memory(s, error) : error_set(error, -ENOMEM, "spool: out of memory");
	if (rc == 0)
		rc = logs_open(s, error);
	if (rc == 0)
		rc = reached_open(s, error);
	if (rc == 0)
		rc = create_thread(s);
	if (rc != 0) {
		spool_stop(s);
		return rc;
	}
	*spool = s;
	return 0;
}

void spool_stop(struct spool *spool)
{
	if (spool == NULL)
		return;
	if (spool->started) {
		atomic_store_explicit(&spool->stop, 1, memory_order_release);
		sem_post(&spool->wake);
		pthread_join(spool->thread, NULL);
	}
	for (unsigned i = 0; i < spool->shelf_count; i++)
		shelf_close(spool->shelves[i]);
	reached_close(spool);
	spool_lock_release(spool->lock);
	(void)batch_pool_free(spool->pool);
	ring_free(spool->orders);
	ring_free(spool->answers);
	free(spool->scratch);
	free(spool->directory);
	sem_destroy(&spool->wake);
	sem_destroy(&spool->wish.done);
	memory_unmap(spool, sizeof(*spool));
}
