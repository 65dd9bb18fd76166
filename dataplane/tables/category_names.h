/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * The names of categories, numbered from 1, and what is rendered of them; private to tables/category*.c. Made by one
 * control thread; fragments are read by all from then on.
 */

#include <stddef.h>
#include <stdint.h>

#include "base/slice.h"

struct category_names {
	uint8_t *text;   /* one behind the other */
	uint32_t *ends;  /* of name i + 1 in the text */
	uint16_t *index; /* open addressing; 0: free */
	size_t text_room;
	uint32_t text_len, count, room, index_mask;
	uint64_t seed; /* of the index's hash */
};

/* Those of `from` (NULL: none). 0 or -ENOMEM. */
int category_names_init(struct category_names *names, const struct category_names *from, uint64_t seed);
void category_names_fini(struct category_names *names);

struct slice category_names_get(const struct category_names *names, uint32_t value);

/* A name's number, or 0. */
uint32_t category_names_find(const struct category_names *names, struct slice name);

/* As above; a new name gets the next number, at most `limit`. 0, -ENOSPC (more than that) or -ENOMEM. */
int category_names_add(struct category_names *names, struct slice name, uint32_t limit, uint32_t *value);

size_t category_names_bytes(const struct category_names *names);

struct category_piece {
	uint32_t offset, len;
};

struct category_fragments {
	struct category_piece *pieces; /* count + 1 of them; the first says null */
	const uint8_t *text;
	uint32_t count;
	size_t bytes; /* of the memory that holds both */
};

/* Renders `,"member":"name"` of each name. 0 or -errno of memory_map. */
int category_fragments_init(
	struct category_fragments *fragments, const struct category_names *names, const char *member, int node);
int category_fragments_copy(struct category_fragments *copy, const struct category_fragments *fragments, int node);
void category_fragments_fini(struct category_fragments *fragments);

static inline struct slice category_fragments_get(const struct category_fragments *fragments, uint32_t value)
{
	struct category_piece piece = fragments->pieces[value];

	return (struct slice){fragments->text + piece.offset, piece.len};
}
