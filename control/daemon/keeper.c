/* SPDX-License-Identifier: Apache-2.0 */
#include "control/daemon/keeper.h"

#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/thread.h"
#include "control/daemon/box.h"
#include "control/daemon/landing.h"
#include "control/daemon/notify.h"

#define TURN_NS        100000000L
#define TURNS_A_SECOND 10u
#define SOURCE_IDLE_SECONDS 3600u

struct keeper {
	struct box *box;
	int64_t paused_ms;
};

/* What cannot wait for the end of a walk over millions of senders. Ends it when the keeper is to stop. */
static int pause_walk(void *context)
{
	struct keeper *keeper = context;
	int64_t now = clock_ms();

	if (now - keeper->paused_ms >= TURN_NS / 1000000) {
		keeper->paused_ms = now;
		clock_update();
		(void)notify_watchdog();
	}
	return atomic_load(&keeper->box->keeper_stop);
}

/* Accounts of senders that are long silent make room for others. */
static void retire_sources(struct box *box, const struct sources_pause *pause)
{
	/* A time before the counter's zero is fine: nothing is idle then, but what newer epochs have pushed out is folded. */
	if (box->sources != NULL)
		(void)sources_retire(box->sources, clock_tsc() - SOURCE_IDLE_SECONDS * clock_hz(), pause);
}

static void once_a_second(struct box *box)
{
	struct keeper keeper = {box, clock_ms()};
	struct sources_pause pause = {pause_walk, &keeper};

	retire_sources(box, &pause);
	ledger_check(&box->ledger, box, &pause);
	landing_complete(box);
	rates_update(&box->rates, box);
	(void)notify_watchdog();
}

/* Turns that a long one has taken the time of are not made up for. */
static void follow_clock(struct timespec *next)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	if (now.tv_sec > next->tv_sec + 1)
		*next = now;
}

static void *keeper_main(void *argument)
{
	struct box *box = argument;
	struct timespec next;
	unsigned turn = 0;

	clock_gettime(CLOCK_MONOTONIC, &next);
	while (!atomic_load(&box->keeper_stop)) {
		clock_update();
		if (++turn % TURNS_A_SECOND == 0)
			once_a_second(box);
		follow_clock(&next);
		next.tv_nsec += TURN_NS;
		if (next.tv_nsec >= 1000000000L) {
			next.tv_nsec -= 1000000000L;
			next.tv_sec++;
		}
		while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &next, NULL) != 0)
			;
	}
	return NULL;
}

int keeper_start(struct box *box, struct error *error)
{
	int rc = thread_start(&box->keeper, "keeper", NULL, 0, keeper_main, box);

	if (rc != 0)
		return error_set(error, rc, "cannot start the keeper thread: %s", strerror(-rc));
	box->keeper_started = 1;
	return 0;
}

void keeper_stop(struct box *box)
{
	if (!box->keeper_started)
		return;
	atomic_store(&box->keeper_stop, 1);
	pthread_join(box->keeper, NULL);
	box->keeper_started = 0;
}
