/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * A database in MaxMind's format, whole in memory: a search tree of nodes with two records each, and a data section.
 * The file is read once and not mapped, since someone may replace or cut it meanwhile. libmaxminddb is not used: as
 * Debian 12 has it (1.7.1), it reads beyond a file whose node count is damaged, and recurses as deep as a record is
 * nested. The tests compare with it. Control threads.
 */

#include "base/error.h"
#include "tables/geo_data.h"

#define GEO_FILE_SEPARATOR 16u /* zero bytes between tree and data; records count them */

struct geo_file {
	const char *path; /* the caller's */
	uint8_t *bytes;   /* owned */
	struct geo_data data;
	uint64_t built_s; /* UTC seconds */
	uint32_t node_count;
	unsigned record_bits; /* 24, 28 or 32 */
	int has_v6;           /* 128 levels, IPv4 below ::/96; else 32 */
};

/* 0, or -errno with a sentence that names the file; -EAGAIN: somebody wrote to it meanwhile. Free with geo_file_fini, also after a
 * failure. */
int geo_file_init(struct geo_file *file, const char *path, struct error *error);

void geo_file_fini(struct geo_file *file);

/* The left (0) or right (1) record of a node below `node_count`: a node, `node_count` for nothing, or more for data. */
static inline uint32_t geo_file_record(const struct geo_file *file, uint32_t node, unsigned side)
{
	const uint8_t *at = file->bytes + (uint64_t)node * (file->record_bits / 4);

	switch (file->record_bits) {
	case 24:
		at += 3 * side;
		return (uint32_t)at[0] << 16 | (uint32_t)at[1] << 8 | at[2];
	case 28: /* the middle byte has the highest four bits of both */
		if (side == 0)
			return (uint32_t)(at[3] >> 4) << 24 | (uint32_t)at[0] << 16 | (uint32_t)at[1] << 8 | at[2];
		return (uint32_t)(at[3] & 15) << 24 | (uint32_t)at[4] << 16 | (uint32_t)at[5] << 8 | at[6];
	default:
		at += 4 * side;
		return (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];
	}
}
