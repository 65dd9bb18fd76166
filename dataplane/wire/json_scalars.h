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

/* The same where all of them are in the block, by sets. */
BLOCK_INLINE uint64_t check_whole_literals(const struct block *bytes, uint64_t scalar, uint64_t first)
{
	uint64_t t = first & block_equal(bytes, 't'), f = first & block_equal(bytes, 'f'),
		 n = first & block_equal(bytes, 'n');
	uint64_t errors = first & ~(t | f | n);

	errors |= (t << 1 & ~block_equal(bytes, 'r')) | ((t << 2 | n << 1) & ~block_equal(bytes, 'u'));
	errors |= (f << 1 & ~block_equal(bytes, 'a')) | (f << 3 & ~block_equal(bytes, 's'));
	errors |= ((f << 2 | n << 2 | n << 3) & ~block_equal(bytes, 'l')) |
		  ((t << 3 | f << 4) & ~block_equal(bytes, 'e'));
	return errors | ((t << 4 | n << 4 | f << 5) & scalar);
}

/*
 * Numbers and literals of the block at data[0], `first` being the first bytes of both; data NULL: none of them goes on behind
 * the block. A point must stand right behind an integer part; points and minus signs must have a digit behind them; a zero
 * that begins an integer part must not.
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
		if (data != NULL)
			errors |= check_literals(data, len, letter & first & limit);
		else
			errors |= check_whole_literals(bytes, scalar, letter & first & limit);
	}
	return errors | (behind(n.zero, &c->zero) & n.digit);
}
