/* SPDX-License-Identifier: Apache-2.0 */
#include "tables/types.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/compiler.h"

struct type_index {
	const struct event_types *types;
	uint32_t mask;
	uint32_t *by_name; /* type index + 1, 0: free */
	uint32_t *by_id;
};

/* One to seven bytes as a word, the first in the lowest byte, without reading others. */
static inline uint64_t load_few(const uint8_t *at, uint32_t len)
{
	uint32_t first, last;

	if (len < 4)
		return at[0] | (uint64_t)at[len / 2] << (8 * (len / 2)) | (uint64_t)at[len - 1] << (8 * (len - 1));
	memcpy(&first, at, 4);
	memcpy(&last, at + len - 4, 4);
	return first | (uint64_t)last << (8 * (len - 4));
}

/* Names come from the configuration, so nobody can craft collisions among the entries: a plain multiplicative hash over
 * eight bytes at a time, the last eight in one, will do (multiplier: 2^64 divided by the golden ratio, Knuth vol. 3, 6.4). */
static inline uint32_t hash_name(const uint8_t *name, uint32_t len)
{
	uint64_t h = len * UINT64_C(0x9e3779b97f4a7c15), word = 0;

	if (len < 8) {
		word = len > 0 ? load_few(name, len) : 0;
		return (uint32_t)(((h ^ word) * UINT64_C(0x9e3779b97f4a7c15)) >> 32);
	}
	for (uint32_t at = 0; at + 8 < len; at += 8) {
		memcpy(&word, name + at, 8);
		h = (h ^ word) * UINT64_C(0x9e3779b97f4a7c15);
		h ^= h >> 29;
	}
	memcpy(&word, name + len - 8, 8);
	return (uint32_t)(((h ^ word) * UINT64_C(0x9e3779b97f4a7c15)) >> 32);
}

static inline uint32_t hash_id(uint32_t id)
{
	return (uint32_t)((id * UINT64_C(0x9e3779b97f4a7c15)) >> 32);
}

static void insert(uint32_t *table, uint32_t mask, uint32_t hash, uint32_t type)
{
	uint32_t at = hash & mask;

	while (table[at] != 0)
		at = (at + 1) & mask;
	table[at] = type + 1;
}

struct type_index *type_index_new(const struct event_types *types)
{
	struct type_index *index = calloc(1, sizeof(*index));
	uint32_t size = 64;

	if (index == NULL)
		return NULL;
	while (size < types->count * 4)
		size *= 2;
	index->types = types;
	index->mask = size - 1;
	index->by_name = calloc(size, sizeof(*index->by_name));
	index->by_id = calloc(size, sizeof(*index->by_id));
	if (index->by_name == NULL || index->by_id == NULL) {
		type_index_free(index);
		errno = ENOMEM;
		return NULL;
	}
	for (uint32_t i = 0; i < types->count; i++) {
		const struct event_type *type = &types->types[i];

		if (type->removed)
			continue;
		insert(index->by_name, index->mask, hash_name((const uint8_t *)type->name, (uint32_t)strlen(type->name)), i);
		insert(index->by_id, index->mask, hash_id(type->id), i);
	}
	return index;
}

void type_index_free(struct type_index *index)
{
	if (index == NULL)
		return;
	free(index->by_name);
	free(index->by_id);
	free(index);
}

uint32_t type_by_name(const struct type_index *index, struct slice name)
{
	uint32_t at;

	if (UNLIKELY(name.len > TYPE_NAME_MAX))
		return index->types->unknown;
	for (at = hash_name(name.data, name.len) & index->mask; index->by_name[at] != 0; at = (at + 1) & index->mask) {
		uint32_t type = index->by_name[at] - 1;
		const char *known = index->types->types[type].name;

		if (known[name.len] == '\0' && memcmp(known, name.data, name.len) == 0)
			return type;
	}
	return index->types->unknown;
}

uint32_t type_by_id(const struct type_index *index, uint32_t id)
{
	for (uint32_t at = hash_id(id) & index->mask; index->by_id[at] != 0; at = (at + 1) & index->mask) {
		uint32_t type = index->by_id[at] - 1;

		if (index->types->types[type].id == id)
			return type;
	}
	return index->types->unknown;
}
