/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * What most blocks do not have: escapes, and bytes above 127. Included by json_block.h; words hold one bit per byte of
 * a block of 64, whose first byte is the last of the block before.
 */

#include <stdint.h>

#define BLOCK_INLINE static inline __attribute__((always_inline)) JSON_TARGET
#define RARE(x)      __builtin_expect((x) != 0, 0)

/* What a block's strings leave to the next: bits for the next block's first bytes. */
struct text_carries {
	uint64_t pending; /* something of the next line is not zero */
	uint64_t escaped, hex, continuation;
	uint64_t backslashes; /* not zero: there were some */
};

/* The bytes that an odd run of backslashes escapes; every second backslash is escaped too, but that needs no telling.
 */
BLOCK_INLINE uint64_t find_escaped(uint64_t backslash, uint64_t *carry)
{
	const uint64_t even = UINT64_C(0x5555555555555555);
	uint64_t run = backslash & ~*carry, first = run & ~(run << 1), result = *carry;
	uint64_t from_even = ((first & even) + run) & ~run, from_odd = ((first & ~even) + run) & ~run;

	/* An odd run up to the last byte but one escapes the last, which the next block begins with. */
	*carry = (uint64_t)__builtin_clzll(~(run << 1)) & 1;
	return result | (from_even & ~even) | (from_odd & even);
}

/* Escaped bytes must be one of "\/bfnrtu, and behind \u stand four hex digits. */
BLOCK_INLINE uint64_t check_escapes(const struct block *bytes, uint64_t escaped, uint64_t *carry)
{
	uint64_t unicode = escaped & block_equal(bytes, 'u');
	uint64_t plain = block_equal(bytes, '"') | block_equal(bytes, '\\') | block_equal(bytes, '/') |
			 block_equal(bytes, 'b') | block_equal(bytes, 'f') | block_equal(bytes, 'n') |
			 block_equal(bytes, 'r') | block_equal(bytes, 't');
	uint64_t hex = block_range(bytes, '0', '9') | block_range(bytes, 'a', 'f') | block_range(bytes, 'A', 'F');
	uint64_t needed = unicode << 1 | unicode << 2 | unicode << 3 | unicode << 4 | *carry;

	*carry = unicode >> 62 | unicode >> 61 | unicode >> 60 | unicode >> 59;
	return (escaped & ~(plain | unicode)) | (needed & ~hex);
}

/* Unicode Standard, table 3-7: every lead has its continuations, no other byte is one, and four leads bound the next
 * byte. */
BLOCK_INLINE uint64_t check_utf8(const struct block *bytes, uint64_t high, struct text_carries *c)
{
	uint64_t two = block_at_least(bytes, 0xC0);
	uint64_t three = block_at_least(bytes, 0xE0), four = block_at_least(bytes, 0xF0);
	uint64_t upper = block_at_least(bytes, 0xA0), middle = block_at_least(bytes, 0x90);
	uint64_t needed = two << 1 | three << 2 | four << 3 | c->continuation;
	uint64_t errors = needed ^ (high & ~two);

	c->continuation = two >> 62 | three >> 61 | four >> 60;
	errors |= block_equal(bytes, 0xC0) | block_equal(bytes, 0xC1) | block_at_least(bytes, 0xF5);
	errors |= (block_equal(bytes, 0xE0) << 1) & ~upper;
	errors |= (block_equal(bytes, 0xED) << 1) & upper;
	errors |= (block_equal(bytes, 0xF0) << 1) & ~middle;
	errors |= (block_equal(bytes, 0xF4) << 1) & middle;
	return errors;
}

/* Finds the bytes that are escaped and adds what is wrong with them and with bytes above 127. */
BLOCK_INLINE uint64_t look_closer(const struct block *bytes, uint64_t backslash, uint64_t high, int trusted,
	struct text_carries *c, uint64_t *errors)
{
	uint64_t escaped = 0;

	if ((backslash | c->escaped | c->hex) != 0) {
		escaped = find_escaped(backslash, &c->escaped);
		if (!trusted)
			*errors |= check_escapes(bytes, escaped, &c->hex);
	}
	if (!trusted && (high | c->continuation) != 0)
		*errors |= check_utf8(bytes, high, c);
	c->backslashes |= backslash;
	c->pending = c->escaped | c->hex | c->continuation;
	return escaped;
}
