/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "spool/internal.h"

/* Reads the eldest letter of a log, which tells since when there are any. */
static void look_at_eldest(struct spool *spool, struct shelf *shelf)
{
	uint64_t since = counter_read(&spool->counters.dead_since_us);
	struct spool_entry entry;

	if (spool_log_read(shelf->log, 0, &entry, spool->scratch, SPOOL_PAYLOAD_MAX) != 1)
		return;
	spool_log_mark(shelf->log, entry.position, SPOOL_ON_DISK);
	if (since == 0 || entry.opened_us < (int64_t)since)
		counter_set(&spool->counters.dead_since_us, (uint64_t)entry.opened_us);
}

void dead_look(struct spool *spool)
{
	counter_set(&spool->counters.dead_since_us, 0);
	for (unsigned i = 0; i < spool->shelf_count; i++)
		if (spool->shelves[i]->is_dead)
			look_at_eldest(spool, spool->shelves[i]);
}

void dead_count_bytes(struct spool *spool)
{
	uint64_t bytes = 0;

	for (unsigned i = 0; i < spool->shelf_count; i++)
		if (spool->shelves[i]->is_dead)
			bytes += counter_read(&spool->shelves[i]->state.bytes);
	counter_set(&spool->counters.dead_bytes, bytes);
}

static int open_log(struct spool *spool, const char *name, struct error *error)
{
	int index = shelf_open(spool, name, -1, 0, -1, error);

	if (index < 0)
		return index;
	look_at_eldest(spool, spool->shelves[index]);
	shelf_account(spool, spool->shelves[index]);
	dead_count_bytes(spool);
	return index;
}

int dead_adopt(struct spool *spool, const char *name, unsigned index, struct error *error)
{
	int rc = open_log(spool, name, error);

	if (rc >= 0 && index == spool->config.index)
		spool->dead = spool->shelves[rc];
	return rc < 0 ? rc : 0;
}

/* The log is made when it is first needed. */
static int get_log(struct spool *spool)
{
	struct error error = {""};
	char name[SHELF_NAME_MAX];
	int index;

	if (spool->dead != NULL)
		return 0;
	(void)snprintf(name, sizeof(name), SHELF_DEAD "%u", spool->config.index);
	index = open_log(spool, name, &error);
	if (index < 0)
		return index;
	spool->dead = spool->shelves[index];
	return 0;
}

static int write_letter(struct spool *spool, struct batch *letter)
{
	int rc = get_log(spool);

	if (rc != 0)
		return rc;
	if (counter_read(&spool->counters.dead_bytes) + letter->bytes > spool->config.size_bytes / SPOOL_DEAD_SHARE)
		return -EDQUOT;
	rc = shelf_write(spool, letter, 1, spool->dead);
	dead_count_bytes(spool);
	return rc;
}

void dead_order(struct spool *spool, struct batch *letter)
{
	int rc = write_letter(spool, letter);
	unsigned more;

	if (rc == 0)
		return;
	counter_add(&spool->counters.refused, 1);
	if (rc == -EDQUOT || rc == -ENOSPC)
		spool_want_room(spool);
	if (log_allowed(&spool->dead_log, 10, &more))
		log_write(LOG_ERROR, "spool %s/" SHELF_DEAD "%u: %s: what Kafka refuses for good is given up by name, what it forbids waits, and what was a letter stays one (%u others before it)",
			spool->directory, spool->config.index,
			rc == -EDQUOT ? "no room for more dead letters" : strerror(-rc), more);
	spool_answer(spool, letter, SPOOL_REFUSED);
}

/* The counter of a reason; names are constants, and the last place is for those that find none. */
static counter *reason_of(struct spool *spool, const char *name)
{
	struct spool_reason *reason = spool->reasons;

	for (; reason < spool->reasons + SPOOL_REASONS - 1; reason++) {
		const char *known = atomic_load(&reason->name);

		if (known == NULL)
			atomic_store(&reason->name, name);
		if (known == NULL || strcmp(known, name) == 0)
			return &reason->events;
	}
	atomic_store(&reason->name, "other");
	return &reason->events;
}

static void buried(struct spool *spool, struct batch *letter)
{
	counter_add(reason_of(spool, letter->reason), letter->events);
	if (counter_read(&spool->counters.dead_since_us) == 0)
		counter_set(&spool->counters.dead_since_us, (uint64_t)clock_utc_us(letter->opened_tsc));
	spool_answer(spool, letter, SPOOL_LEFT);
}

/* It was taken out to be delivered, and was not. */
static void came_back(struct spool *spool, struct shelf *shelf, struct batch *letter, uint64_t events)
{
	if (letter->order != SPOOL_STAY && shelf->exhumation != NULL)
		exhume_came_back(spool, shelf, letter->position);
	counter_add(&spool->counters.reburied, events);
	atomic_fetch_sub(&spool->counters.returning, events);
	replay_home(spool, letter);
}

void dead_put_away(struct spool *spool, struct shelf *shelf, struct batch *letter, uint64_t events)
{
	if (letter->order == SPOOL_BURY)
		buried(spool, letter);
	else
		came_back(spool, shelf, letter, events);
}
