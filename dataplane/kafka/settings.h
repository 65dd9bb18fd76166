/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * The Kafka client's properties: ours first, the user's on top. Whatever librdkafka knows passes through, save what would
 * load code into the process, take away a setting that the ledger stands on, or put a mock in Kafka's place; those are refused by
 * name, with the cure.
 *
 * Our defaults, where they differ from the library's (measured: linger, batch.size and batch.num.messages decide the CPU an
 * event costs; a small queue makes small batches):
 *   acks=all, enable.idempotence=true       what "acked" means
 *   linger.ms=100, batch.size=1000000, batch.num.messages=10000 (from 20 ms on, most of linger.ms passes in the egress, which
 *                                           collects batches and leaves the client a few milliseconds)
 *   queue.buffering.max.messages=0, queue.buffering.max.kbytes at its top: the batches' memory is the bound, not the client
 *   message.timeout.ms=0                    the client never throws a record away; each topic's credit bounds the wait.
 *                                           Another value is refused: what was on its way is repeated after it, since the
 *                                           broker does not know it again. So is a number of retries
 *   reconnect.backoff.max.ms=1000           a broker that is back is used within a second
 *   topic.metadata.refresh.interval.ms=10000  a topic that was missing is found within ten seconds of its making
 *   allow.auto.create.topics=false          topics are made when an operator says so
 *   partitioner=murmur2_random              as Java producers place keys
 *   socket.timeout.ms stays at 60000: an answer may take as long as request.timeout.ms (30000), for which the broker waits for
 *                                           replicas in sync; a peer that is gone is noticed by the kernel (sockets.c)
 *   statistics.interval.ms=0, socket.keepalive.enable=true, client.id=penstock
 */

#include "base/error.h"

struct kafka_property {
	const char *name;
	const char *value;
};

#define KAFKA_LINGER_MAX_MS 1000u /* of linger.ms: half of the time without an answer after which Kafka is taken to be away */

/* Checks every property, and all of them together, with the library itself but without a broker: unknown name, impossible
 * value, contradiction (also for the consumer that board.h has), or one of the refused. Files that TLS properties name are read.
 * 0 or -EINVAL with the sentence; secrets are not in it. Any thread; takes some milliseconds. */
int kafka_properties_check(const struct kafka_property *properties, unsigned count, struct error *error);

/* What linger.ms is, with these on top of our defaults; ms. Any thread. */
double kafka_linger_ms(const struct kafka_property *properties, unsigned count);

/* Makes glibc's allocator keep the client's request buffers (about 1 MB each) instead of mapping and unmapping them, which
 * costs 13 % of the producer's CPU (measured): one arena, high trim and mmap thresholds. Returns 0, or -ENOTSUP when the
 * allocator in use takes none of it. Main thread, before any other thread is made. */
int kafka_tune_allocator(void);

/* The client library's version, as it runs. Any thread. */
const char *kafka_version(void);
