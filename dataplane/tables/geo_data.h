/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Values in the data section of a database in MaxMind's format (MaxMind DB File Format Specification 2.0). Nothing that
 * is read is trusted: every byte is inside the section, pointers do not chain, containers are walked and not recursed
 * into, and a record of more than GEO_DATA_STEPS values is taken as damage, as are records that together lead to more than the
 * caller allows. Control threads.
 */

#include <stdint.h>

#define GEO_DATA_STEPS 65536u

enum geo_data_type {
	GEO_DATA_EXTENDED,
	GEO_DATA_POINTER,
	GEO_DATA_STRING,
	GEO_DATA_DOUBLE,
	GEO_DATA_BYTES,
	GEO_DATA_UINT16,
	GEO_DATA_UINT32,
	GEO_DATA_MAP,
	GEO_DATA_INT32,
	GEO_DATA_UINT64,
	GEO_DATA_UINT128,
	GEO_DATA_ARRAY,
	GEO_DATA_CONTAINER,
	GEO_DATA_END,
	GEO_DATA_BOOLEAN,
	GEO_DATA_FLOAT,
};

struct geo_data {
	const uint8_t *bytes;
	uint32_t size;
};

struct geo_value {
	enum geo_data_type type; /* never EXTENDED or POINTER */
	uint32_t size;           /* bytes of a string, members of a map or array, 0 or 1 of a boolean */
	uint32_t offset;         /* of its payload, or of a container's first member */
};

/* The value at `*offset`, through a pointer if there is one; `*offset` moves behind the value or its pointer, but of a
 * container that stands there itself only to its first member. 0, or -EINVAL: damaged. */
int geo_data_get(const struct geo_data *data, uint32_t *offset, struct geo_value *value);

/* Where the value at `offset` is: there, or where its pointer leads. 0 or -EINVAL: damaged. */
int geo_data_target(const struct geo_data *data, uint32_t offset, uint32_t *target);

/* The member `key` of a map. *allowed: values that may be looked at, which go down. 1 when it is there, 0 when not or when that
 * is no map, -EINVAL: damaged, or more values than that. */
int geo_data_member(
	const struct geo_data *data, const struct geo_value *map, const char *key, uint64_t *allowed, struct geo_value *value);

/* Its number, when it is an unsigned one of at most 64 bits. 1, or 0. */
int geo_data_number(const struct geo_data *data, const struct geo_value *value, uint64_t *number);
