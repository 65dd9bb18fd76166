/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Tells the service manager that the start goes on, once a second in a thread of its own: the start may read large tables, and
 * what a spool holds, for minutes. One that is told to stop and has not in a minute is left to the manager. Main thread.
 */

#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>

struct starting {
	pthread_t thread;
	sem_t end;
	const atomic_int *stop_asked;
	int started;
};

/* Without a manager, or a thread, nobody is told. */
void starting_begin(struct starting *starting, const atomic_int *stop_asked);

/* Nobody is told any more when it returns. */
void starting_end(struct starting *starting);
