/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * The table that workers read: one block of node-local memory. An address is looked up in one of a few regions. A
 * region cuts its part of the address space into slots by the bits that come first; a node stands for 64 slots, with a
 * bit for each that begins a new value and a base, so a value's place is base + the number of bits up to the slot (a
 * poptrie of one level: Asai and Ohara, "Poptrie", SIGCOMM 2015). A slot that several ranges share leads to a tree of
 * lines, each one cache line, for the address's next 32 bits: leaves of 8 ranges with their values, below lines of 16
 * ways. When those bits do not decide either, a value leads to another tree for the 32 bits behind them.
 *
 *   IPv4, ranges of /24 and shorter:   node, value              2 reads that depend on each other
 *   others:                            node, value, line...
 */

#include <stddef.h>
#include <stdint.h>

#include "tables/geo.h"

#define GEO_REGION_V4     0u /* of 32 bits; addresses are shifted so that their first bit is the highest of 128 */
#define GEO_REGION_GLOBAL 1u /* 2000::/3, without these three bits: all of IPv6 that is given out */
#define GEO_REGION_OTHER  2u /* the rest of IPv6 */
#define GEO_REGION_MORE   3u /* from here on of IPv4, for aliases */
#define GEO_REGIONS       16u
#define GEO_GLOBAL_BITS   3u /* what all addresses of GEO_REGION_GLOBAL begin with */
#define GEO_GLOBAL_PREFIX 1u
#define GEO_SLOT_BITS     6u /* slots of a node, as a power of two */
#define GEO_WINDOW_BITS   32u
#define GEO_INNER_WAYS    16u
#define GEO_LEAF_WAYS     8u
#define GEO_INNER_KEYS    0xFFFEu /* which of a line's words are keys */
#define GEO_LEAF_KEYS     0x00FFu

/* A value: its two highest bits say what the others are. */
#define GEO_VALUE_PLACE (0u << 30) /* a fragment */
#define GEO_VALUE_LEAF  (1u << 30) /* a line for the next bits */
#define GEO_VALUE_INNER (2u << 30) /* the same, of those above leaves */
#define GEO_VALUE_ALIAS                                                                                                \
	(3u << 30) /* the IPv4 address at a bit (lowest byte) of this one, in a region (the byte above) */
#define GEO_VALUE_KIND (3u << 30)

/* A fragment's place is where it begins in the text, in these units: a byte with its length, then its bytes. */
#define GEO_FRAGMENT_UNIT 16u
#define GEO_FRAGMENT_PAD  128u /* bytes behind the last, that may be read */

struct geo_node {
	uint64_t begins; /* bit i: slot i has another value than slot i - 1; bit 0 is set */
	uint32_t base;   /* of the values, minus 1 */
	uint32_t unused;
};

/* A key is the first of a way, but of the line's first way, minus 1 and with its highest bit turned over; so an
 * address's way is the number of keys that are less than its bits, as signed numbers. Keys that are not used are
 * INT32_MAX. */
union geo_line {
	struct {
		uint32_t base; /* value of the first way; those of the others follow it */
		int32_t keys[GEO_INNER_WAYS - 1];
	} inner;
	struct {
		int32_t keys[GEO_LEAF_WAYS]; /* one more than needed */
		uint32_t values[GEO_LEAF_WAYS];
	} leaf;
};

struct geo_region {
	const struct geo_node *nodes;
	uint16_t skip; /* bits of the address that are not looked at, being the same in all of the region, 0 to 6 */
	uint16_t used; /* those, and those that choose a slot */
	uint32_t slot_shift; /* what 64 bits are shifted by to leave the latter, 34 to 58 */
};

struct geo {
	struct geo_region regions[GEO_REGIONS];
	const union geo_line *lines;
	const uint32_t *values;
	const uint8_t *text;
	uint32_t region_count;
	uint64_t size; /* of the block, this struct included */
	struct geo_info info;
};
