/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * The scan of one object by blocks of 64 bytes, one bit of a word per byte. A file that includes this has defined, for its
 * instructions: JSON_TARGET (a function attribute), struct block, and block_load, block_load_tail, block_equal,
 * block_equal_lower (the byte with bit 0x20 set), block_range, block_at_least, prefix_xor, store_marks.
 *
 * Strings are found as in Langdale and Lemire, "Parsing Gigabytes of JSON per Second" (2019): escapes by carries through
 * runs of backslashes, string interiors by a prefix XOR of the quotes. The grammar is then checked without looking at one
 * token after the other: for each class of token a carry through white space gives the set of bytes that follow one of it,
 * and those must lie in the set of what may follow. What may follow a comma depends on the innermost container, so that
 * only brackets are visited one by one. Numbers and UTF-8 are checked as sets in the same way; literals one by one.
 *
 * What a set misses at a block's end is carried to the next block. Bits behind the object's end are junk and masked off.
 */

#include "wire/json_scan.h"

#define BLOCK_INLINE static inline __attribute__((always_inline)) JSON_TARGET
#define BLOCK_BYTES  64u

/* What a block leaves to the next. Words hold 0 or 1 for the next block's first byte unless they say otherwise. */
struct carries {
	uint64_t in_string; /* all bits, or none */
	uint64_t escaped;
	uint64_t in_name;
	uint64_t after_open, after_comma, after_colon, after_name, after_value;
	uint64_t scalar, digit, minus, dot, zero, fraction;
	uint64_t exponent, sign, power;
	uint64_t nested; /* all bits, or none: deeper than the top-level object */
	uint64_t array;  /* all bits, or none: in an array */
	uint64_t kinds;  /* a bit per open container, the innermost lowest: 1 is an array */
	uint64_t errors;
	uint32_t depth;
};

/* The same of what few blocks have. Apart, because its address is taken, which keeps a struct out of registers. */
struct rare_carries {
	uint64_t hex;          /* the bytes that must be hex digits of a \u escape */
	uint64_t continuation; /* the bytes that must continue a UTF-8 sequence */
	uint64_t lead_e0, lead_ed, lead_f0, lead_f4;
};

/* The sets that a block's bytes make, those of separators without what is in strings. */
struct sets {
	uint64_t quote;  /* unescaped ones */
	uint64_t string; /* from a string's first quote to the byte before its last */
	uint64_t open, close, colon, comma, space;
	uint64_t scalar; /* bytes of numbers, literals and junk */
	uint64_t nested, array;
	uint64_t limit; /* bytes up to the object's end */
	uint64_t end;   /* its last byte, if it is in this block */
};

/* The bytes behind those of `set`. */
BLOCK_INLINE uint64_t behind(uint64_t set, uint64_t *carry)
{
	uint64_t result = set << 1 | *carry;

	*carry = set >> 63;
	return result;
}

/* For runs of `run` that begin at a bit of `from`: the byte behind each. */
BLOCK_INLINE uint64_t run_end(uint64_t from, uint64_t run, uint64_t *carry)
{
	uint64_t sum;

	*carry = __builtin_add_overflow(from | *carry, run, &sum);
	return sum & ~run;
}

/* The first byte behind each of `tokens` that is no white space. */
BLOCK_INLINE uint64_t follow(uint64_t tokens, uint64_t space, uint64_t *carry)
{
	uint64_t sum, first = tokens << 1 | *carry;
	uint64_t over = __builtin_add_overflow(first, space, &sum);

	*carry = tokens >> 63 | over;
	return sum & ~space;
}

/* The bytes that an odd run of backslashes escapes; every second backslash is escaped too, but that needs no telling. */
BLOCK_INLINE uint64_t find_escaped(uint64_t backslash, uint64_t *carry)
{
	const uint64_t even = UINT64_C(0x5555555555555555);
	uint64_t run = backslash & ~*carry, first = run & ~(run << 1), result = *carry, sum;
	uint64_t from_even = ((first & even) + run) & ~run;

	*carry = __builtin_add_overflow(first & ~even, run, &sum);
	return result | (from_even & ~even) | (sum & ~run & even);
}

/* Escaped bytes must be one of "\/bfnrtu, and behind \u stand four hex digits. */
static __attribute__((noinline)) JSON_TARGET uint64_t check_escapes(
	const struct block *bytes, uint64_t escaped, uint64_t *carry)
{
	uint64_t unicode = escaped & block_equal(bytes, 'u');
	uint64_t plain = block_equal(bytes, '"') | block_equal(bytes, '\\') | block_equal(bytes, '/') |
		block_equal(bytes, 'b') | block_equal(bytes, 'f') | block_equal(bytes, 'n') | block_equal(bytes, 'r') |
		block_equal(bytes, 't');
	uint64_t hex = block_range(bytes, '0', '9') | block_range(bytes, 'a', 'f') | block_range(bytes, 'A', 'F');
	uint64_t needed = unicode << 1 | unicode << 2 | unicode << 3 | unicode << 4 | *carry;

	*carry = unicode >> 63 | unicode >> 62 | unicode >> 61 | unicode >> 60;
	return (escaped & ~(plain | unicode)) | (needed & ~hex);
}

/* Unicode Standard, table 3-7: every lead has its continuations, no other byte is one, and four leads bound the next byte. */
static __attribute__((noinline)) JSON_TARGET uint64_t check_utf8(
	const struct block *bytes, uint64_t high, struct rare_carries *c)
{
	uint64_t two = block_at_least(bytes, 0xC0), three = block_at_least(bytes, 0xE0);
	uint64_t four = block_at_least(bytes, 0xF0), upper = block_at_least(bytes, 0xA0);
	uint64_t middle = block_at_least(bytes, 0x90);
	uint64_t needed = two << 1 | three << 2 | four << 3 | c->continuation;
	uint64_t errors = needed ^ (high & ~two);

	c->continuation = two >> 63 | three >> 62 | four >> 61;
	errors |= block_equal(bytes, 0xC0) | block_equal(bytes, 0xC1) | block_at_least(bytes, 0xF5);
	errors |= behind(block_equal(bytes, 0xE0), &c->lead_e0) & ~upper;
	errors |= behind(block_equal(bytes, 0xED), &c->lead_ed) & upper;
	errors |= behind(block_equal(bytes, 0xF0), &c->lead_f0) & ~middle;
	errors |= behind(block_equal(bytes, 0xF4), &c->lead_f4) & middle;
	return errors;
}

/* Control characters: none in strings, white space elsewhere. */
static __attribute__((noinline)) JSON_TARGET uint64_t check_control(
	const struct block *bytes, uint64_t control, uint64_t string, uint64_t *breaks)
{
	uint64_t tab = block_equal(bytes, '\t');

	*breaks = block_equal(bytes, '\n') | block_equal(bytes, '\r');
	return control & (string | ~(tab | *breaks));
}

/* Digits behind an exponent's e or sign, and nothing but the end behind them. */
BLOCK_INLINE uint64_t check_exponents(const struct block *bytes, uint64_t tail, uint64_t minus, uint64_t dot,
	uint64_t digit, uint64_t inner_minus, struct carries *c)
{
	uint64_t e = tail & block_equal_lower(bytes, 'e');
	uint64_t after_e = behind(e, &c->exponent);
	uint64_t sign = after_e & (minus | block_equal(bytes, '+'));
	uint64_t after_sign = behind(sign, &c->sign);
	uint64_t errors = (tail & ~e) | (inner_minus & ~sign) | (after_e & ~(digit | sign)) | (after_sign & ~digit);

	return errors | (run_end((after_e & digit) | after_sign, digit, &c->power) & (dot | e));
}

/* One literal, whole: what follows it may not be of a scalar. */
BLOCK_INLINE int is_literal(const uint8_t *text, uint32_t len)
{
	uint32_t word, size;

	if (len < 6)
		return len == 5 && text[4] == '}' && (memcmp(text, "true", 4) == 0 || memcmp(text, "null", 4) == 0);
	memcpy(&word, text, sizeof(word));
	if (word == 0x736C6166) /* fals */
		size = text[4] == 'e' ? 5 : 0;
	else
		size = word == 0x65757274 || word == 0x6C6C756E ? 4 : 0; /* true, null */
	return size != 0 && (text[size] == ',' || text[size] == '}' || text[size] == ']' || text[size] <= ' ');
}

BLOCK_INLINE uint64_t check_literals(const uint8_t *data, uint32_t len, uint64_t first)
{
	uint64_t errors = 0;

	for (; first != 0; first &= first - 1) {
		uint32_t at = (uint32_t)__builtin_ctzll(first);

		if (!is_literal(data + at, len - at))
			errors |= first & -first;
	}
	return errors;
}

/* Numbers and literals, `first` being the first bytes of both. */
BLOCK_INLINE uint64_t check_scalars(const struct block *bytes, const struct sets *s, uint64_t first,
	const uint8_t *data, uint32_t len, struct carries *c)
{
	uint64_t digit = block_range(bytes, '0', '9') & s->scalar;
	uint64_t minus = block_equal(bytes, '-') & s->scalar, dot = block_equal(bytes, '.') & s->scalar;
	uint64_t letter = s->scalar & ~(digit | minus | dot);
	uint64_t after_digit = behind(digit, &c->digit);
	uint64_t after_minus = behind(minus & first, &c->minus), after_dot = behind(dot, &c->dot);
	uint64_t zero = block_equal(bytes, '0') & (first | after_minus);
	uint64_t tail = letter & after_digit, inner_minus = minus & ~first;
	uint64_t errors = ((after_minus | after_dot) & ~digit) | (dot & ~after_digit);

	errors |= behind(zero, &c->zero) & digit;
	errors |= run_end(after_dot, digit, &c->fraction) & dot;
	if (__builtin_expect((tail | inner_minus | c->exponent | c->sign | c->power) != 0, 0))
		errors |= check_exponents(bytes, tail, minus, dot, digit, inner_minus, c);
	return errors | check_literals(data, len, letter & first & s->limit);
}

/* What follows what, but for the kinds of brackets. */
BLOCK_INLINE uint64_t check_grammar(const struct sets *s, uint64_t first, uint64_t scalar_end, struct carries *c)
{
	uint64_t string_open = s->quote & s->string, string_close = s->quote & ~s->string;
	uint64_t value = string_open | s->open | first, errors;
	uint64_t after_open = follow(s->open, s->space, &c->after_open);
	uint64_t after_comma = follow(s->comma, s->space, &c->after_comma);
	uint64_t after_colon = follow(s->colon, s->space, &c->after_colon);
	uint64_t name_open = string_open & (after_open | after_comma) & ~s->array;
	uint64_t name_close = run_end(name_open, s->string, &c->in_name);
	uint64_t after_name = follow(name_close, s->space, &c->after_name);
	uint64_t value_close = (string_close & ~name_close) | s->close, sum;
	uint64_t after_value = value_close << 1 | c->after_value | scalar_end;
	uint64_t over = __builtin_add_overflow(after_value, s->space, &sum);

	c->after_value = value_close >> 63 | over;
	errors = after_comma & ~s->array & ~string_open;
	errors |= after_open & ~s->array & ~(string_open | s->close);
	errors |= after_open & s->array & ~(value | s->close);
	errors |= (after_colon | (after_comma & s->array)) & ~value;
	errors |= after_name ^ s->colon;
	return errors | (sum & ~s->space & ~(s->comma | s->close));
}

/* Visits the brackets and finds which bytes are in nested containers and in arrays, and the object's end. 0: too deep. */
BLOCK_INLINE int visit_brackets(const struct block *bytes, struct sets *s, struct carries *c, int trusted)
{
	uint64_t square = trusted ? 0 : block_equal(bytes, '[') | block_equal(bytes, ']');

	for (uint64_t left = s->open | s->close; left != 0; left &= left - 1) {
		uint64_t bit = left & -left, above = ~(bit | (bit - 1)), is_array = (square & bit) != 0;

		if ((bit & s->open) != 0) {
			c->kinds = c->kinds << 1 | is_array;
			if (++c->depth > JSON_DEPTH)
				return 0;
		} else {
			c->errors |= (c->kinds & 1) ^ is_array;
			c->kinds >>= 1;
			if (--c->depth == 0) {
				s->end = bit;
				s->limit = ~above;
				return 1;
			}
		}
		c->nested = c->depth > 1 ? ~UINT64_C(0) : 0;
		c->array = (c->kinds & 1) != 0 ? ~UINT64_C(0) : 0;
		s->nested = (s->nested & ~above) | (c->nested & above);
		s->array = (s->array & ~above) | (c->array & above);
	}
	return 1;
}

/* Strings and separators; returns the escaped bytes. */
BLOCK_INLINE uint64_t find_sets(const struct block *bytes, uint64_t backslash, struct sets *s, struct carries *c)
{
	uint64_t escaped = 0, outside;

	s->quote = block_equal(bytes, '"');
	if (__builtin_expect((backslash | c->escaped) != 0, 0))
		escaped = find_escaped(backslash, &c->escaped);
	s->quote &= ~escaped;
	s->string = prefix_xor(s->quote) ^ c->in_string;
	c->in_string = (uint64_t)((int64_t)s->string >> 63);
	outside = ~(s->string | s->quote);
	s->open = block_equal_lower(bytes, '{') & outside;
	s->close = block_equal_lower(bytes, '}') & outside;
	s->colon = block_equal(bytes, ':') & outside;
	s->comma = block_equal(bytes, ',') & outside;
	s->nested = c->nested;
	s->array = c->array;
	s->limit = ~UINT64_C(0);
	s->end = 0;
	return escaped;
}

/* One block at data[0], of which `len` bytes may be looked at. Returns 1 to go on, 0 at the object's end, -1: too deep. */
BLOCK_INLINE int scan_block(const struct block *bytes, const uint8_t *data, uint32_t len, int trusted, struct carries *c,
	struct rare_carries *rare, struct sets *s, struct json_marks *marks)
{
	uint64_t backslash = block_equal(bytes, '\\'), control = ~block_at_least(bytes, 0x20), errors = 0, breaks = 0;
	uint64_t escaped = find_sets(bytes, backslash, s, c);

	if ((s->open | s->close) != 0 && !visit_brackets(bytes, s, c, trusted))
		return -1;
	if (__builtin_expect(control != 0, 0))
		errors = check_control(bytes, control, s->string, &breaks);
	if (!trusted) {
		uint64_t high = block_at_least(bytes, 0x80), after_scalar, first;

		s->space = (block_equal(bytes, ' ') | control) & ~(s->string | s->quote);
		s->scalar = ~(s->string | s->quote | s->open | s->close | s->colon | s->comma | s->space);
		after_scalar = behind(s->scalar, &c->scalar);
		first = s->scalar & ~after_scalar;
		if (__builtin_expect((escaped | rare->hex) != 0, 0))
			errors |= check_escapes(bytes, escaped, &rare->hex);
		if (__builtin_expect((high | rare->continuation) != 0, 0))
			errors |= check_utf8(bytes, high, rare);
		errors |= check_scalars(bytes, s, first, data, len, c);
		errors |= check_grammar(s, first, after_scalar & ~s->scalar, c);
		c->errors |= errors & s->limit;
	}
	marks->line_breaks |= (breaks & s->limit) != 0;
	marks->escapes |= (backslash & s->limit) != 0;
	return s->end == 0;
}

BLOCK_INLINE int scan_object(const uint8_t *data, uint32_t len, uint32_t start, int trusted, struct json_marks *marks)
{
	struct carries c = {.after_open = 1, .depth = 1};
	struct rare_carries rare = {0};
	uint32_t count = 0;

	marks->line_breaks = 0;
	marks->escapes = 0;
	for (uint32_t at = start + 1; at < len;) {
		uint32_t left = len - at;
		struct block bytes;
		struct sets s;
		uint64_t found;
		int more;

		if (__builtin_expect(left >= BLOCK_BYTES, 1))
			block_load(&bytes, data + at);
		else
			block_load_tail(&bytes, data + at, left);
		more = scan_block(&bytes, data + at, left, trusted, &c, &rare, &s, marks);
		if (more < 0)
			return JSON_BAD_SYNTAX;
		found = ((s.colon | s.comma) & ~s.nested & s.limit) | s.end;
		store_marks(marks->at + count, found, at);
		count += (uint32_t)__builtin_popcountll(found);
		if (count > JSON_MARKS)
			return JSON_BAD_SYNTAX;
		if (!more) {
			marks->count = count;
			marks->end = marks->at[count - 1];
			return c.errors == 0 ? JSON_FOUND : JSON_BAD_SYNTAX;
		}
		if (left <= BLOCK_BYTES)
			break;
		at += BLOCK_BYTES;
	}
	return JSON_BAD_SYNTAX;
}
