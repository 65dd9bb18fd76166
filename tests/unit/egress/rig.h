/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * A lane with a small pool, the worker's part played by the test, and a producer at its other end. Batches that come home
 * are overwritten with 0xdb at once, so that memory which a client still wanted would be seen.
 */

#include <stdint.h>

#include "base/error.h"
#include "egress/producer.h"

#define RIG_BATCHES    16u
#define RIG_BATCH_SIZE 16384u

struct rig {
	struct topic_table topics;
	struct lane lane;
	struct lane *lanes[1];
	struct batch_pool *pool;
	struct kafka_property properties[16];
	unsigned property_count;
	struct producer_config config;
	struct producer *producer;
	uint64_t sent; /* events given to the producer */
	int64_t base_ms; /* of batches; the records' times rise from it by one; 0: they have none */
};

/* `servers`: NULL for the discarding egress. Two topics at first, t0 and t1. */
struct rig *rig_new(const char *servers);
void rig_property(struct rig *rig, const char *name, const char *value);
void rig_start(struct rig *rig);

/* One batch of `records` records, numbered on from `rig->sent`, with values of at least `bytes` bytes. Waits for a batch to
 * come home when none is free. */
void rig_send(struct rig *rig, uint16_t topic, int32_t partition, unsigned records, unsigned bytes);

/* Like rig_send, with a value of `large` bytes at index `which`. */
void rig_send_one_large(struct rig *rig, uint16_t topic, unsigned records, unsigned which, unsigned large);

/* A batch that says that it has so many records, and whose bytes are none. */
void rig_send_unreadable(struct rig *rig, uint16_t topic, unsigned records);

/* Takes home what has come back. */
void rig_collect(struct rig *rig);

/* Waits until `done` says so, taking batches home meanwhile; fails the test after 30 s. */
void rig_wait(struct rig *rig, int (*done)(struct rig *));
int rig_all_settled(struct rig *rig);

uint64_t rig_acked(const struct rig *rig);
uint64_t rig_topic_acked(const struct rig *rig, uint16_t topic);

/* Stops the producer; asserts that every batch is home, that nothing is held, outstanding or in the ring, and that
 * sent = received = acked + given up + buried + what was left on disk, per producer and over topics. */
void rig_stop(struct rig *rig);
void rig_free(struct rig *rig);
