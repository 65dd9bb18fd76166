/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Makes a region's nodes, lines and values from its ranges, which are given in order and only once: no list of all
 * ranges is kept, only those that share the slot now being filled. Control threads.
 */

#include "tables/geo_table.h"

struct geo_range {
	uint64_t high, low; /* its first address, from the highest bit on */
	uint32_t value;     /* up to the next range */
};

struct geo_ranges {
	struct geo_range *items;
	size_t count, room;
};

struct geo_build {
	struct geo_node *nodes; /* owned, as all that follows: of all regions, one after the other */
	union geo_line *lines;
	uint32_t *values;
	size_t node_count, node_room, line_count, line_room, value_count, value_room;
	size_t first_node[GEO_REGIONS];
	unsigned skip[GEO_REGIONS], bits[GEO_REGIONS], region_count;
	/* The node that is being filled: the values that begin in its slots. */
	uint64_t begins, slot_next; /* the region's first slot without a value */
	uint32_t slot_values[1u << GEO_SLOT_BITS];
	unsigned slot_value_count;
	size_t single; /* place of the last value that a whole node has; SIZE_MAX: none */
	/* The slot that ranges are being collected for. */
	struct geo_ranges shared; /* none: no such slot. Without the bits that choose the slot */
	uint64_t shared_slot;
	uint32_t last;      /* value of the last range */
	uint64_t ranges;    /* of other values than GEO_UNKNOWN, in all regions */
	uint64_t bytes_max; /* nodes, lines and values may take */
	int result;         /* of the first step that failed */
};

/* Nothing is taken yet. */
void geo_build_init(struct geo_build *build, uint64_t bytes_max);

void geo_build_fini(struct geo_build *build);

/* The next region: its addresses differ behind the first `skip` (0 to 6) bits, of which the first `bits` (6 to 30)
 * choose a slot. */
void geo_build_begin(struct geo_build *build, unsigned skip, unsigned bits);

/* The next range; the region's first begins where the region does. */
void geo_build_add(struct geo_build *build, uint64_t high, uint64_t low, uint32_t value);

/* 0, -ENOMEM, or -EFBIG: more than bytes_max; also for failures of geo_build_add. */
int geo_build_end(struct geo_build *build);

/* Bytes of nodes, lines and values. */
uint64_t geo_build_bytes(const struct geo_build *build);
