/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Between the scanner's parts. A scan walks one object and marks where its top-level names and colons stand; json_members.h
 * makes members of the marks. Both exist once per instruction level. The scalar level names every error and its place; the
 * others only say that something is wrong, and the scalar one is asked what.
 */

#include <stdint.h>

#include "wire/json.h"

/* By the lower half of a byte: the operators with bit 0x20 ("{}" for "[]"), and white space; else what cannot match. */
#define JSON_OPERATORS 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, ':', '{', ',', '}', 0, 0
#define JSON_SPACES    ' ', 0, 0, 0, 0, 0, 0, 0, 0, '\t', '\n', 0, 0, '\r', 0, 0

/*
 * Reads the object whose '{' is data[start]. JSON_FOUND: `out` is filled, *end is the index of its '}'. Else a negative
 * enum json_result, with the place of the error in *end.
 */
int json_read_scalar(const struct json_plan *plan, const uint8_t *data, uint32_t len, uint32_t start,
	struct json_object *out, uint32_t *end);

/* The same, but JSON_BAD_SYNTAX is all they say when something is wrong, and *end says nothing then. */
int json_read_sse42(const struct json_plan *plan, const uint8_t *data, uint32_t len, uint32_t start,
	struct json_object *out, uint32_t *end);
int json_read_avx2(const struct json_plan *plan, const uint8_t *data, uint32_t len, uint32_t start,
	struct json_object *out, uint32_t *end);
int json_read_avx512(const struct json_plan *plan, const uint8_t *data, uint32_t len, uint32_t start,
	struct json_object *out, uint32_t *end);

/* Finds members of an object that was read; see json_pick. */
int json_pick_scalar(const struct json_plan *plan, struct json_object *object, struct json_member *members);
int json_pick_sse42(const struct json_plan *plan, struct json_object *object, struct json_member *members);
int json_pick_avx2(const struct json_plan *plan, struct json_object *object, struct json_member *members);
int json_pick_avx512(const struct json_plan *plan, struct json_object *object, struct json_member *members);

/* enum json_kind of a value that begins with this byte; JSON_ABSENT: none does. */
extern const uint8_t json_kinds[256] __attribute__((visibility("hidden")));

/*
 * The slow way to find the wanted names, for objects with escapes in a name or with many members: the last member of each
 * wanted name into found[], by index, or JSON_MEMBERS; bits of *twice for those that occur more than once.
 */
void json_find_slowly(const struct json_plan *plan, const uint8_t *data, const struct json_marks *marks,
	uint16_t found[JSON_WANTED], uint32_t *twice);
