/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * The loader: a thread on the control CPUs that reads the configuration again when asked, and publishes what it says of types,
 * topics and tables as the next generation. One that cannot be built changes nothing and says why. What else the file says
 * takes a restart; the result names it.
 *
 * When watching was asked for, it looks at the file and at the tables that the file named when it was read last, whether that
 * could be put in force or not: a table that was missing is loaded when it comes.
 */

#include <pthread.h>
#include <stdint.h>

#include "base/error.h"
#include "control/daemon/tables.h"

struct box;

#define LOADER_TEXT    512
#define LOADER_RESULTS 16 /* kept, for those who wait */

/* How the last request ended. */
struct loader_result {
	uint64_t request;       /* its number; 0: none was made */
	int ok;
	int left;               /* because the daemon stops */
	uint32_t generation;    /* in force after it */
	uint32_t took_ms;
	int64_t at_us;          /* UTC, when it ended */
	char text[LOADER_TEXT]; /* why it failed, or what takes a restart; "" */
};

struct loader {
	pthread_mutex_t lock; /* guards all below */
	pthread_cond_t wake;
	uint64_t asked, done; /* requests; several made while one is worked on are worked on as one */
	int stop; /* what was asked for is answered, and nothing more is put in force */
	struct loader_result results[LOADER_RESULTS]; /* a ring of the last ones */
	unsigned result_count;                        /* ever */
	struct config *refused;    /* the thread's own: what was read last and could not be put in force; NULL: it could */
	struct tables_marks tried; /* same: of the files when it last loaded them, whatever came of it ... */
	int64_t next_watch_ms;     /* ... and when it looks again */
	pthread_t thread;
	int started;
};

/* 0 or -errno with a sentence. Main thread. */
int loader_start(struct box *box, struct error *error);

/* Asks for a reload and returns the request's number. Any thread. */
uint64_t loader_ask(struct box *box);

/* Copies the last result; returns whether all that was asked for is done. Any thread. */
int loader_last(struct box *box, struct loader_result *result);

/* Copies how this request ended, by itself or with those made after it; `request` is 0 in it when it has not yet. Returns as
 * loader_last does. Any thread. */
int loader_answer(struct box *box, uint64_t request, struct loader_result *result);

/* Waits until it has left what it was doing, for which the box is asked to stop already, and has answered all that was asked.
 * Control thread, before the workers go. */
void loader_stop(struct box *box);
