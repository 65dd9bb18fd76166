/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* What the tests of the JSON scanner share: every test runs at all instruction levels that the CPU has. */

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/compiler.h"
#include "wire/json_scan.h"

#define FOR_EACH_LEVEL(level)                                                                                          \
	for (enum json_level level = JSON_SCALAR; level <= JSON_AVX512; level++)                                       \
		if (json_use(level) == level)

/* A heap block of exactly `len` bytes, so that a sanitizer sees every read beyond it. */
static inline uint8_t *exact_copy(const void *data, size_t len)
{
	uint8_t *block = malloc(len);

	assert_true(block != NULL || len == 0);
	if (len > 0)
		memcpy(block, data, len);
	return block;
}

/* The first result for a datagram. */
static inline int first_result(const struct json_plan *plan, const void *data, size_t len)
{
	uint8_t *block = exact_copy(data, len);
	struct json_object object;
	uint32_t offset = 0;
	int result = json_next(plan, block, (uint32_t)len, &offset, &object);

	assert_true(offset <= len);
	free(block);
	return result;
}

/* Whether the level in use finds the object at data[0] by itself, without the scalar level's help. */
static inline int finds_alone(const struct json_plan *plan, enum json_level level, const void *data, size_t len)
{
	static int (*const reads[])(const struct json_plan *, const uint8_t *, uint32_t, uint32_t, struct json_object *,
		uint32_t *) = {json_read_scalar, json_read_sse42, json_read_avx2, json_read_avx512};
	uint8_t *block = exact_copy(data, len);
	struct json_object object;
	uint32_t end;
	int result = reads[level](plan, block, (uint32_t)len, 0, &object, &end);

	free(block);
	return result == JSON_FOUND;
}

static inline void make_plan(struct json_plan *plan, int trusted, const char *const *names, unsigned count)
{
	assert_int_equal(json_plan_init(plan, trusted), 0);
	for (unsigned i = 0; i < count; i++)
		assert_int_equal(json_plan_add(plan, names[i]), i);
}

/* A reproducible sequence (xorshift64*, Vigna 2016). */
static inline uint32_t random_below(uint64_t *state, uint32_t bound)
{
	*state ^= *state >> 12;
	*state ^= *state << 25;
	*state ^= *state >> 27;
	return (uint32_t)((*state * UINT64_C(0x2545F4914F6CDD1D) >> 33) % bound);
}

static inline int slice_is(struct slice slice, const char *text)
{
	return slice.len == strlen(text) && memcmp(slice.data, text, slice.len) == 0;
}
