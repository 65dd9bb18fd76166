/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * How much a sender may send: so many datagrams and so many bytes of their payload a second, by its address. What it sends beyond
 * is dropped by name before it is looked into, so that a mad sender takes neither processor time nor memory from others.
 *
 * A datagram takes up its sender's time: 1/datagrams of a second, or its length in 1/bytes of one, whichever is more. A sender
 * may be ahead of the clock by `burst`, and by its longest datagram at least; what would bring it farther is too much. This is
 * the virtual scheduling of ITU-T I.371 (generic cell rate algorithm): one word of state a sender, exact, and no timer.
 */

#include <stdint.h>

#include "wire/address.h"

#define QUOTAS_MAX      32u
#define QUOTA_PREFIXES  64u                  /* of one entry */
#define QUOTA_RATE_MAX  UINT64_C(10000000)   /* datagrams a second: a clock of 1 GHz is exact to 1 % then */
#define QUOTA_BYTES_MIN UINT64_C(1024)       /* a second, or their cost would not fit */
#define QUOTA_BYTES_MAX (UINT64_C(1) << 40)

struct quota_prefix {
	struct ip_address address, mask;
};

struct quota {
	unsigned prefix_count; /* 0: all senders */
	struct quota_prefix prefixes[QUOTA_PREFIXES];
	uint64_t datagrams, bytes; /* a second; 0: as many as come */
	uint64_t burst_us;
	uint64_t datagram_ticks, byte_ticks; /* what one takes, the latter in 1/65536; made by quotas_seal */
	uint64_t burst_ticks;
};

/* The first entry that a sender's address is in counts. Const once sealed. */
struct quotas {
	unsigned count;
	struct quota each[QUOTAS_MAX];
};

/* Adds a prefix as address_parse_prefix reads it; the entry must have room. Control thread. */
void quota_add_prefix(struct quota *quota, struct ip_address address, unsigned length);

/* Makes the ticks of a clock of so many a second. Control thread. */
void quotas_seal(struct quotas *quotas, uint64_t hz);

/* What counts for this sender; NULL: nothing limits it. Any thread. */
const struct quota *quotas_find(const struct quotas *quotas, struct ip_address sender);

/* Ticks that a datagram with so many bytes of payload (at most 65,535) takes up. Any thread. */
static inline uint64_t quota_cost(const struct quota *quota, uint32_t len)
{
	uint64_t bytes = quota->byte_ticks * len >> 16;

	return bytes > quota->datagram_ticks ? bytes : quota->datagram_ticks;
}
