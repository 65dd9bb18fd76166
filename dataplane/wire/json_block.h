/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * The scan of one object by blocks of 64 bytes, one bit of a word per byte. Each block begins with the last byte of the
 * one before, the first one with the opening brace, so that what a byte's place depends on is mostly at hand. A file
 * that includes this has defined, for its instructions: JSON_TARGET (a function attribute), struct block, and
 * block_load, block_load_tail, block_equal, block_equal_with, block_range, block_at_least, block_control, block_bit,
 * block_operators, block_space, prefix_xor, and what json_members.h and json_window.h or json_gather.h need.
 *
 * Strings are found as in Langdale and Lemire, "Parsing Gigabytes of JSON per Second" (2019): escapes by carries
 * through runs of backslashes, string interiors by a prefix XOR of the quotes, and classes of bytes by looking their
 * halves up. What is in strings, numbers and literals is checked block by block; which token may follow which is
 * checked for all together (json_tokens.h).
 *
 * What a set misses at a block's end is carried to the next block. Bits behind the object's end are junk and masked
 * off.
 */

#define BLOCK_BYTES 64u
#define TOKENS      64u /* of a window, and at most in one block of bytes */

#include "wire/json_scalars.h"
#include "wire/json_text.h"
#ifdef JSON_COMPRESSES
#include "wire/json_gather.h"
#else
#include "wire/json_window.h"
#endif
#include "wire/json_tokens.h"

struct scan {
	uint64_t in_string; /* all bits, or none */
	struct text_carries text;
#ifdef JSON_COMPRESSES
	struct scalars scalars;
#else
	struct scalar_carries scalars;
#endif
	uint64_t errors;
	struct tokens tokens;
};

/* The numbers and literals of a block; or they are checked later. */
BLOCK_INLINE uint64_t take_scalars(const struct block *bytes, uint64_t scalar, uint64_t first, uint64_t limit,
	const uint8_t *data, uint32_t len, int plain, struct scan *c, uint8_t *room)
{
#ifdef JSON_COMPRESSES
	(void)first;
	(void)data;
	(void)len;
	c->errors |= gather_scalars(plain ? NULL : room, &c->scalars, bytes, (scalar | scalar << 1) & limit);
	return 0;
#else
	(void)plain;
	(void)room;
	return check_scalars(bytes, scalar, first, limit, data, len, &c->scalars);
#endif
}

#define NOT_PLAIN (~UINT64_C(0))

/*
 * One block at data[0], of which `len` bytes may be looked at; `offset` is its place in the object. Returns the byte of the
 * object's end, or none. `plain`: instead of a second window of tokens, or scalars in memory, NOT_PLAIN, and nothing is done;
 * so all that most objects need is in registers.
 */
BLOCK_INLINE uint64_t scan_block(const struct block *bytes, const uint8_t *data, uint32_t len, uint32_t offset,
	uint32_t start, int trusted, int plain, struct scan *c, struct window *window, uint8_t *room,
	struct json_marks *marks)
{
	const uint64_t fresh = ~UINT64_C(1); /* the bytes that no other block has seen */
	uint64_t backslash = block_equal(bytes, '\\'), high = trusted ? 0 : block_at_least(bytes, 0x80);
	uint64_t control = block_control(bytes), escaped = 0, errors = 0, end = 0, limit = fresh;
	uint64_t quote, string, outside, operators, space, scalar, first, found, brackets;
	__attribute__((uninitialized)) struct text_carries before;
	int odd = (backslash | high | c->text.pending) != 0, full;
	uint32_t count;

	if (RARE(odd)) {
		before = c->text;
		escaped = look_closer(bytes, backslash, high, trusted, &c->text, &errors);
	}
	quote = block_equal(bytes, '"') & ~escaped;
	string = prefix_xor(quote) ^ c->in_string;
	outside = ~(string | quote);
	operators = block_operators(bytes) & outside & ~control;
	space = block_space(bytes) & outside;
	scalar = outside & ~(operators | space);
	first = scalar & ~(scalar << 1) & fresh;
	found = ((operators | (quote & string)) & fresh) | first;
	count = (uint32_t)__builtin_popcountll(found);
	full = c->tokens.count + count > TOKENS || (WINDOW_BLOCKS != UINT32_MAX && c->tokens.blocks == WINDOW_BLOCKS);
	if (plain && RARE(full || (!trusted && scalars_overflow(&c->scalars, scalar)))) {
		if (odd)
			c->text = before;
		return NOT_PLAIN;
	}
	if (!plain && RARE(full))
		c->errors |= tokens_renew(&c->tokens, window, trusted, start, offset, marks);
	c->in_string = (uint64_t)((int64_t)(string << 1) >> 63);
	window_add(window, c->tokens.count, bytes, found, offset, c->tokens.blocks++);
	brackets = found & block_bit(bytes, 0x40) & operators;
	if (brackets != 0) {
		end = visit_brackets(bytes, brackets, found, trusted, &c->tokens, &c->errors);
		limit &= end ^ (end - 1);
		count = (uint32_t)__builtin_popcountll(found & limit);
	}
	c->tokens.count += count;
	if (!trusted)
		errors |= (control & ~space) | take_scalars(bytes, scalar, first, limit, data, len, plain, c, room);
	c->errors |= errors & limit;
	return end;
}

/* Scans from *at on, and moves it to the block that has the object's end, which is returned; 0: there is none, or an error. */
BLOCK_INLINE uint64_t scan_blocks(const uint8_t *data, uint32_t len, uint32_t start, uint32_t *at, int trusted, int plain,
	struct scan *c, struct window *window, uint8_t *room, struct json_marks *marks)
{
	uint32_t left;

	do {
		struct block bytes;
		uint64_t end;

		left = len - *at;
		if (__builtin_expect(left >= BLOCK_BYTES, 1))
			block_load(&bytes, data + *at);
		else
			block_load_tail(&bytes, data, *at, left);
		end = scan_block(
			&bytes, data + *at, left, *at - start, start, trusted, plain, c, window, room, marks);
		if (end != 0)
			return end;
		if (RARE(c->errors != 0 || c->tokens.marks > JSON_MARKS))
			return 0;
		*at += BLOCK_BYTES - 1;
	} while (left > BLOCK_BYTES);
	return 0;
}

/* At the object's end: JSON_FOUND with the marks, or JSON_BAD_SYNTAX. */
BLOCK_INLINE int finish(const uint8_t *data, uint32_t start, uint32_t end, int trusted, struct scan *c,
	struct window *window, uint8_t *room, struct json_marks *marks)
{
#ifdef JSON_COMPRESSES
	if (!trusted)
		c->errors |= finish_scalars(room, &c->scalars);
#else
	(void)room;
#endif
	c->errors |= tokens_check(&c->tokens, window, trusted, start, marks);
	if (RARE(c->errors != 0 || c->tokens.marks > JSON_MARKS))
		return JSON_BAD_SYNTAX;
	marks->end = end;
	marks->count = c->tokens.marks;
	marks->escapes = c->text.backslashes != 0;
	pad_names(marks, start);
	if (trusted && (c->tokens.in_name != 0 || data[marks->end] != '}' || marks->count == 0) &&
		!marks_make_sense(data, start, marks))
		return JSON_BAD_SYNTAX;
	return JSON_FOUND;
}

#ifdef JSON_COMPRESSES
/* The rest of an object that is not plain, from the block at `at` on. */
static __attribute__((noinline)) JSON_TARGET int scan_rest(const uint8_t *data, uint32_t len, uint32_t start, uint32_t at,
	int trusted, struct scan c, struct window window, struct json_marks *marks)
{
	__attribute__((uninitialized)) uint8_t room[SCALARS_ROOM];
	uint64_t end = scan_blocks(data, len, start, &at, trusted, 0, &c, &window, room, marks);

	if (end == 0)
		return JSON_BAD_SYNTAX;
	return finish(data, start, at + (uint32_t)__builtin_ctzll(end), trusted, &c, &window, room, marks);
}

BLOCK_INLINE int scan_object(const uint8_t *data, uint32_t len, uint32_t start, int trusted, struct json_marks *marks)
{
	__attribute__((uninitialized)) struct window window;
	struct scan c = {.tokens = {.depth = 1, .after_separator = 1}};
	uint32_t at = start;
	uint64_t end;

	block_mark(&c.scalars.bytes, 0, ',');
	c.scalars.count = 1;
	end = scan_blocks(data, len, start, &at, trusted, 1, &c, &window, NULL, marks);
	if (RARE(end == NOT_PLAIN))
		return scan_rest(data, len, start, at, trusted, c, window, marks);
	if (end == 0)
		return JSON_BAD_SYNTAX;
	return finish(data, start, at + (uint32_t)__builtin_ctzll(end), trusted, &c, &window, NULL, marks);
}
#else
BLOCK_INLINE int scan_object(const uint8_t *data, uint32_t len, uint32_t start, int trusted, struct json_marks *marks)
{
	__attribute__((uninitialized)) struct window window;
	struct scan c = {.tokens = {.depth = 1, .after_separator = 1}};
	uint32_t at = start;
	uint64_t end;

	if (RARE(len - start > OBJECT_MAX))
		len = start + OBJECT_MAX;
	end = scan_blocks(data, len, start, &at, trusted, 0, &c, &window, NULL, marks);
	if (end == 0)
		return JSON_BAD_SYNTAX;
	return finish(data, start, at + (uint32_t)__builtin_ctzll(end), trusted, &c, &window, NULL, marks);
}
#endif

BLOCK_INLINE int read_object(const struct json_plan *plan, const uint8_t *data, uint32_t len, uint32_t start,
	struct json_object *out, uint32_t *end)
{
	struct json_marks *marks = &out->marks;
	int result =
		plan->trusted ? scan_object(data, len, start, 1, marks) : scan_object(data, len, start, 0, marks);

	*end = marks->end;
	return result == JSON_FOUND ? make_members(plan, data, len, start, out) : result;
}
