/* SPDX-License-Identifier: Apache-2.0 */
#include "tables/category_names.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "tables/category.h"

#define INDEX_MIN 64u

static void index_name(struct category_names *names, uint32_t value)
{
	struct slice name = category_names_get(names, value);
	uint32_t at = (uint32_t)XXH3_64bits_withSeed(name.data, name.len, names->seed);

	for (;; at++)
		if (names->index[at & names->index_mask] == 0) {
			names->index[at & names->index_mask] = (uint16_t)value;
			return;
		}
}

/* An index of twice the names that may come before the next one. */
static int make_index(struct category_names *names, uint32_t size)
{
	uint16_t *index = calloc(size, sizeof(*index));

	if (index == NULL)
		return -ENOMEM;
	free(names->index);
	names->index = index;
	names->index_mask = size - 1;
	for (uint32_t value = 1; value <= names->count; value++)
		index_name(names, value);
	return 0;
}

static int make_room(struct category_names *names, uint32_t len)
{
	if (names->text == NULL || names->text_room - names->text_len < len) {
		size_t room = 2 * names->text_room + len + 256;
		uint8_t *text = realloc(names->text, room);

		if (text == NULL)
			return -ENOMEM;
		names->text = text;
		names->text_room = room;
	}
	if (names->count == names->room) {
		uint32_t room = 2 * names->room + 16;
		uint32_t *ends = reallocarray(names->ends, room, sizeof(*ends));

		if (ends == NULL)
			return -ENOMEM;
		names->ends = ends;
		names->room = room;
	}
	return 2 * (names->count + 1) > names->index_mask ? make_index(names, 2 * (names->index_mask + 1)) : 0;
}

static int append(struct category_names *names, struct slice name)
{
	int rc = make_room(names, name.len);

	if (rc != 0)
		return rc;
	memcpy(names->text + names->text_len, name.data, name.len);
	names->text_len += name.len;
	names->ends[names->count++] = names->text_len;
	index_name(names, names->count);
	return 0;
}

int category_names_init(struct category_names *names, const struct category_names *from, uint64_t seed)
{
	int rc;

	*names = (struct category_names){.seed = seed};
	rc = make_index(names, INDEX_MIN);
	for (uint32_t value = 1; rc == 0 && from != NULL && value <= from->count; value++)
		rc = append(names, category_names_get(from, value));
	if (rc != 0)
		category_names_fini(names);
	return rc;
}

void category_names_fini(struct category_names *names)
{
	free(names->text);
	free(names->ends);
	free(names->index);
	*names = (struct category_names){.count = 0};
}

struct slice category_names_get(const struct category_names *names, uint32_t value)
{
	uint32_t begin = value > 1 ? names->ends[value - 2] : 0;

	return (struct slice){names->text + begin, names->ends[value - 1] - begin};
}

uint32_t category_names_find(const struct category_names *names, struct slice name)
{
	uint32_t at = (uint32_t)XXH3_64bits_withSeed(name.data, name.len, names->seed), value;

	for (; (value = names->index[at & names->index_mask]) != 0; at++) {
		struct slice other = category_names_get(names, value);

		if (other.len == name.len && memcmp(other.data, name.data, name.len) == 0)
			return value;
	}
	return 0;
}

int category_names_add(struct category_names *names, struct slice name, uint32_t limit, uint32_t *value)
{
	int rc;

	*value = category_names_find(names, name);
	if (*value != 0)
		return 0;
	if (names->count >= limit)
		return -ENOSPC;
	rc = append(names, name);
	*value = names->count;
	return rc;
}

size_t category_names_bytes(const struct category_names *names)
{
	return names->text_room + names->room * sizeof(*names->ends) + (names->index_mask + 1) * sizeof(*names->index);
}
