/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Where sealed batches go. librdkafka is the first implementation (egress_kafka); egress_discard settles everything at once
 * and serves benchmarks and the worker's tests. One egress belongs to one producer thread, which alone calls it.
 */

#include <stdint.h>

#include "base/error.h"
#include "batch/settled.h"
#include "kafka/client.h"

struct egress;
struct producer_config;

struct egress_ops {
	const char *name;

	/* Makes it ready; needs no broker. `settle` is called from submit, poll and close, once for each record taken.
	 * 0 or -errno with a sentence. */
	int (*open)(struct egress **egress, const struct producer_config *config, kafka_settle *settle, void *context,
		struct error *error);

	/* For how many milliseconds what is not in a hurry may be collected, to be handed over together; 0: not at all. The egress
	 * sends that much sooner what it gets. NULL: 0. */
	unsigned (*collect_ms)(const struct egress *egress);

	/* Hands over the unsettled records of a batch from `*offset` and `*index` on (both 0 at first), at most `most`, and moves
	 * the two behind what was taken; `*index` is batch->records when the batch is through. Raises batch->outstanding for
	 * each record before its settle can be called. Returns how many were taken, those that were settled at once
	 * among them, beyond `most` when they could not be read: 0 before the end when there is no room or the client is dead. */
	uint32_t (*submit)(struct egress *egress, struct batch *batch, uint32_t *offset, uint32_t *index, uint32_t most);

	/* Serves what came back and mends what broke; waits up to `ms` for the first. Returns how much came back. */
	unsigned (*poll)(struct egress *egress, int ms);

	/* Whether the cluster answers, and could take what there is of the topic. May take 20 ms. */
	int (*is_well)(struct egress *egress, uint16_t topic);

	/* What it has of a topic that is well has not come back for long: the client that has it is made anew by the next poll, and
	 * what it had comes back; but not again within ten minutes. NULL: nothing ever sticks. */
	void (*unstick)(struct egress *egress, uint16_t topic);

	/* Sends now what lingers; may take `ms`. */
	void (*flush)(struct egress *egress, int ms);

	/* The state of its clients; at most `max` entries, returns how many. `rebuilds`: clients made anew so far. */
	unsigned (*status)(struct egress *egress, struct kafka_client_status *status, unsigned max, uint64_t *rebuilds);

	/* Ends it: settles every record still with it as KAFKA_RETRY before it returns. NULL is fine. */
	void (*close)(struct egress *egress);
};

extern const struct egress_ops egress_kafka;
extern const struct egress_ops egress_discard;
