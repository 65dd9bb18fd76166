/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "spool/internal.h"

/*
 * Dead letters that somebody wants delivered once more. They are read, delivered and settled as what lies in other logs is, but for
 * what was asked for: letters of a topic below a position. A letter that comes back undelivered is a letter again where it stands.
 * One that is refused again is written anew, at the log's end, which is beyond what was asked for.
 */

#define COUNT_TURN 64u /* letters that are looked at in one turn, to be counted */
#define REST_MS    500 /* after one that came back, since others would, too */

struct exhumation {
	uint64_t until[TOPIC_MAX]; /* letters of the topic that stand below are to be tried */
	uint64_t last;             /* the highest of them */
	uint64_t left;             /* letters to be tried that were not read, about */
	int64_t rest_ms;           /* none is read before */
};

static void tell(struct spool *spool)
{
	uint64_t left = 0;

	for (unsigned i = 0; i < spool->shelf_count; i++) {
		const struct shelf *shelf = spool->shelves[i];
		uint64_t there = atomic_load(&shelf->state.left);

		if (shelf->exhumation != NULL) /* some may have been asked for twice */
			left += (shelf->exhumation->left < there ? shelf->exhumation->left : there) + shelf->reading;
	}
	counter_set(&spool->counters.exhuming, left);
}

/* Ends the count with an answer. */
static void answer(struct spool *spool, int rc)
{
	struct exhume_wish *wish = &spool->wish;

	tell(spool); /* so that whoever asked sees it */
	wish->rc = rc;
	atomic_store(&wish->state, WISH_DONE);
	sem_post(&wish->done);
}

static struct exhumation *exhumation_of(struct shelf *shelf)
{
	if (shelf->exhumation == NULL)
		shelf->exhumation = calloc(1, sizeof(*shelf->exhumation));
	return shelf->exhumation;
}

/* What was asked for before is asked for still. */
static int ask(struct shelf *shelf, unsigned first_topic, unsigned topics, uint64_t until)
{
	struct exhumation *e = exhumation_of(shelf);

	if (e == NULL)
		return -ENOMEM;
	for (unsigned topic = first_topic; topic < first_topic + topics; topic++)
		e->until[topic] = until;
	if (until > e->last)
		e->last = until;
	shelf->cursor = 0;
	return 0;
}

static int ask_for_all(struct spool *spool)
{
	struct exhume_wish *wish = &spool->wish;
	int rc = 0;

	for (unsigned i = 0; rc == 0 && i < spool->shelf_count; i++) {
		struct shelf *shelf = spool->shelves[i];

		if (!shelf->is_dead || atomic_load(&shelf->state.left) == 0)
			continue;
		rc = ask(shelf, 0, TOPIC_MAX, counter_read(&shelf->state.end));
		if (rc != 0)
			break;
		shelf->exhumation->left = atomic_load(&shelf->state.left);
		wish->letters += shelf->exhumation->left;
		wish->events += counter_read(&shelf->state.left_events);
	}
	return rc;
}

/* Looks at the next letter of the log. 1: goes on; 0: that was the last one, or -errno. */
static int count_one(struct spool *spool, struct shelf *shelf)
{
	struct exhume_wish *wish = &spool->wish;
	struct spool_entry entry;
	int rc = spool_log_read(shelf->log, wish->position, &entry, spool->scratch, SPOOL_PAYLOAD_MAX);

	if (rc != 1)
		return rc;
	spool_log_mark(shelf->log, entry.position, SPOOL_ON_DISK);
	wish->position = entry.position + 1;
	if (strcmp(entry.topic, wish->topic) != 0)
		return 1;
	wish->here++;
	wish->letters++;
	wish->events += entry.events;
	return 1;
}

static int ask_for_topic(struct spool *spool, struct shelf *shelf)
{
	struct exhume_wish *wish = &spool->wish;
	int topic, rc;

	if (wish->here == 0)
		return 0;
	topic = spool->config.topic_of(spool->config.context, wish->topic);
	rc = topic >= 0 ? ask(shelf, (unsigned)topic, 1, wish->position) : -ENOSPC;
	if (rc == 0)
		shelf->exhumation->left += wish->here;
	return rc;
}

/* Some letters of the log in which the count is; behind the last one, the next log. */
static void count_some(struct spool *spool)
{
	struct exhume_wish *wish = &spool->wish;
	struct shelf *shelf;
	int rc = 1;

	while (wish->shelf < spool->shelf_count && !spool->shelves[wish->shelf]->is_dead)
		wish->shelf++;
	if (wish->shelf == spool->shelf_count) {
		answer(spool, 0);
		return;
	}
	shelf = spool->shelves[wish->shelf];
	for (unsigned i = 0; rc == 1 && i < COUNT_TURN; i++)
		rc = count_one(spool, shelf);
	shelf_account(spool, shelf);
	if (rc == 0)
		rc = ask_for_topic(spool, shelf) == 0 ? 0 : -ENOSPC;
	if (rc < 0) {
		answer(spool, rc);
	} else if (rc == 0) {
		wish->shelf++;
		wish->position = wish->here = 0;
	}
}

static int is_carrying(const struct spool *spool)
{
	for (unsigned i = 0; i < spool->shelf_count; i++)
		if (spool->shelves[i]->is_dead && spool->shelves[i]->carrying != 0)
			return 1;
	return 0;
}

/* Returns whether there was something to do. */
static unsigned grant(struct spool *spool)
{
	struct exhume_wish *wish = &spool->wish;

	if (atomic_load(&wish->state) != WISH_ASKED || is_carrying(spool))
		return 0;
	if (wish->topic[0] != '\0')
		count_some(spool);
	else
		answer(spool, ask_for_all(spool));
	return 1;
}

static void end_one(struct spool *spool, struct shelf *shelf)
{
	if (shelf->cursor < shelf->exhumation->last || shelf->reading != 0)
		return;
	exhume_forget(shelf);
	dead_look(spool);
}

unsigned exhume_turn(struct spool *spool)
{
	unsigned done = grant(spool);

	for (unsigned i = 0; i < spool->shelf_count; i++)
		if (spool->shelves[i]->exhumation != NULL)
			end_one(spool, spool->shelves[i]);
	tell(spool);
	return done;
}

int exhume_goes_on(const struct spool *spool, const struct shelf *shelf)
{
	return shelf->exhumation != NULL || atomic_load(&spool->wish.state) == WISH_ASKED;
}

int exhume_may_read(const struct spool *spool, const struct shelf *shelf)
{
	const struct exhumation *e = shelf->exhumation;

	return e != NULL && shelf->cursor < e->last && spool->now_ms >= e->rest_ms && shelf->carrying == 0;
}

int exhume_wants(struct shelf *shelf, uint64_t position, int topic)
{
	const struct exhumation *e = shelf->exhumation;

	return topic >= 0 && position < e->until[topic];
}

void exhume_end_reached(struct shelf *shelf)
{
	shelf->cursor = shelf->exhumation->last;
}

void exhume_taken(struct spool *spool, struct shelf *shelf, const struct batch *letter)
{
	hours_add(spool, shelf, letter->hour);
	counter_add(&spool->counters.exhumed, letter->events);
	if (shelf->exhumation->left > 0)
		shelf->exhumation->left--;
}

void exhume_came_back(struct spool *spool, struct shelf *shelf, uint64_t position)
{
	struct exhumation *e = shelf->exhumation;

	e->left++;
	e->rest_ms = spool->now_ms + REST_MS;
	if (position < shelf->cursor)
		shelf->cursor = position;
}

void exhume_forget(struct shelf *shelf)
{
	free(shelf->exhumation);
	shelf->exhumation = NULL;
}

int spool_exhume(struct spool *spool, const char *topic, unsigned ms, uint64_t *letters, uint64_t *events)
{
	struct exhume_wish *wish = &spool->wish;
	int64_t end = clock_ms() + ms;
	struct timespec until = {end / 1000, end % 1000 * 1000000};

	if (atomic_load(&wish->state) == WISH_ASKED)
		return -EBUSY;
	if (topic != NULL && strlen(topic) > SPOOL_TOPIC_MAX)
		return -EINVAL;
	(void)strcpy(wish->topic, topic != NULL ? topic : "");
	wish->letters = wish->events = wish->position = wish->here = 0;
	wish->shelf = 0;
	atomic_store(&wish->state, WISH_ASKED);
	spool_wake(spool);
	while (atomic_load(&wish->state) != WISH_DONE) /* one that nobody waited for to the end has posted, too */
		if (sem_clockwait(&wish->done, CLOCK_MONOTONIC, &until) != 0 && errno != EINTR)
			return -ETIMEDOUT;
	*letters = wish->letters;
	*events = wish->events;
	return wish->rc;
}

int spool_is_letter(const struct spool *spool, const struct batch *batch)
{
	return batch->log != BATCH_UNLOGGED && spool->shelves[batch->log]->is_dead;
}
