/* SPDX-License-Identifier: Apache-2.0 */
#include "spool/spool.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/memory.h"
#include "base/ring.h"
#include "base/thread.h"
#include "spool/internal.h"
#include "spool/lock.h"

#define STALL_MS 1000 /* of a sync, from which on it is said what the log can take */

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

void spool_allow_reads(struct spool *spool, int allowed)
{
	atomic_store(&spool->reads, allowed);
}

unsigned spool_turns(const struct spool *spool)
{
	return atomic_load(&spool->turns);
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
	int rc = replay_open(spool);
	unsigned room = spool->config.batches + replay_max(spool) + SPOOL_LETTERS + 64;

	spool->orders = ring_new(room, -1);
	spool->answers = ring_new(room, -1);
	spool->scratch = malloc(SPOOL_PAYLOAD_MAX);
	if (rc != 0 || spool->orders == NULL || spool->answers == NULL || spool->scratch == NULL)
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
		s->config.classes[0] = (struct spool_class){.name = SPOOL_CLASS_ALL, .percent = 100};
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
	if (spool->started)
		loss_record_last(spool); /* the logs have given room back */
	reached_close(spool);
	spool_lock_release(spool->lock);
	replay_close(spool);
	ring_free(spool->orders);
	ring_free(spool->answers);
	free(spool->scratch);
	free(spool->directory);
	sem_destroy(&spool->wake);
	sem_destroy(&spool->wish.done);
	memory_unmap(spool, sizeof(*spool));
}
