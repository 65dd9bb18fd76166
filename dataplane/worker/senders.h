/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * What each sender has used of its quota (tables/quotas.h), by its address: one table a box, shared by all its workers without
 * a lock, so that a quota holds however many sockets, and so workers, a sender's datagrams spread over.
 *
 * Memory is taken at the start: SENDERS_BYTES a sender. The table is 8-way: a keyed hash (random at every start) names the one
 * place where a sender can be; of the address itself 62 bits of that hash are compared. The place of a sender that is not
 * ahead of the clock may be taken by another without loss but for the count of what was dropped of it. Where all eight are
 * ahead of the clock, further senders are unlimited, and counted as such.
 *
 * What is not exact: when two workers meet a sender at once that is not in the table, it may get a place from each, of which
 * one is used from then on; and a datagram that comes just when its sender's place is taken by another is on that one's account.
 */

#include <stdint.h>

#include "tables/quotas.h"
#include "wire/datagram.h"

#define SENDERS_BYTES 72u
#define SENDERS_MIN   16u
#define SENDERS_MAX   (1u << 24)

struct senders_config {
	uint32_t count;         /* senders that have room: a power of two from SENDERS_MIN to SENDERS_MAX */
	int node;               /* NUMA node of the memory, or MEMORY_ANY_NODE */
	const uint64_t *secret; /* 2 words of hash key for tests; NULL: random */
};

/* A sender of which something was dropped. */
struct senders_row {
	struct address address;
	uint64_t dropped, bytes; /* datagrams, and their payload */
	uint64_t last_tsc;       /* when it was last too much */
};

struct senders;

/* Makes a table; every byte is taken here. 0, -EINVAL, -ENOMEM or -EIO. Before workers start. */
int senders_new(struct senders **table, const struct senders_config *config);

/* NULL is fine. Workers must have left. */
void senders_free(struct senders *table);

/* Whether the sender may send this datagram of `len` bytes of payload now; it is on its account then, else counted as dropped.
 * `tsc` is the burst's time. Worker; never waits. */
int senders_charge(
	struct senders *table, const struct address *from, uint32_t len, const struct quota *quota, uint64_t tsc);

/* Gives every sender of which something was dropped to `each`, until it returns other than 0, which is returned. Any thread. */
int senders_read(const struct senders *table, int (*each)(void *context, const struct senders_row *row), void *context);

/* Datagrams that were taken without a look at their sender's quota, since there was no room for it. Any thread. */
uint64_t senders_unlimited(const struct senders *table);
