/* SPDX-License-Identifier: Apache-2.0 */
#include "control/daemon/landing.h"

#include "base/clock.h"
#include "base/log.h"

#define GRACE_US (10 * MINUTE_US) /* an hour stays open so long after its end */

void landing_start(struct box *box)
{
	int64_t current, oldest;

	state_hours_load(box->state, &current, &oldest);
	hours_move(&box->hours, current, oldest);
	landing_move(box);
	atomic_store(&box->hours.complete, atomic_load(&box->hours.oldest));
}

int64_t landing_behind_minutes(const struct box *box)
{
	int64_t behind_us = atomic_load(&box->hours.current) * HOUR_US - clock_utc_us(clock_tsc());

	return behind_us > 0 ? behind_us / MINUTE_US : 0;
}

/* Once when it falls behind, and once when it has caught up. */
static void tell_of_clock(struct box *box)
{
	int64_t minutes = landing_behind_minutes(box);

	if ((minutes > 0) == box->clock_is_behind)
		return;
	box->clock_is_behind = minutes > 0;
	if (minutes > 0)
		log_write(LOG_WARNING, LANDING_BEHIND, (long long)minutes);
	else
		log_write(LOG_NOTICE, "the clock has caught up with the landing hour");
}

void landing_move(struct box *box)
{
	struct error error = {""};
	int64_t current, oldest;

	tell_of_clock(box);
	if (!hours_due(&box->hours, clock_utc_us(clock_tsc()), GRACE_US, &current, &oldest))
		return;
	if (state_hours_store(box->state, current, oldest, &error) != 0)
		log_write(LOG_WARNING, "%s; events land in the new hour all the same, and a start with the clock set back could open an "
				       "hour again that is closed",
			error.text);
	hours_move(&box->hours, current, oldest);
}

void landing_complete(struct box *box)
{
	int64_t from = atomic_load(&box->hours.complete), to = atomic_load(&box->hours.oldest);

	for (unsigned i = 0; i < box->worker_count && from < to; i++)
		to = worker_hours_settled(box->workers[i].worker, from, to);
	for (unsigned i = 0; i < box->producer_count && from < to; i++)
		if (producer_spool(box->producers[i].producer) != NULL)
			to = spool_hours_settled(producer_spool(box->producers[i].producer), from, to);
	if (to > from)
		atomic_store(&box->hours.complete, to);
}
