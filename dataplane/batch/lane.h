/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * A lane: a worker's way out and the batches' way home. Made by control, one per worker, with rings as large as the
 * worker's pool, so neither is ever full.
 */

#include <rte_ring.h>
#include <stdatomic.h>
#include <stdint.h>

#include "base/counter.h"
#include "batch/topic.h"

struct lane_topic {
	unsigned held, with_client; /* batches */
	uint8_t class; /* whose log its batches go to, when `has_class`: a new one of its own when nothing waits in that log */
	uint8_t has_class;
};

struct lane {
	struct rte_ring *out;  /* sealed batches, worker -> producer */
	struct rte_ring *home; /* settled batches, producer -> worker */
	/* Gauge: events in `out`. The one counter with two writers: the worker adds before it pushes, the producer takes after it
	 * has counted what it popped; once a batch. */
	_Atomic uint64_t ring_events;
	uint16_t number;  /* of the worker; worker_new sets it and the two that follow */
	unsigned batches; /* of the worker's pool */
	unsigned credit;  /* of them that one topic may hold */
	/* A bit a class: the spool has no room for it and the pool is needed for others, so that no batch is begun for its topics.
	 * Producer: rw, worker: ro. */
	atomic_uint closed;
	counter turned_away[TOPIC_CLASSES]; /* worker: events that found it closed, by class */
	/* The producer's own account of the pool, all in all and by topic: batches that it took and did not send home, those of
	 * them that the client has, and (by class) those that are on their way to the disk. */
	unsigned held, with_client, leaving[TOPIC_CLASSES];
	unsigned silent; /* those that the client had of silent topics, a quarter second ago or less */
	struct lane_topic *topics; /* TOPIC_MAX of them while there is a producer */
	uint8_t has_backlog[TOPIC_CLASSES]; /* what comes goes to the end of the class's log, behind what waits there */
	uint8_t is_pressed;  /* so much of the pool is held that what waits is left to the disk */
};
