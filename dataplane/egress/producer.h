/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Producers: one thread a NUMA node that takes sealed batches from the lanes' rings, hands them to an egress, and sends each
 * batch home when its last record is settled: acked (delivery report without error, acks=all) or given up by name. Topics
 * settle out of order, so memory comes home by batch.
 *
 * A batch that the client has no room for, or whose records must be tried again, waits in the producer, in its topic's own
 * list, and harms only its own topic, whose credit it holds. A topic that fails backs off 100 ms, doubling to 5 s until
 * something of it is acked. Order within a topic and partition is that of the lane's ring as long as nothing fails; records
 * tried again come after those that were already on their way, and records that were in flight when a client had to be
 * rebuilt may be there twice. A topic whose partition count is unknown gets one record at a time.
 *
 * A broker refuses a whole set of records for the sake of one. When a topic's records are refused that way, the producer
 * narrows the topic's window (records handed over at once) by halves and tries again until the guilty one travels alone: it
 * alone is refused for good. With a spool it goes to the log of dead letters, with the reason, and its batch waits until it is
 * durable there; without one, and when the disk does not take it, it is given up by name. Every acknowledged record widens the
 * window again. What is refused because the box's user may not write to the topic waits for that right, and may be a dead letter
 * (bury_forbidden), but is never given up.
 *
 * A client that says nothing of a topic's records for two minutes, though the cluster says that each partition of the topic has a
 * leader and all its replicas in sync, is taken to be stuck and made anew, at most once in ten minutes. One topic a second is
 * asked after, which takes 20 ms at the most. While Kafka is away, or the topic has no leader, there would be nothing to gain;
 * and a slow Kafka answers.
 *
 * The ledger: every count here is in events. When events move from A to B, B's count is raised before A's is lowered.
 */

#include "base/counter.h"
#include "base/error.h"
#include "batch/batch.h"
#include "batch/lane.h"
#include "batch/topic.h"
#include "egress/egress.h"
#include "egress/latency.h"
#include "spool/spool.h"

/* Events that were numbered and will not reach Kafka, and that no disk keeps. X(name, meaning, cure) */
#define EGRESS_GIVEN_UP(X)                                                                                            \
	X(too_large, "the record is larger than the client or the broker takes",                                      \
		"raise message.max.bytes on topic and client, or lower max_datagram")                                 \
	X(sampled, "left out of what the topic's class keeps on disk in an outage", "raise spool.size, or the class's share")  \
	X(invalid, "the broker called the record invalid", "look at the broker's log; a compacted topic needs keys")  \
	X(stopped, "not acknowledged when the drain time ran out at stop", "raise stop.drain; see why Kafka was away")

#define PRODUCER_HANDLES 8 /* client handles of one producer at the most */

struct producer_topic_counters {
	counter acked;    /* events */
	counter given_up; /* events */
	counter dead_lettered; /* events */
	counter held;     /* gauge: events in the producer and its client */
	counter retries;  /* records that have to be handed over again */
	_Atomic(const char *) answer; /* the library's name of the last failure since something was settled; NULL: none */
	counter stalled_since; /* UTC s since when nothing of this topic came back although something is held; 0: moving */
};

struct producer_counters {
	counter received; /* events popped from lanes */
	counter acked;    /* events; written before `held` is lowered */
	counter held;     /* gauge: events popped and not yet settled */
	counter dead_lettered; /* events durable in the spool's log of dead letters */
	counter to_disk;   /* events left to the spool, that is to say, held no longer */
	counter from_disk; /* events taken from it */
	counter bytes_acked; /* of keys and values */
	counter rebuilds; /* client handles made anew after a fatal error, or because records stuck in them */
#define X(name, ...) counter given_up_##name;
	EGRESS_GIVEN_UP(X)
#undef X
	struct latency latency; /* us from a batch's opening to its events' acknowledgement */
	struct producer_topic_counters topics[TOPIC_MAX];
};

/* Everything it points to stays the caller's and in place until producer_free. */
struct producer_config {
	unsigned node;                    /* NUMA; in the thread's name */
	const int *cpus;                  /* of this node's producers; the thread and the client's threads live there */
	unsigned cpu_count;               /* 0: anywhere */
	struct lane *const *lanes;        /* a batch goes home to the lane that it came from */
	unsigned lane_count;
	const struct topic_table *topics;
	const struct egress_ops *egress;  /* NULL: egress_kafka */
	const struct kafka_property *properties;
	unsigned property_count;
	unsigned handles;                 /* 1 to PRODUCER_HANDLES; topic t goes through handle t % handles */
	unsigned drain_seconds;
	unsigned stuck_ms;                /* for which a client may keep records without a word; 0: the default, two minutes */
	const struct spool_config *spool; /* NULL: none; its lanes, CPUs and topics are filled in */
	int write_first;                  /* mode wal: every batch is written to the spool before the client has it */
	int bury_forbidden;               /* with a spool: records of a topic to which Kafka does not let us write are dead letters
	                                   * as well; else they wait for the right */
};

struct producer;

/* Starts the thread (born on config->cpus, before it makes its client handles) and waits until its egress is open.
 * 0 or -errno with a sentence. Control thread, after clock_init. */
int producer_start(struct producer **producer, const struct producer_config *config, struct error *error);

/* Tells the thread to drain (workers have stopped and sealed): for at most drain_seconds, what ending the clients takes and, with a
 * spool, up to 30 s for its disk (spill.c). What is left goes to the spool, or else is given up by name, and every batch goes home.
 * Of several producers, all are told before one is stopped. Control thread. */
void producer_ask_stop(struct producer *producer);

/* The same, and waits until that is done. Once. Control thread. */
void producer_stop(struct producer *producer);

/* Frees what producer_stop has stopped; its counters go with it. NULL is fine. */
void producer_free(struct producer *producer);

/* Its spool, or NULL. Any thread, until producer_free, may ask what spool.h lets any thread ask. */
const struct spool *producer_spool(const struct producer *producer);

/* spool_exhume; -ENOENT: it has no spool. One control thread at a time, until producer_free. */
int producer_exhume(struct producer *producer, const char *topic, unsigned ms, uint64_t *letters, uint64_t *events);

/* Any thread, until producer_free. */
const struct producer_counters *producer_counters(const struct producer *producer);

/* Client handles' state as of the last quarter second, for `show kafka`. Any thread; at most `max` entries, returns how
 * many. */
unsigned producer_status(struct producer *producer, struct kafka_client_status *status, unsigned max);
