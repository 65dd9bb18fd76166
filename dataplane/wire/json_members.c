/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "base/compiler.h"
#include "wire/json_scan.h"

/* Where the last member of a wanted name stands. */
struct place {
	uint32_t open;  /* first quote of the name */
	uint32_t colon;
	uint32_t next;  /* the comma or brace behind the value */
};

static const uint8_t kinds[256] = {
	['"'] = JSON_STRING, ['-'] = JSON_NUMBER, ['0'] = JSON_NUMBER, ['1'] = JSON_NUMBER, ['2'] = JSON_NUMBER,
	['3'] = JSON_NUMBER, ['4'] = JSON_NUMBER, ['5'] = JSON_NUMBER, ['6'] = JSON_NUMBER, ['7'] = JSON_NUMBER,
	['8'] = JSON_NUMBER, ['9'] = JSON_NUMBER, ['t'] = JSON_TRUE,   ['f'] = JSON_FALSE,  ['n'] = JSON_NULL,
	['{'] = JSON_OBJECT, ['['] = JSON_ARRAY,
};

static int is_space(uint8_t byte)
{
	return byte == ' ' || byte == '\t' || byte == '\n' || byte == '\r';
}

/* First index in [from, to) that is no white space, else `to`. */
static uint32_t skip_space(const uint8_t *data, uint32_t from, uint32_t to)
{
	while (from < to && is_space(data[from]))
		from++;
	return from;
}

/* The index behind the last byte of [from, to) that is no white space, else `from`. */
static uint32_t trim_space(const uint8_t *data, uint32_t from, uint32_t to)
{
	while (to > from && is_space(data[to - 1]))
		to--;
	return to;
}

/* Index of the wanted name, or JSON_WANTED. Names up to 16 bytes are told apart without looking at them again. */
ALWAYS_INLINE unsigned match(const struct json_plan *plan, const uint8_t *name, uint32_t len, uint64_t available)
{
	uint64_t head = json_first_bytes(json_load8(name, available), len);
	uint64_t tail = len > 8 ? json_load8(name + len - 8, 8) : head;
	unsigned index = plan->slots[json_hash(plan, head, tail, len)];
	const struct json_name *wanted = &plan->names[index];
	uint64_t differs = (wanted->head ^ head) | (wanted->tail ^ tail) | (wanted->len ^ len);

	if (UNLIKELY(differs == 0 && len > 16))
		while (index != JSON_WANTED && memcmp(plan->names[index].text, name, len) != 0)
			index = plan->names[index].next;
	return differs == 0 ? index : JSON_WANTED;
}

/* A name with escapes: the longest that can matter is all \u escapes. */
static unsigned match_escaped(const struct json_plan *plan, const uint8_t *name, uint32_t len)
{
	uint8_t text[6 * JSON_NAME_MAX];
	int decoded = json_unescape((struct slice){name, len}, text, sizeof(text));

	return decoded < 0 ? JSON_WANTED : match(plan, text, (uint32_t)decoded, sizeof(text));
}

static void fill_member(const uint8_t *data, const struct place *place, uint32_t from, uint32_t to, int escapes,
	struct json_member *member)
{
	uint32_t quoted = member->kind == JSON_STRING;

	member->value = (struct slice){data + from + quoted, to - from - 2 * quoted};
	member->whole = (struct slice){data + place->open, to - place->open};
	member->escaped = escapes && quoted && memchr(member->value.data, '\\', member->value.len) != NULL;
}

/* The value between colon and comma. JSON_BAD_SYNTAX can only come from a trusted plan. */
static int resolve(const uint8_t *data, const struct place *place, int escapes, struct json_member *member)
{
	uint32_t from = skip_space(data, place->colon + 1, place->next);
	uint32_t to = trim_space(data, from, place->next);

	member->kind = from < to ? kinds[data[from]] : JSON_ABSENT;
	if (member->kind == JSON_ABSENT)
		return JSON_BAD_SYNTAX;
	if (member->kind == JSON_STRING && (to - from < 2 || data[to - 1] != '"'))
		return JSON_BAD_SYNTAX;
	fill_member(data, place, from, to, escapes, member);
	return JSON_FOUND;
}

/* Trusted scans mark what they meet: colons and commas must take turns, and a brace must be the end. */
static int check_marks(const uint8_t *data, struct json_marks *marks)
{
	uint32_t count = marks->count;

	for (uint32_t i = 0; i + 1 < count; i++)
		if (data[marks->at[i]] != (i % 2 == 0 ? ':' : ','))
			return JSON_BAD_SYNTAX;
	return data[marks->end] == '}' && (count == 1 || count % 2 == 0) ? JSON_FOUND : JSON_BAD_SYNTAX;
}

/* The quotes of the name between `before` and `colon`; 0 when there is no name (trusted plans only). */
ALWAYS_INLINE int find_name(const uint8_t *data, uint32_t before, uint32_t colon, uint32_t *open, uint32_t *close)
{
	*open = before + 1;
	*close = colon - 1;
	if (UNLIKELY(data[*open] != '"'))
		*open = skip_space(data, *open, colon);
	if (UNLIKELY(data[*close] != '"'))
		*close = trim_space(data, *open, colon) - 1;
	return *open < *close && data[*open] == '"' && data[*close] == '"';
}

/* Looks every name up; bits of `seen` and `twice` by index. JSON_WANTED takes the place of the unwanted. */
static int find_places(const struct json_plan *plan, const uint8_t *data, uint32_t len, uint32_t start,
	const struct json_marks *marks, struct place places[JSON_WANTED + 1], uint32_t *seen, uint32_t *twice)
{
	uint32_t before = start;

	for (uint32_t i = 0; i + 1 < marks->count; i += 2) {
		uint32_t colon = marks->at[i], open, close, size;
		unsigned index;

		if (UNLIKELY(!find_name(data, before, colon, &open, &close)))
			return JSON_BAD_SYNTAX;
		size = close - open - 1;
		index = match(plan, data + open + 1, size, len - open - 1);
		if (UNLIKELY(marks->escapes) && memchr(data + open, '\\', size + 1) != NULL)
			index = match_escaped(plan, data + open + 1, size);
		before = marks->at[i + 1];
		places[index] = (struct place){open, colon, before};
		*twice |= *seen & 1u << index;
		*seen |= 1u << index;
	}
	return JSON_FOUND;
}

int json_members(const struct json_plan *plan, const uint8_t *data, uint32_t len, uint32_t start,
	struct json_marks *marks, struct json_object *out)
{
	__attribute__((uninitialized)) struct place places[JSON_WANTED + 1];
	uint32_t seen = 0, twice = 0;

	if (plan->trusted && check_marks(data, marks) != JSON_FOUND)
		return JSON_BAD_SYNTAX;
	if (plan->trusted && marks->count == 1 && skip_space(data, start + 1, marks->end) != marks->end)
		return JSON_BAD_SYNTAX;
	if (find_places(plan, data, len, start, marks, places, &seen, &twice) != JSON_FOUND)
		return JSON_BAD_SYNTAX;
	for (unsigned i = 0; i < JSON_WANTED && i < plan->count; i++) {
		struct json_member *member = &out->members[i];

		*member = (struct json_member){.duplicate = (twice >> i & 1) != 0};
		if ((seen >> i & 1) != 0 && resolve(data, &places[i], marks->escapes, member) != JSON_FOUND)
			return JSON_BAD_SYNTAX;
	}
	out->body = (struct slice){data + start, marks->end - start + 1};
	out->member_count = marks->count / 2;
	out->line_breaks = marks->line_breaks;
	return JSON_FOUND;
}
