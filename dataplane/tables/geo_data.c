/* SPDX-License-Identifier: Apache-2.0 */
#include "tables/geo_data.h"

#include <errno.h>
#include <string.h>

#define SIZE_BASE_1    29u /* sizes of 29 and more have 1, 2 or 3 bytes of their own */
#define SIZE_BASE_2    285u
#define SIZE_BASE_3    65821u
#define POINTER_BASE_2 2048u
#define POINTER_BASE_3 526336u

/* `count` bytes at `*offset` as a number, the highest first. */
static int take(const struct geo_data *data, uint32_t *offset, unsigned count, uint32_t *number)
{
	uint32_t value = 0;

	if (*offset > data->size || data->size - *offset < count)
		return -EINVAL;
	for (unsigned i = 0; i < count; i++)
		value = value << 8 | data->bytes[(*offset)++];
	*number = value;
	return 0;
}

static int take_pointer(const struct geo_data *data, uint32_t *offset, uint32_t control, uint32_t *target)
{
	static const uint32_t bases[4] = {0, POINTER_BASE_2, POINTER_BASE_3, 0};
	unsigned bytes = (control >> 3 & 3) + 1;

	if (take(data, offset, bytes, target) != 0)
		return -EINVAL;
	if (bytes < 4)
		*target = (*target | (control & 7) << 8 * bytes) + bases[bytes - 1];
	return 0;
}

static int take_size(const struct geo_data *data, uint32_t *offset, uint32_t *size)
{
	static const uint32_t bases[3] = {SIZE_BASE_1, SIZE_BASE_2, SIZE_BASE_3};
	unsigned bytes;

	if (*size < SIZE_BASE_1)
		return 0;
	bytes = *size - SIZE_BASE_1 + 1;
	if (take(data, offset, bytes, size) != 0)
		return -EINVAL;
	*size += bases[bytes - 1];
	return 0;
}

/* Bytes that the payload may have. */
static int size_fits(enum geo_data_type type, uint32_t size)
{
	static const uint8_t most[] = {[GEO_DATA_UINT16] = 2,
		[GEO_DATA_UINT32] = 4,
		[GEO_DATA_INT32] = 4,
		[GEO_DATA_UINT64] = 8,
		[GEO_DATA_UINT128] = 16,
		[GEO_DATA_DOUBLE] = 8,
		[GEO_DATA_FLOAT] = 4,
		[GEO_DATA_BOOLEAN] = 1};

	switch (type) {
	case GEO_DATA_STRING:
	case GEO_DATA_BYTES:
	case GEO_DATA_MAP:
	case GEO_DATA_ARRAY:
		return 1;
	case GEO_DATA_DOUBLE:
	case GEO_DATA_FLOAT:
		return size == most[type];
	default:
		return size <= most[type];
	}
}

static uint32_t payload(const struct geo_value *value)
{
	return value->type == GEO_DATA_MAP || value->type == GEO_DATA_ARRAY || value->type == GEO_DATA_BOOLEAN
		       ? 0
		       : value->size;
}

/* One value or pointer (type POINTER, `offset` its target); `*offset` moves behind it, of a container to its first
 * member. */
static int take_value(const struct geo_data *data, uint32_t *offset, struct geo_value *value)
{
	uint32_t control, type;

	if (take(data, offset, 1, &control) != 0)
		return -EINVAL;
	type = control >> 5;
	value->type = (enum geo_data_type)type;
	if (type == GEO_DATA_POINTER)
		return take_pointer(data, offset, control, &value->offset);
	if (type == GEO_DATA_EXTENDED) {
		if (take(data, offset, 1, &type) != 0 || type == 0 || type > GEO_DATA_FLOAT - GEO_DATA_MAP)
			return -EINVAL;
		type += GEO_DATA_MAP;
		if (type == GEO_DATA_CONTAINER || type == GEO_DATA_END)
			return -EINVAL;
		value->type = (enum geo_data_type)type;
	}
	value->size = control & 31;
	if (take_size(data, offset, &value->size) != 0 || !size_fits(value->type, value->size))
		return -EINVAL;
	value->offset = *offset;
	if (data->size - *offset < payload(value))
		return -EINVAL;
	*offset += payload(value);
	return 0;
}

int geo_data_get(const struct geo_data *data, uint32_t *offset, struct geo_value *value)
{
	uint32_t target;

	if (take_value(data, offset, value) != 0)
		return -EINVAL;
	if (value->type != GEO_DATA_POINTER)
		return 0;
	target = value->offset;
	return take_value(data, &target, value) == 0 && value->type != GEO_DATA_POINTER ? 0 : -EINVAL;
}

/* Moves `*offset` behind the value there and all that it holds. */
static int skip(const struct geo_data *data, uint32_t *offset, uint32_t *steps)
{
	struct geo_value value;

	for (uint64_t left = 1; left > 0; left--) {
		if (*steps == 0 || take_value(data, offset, &value) != 0)
			return -EINVAL;
		--*steps;
		if (value.type == GEO_DATA_MAP || value.type == GEO_DATA_ARRAY)
			left += (uint64_t)value.size << (value.type == GEO_DATA_MAP);
	}
	return 0;
}

int geo_data_target(const struct geo_data *data, uint32_t offset, uint32_t *target)
{
	struct geo_value value;

	*target = offset;
	if (take_value(data, &offset, &value) != 0)
		return -EINVAL;
	if (value.type != GEO_DATA_POINTER)
		return 0;
	*target = offset = value.offset;
	return take_value(data, &offset, &value) == 0 && value.type != GEO_DATA_POINTER ? 0 : -EINVAL;
}

static int find_member(
	const struct geo_data *data, const struct geo_value *map, const char *key, uint32_t *steps, struct geo_value *value)
{
	uint32_t offset = map->offset;
	struct geo_value name;

	for (uint32_t i = 0; i < map->size; i++) {
		if (*steps == 0 || geo_data_get(data, &offset, &name) != 0 || name.type != GEO_DATA_STRING)
			return -EINVAL;
		--*steps;
		if (name.size == strlen(key) && memcmp(data->bytes + name.offset, key, name.size) == 0)
			return geo_data_get(data, &offset, value) == 0 ? 1 : -EINVAL;
		if (skip(data, &offset, steps) != 0)
			return -EINVAL;
	}
	return 0;
}

int geo_data_member(
	const struct geo_data *data, const struct geo_value *map, const char *key, uint64_t *allowed, struct geo_value *value)
{
	uint32_t most = *allowed < GEO_DATA_STEPS ? (uint32_t)*allowed : GEO_DATA_STEPS, left = most;
	int found = map->type == GEO_DATA_MAP ? find_member(data, map, key, &left, value) : 0;

	*allowed -= most - left;
	return found;
}

int geo_data_number(const struct geo_data *data, const struct geo_value *value, uint64_t *number)
{
	if (value->type != GEO_DATA_UINT16 && value->type != GEO_DATA_UINT32 && value->type != GEO_DATA_UINT64)
		return 0;
	*number = 0;
	for (uint32_t i = 0; i < value->size; i++)
		*number = *number << 8 | data->bytes[value->offset + i];
	return 1;
}
