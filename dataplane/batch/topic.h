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

struct topic {
	char name[TOPIC_NAME_MAX + 1];
	/* Partition count as Kafka or the state file said last; 0: not known, or not all of them are made yet. Control: rw,
	 * workers and producers: ro. */
	atomic_int partitions;
};

/* Topics are added behind the others while the daemon runs, name first, then the count; none is ever taken away. */
struct topic_table {
	atomic_uint count; /* control: rw */
	struct topic topics[TOPIC_MAX];
};
