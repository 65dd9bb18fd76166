/* SPDX-License-Identifier: Apache-2.0 */
#include "control/daemon/landing.h"

#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/thread.h"
#include "control/daemon/box.h"

#define GRACE_US (10 * MINUTE_US) /* an hour stays open so long after its end */
#define TURN_NS  100000000L

int64_t landing_behind_minutes(const struct box *box)
{
	int64_t behind_us = atomic_load(&box->hours.current) * HOUR_US - clock_utc_us(clock_tsc());

	return behind_us > 0 ? behind_us / MINUTE_US : 0;
}

/* Once when it falls behind, and once when it has caught up. */
static void tell_of_clock(struct box *box)
{
	int64_t minutes = landing_behind_minutes(box);

	if ((minutes > 0) == box->landing.is_behind)
		return;
	box->landing.is_behind = minutes > 0;
	if (minutes > 0)
		log_write(LOG_WARNING, LANDING_BEHIND, (long long)minutes);
	else
		log_write(LOG_NOTICE, "the clock has caught up with the landing hour");
}

/* Tried once for each change: what is kept too low is told late after a restart, and never wrong. */
static void keep(struct box *box, const struct state_hours *hours, const char *otherwise)
{
	struct error error = {""};

	if (state_hours_store(box->state, hours, &error) != 0)
		log_write(LOG_WARNING, "%s; %s", error.text, otherwise);
	box->landing.kept_complete = hours->complete;
}

/* The marks, to where the clock wants them, and what is kept, to where they are. */
static void move(struct box *box)
{
	struct state_hours hours = {.complete = atomic_load(&box->hours.complete)};

	tell_of_clock(box);
	if (hours_due(&box->hours, clock_utc_us(clock_tsc()), GRACE_US, &hours.current, &hours.oldest)) {
		keep(box, &hours, "events land in the new hour all the same, and a start with the clock set back could open an hour again "
				  "that is closed");
		hours_move(&box->hours, hours.current, hours.oldest);
	} else if (hours.complete != box->landing.kept_complete) {
		keep(box, &hours, "after a restart hours could be told to be complete later than now");
	}
}

void landing_open(struct box *box)
{
	struct state_hours kept;

	state_hours_load(box->state, &kept);
	hours_move(&box->hours, kept.current, kept.oldest);
	atomic_store(&box->hours.complete, kept.complete);
	box->landing.kept_complete = kept.complete;
	move(box);
	box->landing.settled = atomic_load(&box->hours.oldest);
	if (kept.complete == 0)
		atomic_store(&box->hours.complete, box->landing.settled);
}

/* The first hour that batches of this daemon's workers may still belong to. What spools hold keeps it back nowhere, so that it is
 * never as far behind as hours are told apart. */
static int64_t workers_settled(struct box *box)
{
	int64_t from = box->landing.settled, to = atomic_load(&box->hours.oldest);

	for (unsigned i = 0; i < box->worker_count && from < to; i++)
		to = worker_hours_settled(box->workers[i].worker, from, to);
	if (to > from)
		box->landing.settled = to;
	return box->landing.settled;
}

void landing_complete(struct box *box)
{
	int64_t from = atomic_load(&box->hours.complete), to = workers_settled(box);

	if (box->former.count > 0) /* of what lies there no hour is known */
		return;
	for (unsigned i = 0; i < box->producer_count && from < to; i++)
		if (producer_spool(box->producers[i].producer) != NULL)
			to = spool_hours_settled(producer_spool(box->producers[i].producer), from, to);
	if (to > from)
		atomic_store(&box->hours.complete, to);
}

static void *landing_main(void *argument)
{
	struct box *box = argument;

	while (!atomic_load(&box->landing.stop)) {
		move(box);
		(void)nanosleep(&(struct timespec){0, TURN_NS}, NULL);
	}
	return NULL;
}

int landing_start(struct box *box, struct error *error)
{
	int rc = thread_start(&box->landing.thread, "hours", NULL, 0, landing_main, box);

	if (rc != 0)
		return error_set(error, rc, "cannot start the thread of landing hours: %s", strerror(-rc));
	box->landing.started = 1;
	return 0;
}

void landing_stop(struct box *box)
{
	if (!box->landing.started)
		return;
	atomic_store(&box->landing.stop, 1);
	pthread_join(box->landing.thread, NULL);
	box->landing.started = 0;
}
