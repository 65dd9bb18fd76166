/* SPDX-License-Identifier: Apache-2.0 */
#include <stdint.h>
#include <string.h>

#define JSON_TARGET

struct words {
	uint64_t each[8];
};

static void words_set(struct words *w, uint64_t a, uint64_t b, uint64_t c, uint64_t d, uint64_t e, uint64_t f, uint64_t g,
	uint64_t h)
{
	*w = (struct words){{a, b, c, d, e, f, g, h}};
}

/* A bit for each word that has the pattern. */
static uint64_t words_equal(const struct words *w, uint64_t pattern, uint64_t mask)
{
	uint64_t equal = 0;

	for (unsigned i = 0; i < 8; i++)
		equal |= (uint64_t)(((w->each[i] ^ pattern) & mask) == 0) << i;
	return equal;
}

static void fill_sixteen(uint32_t *at, uint32_t place)
{
	for (unsigned i = 0; i < 16; i++)
		at[i] = place;
}

#include "wire/json_members.h"
#include "wire/utf8.h"

#define WIDE_MARKS (2 * 64) /* members that are looked for side by side */

struct cursor {
	const uint8_t *data;
	uint32_t len;
	uint32_t at;
	uint32_t depth;
	uint64_t kinds; /* one bit per open container, the innermost lowest: 1 is an array */
	struct json_marks *marks;
	const struct json_plan *wide; /* or NULL: JSON_MEMBERS is a limit */
	struct json_member *found;    /* those that `wide` asks for, as far as the scan is */
};

enum expected { NAME_OR_END, NAME, COLON, VALUE_OR_END, VALUE, COMMA_OR_END };

static int at_end(const struct cursor *c)
{
	return c->at >= c->len;
}

static int is_digit(uint8_t byte)
{
	return byte >= '0' && byte <= '9';
}

static int is_hex(uint8_t byte)
{
	return is_digit(byte) || ((byte | 0x20) >= 'a' && (byte | 0x20) <= 'f');
}

static void skip_space(struct cursor *c)
{
	for (; !at_end(c); c->at++) {
		if (!is_space(c->data[c->at]))
			return;
	}
}

/* Behind the backslash. */
static int skip_escape(struct cursor *c)
{
	if (at_end(c))
		return JSON_TRUNCATED;
	if (c->data[c->at] == '\0' || strchr("\"\\/bfnrtu", c->data[c->at]) == NULL)
		return JSON_BAD_SYNTAX;
	if (c->data[c->at++] != 'u')
		return JSON_FOUND;
	for (int i = 0; i < 4; i++, c->at++) {
		if (at_end(c))
			return JSON_TRUNCATED;
		if (!is_hex(c->data[c->at]))
			return JSON_BAD_SYNTAX;
	}
	return JSON_FOUND;
}

/* At the opening quote. */
static int skip_string(struct cursor *c)
{
	c->at++;
	while (!at_end(c)) {
		uint8_t byte = c->data[c->at];
		int result;

		if (byte < 0x20)
			return JSON_BAD_SYNTAX;
		if (byte >= 0x80) {
			result = utf8_sequence(c->data + c->at, c->len - c->at);
			if (result <= 0)
				return result < 0 ? JSON_BAD_UTF8 : JSON_TRUNCATED;
			c->at += (uint32_t)result;
			continue;
		}
		c->at++;
		if (byte == '"')
			return JSON_FOUND;
		if (byte == '\\') {
			c->marks->escapes = 1;
			result = skip_escape(c);
			if (result != JSON_FOUND)
				return result;
		}
	}
	return JSON_TRUNCATED;
}

static int skip_digits(struct cursor *c)
{
	if (at_end(c))
		return JSON_TRUNCATED;
	if (!is_digit(c->data[c->at]))
		return JSON_BAD_SYNTAX;
	while (!at_end(c) && is_digit(c->data[c->at]))
		c->at++;
	return JSON_FOUND;
}

/* A number never ends an object, so that the end of the data inside one is seen by the caller. */
static int skip_number(struct cursor *c)
{
	int result = JSON_FOUND;

	if (c->data[c->at] == '-')
		c->at++;
	if (!at_end(c) && c->data[c->at] == '0')
		c->at++;
	else
		result = skip_digits(c);
	if (result == JSON_FOUND && !at_end(c) && c->data[c->at] == '.') {
		c->at++;
		result = skip_digits(c);
	}
	if (result == JSON_FOUND && !at_end(c) && (c->data[c->at] | 0x20) == 'e') {
		c->at++;
		if (!at_end(c) && (c->data[c->at] == '+' || c->data[c->at] == '-'))
			c->at++;
		result = skip_digits(c);
	}
	return result;
}

static int skip_literal(struct cursor *c, const char *text)
{
	for (; *text != '\0'; text++, c->at++) {
		if (at_end(c))
			return JSON_TRUNCATED;
		if (c->data[c->at] != (uint8_t)*text)
			return JSON_BAD_SYNTAX;
	}
	return JSON_FOUND;
}

static int skip_scalar(struct cursor *c)
{
	uint8_t byte = c->data[c->at];

	switch (byte) {
	case '"':
		return skip_string(c);
	case 't':
		return skip_literal(c, "true");
	case 'f':
		return skip_literal(c, "false");
	case 'n':
		return skip_literal(c, "null");
	default:
		return byte == '-' || is_digit(byte) ? skip_number(c) : JSON_BAD_SYNTAX;
	}
}

static void mark(struct cursor *c)
{
	if (c->depth == 1)
		c->marks->at[c->marks->count++] = c->at;
}

/* Looks through the members that are marked, of which the last ends before `end`, and makes room for as many. */
static void look_through(struct cursor *c, uint32_t end)
{
	struct json_member part[JSON_WANTED];

	c->marks->end = end - 1;
	pad_names(c->marks, 0);
	(void)find_members(c->wide, c->marks, part);
	for (unsigned i = 0; i < c->wide->count; i++) {
		if (part[i].kind == JSON_ABSENT)
			continue;
		part[i].duplicate |= c->found[i].kind != JSON_ABSENT;
		c->found[i] = part[i];
	}
	c->marks->count = 0;
}

static int in_array(const struct cursor *c)
{
	return (c->kinds & 1) != 0;
}

static int step_value(struct cursor *c, enum expected *next)
{
	uint8_t byte = c->data[c->at];

	*next = COMMA_OR_END;
	if (byte != '{' && byte != '[')
		return skip_scalar(c);
	if (c->depth == JSON_DEPTH)
		return JSON_TOO_DEEP;
	c->depth++;
	c->kinds = c->kinds << 1 | (byte == '[');
	c->at++;
	*next = byte == '[' ? VALUE_OR_END : NAME_OR_END;
	return JSON_FOUND;
}

/* JSON_END here: the top-level object is closed. */
static int step_close(struct cursor *c, enum expected *next)
{
	if (c->data[c->at] != (in_array(c) ? ']' : '}'))
		return JSON_BAD_SYNTAX;
	if (c->depth == 1) {
		c->marks->end = c->at;
		return JSON_END;
	}
	c->depth--;
	c->kinds >>= 1;
	c->at++;
	*next = COMMA_OR_END;
	return JSON_FOUND;
}

static int step_name(struct cursor *c, enum expected *next)
{
	if (c->data[c->at] != '"')
		return JSON_BAD_SYNTAX;
	if (c->depth == 1 && c->wide != NULL && c->marks->count == WIDE_MARKS)
		look_through(c, c->at);
	if (c->depth == 1 && c->marks->count == JSON_MARKS)
		return JSON_TOO_MANY;
	mark(c);
	*next = COLON;
	return skip_string(c);
}

static int step(struct cursor *c, enum expected *next)
{
	uint8_t byte = c->data[c->at];

	switch (*next) {
	case NAME_OR_END:
		return byte == '}' ? step_close(c, next) : step_name(c, next);
	case NAME:
		return step_name(c, next);
	case COLON:
		if (byte != ':')
			return JSON_BAD_SYNTAX;
		mark(c);
		c->at++;
		*next = VALUE;
		return JSON_FOUND;
	case VALUE_OR_END:
		return byte == ']' ? step_close(c, next) : step_value(c, next);
	case VALUE:
		return step_value(c, next);
	default:
		if (byte != ',')
			return step_close(c, next);
		c->at++;
		*next = in_array(c) ? VALUE : NAME;
		return JSON_FOUND;
	}
}

static int scan_validated(struct cursor *c)
{
	enum expected next = NAME_OR_END;
	int result;

	do {
		skip_space(c);
		result = at_end(c) ? JSON_TRUNCATED : step(c, &next);
	} while (result == JSON_FOUND);
	return result == JSON_END ? JSON_FOUND : result;
}

/* A byte outside strings; JSON_END: it closed the object. `name`: behind the brace or a comma. */
static int step_trusted(struct cursor *c, int name)
{
	uint8_t byte = c->data[c->at];

	if (byte == '{' || byte == '[') {
		if (c->depth == JSON_DEPTH)
			return JSON_TOO_DEEP;
		c->depth++;
	} else if (byte == '}' || byte == ']') {
		return --c->depth == 0 ? JSON_END : JSON_FOUND;
	} else if (c->depth == 1 && (byte == ':' || (byte == '"' && name))) {
		if (c->marks->count == JSON_MARKS)
			return JSON_TOO_MANY;
		mark(c);
	}
	return JSON_FOUND;
}

static int scan_trusted(struct cursor *c)
{
	int in_string = 0, name = 1, result = JSON_FOUND;

	for (; !at_end(c) && result == JSON_FOUND; c->at++) {
		uint8_t byte = c->data[c->at];

		if (!in_string) {
			result = step_trusted(c, name);
			name = byte == ',' || (name && is_space(byte));
			if (result == JSON_FOUND)
				in_string = byte == '"';
		} else if (byte == '"') {
			in_string = 0;
		}
		if (byte == '\\') {
			c->marks->escapes = 1;
			c->at += c->at + 1 < c->len && (c->data[c->at + 1] == '"' || c->data[c->at + 1] == '\\');
		}
	}
	if (result == JSON_FOUND)
		return JSON_TRUNCATED;
	c->marks->end = --c->at;
	return result == JSON_END ? JSON_FOUND : result;
}

int json_read_scalar(const struct json_plan *plan, const uint8_t *data, uint32_t len, uint32_t start,
	struct json_object *out, uint32_t *end)
{
	struct json_marks *marks = &out->marks;
	struct cursor c = {.data = data, .len = len, .at = start + 1, .depth = 1, .marks = marks};
	int result;

	marks->count = 0;
	marks->escapes = 0;
	result = plan->trusted ? scan_trusted(&c) : scan_validated(&c);
	*end = c.at;
	if (result != JSON_FOUND)
		return result;
	*end = marks->end;
	pad_names(marks, start);
	if (plan->trusted && !marks_make_sense(data, start, marks))
		return JSON_BAD_SYNTAX;
	return make_members(plan, data, len, start, out);
}

int json_pick_scalar(const struct json_plan *plan, struct json_object *object, struct json_member *members)
{
	return find_members(plan, &object->marks, members);
}

int json_find_wide(const struct json_plan *plan, const uint8_t *data, uint32_t len, struct json_member *members)
{
	__attribute__((uninitialized)) struct json_marks marks;
	struct cursor c = {.data = data, .len = len, .at = 1, .depth = 1, .marks = &marks, .wide = plan, .found = members};
	int result;

	marks.count = 0;
	marks.escapes = 0;
	marks.trusted = 0;
	marks.data = data;
	marks.len = len;
	for (unsigned i = 0; i < plan->count; i++)
		members[i] = (struct json_member){.kind = JSON_ABSENT};
	result = scan_validated(&c);
	if (result == JSON_FOUND)
		look_through(&c, marks.end + 1);
	return result;
}
