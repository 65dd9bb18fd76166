/* SPDX-License-Identifier: Apache-2.0 */
#include "tables/category_slots.h"

#include <errno.h>
#include <string.h>

#include "base/fault.h"
#include "base/memory.h"

#define BUCKETS_MIN 16u
#define MOVES_MAX   1000u /* before a key is given up; some tens do below 85 % */

struct entry {
	uint64_t check;
	uint32_t place, value;
};

uint32_t category_slots_count(uint64_t entries)
{
	uint64_t count = entries * 100 / (CATEGORY_WAYS * CATEGORY_SPACIOUS) + 1;

	if (count > CATEGORY_BUCKETS)
		return 0;
	return count < BUCKETS_MIN ? BUCKETS_MIN : (uint32_t)count;
}

int category_slots_init(struct category_slots *slots, uint32_t count, int node)
{
	void *memory = memory_map(category_slots_bytes(count), CACHE_LINE, node);

	if (memory == NULL)
		return -errno;
	*slots = (struct category_slots){.buckets = memory, .count = count, .node = node};
	slots->places = (void *)(slots->buckets + count);
	return 0;
}

void category_slots_fini(struct category_slots *slots)
{
	if (slots->buckets != NULL)
		memory_unmap(slots->buckets, category_slots_bytes(slots->count));
	slots->buckets = NULL;
}

/* Puts the entry into a free way of the bucket. */
static int take_way(struct category_slots *slots, uint32_t at, const struct entry *entry)
{
	struct category_bucket *bucket = &slots->buckets[at];
	uint32_t home = category_home(slots, entry->place);

	for (unsigned i = 0; i < CATEGORY_WAYS; i++) {
		if (bucket->values[i] != CATEGORY_UNKNOWN)
			continue;
		bucket->checks[i] = entry->check;
		bucket->values[i] = (uint16_t)entry->value;
		slots->places[at][i] = entry->place;
		if (home != at)
			slots->buckets[home].spilled |= 1u << (entry->check & 31);
		return 1;
	}
	return 0;
}

/* Puts the entry in the place of another, which it becomes. */
static void swap_way(struct category_slots *slots, uint32_t at, unsigned way, struct entry *entry)
{
	struct category_bucket *bucket = &slots->buckets[at];
	struct entry pushed = {bucket->checks[way], slots->places[at][way], bucket->values[way]};
	uint32_t home = category_home(slots, entry->place);

	bucket->checks[way] = entry->check;
	bucket->values[way] = (uint16_t)entry->value;
	slots->places[at][way] = entry->place;
	if (home != at)
		slots->buckets[home].spilled |= 1u << (entry->check & 31);
	*entry = pushed;
}

/* The bucket that is not `at` of an entry's two. */
static uint32_t other_bucket(const struct category_slots *slots, uint32_t at, const struct entry *entry)
{
	uint32_t home = category_home(slots, entry->place);

	return home != at ? home : category_second(slots, home, entry->check);
}

/* Both buckets of the entry are full: walks from bucket to bucket, each entry pushing out the next. */
static int push_others(struct category_slots *slots, struct entry *entry)
{
	uint32_t at = category_home(slots, entry->place), walk = (uint32_t)entry->check | 1;

	for (unsigned i = 0; i < MOVES_MAX; i++) {
		walk = walk * 1664525u + 1013904223u; /* Numerical Recipes' generator: any spread will do */
		swap_way(slots, at, (walk >> 16) % CATEGORY_WAYS, entry);
		at = other_bucket(slots, at, entry);
		if (take_way(slots, at, entry))
			return 0;
	}
	return -ENOSPC;
}

static int put_new(struct category_slots *slots, struct entry *entry)
{
	uint32_t home = category_home(slots, entry->place);

	slots->entries++;
	if (FAULT("category_full"))
		return -ENOSPC;
	if (take_way(slots, home, entry) || take_way(slots, category_second(slots, home, entry->check), entry))
		return 0;
	return push_others(slots, entry);
}

int category_slots_put(struct category_slots *slots, struct category_key key, uint32_t value)
{
	struct entry entry = {key.check, key.place, value};

	if (category_slots_find(slots, key) != CATEGORY_UNKNOWN)
		return -EEXIST;
	return put_new(slots, &entry);
}

/* The bucket that has a key and the way in it; NULL when none has. */
static struct category_bucket *find_way(struct category_slots *slots, struct category_key key, unsigned *way)
{
	uint32_t home = category_home(slots, key.place);
	struct category_bucket *bucket = &slots->buckets[home];
	unsigned match = category_bucket_match(bucket, key.check);

	if (match == 0 && category_may_have_spilled(bucket, key.check)) {
		bucket = &slots->buckets[category_second(slots, home, key.check)];
		match = category_bucket_match(bucket, key.check);
	}
	*way = match != 0 ? (unsigned)__builtin_ctz(match) : 0;
	return match != 0 ? bucket : NULL;
}

int category_slots_set(struct category_slots *slots, struct category_key key, uint32_t value)
{
	struct entry entry = {key.check, key.place, value};
	unsigned way;
	struct category_bucket *bucket = find_way(slots, key, &way);

	if (bucket == NULL)
		return put_new(slots, &entry);
	bucket->values[way] = (uint16_t)value;
	return 0;
}

void category_slots_remove(struct category_slots *slots, struct category_key key)
{
	unsigned way;
	struct category_bucket *bucket = find_way(slots, key, &way);

	if (bucket == NULL)
		return;
	bucket->values[way] = CATEGORY_UNKNOWN;
	bucket->checks[way] = 0;
	slots->entries--;
}

static int put_all(struct category_slots *to, const struct category_slots *from)
{
	for (uint32_t b = 0; b < from->count; b++) {
		const struct category_bucket *bucket = &from->buckets[b];

		for (unsigned i = 0; i < CATEGORY_WAYS; i++) {
			struct entry entry = {bucket->checks[i], from->places[b][i], bucket->values[i]};
			int rc = entry.value != CATEGORY_UNKNOWN ? put_new(to, &entry) : 0;

			if (rc != 0)
				return rc;
		}
	}
	return 0;
}

int category_slots_copy(struct category_slots *copy, const struct category_slots *slots, uint32_t count, int node)
{
	int rc = category_slots_init(copy, count, node);

	if (rc != 0)
		return rc;
	if (count == slots->count) {
		memcpy(copy->buckets, slots->buckets, category_slots_bytes(count));
		copy->entries = slots->entries;
		return 0;
	}
	rc = put_all(copy, slots);
	if (rc != 0)
		category_slots_fini(copy);
	return rc;
}

/* Whether a look-up of its key comes to it: in its home, or in its second bucket when the home tells of it. */
static int is_reached(const struct category_slots *slots, uint32_t at, unsigned way)
{
	uint64_t check = slots->buckets[at].checks[way];
	uint32_t home = category_home(slots, slots->places[at][way]);

	return home == at ||
	       (category_second(slots, home, check) == at && category_may_have_spilled(&slots->buckets[home], check));
}

int category_slots_sound(const struct category_slots *slots, uint32_t values)
{
	uint64_t entries = 0;

	for (uint32_t b = 0; b < slots->count; b++)
		for (unsigned i = 0; i < CATEGORY_WAYS; i++) {
			uint32_t value = slots->buckets[b].values[i];

			if (value == CATEGORY_UNKNOWN ? slots->buckets[b].checks[i] != 0
						      : value > values || !is_reached(slots, b, i))
				return 0;
			entries += value != CATEGORY_UNKNOWN;
		}
	return entries == slots->entries;
}
