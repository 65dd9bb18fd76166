/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The JSON scanner: all instruction levels must say the same of any bytes, and what they say must hold together. The first
 * byte chooses (odd: trusted); the rest is the datagram.
 */

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "wire/event_time.h"
#include "wire/json_paths.h"
#include "wire/json_scan.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define REQUIRE(condition)                                                                                             \
	do {                                                                                                           \
		if (!(condition)) {                                                                                    \
			fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #condition);                                \
			abort();                                                                                       \
		}                                                                                                      \
	} while (0)

static struct json_plan plans[2];

static void make_plans(void)
{
	static const char *const names[] = {"a", "type", "ts", "\xC3\xA9", "timestamp", "client_address_of_event"};

	for (int trusted = 0; trusted < 2; trusted++) {
		(void)json_plan_init(&plans[trusted], trusted);
		for (unsigned i = 0; i < sizeof(names) / sizeof(names[0]); i++)
			REQUIRE(json_plan_add(&plans[trusted], names[i]) == (int)i);
	}
}

static int inside(struct slice part, struct slice whole)
{
	return part.data >= whole.data && part.data + part.len <= whole.data + whole.len;
}

static void check_member(const struct json_object *object, const struct json_member *member)
{
	uint8_t text[65536];
	int64_t time_us;
	int is_us;

	if (member->kind == JSON_ABSENT) {
		REQUIRE(member->value.data == NULL && !member->duplicate);
		return;
	}
	REQUIRE(inside(member->whole, object->body) && inside(member->value, member->whole));
	if (member->kind == JSON_STRING)
		REQUIRE(json_unescape(member->value, text, sizeof(text)) <= (int)member->value.len);
	if (event_time_parse(member->value, member->kind == JSON_STRING, &time_us, &is_us) == 0)
		REQUIRE(time_us >= 0);
}

static int same_member(const struct json_member *a, const struct json_member *b)
{
	return a->kind == b->kind && a->escaped == b->escaped && a->duplicate == b->duplicate &&
		a->value.data == b->value.data && a->value.len == b->value.len && a->whole.data == b->whole.data &&
		a->whole.len == b->whole.len;
}

static int same_object(const struct json_plan *plan, const struct json_object *a, const struct json_object *b)
{
	for (unsigned i = 0; i < plan->count; i++)
		if (!same_member(&a->members[i], &b->members[i]))
			return 0;
	return a->body.data == b->body.data && a->body.len == b->body.len && a->member_count == b->member_count;
}

/* Members that are looked for afterwards, twice, are those that were found at once; paths lead to what lies in them. */
static void check_picks(const struct json_plan *plan, struct json_object *object)
{
	static const char *const names[] = {"a", "a.a", "type.ts", "ts"};
	static struct json_paths *paths;
	struct json_member members[JSON_WANTED], found[4];
	unsigned bad;

	if (paths == NULL)
		REQUIRE(json_paths_new(&paths, names, 4, &bad) == 0);
	for (unsigned twice = 0; twice < 2; twice++) {
		REQUIRE(json_pick(plan, object, members) == 0);
		for (unsigned i = 0; i < plan->count; i++)
			REQUIRE(same_member(&members[i], &object->members[i]));
	}
	if (!object->marks.trusted) {
		REQUIRE(json_find_wide(plan, object->body.data, object->body.len, members) == JSON_FOUND);
		for (unsigned i = 0; i < plan->count; i++)
			REQUIRE(same_member(&members[i], &object->members[i]));
	}
	REQUIRE(json_paths_find(paths, object, found) == 0);
	REQUIRE(same_member(&found[0], &members[0]) && same_member(&found[3], &members[2]));
	if (found[1].kind != JSON_ABSENT)
		REQUIRE(found[0].kind == JSON_OBJECT && inside(found[1].whole, found[0].value));
	if (found[2].kind != JSON_ABSENT)
		REQUIRE(members[1].kind == JSON_OBJECT && inside(found[2].whole, members[1].value));
}

/* json_next asks the scalar level when another says no: see that the others find what there is by themselves. */
static void check_levels(const struct json_plan *plan, const uint8_t *data, uint32_t len, const struct json_object *object)
{
	static int (*const reads[])(const struct json_plan *, const uint8_t *, uint32_t, uint32_t, struct json_object *,
		uint32_t *) = {json_read_sse42, json_read_avx2, json_read_avx512};
	uint32_t start = (uint32_t)(object->body.data - data), end;
	struct json_object again;

	for (unsigned i = 0; i < sizeof(reads) / sizeof(reads[0]) && json_use(JSON_SSE42 + i) == JSON_SSE42 + i; i++) {
		REQUIRE(reads[i](plan, data, len, start, &again, &end) == JSON_FOUND);
		REQUIRE(end == start + object->body.len - 1);
		check_picks(plan, &again);
	}
}

/* One object at all levels; returns what the scalar level says. */
static int next_at_all_levels(const struct json_plan *plan, const uint8_t *data, uint32_t len, uint32_t *offset)
{
	struct json_object expected, object;
	uint32_t end = *offset;
	int result;

	REQUIRE(json_use(JSON_SCALAR) == JSON_SCALAR);
	result = json_next(plan, data, len, &end, &expected);
	REQUIRE(end <= len && (end > *offset || result == JSON_END));
	for (unsigned level = JSON_SSE42; level <= JSON_AVX512; level++) {
		uint32_t at = *offset;

		(void)json_use((enum json_level)level);
		REQUIRE(json_next(plan, data, len, &at, &object) == result);
		REQUIRE(at == end);
		REQUIRE(result != JSON_FOUND || same_object(plan, &expected, &object));
	}
	if (result == JSON_FOUND) {
		check_levels(plan, data, len, &expected);
		for (unsigned i = 0; i < plan->count; i++)
			check_member(&expected, &expected.members[i]);
	}
	*offset = end;
	return result;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint32_t offset = 0;

	if (size < 1 || size > 65535)
		return 0;
	if (plans[0].count == 0)
		make_plans();
	while (next_at_all_levels(&plans[data[0] & 1], data + 1, (uint32_t)size - 1, &offset) != JSON_END)
		;
	return 0;
}
