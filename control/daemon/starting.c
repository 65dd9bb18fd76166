/* SPDX-License-Identifier: Apache-2.0 */
#include "control/daemon/starting.h"

#include <errno.h>
#include <time.h>

#include "base/thread.h"
#include "control/daemon/notify.h"

#define LASTS_S 10 /* that the service manager is to wait from then on */
#define LEAVE_S 60 /* for the start to be left, once it is told to stop */

/* A second's rest. Returns 0 at the end. */
static int rest(struct starting *starting)
{
	struct timespec until;
	int rc;

	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_sec++;
	while ((rc = sem_clockwait(&starting->end, CLOCK_MONOTONIC, &until)) != 0 && errno == EINTR)
		continue;
	return rc != 0;
}

static void *starting_main(void *argument)
{
	struct starting *starting = argument;
	unsigned left_s = LEAVE_S;

	while (left_s > 0 && notify_starting(LASTS_S) != 0 && rest(starting))
		left_s -= atomic_load(starting->stop_asked) != 0;
	return NULL;
}

void starting_begin(struct starting *starting, const atomic_int *stop_asked)
{
	starting->stop_asked = stop_asked;
	sem_init(&starting->end, 0, 0);
	starting->started = thread_start(&starting->thread, "starting", NULL, 0, starting_main, starting) == 0;
}

void starting_end(struct starting *starting)
{
	sem_post(&starting->end);
	if (starting->started)
		pthread_join(starting->thread, NULL);
	sem_destroy(&starting->end);
}
