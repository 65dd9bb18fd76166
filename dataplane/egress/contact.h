/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * First contact of a client with the partitions of one topic: one batch of a partition at a time until something of it was
 * settled.
 *
 * A broker that is still making a partition refuses what comes first, and its new log, which knows nothing of the client,
 * then takes any first sequence number (KIP-360). A second set on its way at that time would overtake the first. Once the log
 * knows the client, its sequence numbers keep the order.
 *
 * Everything belongs to the producer's thread. What waits is the topic's own line, and never longer than CONTACT_WAIT_MS at a
 * time, so that one partition without a leader does not hold up the others for good.
 */

#include <stdint.h>

#include "batch/batch.h"

#define CONTACT_PARTITIONS 1024 /* of a topic; those above share */
#define CONTACT_WAIT_MS    10000

enum contact_state {
	CONTACT_NONE,
	CONTACT_MADE,    /* something was settled */
	CONTACT_PENDING, /* one batch is on its way */
};

/* All zero at first. */
struct contact {
	uint64_t generation;  /* of the client that all this is about */
	int64_t waiting_ms;   /* monotonic; since when the topic's line stands for it; 0: it does not */
	uint32_t pending;     /* partitions, and batches that the client places */
	uint8_t unplaced;     /* enum contact_state of batches that the client places */
	uint8_t partitions[CONTACT_PARTITIONS]; /* enum contact_state */
};

/* Whether the batch may be handed over, whole or in part, to the client of this generation; if so it counts as on its way. */
int contact_begin(struct contact *contact, struct batch *batch, uint64_t generation, int64_t now_ms);

/* Nothing of the batch is with the client any more, or it was for a partition that is not there; `settled`: something of it
 * was acked or refused for its own sake. Before batch->partition changes. */
void contact_end(struct contact *contact, struct batch *batch, int settled);
