/* SPDX-License-Identifier: Apache-2.0 */
#include "control/daemon/stopping.h"

#include "base/log.h"
#include "control/daemon/box.h"
#include "control/daemon/notify.h"
#include "control/daemon/totals.h"

#define TOLD_MS  1000
#define LASTS_S  10 /* that the service manager is to wait from then on */
#define STILL_MS 60000

/* A sum that changes when anything is delivered, given up or written. */
static uint64_t sum(const struct box *box)
{
	return TOTAL_PRODUCER(box, acked) + TOTAL_PRODUCER(box, to_disk) - TOTAL_PRODUCER(box, held) + TOTAL_SPOOL(box, written) +
	       TOTAL_SPOOL(box, syncs) + TOTAL_SPOOL(box, settled);
}

void stopping_begin(struct stopping *stopping, const struct box *box, int64_t now_ms)
{
	*stopping = (struct stopping){.box = box,
		.drain_until_ms = now_ms + (int64_t)box->config->drain_seconds * 1000,
		.told_ms = now_ms - TOLD_MS,
		.moved_ms = now_ms,
		.moved = sum(box)};
}

static void look(struct stopping *stopping, int64_t now_ms)
{
	const char *awaits = atomic_load(&stopping->box->awaits);
	uint64_t moved = sum(stopping->box);
	int hung = stopping->hangs;

	if (moved != stopping->moved || now_ms < stopping->drain_until_ms)
		stopping->moved_ms = now_ms;
	stopping->moved = moved;
	stopping->hangs = now_ms - stopping->moved_ms >= STILL_MS;
	if (stopping->hangs && !hung)
		log_write(LOG_ERROR, "the stop hangs: nothing has moved for %d s after the drain, and it waits for %s; the service manager is "
				     "asked for no more time", STILL_MS / 1000, awaits != NULL ? awaits : "the ports");
}

void stopping_turn(struct stopping *stopping, int64_t now_ms)
{
	if (now_ms - stopping->told_ms < TOLD_MS)
		return;
	stopping->told_ms = now_ms;
	look(stopping, now_ms);
	if (!stopping->hangs)
		(void)notify_stopping(LASTS_S);
}
