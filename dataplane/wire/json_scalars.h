/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Numbers and literals, checked as sets of the bytes of a block: no visit to one after the other but for literals.
 * Included by json_block.h.
 */

#include <stdint.h>
#include <string.h>

#include "wire/json_text.h"

/* What a block's scalars leave to the next beyond their last byte. */
struct scalar_carries {
	uint64_t integer, zero; /* 0 or 1, for the next block's first byte */
	uint64_t in_exponent;   /* something of the next line is not zero */
	uint64_t exponent, sign, power;
};

/* The sets of numbers in a block. */
struct numbers {
	uint64_t digit, minus, dot;
	uint64_t zero;        /* zeros that begin an integer part */
	uint64_t tail;        /* letters and junk behind digits */
	uint64_t inner_minus; /* signs that begin nothing */
};

/* For runs of `run` in which a bit of `from` stands: the byte behind each. */
BLOCK_INLINE uint64_t run_end(uint64_t from, uint64_t run, uint64_t *carry)
{
	uint64_t sum;

	*carry = __builtin_add_overflow(from | *carry, run, &sum);
	return sum & ~run;
}

/* The bytes behind those of `set`; whether its last byte is one, the next block cannot see by itself. */
BLOCK_INLINE uint64_t behind(uint64_t set, uint64_t *carry)
{
	uint64_t result = set << 1 | *carry << 1;

	*carry = set >> 63;
	return result;
}

/* Digits behind an exponent's e or sign, and nothing but the end behind them. */
BLOCK_INLINE uint64_t check_exponents(const struct block *bytes, struct numbers *n, struct scalar_carries *c)
{
	uint64_t e = n->tail & block_equal_with(bytes, 0x20, 'e');
	uint64_t after_e = behind(e, &c->exponent);
	uint64_t sign = after_e & (n->minus | block_equal(bytes, '+'));
	uint64_t after_sign = behind(sign, &c->sign);
	uint64_t errors =
		(n->tail & ~e) | (n->inner_minus & ~sign) | (after_e & ~(n->digit | sign)) | (after_sign & ~n->digit);

	n->zero &= ~after_sign;
	errors |= run_end((after_e & n->digit) | after_sign, n->digit, &c->power) & (n->dot | e);
	c->in_exponent = c->exponent | c->sign | c->power;
	return errors;
}

/* One literal, whole: what follows it may not be of a scalar. */
BLOCK_INLINE int is_literal(const uint8_t *text, uint32_t len)
{
	uint32_t word, size;

	if (RARE(len < 6))
		return len == 5 && text[4] == '}' && (memcmp(text, "true", 4) == 0 || memcmp(text, "null", 4) == 0);
	memcpy(&word, text, sizeof(word));
	size = word == 0x65757274 || word == 0x6C6C756E ? 4 : 5; /* true, null */
	if (size == 5 && (word != 0x736C6166 || text[4] != 'e')) /* fals */
		return 0;
	return text[size] == ',' || text[size] == '}' || text[size] == ']' || text[size] <= ' ';
}

BLOCK_INLINE uint64_t check_literals(const uint8_t *data, uint32_t len, uint64_t first)
{
	uint64_t errors = 0;

	for (; first != 0; first &= first - 1) {
		uint32_t at = (uint32_t)__builtin_ctzll(first);

		errors |= is_literal(data + at, len - at) ? 0 : first & -first;
	}
	return errors;
}

/*
 * Numbers and literals of the block at data[0], `first` being the first bytes of both. A point must stand right behind
 * an integer part; points and minus signs must have a digit behind them; a zero that begins an integer part must not.
 */
BLOCK_INLINE uint64_t check_scalars(const struct block *bytes, uint64_t scalar, uint64_t first, uint64_t limit,
	const uint8_t *data, uint32_t len, struct scalar_carries *c)
{
	struct numbers n = {
		.digit = block_range(bytes, '0', '9') & scalar,
		.minus = block_equal(bytes, '-') & scalar,
		.dot = block_equal(bytes, '.') & scalar,
	};
	uint64_t letter = scalar & ~(n.digit | n.minus | n.dot) & ~UINT64_C(1);
	uint64_t begin = first | n.minus << 1;
	uint64_t errors = (n.minus | n.dot) << 1 & ~n.digit;

	n.inner_minus = n.minus & ~(first | 1);
	n.tail = letter & n.digit << 1;
	n.zero = block_equal(bytes, '0') & begin;
	errors |= n.dot & ~run_end(begin & n.digit, n.digit, &c->integer);
	if (RARE(letter | n.inner_minus | c->in_exponent)) {
		if ((n.tail | n.inner_minus | c->in_exponent) != 0)
			errors |= check_exponents(bytes, &n, c);
		errors |= check_literals(data, len, letter & first & limit);
	}
	return errors | (behind(n.zero, &c->zero) & n.digit);
}

#ifdef JSON_COMPRESSES
/*
 * Where bytes are put side by side at little cost, those of all scalars are, each with the one byte behind it, and then
 * checked in blocks of their own: one is enough for most objects. The first byte of such a block is the last of the one
 * before, too.
 */
#define SCALARS_MOST 72u                          /* 64 bytes to check, and what a literal that begins in them needs */
#define SCALARS_ROOM (SCALARS_MOST + BLOCK_BYTES) /* a block's bytes are put behind them */

struct scalars {
	uint32_t count;
	struct scalar_carries carries;
};

BLOCK_INLINE uint64_t check_first_scalars(const uint8_t *window, struct scalars *s)
{
	uint64_t there = s->count < BLOCK_BYTES ? ~(~UINT64_C(0) << s->count) : ~UINT64_C(0), scalar;
	struct block bytes;

	block_load(&bytes, window);
	scalar =
		~((block_operators(&bytes) & ~block_control(&bytes)) | block_space(&bytes) | block_equal(&bytes, '"')) &
		there;
	/* What is wrong with the first byte has been seen. */
	return there & ~UINT64_C(1) &
	       check_scalars(&bytes, scalar, scalar & ~(scalar << 1) & ~UINT64_C(1), there, window, SCALARS_ROOM,
		       &s->carries);
}

/* Checks until no more than `left` bytes are. */
BLOCK_INLINE uint64_t check_more_scalars(uint8_t *window, struct scalars *s, uint32_t left)
{
	uint64_t errors = 0;

	while (RARE(s->count > left)) {
		errors |= check_first_scalars(window, s);
		s->count -= BLOCK_BYTES - 1;
		memmove(window, window + BLOCK_BYTES - 1, SCALARS_ROOM - BLOCK_BYTES + 1);
	}
	return errors;
}
#endif
