/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * A source between a worker and the real one: it lets through as much as the rate and the sink allow, and, when nobody
 * stands at the lane's other end, sends the lane's batches home. All on the worker's thread.
 */

#include <stdatomic.h>
#include <stdint.h>

#include "batch/lane.h"
#include "nic/source.h"

#define FEED_SENDERS 64 /* of a capture at the most, with ids below it */

struct worker;

struct bench_feed {
	const struct source_ops *ops; /* the real source */
	struct source_queue *queue;
	struct lane *lane;
	struct worker *worker; /* whose pool says how much the sink holds */
	int discard;           /* send batches home at once */
	uint64_t rate;         /* datagrams a second, 0: as fast as it goes */
	uint64_t began;        /* counter value of the first receive */
	uint64_t taken;        /* datagrams let through */
	int frames;            /* the capture holds frames: see feed_renumber */
	struct {
		uint64_t base, last; /* added to the capture's numbers now; the last of those */
	} numbers[FEED_SENDERS];
	atomic_int closed;     /* main thread: nothing more is let through */
};

/* Give a worker this, and the feed as its queue. */
extern const struct source_ops feed_ops;

static inline struct source_queue *feed_queue(struct bench_feed *feed)
{
	return (struct source_queue *)(void *)feed;
}

/* The capture comes again and again, but a sender's numbers go on: writes them into the frames, so that these are no
 * duplicates. The worker's thread. */
void feed_renumber(struct bench_feed *feed, const struct datagram *datagrams, unsigned count);

/* Sends home what is in the lane. The worker's thread. */
void feed_discard(struct bench_feed *feed);
