/* SPDX-License-Identifier: Apache-2.0 */
#include "tables/geo_places.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

#define INDEX_SIZE_MIN 1024u
#define CACHE_BYTES    64u

/* What all records of a file may lead to, for each byte of its data. Databases that are in use lead to one or two; small records
 * that share large maps or names can to thousands, and reading them would take hours. */
#define ALLOWED_PER_BYTE 32u
#define ALLOWED_SLACK    (UINT64_C(1) << 20)

static int index_init(struct geo_index *index)
{
	index->slots = calloc(INDEX_SIZE_MIN, sizeof(*index->slots));
	index->size = INDEX_SIZE_MIN;
	return index->slots == NULL ? -ENOMEM : 0;
}

/* Hash of what value `item` stands for: what an index is told of its owner to grow. */
typedef uint64_t index_hash(const void *owner, uint32_t item);

static int index_grow(struct geo_index *index, index_hash *hash, const void *owner)
{
	struct geo_index wider = {calloc(index->size * 2, sizeof(*index->slots)), index->size * 2, index->used};

	if (wider.slots == NULL)
		return -ENOMEM;
	for (size_t i = 0; i < index->size; i++) {
		size_t at;

		if (index->slots[i] == 0)
			continue;
		at = hash(owner, index->slots[i]) & (wider.size - 1);
		while (wider.slots[at] != 0)
			at = (at + 1) & (wider.size - 1);
		wider.slots[at] = index->slots[i];
	}
	free(index->slots);
	*index = wider;
	return 0;
}

static int index_add(struct geo_index *index, size_t at, uint32_t value, index_hash *hash, const void *owner)
{
	index->slots[at] = value;
	index->used++;
	return index->used * 2 < index->size ? 0 : index_grow(index, hash, owner);
}

/* Makes room for `more` items; 0 or -ENOMEM. */
static int grow(void **items, size_t size, size_t count, size_t *room, size_t more)
{
	size_t wanted = *room * 2 > count + more ? *room * 2 : count + more + 64;
	void *moved;

	if (count + more <= *room)
		return 0;
	moved = reallocarray(*items, wanted, size);
	if (moved == NULL)
		return -ENOMEM;
	*items = moved;
	*room = wanted;
	return 0;
}

/* --- records of a layer
 * --------------------------------------------------------------------------------------------------- */

static int is_letter(uint8_t byte)
{
	return (byte | 0x20) >= 'a' && (byte | 0x20) <= 'z';
}

/* The string that `path` leads to, NULL ending it. 1 when there is one, 0 when not, -EINVAL: damaged. */
static int find_string(
	struct geo_layer *layer, const struct geo_value *record, const char *const path[], struct geo_value *value)
{
	int found = 1;

	*value = *record;
	for (; *path != NULL && found == 1; path++) {
		struct geo_value map = *value;

		found = geo_data_member(&layer->file.data, &map, *path, &layer->allowed, value);
	}
	return found == 1 && value->type != GEO_DATA_STRING ? 0 : found;
}

/* The string at one of two paths. */
static int find_either(struct geo_layer *layer, const struct geo_value *record, const char *const first[],
	const char *const second[], struct geo_value *value)
{
	int found = find_string(layer, record, first, value);

	return found == 0 ? find_string(layer, record, second, value) : found;
}

static int read_country(struct geo_layer *layer, const struct geo_value *from, struct geo_record *record)
{
	static const char *const deep[] = {"country", "iso_code", NULL}, *const flat[] = {"country_code", NULL};
	struct geo_value value;
	const uint8_t *text;
	int found = find_either(layer, from, deep, flat, &value);

	if (found != 1)
		return found;
	text = layer->file.data.bytes + value.offset;
	if (value.size != 2 || !is_letter(text[0]) || !is_letter(text[1]))
		return 0;
	record->country[0] = (char)(text[0] & ~0x20);
	record->country[1] = (char)(text[1] & ~0x20);
	record->known |= GEO_COUNTRY;
	return 0;
}

static int read_city(struct geo_layer *layer, const struct geo_value *from, struct geo_record *record)
{
	static const char *const deep[] = {"city", "names", "en", NULL}, *const flat[] = {"city", NULL};
	struct geo_value value;
	const uint8_t *text;
	int found = find_either(layer, from, deep, flat, &value);

	if (found != 1)
		return found;
	if (value.size > layer->allowed) {
		layer->allowed = 0;
		return -EINVAL;
	}
	layer->allowed -= value.size;
	text = layer->file.data.bytes + value.offset;
	if (value.size == 0 || !geo_is_utf8(text, value.size))
		return 0;
	record->city = text;
	record->city_size = value.size;
	record->known |= GEO_CITY;
	return 0;
}

/* Number 0 stands for none (RFC 7607). */
static int read_asn(struct geo_layer *layer, const struct geo_value *from, struct geo_record *record)
{
	struct geo_value value;
	uint64_t number;
	int found = geo_data_member(&layer->file.data, from, "autonomous_system_number", &layer->allowed, &value);

	if (found != 1)
		return found;
	if (geo_data_number(&layer->file.data, &value, &number) != 1 || number == 0 || number > UINT32_MAX)
		return 0;
	record->asn = (uint32_t)number;
	record->known |= GEO_ASN;
	return 0;
}

static int read_record(struct geo_layer *layer, uint32_t offset, struct geo_record *record)
{
	struct geo_value from;

	*record = (struct geo_record){.offset = offset, .place = UINT32_MAX};
	if (geo_data_get(&layer->file.data, &offset, &from) != 0 || read_country(layer, &from, record) < 0 ||
		read_city(layer, &from, record) < 0 || read_asn(layer, &from, record) < 0)
		return -EINVAL;
	return 0;
}

static uint64_t hash_number(uint32_t number)
{
	uint64_t hash = number * UINT64_C(0x9E3779B97F4A7C15);

	return hash >> 32 ^ hash;
}

static uint64_t hash_record(const void *owner, uint32_t record)
{
	return hash_number(((const struct geo_layer *)owner)->records[record].offset);
}

/* Appends a record. Its number or -errno. */
static int64_t add_record(struct geo_layer *layer, uint32_t offset)
{
	int result;

	if (grow((void **)&layer->records, sizeof(*layer->records), layer->count, &layer->room, 1) != 0)
		return -ENOMEM;
	result = read_record(layer, offset, &layer->records[layer->count]);
	return result != 0 ? result : (int64_t)layer->count++;
}

static int64_t find_record(struct geo_layer *layer, uint32_t offset)
{
	size_t at = hash_number(offset) & (layer->index.size - 1);
	int64_t record;

	for (; layer->index.slots[at] != 0; at = (at + 1) & (layer->index.size - 1))
		if (layer->records[layer->index.slots[at]].offset == offset)
			return layer->index.slots[at];
	record = add_record(layer, offset);
	if (record < 0 || index_add(&layer->index, at, (uint32_t)record, hash_record, layer) == 0)
		return record;
	return -ENOMEM;
}

int64_t geo_layer_record(struct geo_layer *layer, uint32_t offset)
{
	uint32_t target;
	int64_t record;

	if (layer->last_record != GEO_RECORD_NONE && layer->last_offset == offset)
		return layer->last_record;
	if (geo_data_target(&layer->file.data, offset, &target) != 0)
		return -EINVAL;
	record = find_record(layer, target);
	if (record > 0) {
		layer->last_offset = offset;
		layer->last_record = (uint32_t)record;
	}
	return record;
}

static int make_none(struct geo_layer *layer)
{
	if (index_init(&layer->index) != 0 ||
		grow((void **)&layer->records, sizeof(*layer->records), 0, &layer->room, 1) != 0)
		return -ENOMEM;
	layer->records[layer->count++] = (struct geo_record){.offset = UINT32_MAX, .place = UINT32_MAX};
	return 0;
}

int geo_layer_open(struct geo_layer *layer, const char *path, struct error *error)
{
	int result;

	*layer = (struct geo_layer){0};
	if (make_none(layer) != 0)
		return error_set(error, -ENOMEM, "geo database %s: no memory", path);
	result = geo_file_init(&layer->file, path, error);
	layer->allowed = layer->file.data.size * (uint64_t)ALLOWED_PER_BYTE + ALLOWED_SLACK;
	return result;
}

void geo_layer_fini(struct geo_layer *layer)
{
	geo_file_fini(&layer->file);
	free(layer->records);
	free(layer->index.slots);
	*layer = (struct geo_layer){0};
}

/* --- fragments
 * ------------------------------------------------------------------------------------------------------------ */

static const uint8_t *fragment_at(const struct geo_places *places, uint32_t place)
{
	return places->text + (size_t)place * GEO_FRAGMENT_UNIT;
}

/* In the index a fragment is its place and 1. */
static uint64_t hash_fragment(const void *owner, uint32_t item)
{
	const uint8_t *at = fragment_at(owner, item - 1);

	return XXH3_64bits(at + 1, at[0]);
}

/* Appends a fragment; one that fits into a line of the cache is within one. Its place or -ENOMEM. */
static int64_t add_fragment(struct geo_places *places, const uint8_t *fragment, unsigned size)
{
	size_t at = places->size, end = (at + size + GEO_FRAGMENT_UNIT) / GEO_FRAGMENT_UNIT * GEO_FRAGMENT_UNIT;

	if (at / CACHE_BYTES != (at + size) / CACHE_BYTES && size < CACHE_BYTES) {
		at = (at + CACHE_BYTES - 1) / CACHE_BYTES * CACHE_BYTES;
		end = (at + size + GEO_FRAGMENT_UNIT) / GEO_FRAGMENT_UNIT * GEO_FRAGMENT_UNIT;
	}
	if (grow((void **)&places->text, 1, places->size, &places->room, end - places->size) != 0)
		return -ENOMEM;
	memset(places->text + places->size, 0, end - places->size);
	places->text[at] = (uint8_t)size;
	memcpy(places->text + at + 1, fragment, size);
	places->size = end;
	places->count++;
	return (int64_t)(at / GEO_FRAGMENT_UNIT);
}

static int64_t find_fragment(struct geo_places *places, const uint8_t *fragment, unsigned size)
{
	struct geo_index *index = &places->fragments;
	size_t at = XXH3_64bits(fragment, size) & (index->size - 1);
	int64_t place;

	for (; index->slots[at] != 0; at = (at + 1) & (index->size - 1)) {
		const uint8_t *there = fragment_at(places, index->slots[at] - 1);

		if (there[0] == size && memcmp(there + 1, fragment, size) == 0)
			return index->slots[at] - 1;
	}
	place = add_fragment(places, fragment, size);
	if (place < 0 || index_add(index, at, (uint32_t)place + 1, hash_fragment, places) == 0)
		return place;
	return -ENOMEM;
}

static int64_t render(struct geo_places *places, const uint32_t records[])
{
	const struct geo_record *all[GEO_LAYERS];
	uint8_t fragment[GEO_FRAGMENT_MAX];

	for (unsigned i = 0; i < places->layer_count; i++)
		all[i] = &places->layers[i].records[records[i]];
	return find_fragment(places, fragment, geo_render(fragment, all, places->layer_count, places->fields));
}

/* --- what several layers say
 * ---------------------------------------------------------------------------------------------- */

static const uint32_t *tuple_at(const struct geo_places *places, uint32_t tuple)
{
	return places->tuples + (size_t)tuple * (places->layer_count + 1);
}

static uint64_t hash_tuple(const void *owner, uint32_t tuple)
{
	const struct geo_places *places = owner;

	return XXH3_64bits(tuple_at(places, tuple), places->layer_count * sizeof(uint32_t));
}

/* Appends what the records say together; 0 or -ENOMEM. */
static int add_tuple(struct geo_places *places, const uint32_t records[], int64_t place)
{
	size_t width = places->layer_count + 1;
	uint32_t *tuple;

	if (grow((void **)&places->tuples, sizeof(*places->tuples) * width, places->tuple_count, &places->tuple_room,
		    1) != 0)
		return -ENOMEM;
	tuple = places->tuples + places->tuple_count++ * width;
	memcpy(tuple, records, places->layer_count * sizeof(*records));
	tuple[places->layer_count] = (uint32_t)place;
	return 0;
}

static int64_t find_tuple(struct geo_places *places, const uint32_t records[])
{
	size_t bytes = places->layer_count * sizeof(*records);
	struct geo_index *index = &places->index;
	size_t at = XXH3_64bits(records, bytes) & (index->size - 1);
	int64_t place;

	for (; index->slots[at] != 0; at = (at + 1) & (index->size - 1))
		if (memcmp(tuple_at(places, index->slots[at]), records, bytes) == 0)
			return tuple_at(places, index->slots[at])[places->layer_count];
	place = render(places, records);
	if (place >= 0 && (add_tuple(places, records, place) != 0 ||
				  index_add(index, at, (uint32_t)places->tuple_count - 1, hash_tuple, places) != 0))
		return -ENOMEM;
	return place;
}

int64_t geo_places_get(struct geo_places *places, const uint32_t records[])
{
	struct geo_record *record = &places->layers[0].records[records[0]];
	int64_t place;

	if (places->layer_count > 1)
		return find_tuple(places, records);
	if (record->place != UINT32_MAX)
		return record->place;
	place = render(places, records);
	if (place >= 0)
		record->place = (uint32_t)place;
	return place;
}

int geo_places_init(struct geo_places *places, struct geo_layer *layers, unsigned layer_count, unsigned fields)
{
	static const uint32_t none[GEO_LAYERS];

	*places = (struct geo_places){.layers = layers, .layer_count = layer_count, .fields = fields};
	if (index_init(&places->fragments) != 0 || index_init(&places->index) != 0 ||
		add_tuple(places, none, GEO_UNKNOWN) != 0)
		return -ENOMEM;
	return geo_places_get(places, none) == GEO_UNKNOWN ? 0 : -ENOMEM;
}

void geo_places_fini(struct geo_places *places)
{
	free(places->text);
	free(places->tuples);
	free(places->fragments.slots);
	free(places->index.slots);
	*places = (struct geo_places){0};
}
