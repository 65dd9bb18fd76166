/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * The watcher: a control thread that asks the cluster which topics it has and with how many partitions, publishes the counts
 * to the workers and keeps them on disk, so that a start without Kafka still places keys right. A count that falls (a topic
 * made anew) is published as well. It also looks for a box with our name (namesake.h).
 */

#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>

#include "base/error.h"
#include "batch/topic.h"

struct box;

struct watcher {
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t wake;
	atomic_int started;       /* who starts and stops it: rw */
	int stop, hurry;          /* under the lock */
	atomic_int leave;         /* as `stop`, for whoever waits for Kafka */
	uint8_t looks[TOPIC_MAX]; /* in vain, for a topic's partitions to be made; the thread's own */
};

/* 0 or -errno with a sentence. Main thread. */
int watcher_start(struct box *box, struct error *error);
void watcher_stop(struct box *box);

/* Asks for a look at the cluster now, such as after topics were made. Control threads. */
void watcher_hurry(struct box *box);
