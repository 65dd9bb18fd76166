/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Landing hours (worker/hours.h) as the daemon keeps them: over restarts, and until they are complete. Marks are kept durably
 * before workers see them, so that no life of this box opens an hour that an earlier one closed; a state directory that cannot be
 * written keeps no event out of its hour, though: the log says so. Which hours are complete is kept, too, and goes on from there:
 * what an earlier life left on disk keeps its hour back until it is delivered, and in a spool that is not open (former.h) every
 * hour. What a killed one had in memory alone is in no later account, and keeps back none.
 */

#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>

#include "base/error.h"

struct box;

/* The thread that moves the marks ten times a second, and may wait for the state directory's disk as long as that takes. */
struct landing {
	pthread_t thread;
	int started;
	atomic_int stop;
	int is_behind; /* the clock, and the log says so; main thread, then the thread's own */
	int64_t kept_complete; /* the mark, as the state directory has it, or should; same */
	int64_t settled; /* the first hour that batches of workers may belong to; main thread, then the keeper */
};

/* Takes up what the state directory says and the clock of now. Main thread, before workers start. */
void landing_open(struct box *box);

/* 0 or -errno with a sentence. Main thread. */
int landing_start(struct box *box, struct error *error);

/* Waits until it has left the disk. Control thread. */
void landing_stop(struct box *box);

/* For the log and people, with landing_behind_minutes. */
#define LANDING_BEHIND \
	"the clock is %lld min behind the landing hour that was reached here: until it has caught up, events land in that hour"

/* Whole minutes by which the clock is behind the beginning of the current landing hour; 0: it is not. Any thread. */
int64_t landing_behind_minutes(const struct box *box);

/* Finds out which closed hours are complete. Keeper thread. */
void landing_complete(struct box *box);
