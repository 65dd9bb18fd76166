/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/statvfs.h>

#include "base/clock.h"
#include "spool/internal.h"

#define SAMPLE_BITS 10 /* at the most all but one in 1024 */

unsigned spool_class_of(const struct spool *spool, unsigned topic)
{
	unsigned class = topic_class(spool->config.topics, topic);

	return class < spool->config.class_count ? class : spool->config.class_count - 1;
}

unsigned policy_class(const struct spool *spool, const struct shelf *shelf)
{
	return shelf->topic >= 0 ? spool_class_of(spool, (unsigned)shelf->topic) : shelf->class;
}

static uint64_t share_of(const struct spool *spool, unsigned class)
{
	return spool_share(spool->config.size_bytes, spool->config.classes[class].percent);
}

static uint64_t bytes_of(const struct spool *spool, unsigned class)
{
	uint64_t bytes = class == spool->config.class_count - 1 ? spool->unread.bytes : 0;

	for (unsigned i = 0; i < atomic_load(&spool->shelf_count); i++) {
		const struct shelf *shelf = spool->shelves[i];

		if (!shelf->is_dead && policy_class(spool, shelf) == class)
			bytes += counter_read(&shelf->state.bytes);
	}
	return bytes;
}

const struct spool_class *spool_class_at(const struct spool *spool, unsigned number, uint64_t *bytes, uint64_t *share)
{
	if (number >= spool->config.class_count)
		return NULL;
	*bytes = bytes_of(spool, number);
	*share = share_of(spool, number);
	return &spool->config.classes[number];
}

/* What is left free is for the states of the logs, for the record of what is given up, and for others. */
void policy_look_for_room(struct spool *spool)
{
	struct statvfs fs;

	if (statvfs(spool->directory, &fs) == 0)
		counter_set(&spool->counters.crowded,
			(uint64_t)fs.f_bavail * 100 < (uint64_t)fs.f_blocks * spool->config.free_percent);
}

static int is_full(const struct spool *spool, unsigned class)
{
	return policy_is_crowded(spool) || bytes_of(spool, class) >= share_of(spool, class);
}

struct dropping {
	struct spool *spool;
	struct shelf *shelf;
	struct loss *loss;
	uint64_t told; /* events of entries that could be read */
	unsigned hours[HOURS]; /* entries by landing hour, that were counted when they were put away */
};

static void drop_entry(void *context, const struct spool_entry *entry)
{
	struct dropping *d = context;
	int is_own = entry->position >= d->shelf->recovered_end && strcmp(entry->reason, SPOOL_CARRIED) != 0;
	const struct loss_of of = {
		.topic = entry->topic,
		.epoch = is_own ? d->spool->config.epoch : 0,
		.lane = entry->lane,
		.first = entry->first_seq,
		.last = spool_entry_last_seq(entry),
		.events = entry->events,
		.us = entry->opened_us,
	};

	d->told += entry->events;
	loss_add(d->loss, &of);
	if (entry->position >= d->shelf->recovered_end)
		d->hours[(uint64_t)entry->hour % HOURS]++;
}

static void account_drop(struct dropping *d, uint64_t events)
{
	struct spool *spool = d->spool;
	uint64_t left = atomic_load(&d->shelf->state.left);

	for (int64_t hour = 0; hour < HOURS; hour++)
		for (; d->hours[hour] > 0; d->hours[hour]--)
			hours_take(spool, d->shelf, hour);
	d->shelf->hours_damaged |= d->told < events;
	shelf_take_off(spool, d->shelf, events, &spool->counters.made_room);
	atomic_fetch_sub(&d->shelf->state.left, d->loss->entries < left ? d->loss->entries : left);
	shelf_account(spool, d->shelf);
}

/* Gives up the oldest file of a log. Returns whether one went. */
static int drop_oldest(struct spool *spool, struct shelf *shelf, unsigned class)
{
	struct loss *loss = &spool->dropped;
	struct dropping dropping = {.spool = spool, .shelf = shelf, .loss = loss};
	uint64_t files = counter_read(&shelf->state.segments);
	int64_t events;

	loss_record(spool, class);
	reached_store(spool);
	*loss = (struct loss){0};
	(void)snprintf(loss->log, sizeof(loss->log), "%s", shelf->name);
	events = spool_log_drop_oldest(shelf->log, drop_entry, &dropping);
	if (events < 0) {
		spool_trouble(spool, "making room in", shelf, (int)events);
		return 0;
	}
	account_drop(&dropping, (uint64_t)events);
	loss->events = (uint64_t)events;
	loss_add_all(&spool->loss[class], loss);
	loss_record(spool, class);
	return counter_read(&shelf->state.segments) < files;
}

/* The log of the class that takes most, and has a file that is not written to. */
static struct shelf *largest_of(const struct spool *spool, unsigned class)
{
	struct shelf *largest = NULL;

	for (unsigned i = 0; i < spool->shelf_count; i++) {
		struct shelf *shelf = spool->shelves[i];

		if (shelf->is_dead || policy_class(spool, shelf) != class || counter_read(&shelf->state.segments) < 2)
			continue;
		if (largest == NULL || counter_read(&shelf->state.bytes) > counter_read(&largest->state.bytes))
			largest = shelf;
	}
	return largest;
}

static void say_full(struct spool *spool, unsigned class)
{
	static const char *const what[] = {
		[SPOOL_KEEP_OLDEST] = "what it has is kept; what comes waits in memory, and is turned away when that is short",
		[SPOOL_KEEP_NEWEST] = "the oldest of what it has is given up for what comes",
		[SPOOL_SAMPLE] = "what comes waits in memory, and is turned away when that is short",
	};
	const struct spool_class *c = &spool->config.classes[class];
	unsigned more;

	if (log_allowed(&spool->full_log, 60, &more))
		log_write(LOG_WARNING, "spool %s: no room for class %s (%llu MiB of %llu%s): %s (%u others before it)", spool->directory,
			c->name, (unsigned long long)(bytes_of(spool, class) >> 20),
			(unsigned long long)(share_of(spool, class) >> 20),
			policy_is_crowded(spool) ? ", and the file system is full" : "", what[c->policy], more);
}

int policy_make_room(struct spool *spool, unsigned class)
{
	if (!is_full(spool, class))
		return 0;
	say_full(spool, class);
	while (spool->config.classes[class].policy == SPOOL_KEEP_NEWEST && is_full(spool, class)) {
		struct shelf *largest = largest_of(spool, class);

		if (largest == NULL || !drop_oldest(spool, largest, class))
			break;
		policy_look_for_room(spool);
	}
	return is_full(spool, class) ? -EDQUOT : 0;
}

/* Of 2^n batches one is kept when so much is left of the share: up to a half, a quarter, an eighth ... */
static unsigned sample_bits(const struct spool *spool, unsigned class)
{
	uint64_t share = share_of(spool, class), bytes = bytes_of(spool, class), left = bytes < share ? share - bytes : 0;
	unsigned bits = 0;

	while (bits < SAMPLE_BITS && left <= share >> (bits + 1))
		bits++;
	return bits;
}

int policy_samples_out(struct spool *spool, struct batch *batch, unsigned class)
{
	unsigned bits;

	if (spool->config.classes[class].policy != SPOOL_SAMPLE || batch->sampled_out)
		return batch->sampled_out;
	bits = sample_bits(spool, class);
	batch->sampled_out = (spool->sample_at[class] & ((1u << bits) - 1)) != 0;
	spool->sample_at[class]++;
	return batch->sampled_out;
}
