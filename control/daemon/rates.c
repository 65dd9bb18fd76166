/* SPDX-License-Identifier: Apache-2.0 */
#include "control/daemon/rates.h"

#include "base/clock.h"
#include "control/daemon/box.h"
#include "control/daemon/totals.h"

static uint64_t per_second(uint64_t now, uint64_t *last, double seconds)
{
	uint64_t rate = (uint64_t)((double)(now - *last) / seconds + 0.5);

	*last = now;
	return rate;
}

void rates_update(struct rates *rates, const struct box *box)
{
	uint64_t tsc = clock_tsc();
	double seconds = (double)(tsc - rates->last_tsc) / (double)clock_hz();

	rates->last_tsc = tsc;
	if (seconds <= 0)
		return;
	atomic_store(&rates->frames, per_second(TOTAL_SOURCE(box, frames), &rates->last_frames, seconds));
	atomic_store(&rates->bytes, per_second(TOTAL_SOURCE(box, bytes), &rates->last_bytes, seconds));
	atomic_store(&rates->datagrams, per_second(TOTAL_WORKER(box, datagrams), &rates->last_datagrams, seconds));
	atomic_store(&rates->events, per_second(TOTAL_WORKER(box, found), &rates->last_events, seconds));
	atomic_store(&rates->replayed, per_second(TOTAL_SPOOL(box, replayed), &rates->last_replayed, seconds));
	atomic_store(&rates->acked, per_second(TOTAL_PRODUCER(box, acked), &rates->last_acked, seconds));
}
