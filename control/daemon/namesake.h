/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Two boxes with one node name would give one identity twice. Each box posts its node name and instance UUID on a topic that
 * all boxes of a cluster share (NAMESAKE_TOPIC, one partition; `penstock topics create` makes it) and reads the others'
 * notices (and leaves alone what else is there, whose keys have a blank: reached.h): one with our name and another instance
 * is an alarm for as long as it goes on.
 */

#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>

#include "base/error.h"
#include "kafka/settings.h"

#define NAMESAKE_TOPIC   "penstock.boxes"
#define NAMESAKE_SECONDS 60 /* a notice older than this is no longer about now */

struct kafka_board;

struct namesake {
	pthread_mutex_t lock;
	char instance[40];   /* under the lock: the other box; "" when there is none */
	int64_t seen_us;     /* under the lock: UTC when it was last heard of */
	/* watcher thread only */
	struct kafka_board *board;
	const char *node, *uuid;
	int64_t started_ms; /* UTC; what was posted before is about boxes that may have ended */
	int told_missing;
	const atomic_int *leave; /* once it is not 0, nothing waits for Kafka; NULL: none */
};

/* 0 or -errno with a sentence. `node` and `uuid` stay the caller's. Main thread. */
int namesake_init(struct namesake *namesake, const char *node, const char *uuid);

/* Posts, reads and judges; blocks for some seconds at the most. Watcher thread. */
void namesake_turn(struct namesake *namesake, const struct kafka_property *properties, unsigned count);

/* Watcher thread, at its end. */
void namesake_fini(struct namesake *namesake);

/* Copies the other box's instance when one was heard of lately, and returns when (UTC µs); 0: there is none. Any thread. */
int64_t namesake_heard(struct namesake *namesake, char instance[40]);
