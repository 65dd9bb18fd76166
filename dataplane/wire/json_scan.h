/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Between the scanner's two halves. A scan walks one object and marks where its top level's colons and commas and its end
 * stand; json_members.c makes members of the marks. There is one scan per instruction level. The scalar one names every
 * error and its place; the others only say that something is wrong, and the scalar one is asked what.
 */

#include <stdint.h>

#include "wire/json.h"

#define JSON_MARKS (2 * JSON_MEMBERS) /* a colon and a comma (or the end) per member */

struct json_marks {
	uint32_t count;      /* of at[]; 1 for an object without members */
	uint32_t end;        /* JSON_FOUND: index of the closing '}', which is the last mark too; else where the error is */
	uint8_t line_breaks; /* the object holds \n or \r */
	uint8_t escapes;     /* the object holds a backslash */
	uint32_t at[JSON_MARKS + 64]; /* indexes into data, rising; room for one block's worth more */
};

/*
 * Scans the object whose '{' is data[start]. Returns JSON_FOUND, or a negative enum json_result with marks->end at the
 * error. Validated: the marks are colon, comma, colon ... end, without exception. Trusted: they may be in any order.
 */
int json_scan_scalar(
	const uint8_t *data, uint32_t len, uint32_t start, int trusted, struct json_marks *marks);

/* The same, but JSON_BAD_SYNTAX is all they say when something is wrong, and marks->end is not set then. */
int json_scan_sse42(const uint8_t *data, uint32_t len, uint32_t start, int trusted, struct json_marks *marks);
int json_scan_avx2(const uint8_t *data, uint32_t len, uint32_t start, int trusted, struct json_marks *marks);
int json_scan_avx512(const uint8_t *data, uint32_t len, uint32_t start, int trusted, struct json_marks *marks);

/*
 * Fills `out` from the marks of the object at data[start]. Returns JSON_FOUND, or JSON_BAD_SYNTAX (trusted plans only) with
 * marks->end at the error.
 */
int json_members(const struct json_plan *plan, const uint8_t *data, uint32_t len, uint32_t start,
	struct json_marks *marks, struct json_object *out);

/* Reads 8 bytes at p, of which only `available` may be touched; what lies beyond is zero. */
static inline uint64_t json_load8(const uint8_t *p, uint64_t available)
{
	uint64_t word = 0;

	if (__builtin_expect(available >= sizeof(word), 1)) {
		__builtin_memcpy(&word, p, sizeof(word));
		return word;
	}
	for (unsigned i = 0; i < available; i++)
		word |= (uint64_t)p[i] << (8 * i);
	return word;
}

/* Keeps the first `len` (at most 8) bytes of a word that was loaded from memory. */
static inline uint64_t json_first_bytes(uint64_t word, uint32_t len)
{
	return len >= 8 ? word : word & ((UINT64_C(1) << (8 * len)) - 1);
}

/* Multiply-shift: the upper bits of a sum of products, 64 slots. */
static inline unsigned json_hash(const struct json_plan *plan, uint64_t head, uint64_t tail, uint32_t len)
{
	return (unsigned)((head * plan->factors[0] + tail * plan->factors[1] + len * plan->factors[2]) >> 58);
}
