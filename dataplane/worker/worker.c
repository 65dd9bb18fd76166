/* SPDX-License-Identifier: Apache-2.0 */
#include "worker/worker_priv.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/memory.h"
#include "base/thread.h"

#define OPEN_MAX ((size_t)TOPIC_MAX * (1 + OUTLETS_KEYED)) /* outlets of a worker */

unsigned worker_pool_count(const struct worker_config *config)
{
	uint64_t count = config->pool_bytes / config->batch_bytes;

	return count > UINT32_MAX / 2 ? UINT32_MAX / 2 : (unsigned)count;
}

static int any_key(const struct worker_config *config)
{
	for (unsigned i = 0; i < config->input_count; i++)
		if (config->inputs[i].key_member[0] != '\0')
			return 1;
	return 0;
}

static int new_inputs(struct worker *worker)
{
	const struct worker_config *config = &worker->config;

	worker->input_of_port = calloc(65536, 1);
	if (worker->input_of_port == NULL)
		return -ENOMEM;
	for (unsigned i = 0; i < config->input_count; i++)
		worker->input_of_port[config->inputs[i].port] = (uint8_t)i;
	return 0;
}

/* Zeroed, at the beginning of a cache line. */
static void *new_lines(size_t size)
{
	void *memory = aligned_alloc(CACHE_LINE, (size + CACHE_LINE - 1) / CACHE_LINE * CACHE_LINE);

	return memory != NULL ? memset(memory, 0, size) : NULL;
}

static int new_topics(struct worker *worker)
{
	worker->topics = memory_map(TOPIC_MAX * sizeof(*worker->topics), CACHE_LINE, worker->config.node);
	worker->unkeyed = memory_map(TOPIC_MAX * sizeof(*worker->unkeyed), CACHE_LINE, worker->config.node);
	worker->open = calloc(OPEN_MAX, sizeof(struct outlet *));
	worker->open_topic = calloc(OPEN_MAX, sizeof(*worker->open_topic));
	worker->keyed = any_key(&worker->config);
	if (worker->topics == NULL || worker->unkeyed == NULL || worker->open == NULL || worker->open_topic == NULL)
		return -ENOMEM;
	return worker_prepare(worker, worker->config.topics->count, 0);
}

static void init_outlet(const struct worker *worker, struct outlet *outlet)
{
	outlet->partition = -1;
	outlet->age_us = worker->config.age_min_us;
}

static int add_keyed(struct worker *worker, struct topic_out *out)
{
	struct outlet *outlets = new_lines(OUTLETS_KEYED * sizeof(*outlets));

	if (outlets == NULL)
		return -ENOMEM;
	for (unsigned i = 0; i < OUTLETS_KEYED; i++)
		init_outlet(worker, &outlets[i]);
	out->keyed = outlets;
	return 0;
}

static void add_topic(struct worker *worker, unsigned topic)
{
	const struct worker_config *config = &worker->config;
	struct topic_out *out = &worker->topics[topic];

	init_outlet(worker, &worker->unkeyed[topic]);
	counter_set(&out->next_seq, config->first_seq);
	out->prefix_len = (uint16_t)ingest_prefix(out->prefix, config->node_name, config->epoch, config->lane, topic);
}

/* Batches that are not full take half of the pool at the most, however many topics there are. */
static uint32_t ahead_of(unsigned batches, unsigned topics)
{
	uint32_t ahead = batches / (2 * topics);

	return ahead < 1 ? 1 : ahead > AHEAD_MAX ? AHEAD_MAX : ahead;
}

int worker_prepare(struct worker *worker, unsigned topics, int keyed)
{
	for (; worker->topic_count < topics; worker->topic_count++)
		add_topic(worker, worker->topic_count);
	worker->keyed |= keyed;
	for (unsigned i = 0; worker->keyed && i < topics; i++)
		if (worker->topics[i].keyed == NULL && add_keyed(worker, &worker->topics[i]) != 0)
			return -ENOMEM;
	atomic_store_explicit(&worker->ahead, ahead_of(worker_pool_count(&worker->config), topics), memory_order_relaxed);
	return 0;
}

int worker_new(struct worker **worker, const struct worker_config *config, struct lane *lane, struct error *error)
{
	struct worker *w = calloc(1, sizeof(*w));
	unsigned count = worker_pool_count(config);
	int rc = -ENOMEM;

	if (w == NULL)
		goto fail;
	w->config = *config;
	w->lane = lane;
	w->table_node = config->node > 0 && config->node < GENERATION_NODES ? (unsigned)config->node : 0;
	w->us_ticks = clock_hz() / 1000000;
	w->credit = (uint32_t)((uint64_t)count * config->credit_percent / 100);
	if (w->credit < 2)
		w->credit = 2;
	lane->number = config->lane;
	lane->batches = count;
	lane->credit = w->credit;
	w->pool_eighth = count / 8;
	w->counters = memory_map(sizeof(*w->counters), CACHE_GUARD, config->node);
	if (w->counters == NULL)
		goto fail;
	rc = batch_pool_new(&w->pool, count, config->batch_bytes, config->lane, config->node);
	if (rc == 0)
		rc = new_inputs(w);
	if (rc == 0)
		rc = new_topics(w);
	if (rc != 0)
		goto fail;
	*worker = w;
	return 0;
fail:
	worker_free(w);
	return error_set(error, rc, "worker %u: cannot take %llu bytes for %u batches: %s; lower memory.pool", config->lane,
		(unsigned long long)config->pool_bytes, count, strerror(-rc));
}

unsigned worker_free(struct worker *worker)
{
	unsigned away;

	if (worker == NULL)
		return 0;
	away = batch_pool_free(worker->pool);
	memory_unmap(worker->counters, sizeof(*worker->counters));
	free(worker->input_of_port);
	for (unsigned i = 0; i < worker->topic_count; i++)
		free(worker->topics[i].keyed);
	memory_unmap(worker->topics, TOPIC_MAX * sizeof(*worker->topics));
	memory_unmap(worker->unkeyed, TOPIC_MAX * sizeof(*worker->unkeyed));
	free(worker->open);
	free(worker->open_topic);
	free(worker);
	return away;
}

int worker_start(struct worker *worker, struct error *error)
{
	int cpu = worker->config.cpu, rc;
	char name[16];

	(void)snprintf(name, sizeof(name), "worker-%u", worker->config.lane);
	rc = thread_start(&worker->thread, name, &cpu, cpu >= 0, worker_main, worker);
	if (rc != 0)
		return error_set(error, rc, "worker %u: cannot start on CPU %d: %s", worker->config.lane, cpu, strerror(-rc));
	worker->started = 1;
	return 0;
}

void worker_halt(struct worker *worker)
{
	struct timespec pause = {0, 1000000};

	if (!worker->started)
		return;
	atomic_store(&worker->stage, WORKER_HALTING);
	while (atomic_load(&worker->stage) != WORKER_HALTED)
		nanosleep(&pause, NULL);
}

void worker_join(struct worker *worker)
{
	if (!worker->started)
		return;
	atomic_store(&worker->stage, WORKER_JOINING);
	pthread_join(worker->thread, NULL);
	worker->started = 0;
}

const struct worker_counters *worker_counters(const struct worker *worker)
{
	return worker->counters;
}

const struct worker_config *worker_config(const struct worker *worker)
{
	return &worker->config;
}

unsigned worker_pool_available(const struct worker *worker)
{
	return batch_pool_available(worker->pool);
}

uint64_t worker_last_seq(const struct worker *worker, unsigned topic)
{
	uint64_t next = counter_read(&worker->topics[topic].next_seq);

	return next > 0 ? next - 1 : 0; /* a topic that only the spool knows has no sequence here */
}
