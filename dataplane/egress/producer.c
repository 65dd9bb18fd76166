/* SPDX-License-Identifier: Apache-2.0 */
#include "egress/producer.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/memory.h"
#include "base/ring.h"
#include "base/thread.h"
#include "egress/internal.h"

#define POP_BATCHES   64u /* of one lane in one turn */
#define WAIT_BUSY_MS  1   /* for reports, when something is held: lanes are looked at this often */
#define WAIT_IDLE_MS  5
#define PUBLISH_MS    250
#define FLUSH_MS      100 /* between two flushes of a drain */
#define FLUSH_WAIT_MS 10

static unsigned take_from_lanes(struct producer *producer)
{
	void *batches[POP_BATCHES];
	unsigned taken = 0;

	for (unsigned i = 0; i < producer->config.lane_count; i++) {
		struct lane *lane = producer->config.lanes[i];
		unsigned n = ring_pop(lane->out, batches, POP_BATCHES);

		for (unsigned k = 0; k < n; k++)
			flow_take(producer, lane, batches[k]);
		taken += n;
	}
	return taken;
}

/* What `show kafka` and the counters tell of the clients, and which topics stand still. */
static void publish(struct producer *producer, int64_t *next)
{
	struct kafka_client_status status[PRODUCER_HANDLES];
	uint64_t rebuilds = 0;
	unsigned count;

	if (producer->now_ms < *next)
		return;
	*next = producer->now_ms + PUBLISH_MS;
	count = producer->ops->status(producer->egress, status, PRODUCER_HANDLES, &rebuilds);
	counter_set(&producer->counters.rebuilds, rebuilds);
	producer->is_connected = 0;
	for (unsigned i = 0; i < count; i++)
		producer->is_connected |= status[i].connected != 0;
	pthread_mutex_lock(&producer->status_lock);
	producer->status_count = count;
	memcpy(producer->status, status, count * sizeof(status[0]));
	pthread_mutex_unlock(&producer->status_lock);
	settle_sweep(producer);
}

static void turn(struct producer *producer, int64_t *next_publish)
{
	unsigned done;

	producer->now_ms = clock_ms();
	spill_look(producer);
	done = spill_take_answers(producer);
	done += take_from_lanes(producer);
	linger_look(producer);
	done += flow_submit(producer);
	done += producer->ops->poll(producer->egress, 0);
	spill_wake(producer);
	if (!linger_rests(producer) && done == 0)
		(void)producer->ops->poll(producer->egress,
			counter_read(&producer->counters.held) != 0 ? WAIT_BUSY_MS : WAIT_IDLE_MS);
	settle_flush(producer);
	publish(producer, next_publish);
}

static int all_done(const struct producer *producer)
{
	for (unsigned i = 0; i < producer->config.lane_count; i++)
		if (ring_count(producer->config.lanes[i]->out) != 0)
			return 0;
	return counter_read(&producer->counters.held) == 0 && TAILQ_EMPTY(&producer->waiting) && producer->ordered == 0;
}

/* Ends when nothing is held, or when the time is up: then what is left is given up by name. */
static void drain(struct producer *producer, int64_t *next_publish)
{
	int64_t start = clock_ms(), next_flush = start;
	int64_t end = start + (int64_t)producer->config.drain_seconds * 1000;

	producer->collect_ms = 0;
	while (!all_done(producer) && clock_ms() < end) {
		turn(producer, next_publish);
		if (producer->now_ms < next_flush)
			continue;
		producer->ops->flush(producer->egress, FLUSH_WAIT_MS);
		next_flush = producer->now_ms + FLUSH_MS;
	}
	*next_publish = 0; /* what happened since the last time is not to be missing at the end */
	publish(producer, next_publish);
	producer->giving_up = 1;
	spill_look(producer);
	while (take_from_lanes(producer) != 0)
		continue;
	producer->ops->close(producer->egress);
	producer->egress = NULL;
	flow_give_up_waiting(producer);
	spill_close(producer);
}

static void *producer_main(void *argument)
{
	struct producer *producer = argument;
	int64_t next_publish = 0;

	producer->now_ms = clock_ms();
	producer->open_rc = producer->ops->open(
		&producer->egress, &producer->config, settle_record, producer, producer->open_error);
	if (producer->open_rc != 0) {
		sem_post(&producer->opened);
		return NULL;
	}
	linger_open(producer);
	publish(producer, &next_publish);
	sem_post(&producer->opened);
	while (!atomic_load_explicit(&producer->stop, memory_order_acquire))
		turn(producer, &next_publish);
	drain(producer, &next_publish);
	return NULL;
}

static int create_thread(struct producer *producer)
{
	char name[16];

	(void)snprintf(name, sizeof(name), "producer-%u", producer->config.node);
	return thread_start(&producer->thread, name, producer->config.cpus, producer->config.cpu_count, producer_main, producer);
}

static struct producer *producer_new(const struct producer_config *config)
{
	struct producer *producer = memory_map(sizeof(*producer), CACHE_GUARD, (int)config->node);

	if (producer == NULL)
		return NULL;
	producer->config = *config;
	producer->ops = config->egress != NULL ? config->egress : &egress_kafka;
	TAILQ_INIT(&producer->waiting);
	for (unsigned i = 0; i < TOPIC_MAX; i++) {
		producer->topics[i].window = WINDOW_OPEN;
		producer->topics[i].replay_window = REPLAY_FIRST;
	}
	sem_init(&producer->opened, 0, 0);
	pthread_mutex_init(&producer->status_lock, NULL);
	return producer;
}

static int open_accounts(struct producer *producer)
{
	for (unsigned i = 0; i < producer->config.lane_count; i++) {
		producer->config.lanes[i]->topics = calloc(TOPIC_MAX, sizeof(struct lane_topic));
		if (producer->config.lanes[i]->topics == NULL)
			return -ENOMEM;
	}
	return 0;
}

static void close_accounts(struct producer *producer)
{
	for (unsigned i = 0; i < producer->config.lane_count; i++) {
		free(producer->config.lanes[i]->topics);
		producer->config.lanes[i]->topics = NULL;
	}
}

int producer_start(struct producer **producer, const struct producer_config *config, struct error *error)
{
	struct producer *p = producer_new(config);
	int rc;

	if (p == NULL || open_accounts(p) != 0) {
		producer_free(p);
		return error_set(error, -ENOMEM, "starting the producer of node %u: out of memory", config->node);
	}
	p->open_error = error;
	rc = spill_open(p, error);
	if (rc != 0) {
		producer_free(p);
		return rc;
	}
	rc = create_thread(p);
	if (rc != 0) {
		producer_free(p);
		return error_set(error, rc, "starting the producer of node %u: %s (are the CPUs of kafka.cpus there?)", config->node,
			strerror(-rc));
	}
	while (sem_wait(&p->opened) != 0)
		continue;
	rc = p->open_rc;
	if (rc != 0) {
		pthread_join(p->thread, NULL);
		producer_free(p);
		return rc;
	}
	p->started = 1;
	*producer = p;
	return 0;
}

void producer_ask_stop(struct producer *producer)
{
	atomic_store_explicit(&producer->stop, 1, memory_order_release);
}

void producer_stop(struct producer *producer)
{
	if (!producer->started)
		return;
	producer_ask_stop(producer);
	pthread_join(producer->thread, NULL);
	producer->started = 0;
}

void producer_free(struct producer *producer)
{
	if (producer == NULL)
		return;
	producer_stop(producer);
	spill_free(producer);
	close_accounts(producer);
	sem_destroy(&producer->opened);
	pthread_mutex_destroy(&producer->status_lock);
	memory_unmap(producer, sizeof(*producer));
}

const struct producer_counters *producer_counters(const struct producer *producer)
{
	return &producer->counters;
}

unsigned producer_status(struct producer *producer, struct kafka_client_status *status, unsigned max)
{
	unsigned count;

	pthread_mutex_lock(&producer->status_lock);
	count = producer->status_count < max ? producer->status_count : max;
	memcpy(status, producer->status, count * sizeof(status[0]));
	pthread_mutex_unlock(&producer->status_lock);
	return count;
}

int producer_exhume(struct producer *producer, const char *topic, unsigned ms, uint64_t *letters, uint64_t *events)
{
	return producer->spool != NULL ? spool_exhume(producer->spool, topic, ms, letters, events) : -ENOENT;
}

const struct spool *producer_spool(const struct producer *producer)
{
	return producer->spool;
}
