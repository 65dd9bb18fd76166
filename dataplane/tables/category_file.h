/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* A category table and its files; private to tables/category*.c. docs/category-format.md has both forms. */

#include <stdint.h>

#include "base/error.h"
#include "tables/category_hash.h"

#define CATEGORY_FILE_MAGIC      "PSTKCAT\x1a"
#define CATEGORY_FILE_VERSION    1u
#define CATEGORY_FILE_BYTE_ORDER 0x01020304u
#define CATEGORY_FILE_BLOCK      (1u << 20) /* bytes of the body between two checksums */

struct category_file_header {
	uint8_t magic[8];
	uint32_t version, byte_order;
	uint64_t entries;
	uint32_t values, buckets;
	int64_t made_us;
	uint64_t names_bytes;
	struct category_secret secret;
	uint64_t checksum; /* of what stands before */
};

_Static_assert(sizeof(struct category_file_header) == 280, "docs/category-format.md");

struct category;
struct category_source;

/* XXH3, 64 bits. */
uint64_t category_file_checksum(const void *data, size_t len, uint64_t seed);

/* Bytes of the body: names, buckets, places of keys. */
uint64_t category_file_body(const struct category_file_header *header);

/* True when the file begins as a prebuilt one does, of whatever version. */
int category_file_is_one(const struct category_source *source);

/* Fill an empty table, all but its fragments, from a prebuilt file, or from text. 0, or -errno with a sentence;
 * category_free cleans up. Control thread. */
int category_file_load(struct category *category, struct category_source *source, int node, struct error *error);
int category_text_load(struct category *category, struct category_source *source, int node, struct error *error);
