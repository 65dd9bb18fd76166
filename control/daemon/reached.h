/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * What an epoch had reached, the last sequence of each lane and topic, is published at the next start, so that a reader sees a tail
 * that is missing: a gap is only seen between two records. In mode `wal` it is exactly what was accepted, as the spool tells
 * (spool/spool.h); in the others a thread keeps what the workers have numbered, once a second, and after a kill it is `at least so
 * far`. Whatever the mode, an orderly stop keeps it exactly.
 *
 * It goes to the topic of boxes, a record a lane (docs/reached-format.md), and stays in the state directory until Kafka has
 * acknowledged it.
 */

#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>

#include "base/error.h"
#include "control/daemon/reached_file.h"

#define REACHED_WAITING 64 /* epochs that wait to be published; of more, those before are given up */
#define REACHED_SECONDS 1  /* between two stores */

struct box;
struct kafka_board;

struct box_reached {
	pthread_mutex_t lock;
	/* under the lock; written by the main thread at the start, then by the watcher */
	uint32_t last;       /* the last epoch; 0: none is known */
	uint64_t last_sum;   /* records */
	int last_exact;
	int last_published;
	unsigned waiting;    /* epochs not published yet, it among them */
	/* main thread at the start, then the watcher's */
	uint32_t epochs[REACHED_WAITING];
	unsigned lanes_done; /* of the first of them */
	/* main thread, and the thread that stores */
	struct reached_epoch now;
	uint64_t stored_sum;
	int stored;
	pthread_t thread;
	pthread_cond_t wake;
	int started, stop; /* under the lock */
};

/* Between the start of the producers and that of reception: concludes what ended before, and begins the box's own epoch. 0 or
 * -errno with a sentence. Main thread. */
int reached_start(struct box *box, struct error *error);

/* After the workers have ended: keeps where they came to. The thread that drains. */
void reached_stop(struct box *box);

/* Publishes what waits, as long as Kafka takes it. Watcher thread. */
void reached_publish(struct box *box, struct kafka_board *board);
