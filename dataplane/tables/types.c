/* SPDX-License-Identifier: Apache-2.0 */
#include "tables/types.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <tmmintrin.h>

#include "base/compiler.h"

#define KEY_BYTES  16u /* of a name that are compared at once */
#define SEEDS      256 /* that are tried until no two keys of a table want the same place */
#define PLACES_PER 8u  /* places a type, so that one of the seeds will do for some dozens of types */

/* Names in registers: their lengths differ from event to event, and a branch that is guessed wrong costs more than all of this. */
struct name_key {
	uint64_t low, high; /* the first KEY_BYTES bytes, the first in the lowest, zeros behind the name */
};

struct name_place {
	struct name_key key;
	uint32_t len;
	uint32_t type; /* TYPE_NONE: nothing is here */
};

struct id_place {
	uint32_t id, type;
};

struct type_index {
	const struct event_types *types;
	uint32_t mask;
	uint64_t name_seed, id_seed; /* odd */
	struct name_place *by_name;
	struct id_place *by_id;
};

/* Sixteen bytes that hold the name's first ones are read where they lie within `in`, before the name or behind. */
static inline struct name_key key_of(struct slice name, struct slice in)
{
	const __m128i places = _mm_setr_epi8(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
	size_t left = (size_t)(in.data + in.len - name.data), before = left < KEY_BYTES ? KEY_BYTES - left : 0;
	uint32_t len = name.len < KEY_BYTES ? name.len : KEY_BYTES;
	__m128i bytes = _mm_loadu_si128((const __m128i *)(const void *)(name.data - before));
	__m128i none = _mm_cmpgt_epi8(places, _mm_set1_epi8((char)(len - 1)));
	__m128i from = _mm_or_si128(_mm_add_epi8(places, _mm_set1_epi8((char)before)), none);
	__m128i key = _mm_shuffle_epi8(bytes, from);

	return (struct name_key){(uint64_t)_mm_cvtsi128_si64(key), (uint64_t)_mm_cvtsi128_si64(_mm_unpackhi_epi64(key, key))};
}

/* Names and ids come from the configuration, so nobody can craft collisions among the entries: multiplicative hashes will do
 * (Knuth vol. 3, 6.4), whose multiplier is the seed. */
static inline uint32_t hash_name(struct name_key key, uint32_t len, uint64_t seed)
{
	uint64_t h = (key.low ^ len) * seed;

	h = (h ^ h >> 32 ^ key.high) * seed;
	return (uint32_t)(h >> 40);
}

static inline uint32_t hash_id(uint32_t id, uint64_t seed)
{
	return (uint32_t)((id * seed) >> 40);
}

static struct name_key key_of_type(const struct event_type *type)
{
	struct slice name = {(const uint8_t *)type->name, (uint32_t)strlen(type->name)};

	return key_of(name, (struct slice){name.data, sizeof(type->name)});
}

static uint32_t name_hash_of(const struct event_type *type, uint64_t seed)
{
	return hash_name(key_of_type(type), (uint32_t)strlen(type->name), seed);
}

static uint32_t id_hash_of(const struct event_type *type, uint64_t seed)
{
	return hash_id(type->id, seed);
}

typedef uint32_t (*hash_of)(const struct event_type *type, uint64_t seed);

/* Types whose first place is another's already. `taken` has a byte a place. */
static unsigned collisions(const struct type_index *index, hash_of hash, uint64_t seed, uint8_t *taken)
{
	unsigned count = 0;

	memset(taken, 0, index->mask + 1);
	for (uint32_t i = 0; i < index->types->count; i++) {
		uint8_t *place = &taken[hash(&index->types->types[i], seed) & index->mask];

		if (index->types->types[i].removed)
			continue;
		count += *place;
		*place = 1;
	}
	return count;
}

/* The best multiplier of the multiples of the golden ratio's. */
static uint64_t choose_seed(const struct type_index *index, hash_of hash, uint8_t *taken)
{
	uint64_t seed = UINT64_C(0x9e3779b97f4a7c15), best = seed;
	unsigned fewest = UINT32_MAX;

	for (int i = 0; i < SEEDS && fewest > 0; i++, seed *= UINT64_C(0xd1342543de82ef95)) {
		unsigned count = collisions(index, hash, seed, taken);

		if (count < fewest) {
			fewest = count;
			best = seed;
		}
	}
	return best;
}

static void insert(struct type_index *index, uint32_t slot)
{
	const struct event_type *type = &index->types->types[slot];
	uint32_t at = name_hash_of(type, index->name_seed) & index->mask;

	while (index->by_name[at].type != TYPE_NONE)
		at = (at + 1) & index->mask;
	index->by_name[at] = (struct name_place){key_of_type(type), (uint32_t)strlen(type->name), slot};
	at = id_hash_of(type, index->id_seed) & index->mask;
	while (index->by_id[at].type != TYPE_NONE)
		at = (at + 1) & index->mask;
	index->by_id[at] = (struct id_place){type->id, slot};
}

static int fill(struct type_index *index)
{
	uint32_t places = index->mask + 1;
	uint8_t *taken = malloc(places);

	index->by_name = calloc(places, sizeof(*index->by_name));
	index->by_id = calloc(places, sizeof(*index->by_id));
	if (taken == NULL || index->by_name == NULL || index->by_id == NULL) {
		free(taken);
		return -ENOMEM;
	}
	index->name_seed = choose_seed(index, name_hash_of, taken);
	index->id_seed = choose_seed(index, id_hash_of, taken);
	free(taken);
	for (uint32_t at = 0; at < places; at++)
		index->by_name[at].type = index->by_id[at].type = TYPE_NONE;
	for (uint32_t i = 0; i < index->types->count; i++)
		if (!index->types->types[i].removed)
			insert(index, i);
	return 0;
}

struct type_index *type_index_new(const struct event_types *types)
{
	struct type_index *index = calloc(1, sizeof(*index));
	uint32_t places = 64;

	if (index == NULL)
		return NULL;
	while (places < types->count * PLACES_PER)
		places *= 2;
	index->types = types;
	index->mask = places - 1;
	if (fill(index) != 0) {
		type_index_free(index);
		errno = ENOMEM;
		return NULL;
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

static inline int is_name(const struct type_index *index, const struct name_place *place, struct name_key key, struct slice name)
{
	const char *known = index->types->types[place->type].name;

	if (((place->key.low ^ key.low) | (place->key.high ^ key.high) | (place->len ^ name.len)) != 0)
		return 0;
	return LIKELY(name.len <= KEY_BYTES) || memcmp(known + KEY_BYTES, name.data + KEY_BYTES, name.len - KEY_BYTES) == 0;
}

/* Whose surroundings are too small. */
static __attribute__((noinline)) uint32_t by_short_name(const struct type_index *index, struct slice name)
{
	uint8_t room[KEY_BYTES] = {0};

	memcpy(room, name.data, name.len);
	return type_by_name(index, (struct slice){room, name.len}, (struct slice){room, sizeof(room)});
}

uint32_t type_by_name(const struct type_index *index, struct slice name, struct slice in)
{
	struct name_key key;

	if (UNLIKELY(in.len < KEY_BYTES))
		return by_short_name(index, name);
	key = key_of(name, in);
	for (uint32_t at = hash_name(key, name.len, index->name_seed) & index->mask;; at = (at + 1) & index->mask) {
		const struct name_place *place = &index->by_name[at];

		if (LIKELY(place->type != TYPE_NONE) && LIKELY(is_name(index, place, key, name)))
			return place->type;
		if (place->type == TYPE_NONE)
			return index->types->unknown;
	}
}

uint32_t type_by_id(const struct type_index *index, uint32_t id)
{
	for (uint32_t at = hash_id(id, index->id_seed) & index->mask;; at = (at + 1) & index->mask) {
		const struct id_place *place = &index->by_id[at];

		if (LIKELY(place->type != TYPE_NONE) && LIKELY(place->id == id))
			return place->type;
		if (place->type == TYPE_NONE)
			return index->types->unknown;
	}
}
