/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "spool/internal.h"

/*
 * A log's frontier stands before its first unsettled entry. One batch that the client does not get rid of, because its topic is
 * sick, would keep all files behind it, and have a crash repeat all that was delivered since. So when enough is settled beyond the
 * frontier, the entries in its way are carried: written once more at the log's end, and settled in their old place when they
 * are durable in the new one. Whoever has the batch in memory is not asked: it comes back under its old position, and is followed
 * from there.
 *
 * In a log of dead letters, those that nobody has asked for are in the way of those that were delivered: they are carried, too,
 * when all that was asked for is through.
 */

#define CARRY_MS   50   /* between two rounds of one log */
#define CARRY_TURN 256u /* letters in one round, which all of the log may be */

struct carried {
	uint64_t from; /* as its batch knows it; the list is sorted by it */
	uint64_t at;   /* where it stands */
	uint64_t next; /* where it will be when that is durable; else as `at` */
	int64_t hour;  /* counted for it here, which was not counted before; -1 */
};

/* Settled entries beyond the frontier that are put up with: the bound that is printed at the start has room for a pool of them. */
static unsigned limit_of(const struct spool *spool)
{
	return spool->config.batches / 2 + 1;
}

/* The first of the list that is not below. */
static unsigned place_of(const struct shelf *shelf, uint64_t from)
{
	unsigned low = 0, high = shelf->carried_count;

	while (low < high) {
		unsigned middle = (low + high) / 2;

		if (shelf->carried[middle].from < from)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static struct carried *standing_at(struct shelf *shelf, uint64_t position)
{
	for (unsigned i = 0; i < shelf->carried_count; i++)
		if (shelf->carried[i].at == position)
			return &shelf->carried[i];
	return NULL;
}

static struct carried *insert(struct shelf *shelf, uint64_t from)
{
	unsigned i = place_of(shelf, from), room = shelf->carried_room * 2 + 16;
	struct carried *c;

	if (shelf->carried_count == shelf->carried_room) {
		c = realloc(shelf->carried, room * sizeof(*c));
		if (c == NULL)
			return NULL;
		shelf->carried = c;
		shelf->carried_room = room;
	}
	c = &shelf->carried[i];
	memmove(c + 1, c, (shelf->carried_count++ - i) * sizeof(*c));
	*c = (struct carried){from, from, from, -1};
	return c;
}

static void forget(struct spool *spool, struct shelf *shelf, struct carried *c)
{
	unsigned i = (unsigned)(c - shelf->carried);

	if (c->hour >= 0 && c->at == c->from)
		hours_take(spool, shelf, c->hour);
	memmove(c, c + 1, (--shelf->carried_count - i) * sizeof(*c));
}

/* An entry that was found at the start has a place now among those that came since, whose hours are counted one by one. */
static void count_hour(struct spool *spool, struct shelf *shelf, struct carried *c, int64_t hour)
{
	if (c->at != c->from || c->from >= shelf->recovered_end)
		return;
	c->hour = hour;
	hours_add(spool, shelf, hour);
}

/* 0 or -errno. */
static int carry_one(struct spool *spool, struct shelf *shelf, uint64_t position)
{
	struct pending *pending = shelf_new_pending(shelf);
	struct carried *c = standing_at(shelf, position);
	struct spool_entry entry;
	const char *reason;
	int rc;

	if (c == NULL)
		c = insert(shelf, position);
	reason = c != NULL && !shelf->is_dead && c->from < shelf->recovered_end ? SPOOL_CARRIED : NULL;
	rc = pending == NULL || c == NULL
		     ? -ENOMEM
		     : spool_log_copy(shelf->log, position, reason, &entry, spool->scratch, SPOOL_PAYLOAD_MAX);
	if (rc != 0) {
		if (c != NULL && c->at == c->from)
			forget(spool, shelf, c);
		return rc;
	}
	counter_add(&spool->counters.written, entry.events);
	shelf_pend(spool, shelf, (struct pending){.events = entry.events, .from = BATCH_UNLOGGED}, entry.position);
	count_hour(spool, shelf, c, entry.hour);
	c->next = entry.position;
	shelf->carrying++;
	return 0;
}

static int has_reason(const struct spool *spool, const struct shelf *shelf)
{
	if (!shelf->is_dead)
		return shelf->ahead >= limit_of(spool);
	return shelf->ahead > 0 && shelf->reading == 0 && !exhume_goes_on(spool, shelf);
}

void carry(struct spool *spool, struct shelf *shelf)
{
	unsigned enough = shelf->is_dead ? 0 : limit_of(spool) / 2, turn = shelf->is_dead ? CARRY_TURN : UINT_MAX;
	unsigned ahead = shelf->ahead;
	uint64_t position = counter_read(&shelf->state.frontier), end = counter_read(&shelf->state.end);
	int rc = 0;

	if (!has_reason(spool, shelf) || shelf->carrying != 0 || spool->now_ms < shelf->carry_ms || !shelf_takes(spool, shelf))
		return;
	shelf->carry_ms = spool->now_ms + CARRY_MS;
	if (shelf->pending_count != 0)
		end = shelf->first_pending;
	for (; position < end && ahead > enough && shelf->carrying < turn && (rc == 0 || rc == -ENODATA); position++) {
		enum spool_mark mark = spool_log_mark_of(shelf->log, position);

		if (mark == SPOOL_ON_DISK && !shelf->is_dead)
			break;
		ahead -= mark == SPOOL_SETTLED;
		if (mark != SPOOL_SETTLED)
			rc = carry_one(spool, shelf, position);
	}
	if (rc != 0 && rc != -ENODATA)
		shelf_fail(spool, shelf, rc);
	shelf_account(spool, shelf);
}

void carry_durable(struct spool *spool, struct shelf *shelf, uint64_t below)
{
	for (unsigned i = 0; shelf->carrying != 0 && i < shelf->carried_count; i++) {
		struct carried *c = &shelf->carried[i];

		if (c->next == c->at || c->next >= below)
			continue;
		shelf_settle(spool, shelf->index, c->at, -1);
		c->at = c->next;
		shelf->carrying--;
		if (shelf->is_dead) { /* nobody has it in memory, and will ask for its place */
			spool_log_mark(shelf->log, c->at, SPOOL_ON_DISK);
			forget(spool, shelf, c);
			i--;
		}
	}
}

void carry_undo(struct spool *spool, struct shelf *shelf)
{
	for (unsigned i = shelf->carried_count; shelf->carrying != 0 && i-- > 0;) {
		struct carried *c = &shelf->carried[i];

		if (c->next == c->at)
			continue;
		c->next = c->at;
		shelf->carrying--;
		if (c->at == c->from)
			forget(spool, shelf, c);
	}
}

uint64_t carry_follow(struct spool *spool, struct shelf *shelf, uint64_t from)
{
	struct carried *c;
	unsigned i;
	uint64_t at;

	if (shelf->carried_count == 0 || (shelf->carrying == 0 && spool_log_mark_of(shelf->log, from) != SPOOL_SETTLED))
		return from;
	i = place_of(shelf, from);
	c = &shelf->carried[i];
	if (i == shelf->carried_count || c->from != from)
		return from;
	if (c->next != c->at) { /* the copy is not needed */
		shelf_settle(spool, shelf->index, c->next, -1);
		shelf->carrying--;
	}
	at = c->at;
	forget(spool, shelf, c);
	return at;
}
