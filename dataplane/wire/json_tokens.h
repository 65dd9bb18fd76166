/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Which token may follow which. The scan leaves of each token (bracket, colon, comma, string or other value) its first
 * byte and place, side by side: without white space and with nothing between, what follows a token is the next bit, so
 * that up to 64 tokens, those of most objects, are checked at once. A fuller object is checked in windows of up to 64.
 *
 * Included by json_block.h.
 */

#include <stdint.h>

#include "wire/json_members.h"

struct tokens {
	uint32_t count, marks;
	uint32_t base;   /* what the window's places are reckoned from, in the object, */
	uint32_t blocks; /* and how many blocks are of it, where WINDOW_BLOCKS is a limit */
	uint64_t nested; /* deeper than the top-level object; the bits from `count` on tell where the scan is */
	uint64_t array;  /* in an array; the same. A bracket is in what is outside of it when it opens, inside when it
			    closes */
	uint64_t kinds;  /* a bit per open container, the innermost lowest: 1 is an array */
	uint32_t depth;
	/* What the window before leaves: 0 or 1 for the first token; in_name: all bits when a colon is due, or none. */
	uint64_t after_separator, after_comma, after_colon, after_value, after_name, in_name;
};

/* All bits, or none. */
BLOCK_INLINE uint64_t all_if(int condition)
{
	return (uint64_t)0 - (uint64_t)(condition != 0);
}

/* The tokens right behind those of `set`; the last of the window's, at `last`, is left to the next. */
BLOCK_INLINE uint64_t next_tokens(uint64_t set, uint32_t last, uint64_t *carry)
{
	uint64_t result = set << 1 | *carry;

	*carry = set >> last & 1;
	return result;
}

/* A validated window: sets *names and returns the errors. */
BLOCK_INLINE uint64_t check_validated(struct tokens *t, uint64_t string, uint64_t colon, uint64_t comma, uint64_t open,
	uint64_t close, uint64_t *names)
{
	uint64_t value = ~(colon | comma | close), scalar_end = ~(colon | comma | open);
	uint32_t last = t->count - 1;
	uint64_t after_separator = next_tokens(open | comma, last, &t->after_separator);
	uint64_t errors = next_tokens(comma, last, &t->after_comma) & close;

	*names = string & after_separator & ~t->array;
	errors |= next_tokens(*names, last, &t->after_name) ^ colon;
	errors |= after_separator & ~(string | close | (t->array & value));
	errors |= next_tokens(colon, last, &t->after_colon) & ~value;
	return errors | (next_tokens(scalar_end, last, &t->after_value) & ~(colon | comma | close));
}

/* The same for trusted plans, which only care for the order of names and colons at the top level. */
BLOCK_INLINE uint64_t check_trusted(
	struct tokens *t, uint64_t string, uint64_t colon, uint64_t comma, uint64_t valid, uint64_t *names)
{
	uint64_t turns;

	*names = string & next_tokens(comma, t->count - 1, &t->after_separator);
	colon &= ~t->nested;
	turns = prefix_xor(((*names & ~t->nested) | colon) & valid) ^ t->in_name;
	t->in_name = (uint64_t)((int64_t)turns >> 63);
	return (*names & ~t->nested & ~turns) | (colon & turns);
}

/* Checks the window, adds the top-level names and colons to the marks, and makes room. Returns the errors. */
BLOCK_INLINE uint64_t tokens_check(
	struct tokens *t, const struct window *window, int trusted, uint32_t base, struct json_marks *marks)
{
	uint64_t valid = ~UINT64_C(0) >> (TOKENS - t->count), string, colon, comma, names, errors;
	struct block bytes = window_bytes(window);

	string = block_equal(&bytes, '"') & valid;
	colon = block_equal(&bytes, ':') & valid;
	comma = block_equal(&bytes, ',') & valid;
	if (trusted) {
		errors = check_trusted(t, string, colon, comma, valid, &names);
	} else {
		uint64_t open = block_equal_with(&bytes, 0x20, '{') & valid,
			 close = block_equal_with(&bytes, 0x20, '}') & valid;

		errors = check_validated(t, string, colon, comma, open, close, &names);
	}
	t->marks += window_marks(window, (names | colon) & ~t->nested & valid, base + t->base, marks->at + t->marks);
	t->count = 0;
	t->nested = all_if(t->depth > 1);
	t->array = all_if((t->kinds & 1) != 0);
	return errors & valid;
}

/* Begins a window with the block at `offset`; what the one before leaves is checked. Returns the errors. */
BLOCK_INLINE uint64_t tokens_renew(struct tokens *t, const struct window *window, int trusted, uint32_t start,
	uint32_t offset, struct json_marks *marks)
{
	uint64_t errors = t->count != 0 ? tokens_check(t, window, trusted, start, marks) : 0;

	if (WINDOW_BLOCKS != UINT32_MAX) {
		t->base = offset;
		t->blocks = 0;
	}
	return errors;
}

/* Visits a block's brackets and finds which tokens are nested and in arrays. Returns the byte of the object's end, or
 * none; *errors is set when a bracket does not close what is open, or the object is too deep. */
BLOCK_INLINE uint64_t visit_brackets(
	const struct block *bytes, uint64_t brackets, uint64_t tokens, int trusted, struct tokens *t, uint64_t *errors)
{
	/* Bits that tell '{' 7B, '}' 7D, '[' 5B and ']' 5D apart. */
	uint64_t open = block_bit(bytes, 0x02), curly = block_bit(bytes, 0x20);

	do {
		uint64_t bit = brackets & -brackets, is_array = (curly & bit) == 0, behind_it;

		if ((open & bit) != 0) {
			t->kinds = t->kinds << 1 | is_array;
			t->depth++;
			*errors |= t->depth > JSON_DEPTH;
		} else {
			*errors |= !trusted && (t->kinds & 1) != is_array;
			t->kinds >>= 1;
			if (--t->depth == 0)
				return bit;
		}
		/* Of the tokens behind this one it is known what they are in, until the next bracket. */
		behind_it = ~UINT64_C(1) << ((t->count + (uint32_t)__builtin_popcountll(tokens & (bit - 1))) % TOKENS);
		t->nested = t->depth > 1 ? t->nested | behind_it : t->nested & ~behind_it;
		t->array = (t->kinds & 1) != 0 ? t->array | behind_it : t->array & ~behind_it;
		brackets &= brackets - 1;
	} while (brackets != 0);
	return 0;
}
