/* SPDX-License-Identifier: Apache-2.0 */
#include "control/daemon/landing.h"

#include "base/clock.h"
#include "base/log.h"

#define GRACE_US (10 * MINUTE_US) /* an hour stays open so long after its end */

void landing_start(struct box *box)
{
	int64_t current, oldest;

	state_hours_load(box->state, &current, &oldest);
	if (current > clock_utc_us(clock_tsc()) / HOUR_US)
		log_write(LOG_WARNING, "the clock is %lld h behind the landing hour that was reached here: until it has caught up, "
				       "events land in that hour",
			(long long)(current - clock_utc_us(clock_tsc()) / HOUR_US));
	hours_move(&box->hours, current, oldest);
	landing_move(box);
	atomic_store(&box->hours.complete, atomic_load(&box->hours.oldest));
}

void landing_move(struct box *box)
{
	struct error error = {""};
	int64_t current, oldest;

	if (!hours_due(&box->hours, clock_utc_us(clock_tsc()), GRACE_US, &current, &oldest))
		return;
	if (state_hours_store(box->state, current, oldest, &error) != 0)
		log_write(LOG_WARNING, "%s", error.text);
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
