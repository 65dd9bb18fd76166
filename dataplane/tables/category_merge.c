/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>

#include "tables/category_overlay.h"

#define ABSORB_BUCKETS 65536u /* with fewer it is not out of the question that a key finds no place */

/* The overlay's entries go over those of the table. */
static int apply(struct category_slots *slots, const struct category_slots *changes)
{
	for (uint32_t b = 0; b < changes->count; b++) {
		const struct category_bucket *bucket = &changes->buckets[b];

		for (unsigned i = 0; i < CATEGORY_WAYS; i++) {
			struct category_key key = {bucket->checks[i], changes->places[b][i]};
			int rc = 0;

			if (bucket->values[i] == CATEGORY_DELETED)
				category_slots_remove(slots, key);
			else if (bucket->values[i] != CATEGORY_UNKNOWN)
				rc = category_slots_set(slots, key, bucket->values[i]);
			if (rc != 0)
				return rc;
		}
	}
	return 0;
}

/* As many buckets as the table has, unless they would be crowded. */
static uint32_t choose_count(const struct category *category, const struct category_overlay *overlay)
{
	const struct category_slots *slots = &category->slots;

	if (category_slots_fit(slots, overlay->slots.entries))
		return slots->count;
	return category_slots_count(slots->entries + overlay->slots.entries);
}

static int merge_slots(struct category *merged, const struct category *category, const struct category_overlay *overlay,
	struct error *error)
{
	uint32_t count = choose_count(category, overlay);
	int rc;

	if (count == 0)
		return error_set(error, -EFBIG, "the table and its changes are more than a table can have");
	do {
		rc = category_afford(merged, "merging changes", category_slots_bytes(count), error);
		if (rc != 0)
			return rc;
		rc = category_slots_copy(&merged->slots, &category->slots, count, category->slots.node);
		if (rc == 0)
			rc = apply(&merged->slots, &overlay->slots);
		if (rc == -ENOSPC)
			category_slots_fini(&merged->slots);
		count += count / 8 + 1;
	} while (rc == -ENOSPC);
	return rc == 0 ? 0 : error_set(error, rc, "merging changes: no memory for a second table");
}

/* New names come behind the table's, so that values stay what they are. */
static int add_names(struct category_names *names, const struct category_overlay *overlay)
{
	uint32_t number;
	int rc = 0;

	for (uint32_t value = 1; rc == 0 && value <= overlay->names.count; value++)
		rc = category_names_add(names, category_names_get(&overlay->names, value), CATEGORY_MAX, &number);
	return rc;
}

int category_merge(struct category **merged, const struct category *category, const struct category_overlay *overlay,
	struct error *error)
{
	struct category *m = category_alloc(category->member, category->budget);
	int rc;

	if (m == NULL)
		return error_set(error, -ENOMEM, "merging changes: out of memory");
	m->secret = category->secret;
	m->built_us = category->built_us;
	m->loaded_us = category->loaded_us;
	m->build_ms = category->build_ms;
	rc = category_names_init(&m->names, &category->names, category->names.seed);
	if (rc == 0)
		rc = add_names(&m->names, overlay);
	if (rc != 0)
		(void)error_set(error, rc, "merging changes: out of memory");
	if (rc == 0)
		rc = merge_slots(m, category, overlay, error);
	if (rc == 0)
		rc = category_complete(m, "merging changes", error);
	if (rc == 0)
		*merged = m;
	else
		category_free(m);
	return rc;
}

int category_absorb(struct category *category, const struct category_overlay *overlay, struct error *error)
{
	int rc;

	if (category->slots.count < ABSORB_BUCKETS || !category_slots_fit(&category->slots, overlay->slots.entries))
		return -ENOSPC;
	rc = add_names(&category->names, overlay);
	if (rc != 0)
		return error_set(error, rc, "merging changes: out of memory");
	if (apply(&category->slots, &overlay->slots) != 0)
		return error_set(error, -EXFULL, "merging changes: a key found no place; load the table anew");
	category_fragments_fini(&category->fragments);
	return category_complete(category, "merging changes", error);
}
