/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * The topics that this box writes to, by index: the same index in a batch, an identity and every counter table.
 * Built by control before the workers start; afterwards topics are added, and `partitions` changes.
 */

#include <stdatomic.h>
#include <stdint.h>

#define TOPIC_MAX      1024 /* topics of one box */
#define TOPIC_NAME_MAX 249  /* Kafka's limit on a topic name */
#define TOPIC_CLASSES  4    /* of priority, at the most */

struct topic {
	char name[TOPIC_NAME_MAX + 1];
	/* Partition count as Kafka or the state file said last; 0: not known, or not all of them are made yet. Control: rw,
	 * workers and producers: ro. */
	atomic_int partitions;
	/* Of priority, 0 the highest: what the spool and the pools keep longest when room is short. Control: rw. */
	atomic_uchar class;
};

/* Topics are added behind the others while the daemon runs, name first, then the count; none is ever taken away. */
struct topic_table {
	atomic_uint count; /* control: rw */
	unsigned char lowest; /* class of topics that no configuration names; fixed at start */
	struct topic topics[TOPIC_MAX];
};

static inline unsigned topic_class(const struct topic_table *table, unsigned topic)
{
	return atomic_load_explicit(&table->topics[topic].class, memory_order_relaxed);
}
