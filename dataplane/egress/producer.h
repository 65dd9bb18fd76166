/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Producers: one thread a NUMA node that takes sealed batches from the lanes' rings, hands them to an egress, and sends each
 * batch home when its last record is settled: acked (delivery report without error, acks=all) or given up by name. Topics
 * settle out of order, so memory comes home by batch. A batch whose records must be tried again waits in the producer, by
 * topic, and harms only its own topic, whose credit it holds.
 */

#include <rte_ring.h>
#include <stdatomic.h>

#include "base/counter.h"
#include "base/error.h"
#include "batch/batch.h"
#include "batch/topic.h"
#include "kafka/client.h"

/* Events that were numbered and will not reach Kafka. X(name, meaning, cure) */
#define EGRESS_GIVEN_UP(X)                                                                                            \
	X(too_large, "the record is larger than the client or the broker takes",                                      \
		"raise message.max.bytes on topic and client, or lower max_datagram")                                 \
	X(invalid, "the broker called the record invalid", "look at the broker's log; a compacted topic needs keys")  \
	X(stopped, "not acknowledged when the drain time ran out at stop", "raise stop.drain; see why Kafka was away")

/* A lane's way out and home: made by control, one per worker. */
struct lane {
	struct rte_ring *out;         /* sealed batches, worker -> producer */
	struct rte_ring *home;        /* settled batches, producer -> worker */
	_Atomic uint64_t ring_events; /* gauge: events in `out`. Both ends add and take, once a batch */
};

struct producer_topic_counters {
	counter acked;    /* events */
	counter given_up; /* events */
	counter held;     /* gauge: events in the producer and its client */
	counter retries;  /* records handed over again */
	counter stalled_since; /* UTC s since when nothing of this topic came back although something is held; 0: moving */
};

struct producer_counters {
	counter received; /* events popped from lanes */
	counter acked;    /* events; written before `held` is lowered */
	counter held;     /* gauge: events popped and not yet settled */
	counter bytes_acked; /* of keys and values */
	counter rebuilds; /* client handles made anew after a fatal error */
#define X(name, ...) counter given_up_##name;
	EGRESS_GIVEN_UP(X)
#undef X
	struct producer_topic_counters topics[TOPIC_MAX];
};

struct producer_config {
	unsigned node;                    /* NUMA */
	const int *cpus;                  /* of this node's producers; the thread and the client's threads live there */
	unsigned cpu_count;               /* 0: anywhere */
	struct lane *const *lanes;
	unsigned lane_count;
	const struct topic_table *topics;
	const struct kafka_property *properties;
	unsigned property_count;
	unsigned handles;                 /* client handles; topics are spread over them */
	unsigned drain_seconds;
};

/* Where sealed batches go. librdkafka is the first implementation (egress/kafka_egress.c), `discard` serves benchmarks. */
struct egress;
typedef void egress_settle(void *context, void *tag, enum kafka_verdict verdict, const char *code);
struct egress_ops {
	int (*open)(struct egress **egress, const struct producer_config *config, egress_settle *settle, void *context,
		struct error *error);
	/* Hands over the unsettled records of a batch; returns how many were taken, from the front. */
	unsigned (*submit)(struct egress *egress, struct batch *batch, uint32_t *offset, uint32_t *index);
	unsigned (*poll)(struct egress *egress, int ms);
	void (*close)(struct egress *egress);
};

struct producer;

/* Starts the thread (pinned before it makes its client handles). 0 or -errno with a sentence. Control thread. */
int producer_start(struct producer **producer, const struct producer_config *config, struct error *error);

/* Tells the thread to drain (workers have stopped and sealed), waits at most drain_seconds, gives up the rest by name, sends
 * every batch home, joins. Control thread. */
void producer_stop(struct producer *producer);
void producer_free(struct producer *producer);

const struct producer_counters *producer_counters(const struct producer *producer);

/* Client handles' state, for `show kafka`. Any thread; at most `max` entries, returns how many. */
unsigned producer_status(struct producer *producer, struct kafka_client_status *status, unsigned max);
