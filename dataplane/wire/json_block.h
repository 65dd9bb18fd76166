/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * The scan of one object by blocks of 64 bytes, one bit of a word per byte. A file that includes this has defined, for its
 * instructions: JSON_TARGET (a function attribute), struct block, and block_load, block_load_tail, block_special,
 * block_equal, block_equal_with, block_range, block_at_least, prefix_xor, store_marks, and what json_members.h needs. Loads
 * give two blocks: the bytes, and the bytes before each of them, which is cheaper than to carry what they were.
 *
 * Strings are found as in Langdale and Lemire, "Parsing Gigabytes of JSON per Second" (2019): escapes by carries through
 * runs of backslashes, string interiors by a prefix XOR of the quotes. The grammar is then checked without looking at one
 * token after the other: for a class of tokens a carry through white space gives the set of bytes that follow one of it,
 * and those must lie in the set of what may follow. What may follow a comma depends on the innermost container, so that
 * only brackets are visited one by one. Numbers and UTF-8 are checked as sets in the same way; literals one by one.
 *
 * What a set misses at a block's end is carried to the next block. Bits behind the object's end are junk and masked off.
 */

#include "wire/json_members.h"

#define BLOCK_INLINE static inline __attribute__((always_inline)) JSON_TARGET
#define BLOCK_BYTES  64u
#define RARE(x)      __builtin_expect((x) != 0, 0)

/* What a block leaves to the next. Words hold 0 or 1 for the next block's first byte unless they say otherwise. */
struct carries {
	uint64_t in_string; /* all bits, or none */
	uint64_t in_name;   /* a name or the white space behind it goes on; trusted: all bits when a colon is due, or none */
	uint64_t after_separator, after_colon, after_value;
	uint64_t scalar, zero, integer;
	uint64_t in_exponent; /* something of the next line is not zero */
	uint64_t exponent, sign, power;
	uint64_t pending; /* something of the next line is not zero */
	uint64_t escaped, hex, continuation, lead_e0, lead_ed, lead_f0, lead_f4; /* hex, continuation: up to 4 bytes */
	uint64_t nested; /* all bits, or none: deeper than the top-level object */
	uint64_t array;  /* all bits, or none: in an array */
	uint64_t kinds;  /* a bit per open container, the innermost lowest: 1 is an array */
	uint64_t errors;
	uint32_t depth;
};

/* The sets that a block's bytes make, those of separators without what is in strings. */
struct sets {
	uint64_t escaped, control, white; /* white: control characters that are white space */
	uint64_t quote;                   /* unescaped ones */
	uint64_t string;                  /* from a string's first quote to the byte before its last */
	uint64_t open, close, colon, comma, space;
	uint64_t scalar; /* bytes of numbers, literals and junk */
	uint64_t nested, array;
	uint64_t name;  /* first quotes of names */
	uint64_t limit; /* bytes up to the object's end */
	uint64_t end;   /* its last byte, if it is in this block */
	uint64_t errors;
};

/* The bytes behind those of `set`. */
BLOCK_INLINE uint64_t behind(uint64_t set, uint64_t *carry)
{
	uint64_t result = set << 1 | *carry;

	*carry = set >> 63;
	return result;
}

/* For runs of `run` in which a bit of `from` stands: the byte behind each. */
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
BLOCK_INLINE uint64_t check_escapes(const struct block *bytes, uint64_t escaped, uint64_t *carry)
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
BLOCK_INLINE uint64_t check_utf8(const struct block *bytes, struct carries *c)
{
	uint64_t high = block_at_least(bytes, 0x80), two = block_at_least(bytes, 0xC0);
	uint64_t three = block_at_least(bytes, 0xE0), four = block_at_least(bytes, 0xF0);
	uint64_t upper = block_at_least(bytes, 0xA0), middle = block_at_least(bytes, 0x90);
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

/* What most blocks do not have: escapes, control characters and bytes above 127. */
BLOCK_INLINE uint64_t look_closer(const struct block *bytes, int trusted, struct carries *c, struct sets *s)
{
	uint64_t backslash = block_equal(bytes, '\\');
	uint64_t breaks = block_equal(bytes, '\n') | block_equal(bytes, '\r');

	s->control = ~block_at_least(bytes, 0x20);
	s->white = breaks | block_equal(bytes, '\t');
	s->escaped = find_escaped(backslash, &c->escaped);
	if (!trusted)
		s->errors = check_escapes(bytes, s->escaped, &c->hex) | check_utf8(bytes, c) | (s->control & ~s->white);
	c->pending = c->escaped | c->hex | c->continuation;
	return backslash;
}

/* The sets of numbers in a block. */
struct numbers {
	uint64_t digit, minus, dot;
	uint64_t zero;        /* zeros that begin an integer part */
	uint64_t tail;        /* letters and junk behind digits */
	uint64_t inner_minus; /* signs that begin nothing */
};

/* Digits behind an exponent's e or sign, and nothing but the end behind them. */
BLOCK_INLINE uint64_t check_exponents(const struct block *bytes, struct numbers *n, struct carries *c)
{
	uint64_t e = n->tail & block_equal_with(bytes, 0x20, 'e');
	uint64_t after_e = behind(e, &c->exponent);
	uint64_t sign = after_e & (n->minus | block_equal(bytes, '+'));
	uint64_t after_sign = behind(sign, &c->sign);
	uint64_t errors = (n->tail & ~e) | (n->inner_minus & ~sign) | (after_e & ~(n->digit | sign)) | (after_sign & ~n->digit);

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

/* Numbers and literals, `first` being the first bytes of both. A point must stand right behind an integer part; points
 * and minus signs must have a digit behind them; a zero that begins an integer part must not. */
BLOCK_INLINE uint64_t check_scalars(const struct block *bytes, const struct block *before, const struct sets *s,
	uint64_t first, uint64_t outside, const uint8_t *data, uint32_t len, struct carries *c)
{
	uint64_t after_minus = block_equal(before, '-') & outside;
	uint64_t letter, begin, errors;
	struct numbers n;

	n.digit = block_range(bytes, '0', '9') & s->scalar;
	n.minus = block_equal(bytes, '-') & s->scalar;
	n.dot = block_equal(bytes, '.') & s->scalar;
	letter = s->scalar & ~(n.digit | n.minus | n.dot);
	begin = first | after_minus;
	n.zero = block_equal(bytes, '0') & begin;
	n.tail = letter & block_range(before, '0', '9');
	n.inner_minus = n.minus & ~first;
	errors = block_range(before, '-', '.') & outside & ~n.digit;
	errors |= n.dot & ~run_end(begin & n.digit, n.digit, &c->integer);
	if (RARE(n.tail | n.inner_minus | c->in_exponent))
		errors |= check_exponents(bytes, &n, c);
	errors |= behind(n.zero, &c->zero) & n.digit;
	return errors | check_literals(data, len, letter & first & s->limit);
}

/* A bracket that closes behind an opening one or a comma: only the former is right. Goes back in the data, which ends
 * at the object's first byte. */
BLOCK_INLINE uint64_t check_empty(const uint8_t *data, uint64_t closes)
{
	uint64_t errors = 0;

	for (; closes != 0; closes &= closes - 1) {
		const uint8_t *before = data + __builtin_ctzll(closes) - 1;

		while (is_space(*before))
			before--;
		errors |= *before == ',' ? closes & -closes : 0;
	}
	return errors;
}

/* What follows what, but for the kinds of brackets. */
BLOCK_INLINE uint64_t check_grammar(
	const struct sets *s, uint64_t first, uint64_t scalar_end, const uint8_t *data, struct carries *c, uint64_t *name)
{
	uint64_t string_open = s->quote & s->string, value = string_open | s->open | first;
	uint64_t after_separator = follow(s->open | s->comma, s->space, &c->after_separator);
	uint64_t after_colon = follow(s->colon, s->space, &c->after_colon);
	uint64_t value_end = (s->quote & ~s->string) | s->close, sum, errors;
	uint64_t after_value = value_end << 1 | c->after_value | scalar_end;
	uint64_t over = __builtin_add_overflow(after_value, s->space, &sum);

	c->after_value = value_end >> 63 | over;
	*name = string_open & after_separator & ~s->array;
	errors = run_end(*name, s->string | s->quote | s->space, &c->in_name) ^ s->colon;
	errors |= after_separator & ~(string_open | s->close | (s->array & value));
	errors |= after_colon & ~value;
	errors |= sum & ~s->space & ~(s->colon | s->comma | s->close);
	if (RARE(after_separator & s->close & s->limit))
		errors |= check_empty(data, after_separator & s->close & s->limit);
	return errors;
}

/* Visits the brackets and finds which bytes are in nested containers and in arrays, and the object's end. 0: too deep. */
BLOCK_INLINE int visit_brackets(
	const struct block *bytes, uint64_t brackets, int trusted, struct sets *s, struct carries *c)
{
	uint64_t square = trusted ? 0 : block_equal(bytes, '[') | block_equal(bytes, ']');

	s->open = brackets & (block_equal(bytes, '{') | block_equal(bytes, '['));
	s->close = brackets & (block_equal(bytes, '}') | block_equal(bytes, ']'));
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

/* One block at data[0], of which `len` bytes may be looked at. Returns 1 to go on, 0 at the object's end, -1: too deep. */
BLOCK_INLINE int scan_block(const struct block *bytes, const struct block *before, const uint8_t *data, uint32_t len,
	int trusted, struct carries *c, struct sets *s, struct json_marks *marks)
{
	uint64_t backslash = 0, outside, brackets;

	*s = (struct sets){.nested = c->nested, .array = c->array, .limit = ~UINT64_C(0)};
	if (RARE(block_special(bytes) | c->pending))
		backslash = look_closer(bytes, trusted, c, s);
	s->quote = block_equal(bytes, '"') & ~s->escaped;
	s->string = prefix_xor(s->quote) ^ c->in_string;
	c->in_string = (uint64_t)((int64_t)s->string >> 63);
	outside = ~(s->string | s->quote);
	s->colon = block_equal(bytes, ':') & outside;
	s->comma = block_equal(bytes, ',') & outside;
	s->space = (block_equal(bytes, ' ') | s->white) & outside;
	/* Bit 0x26 makes one byte of all four, and of Y, _, y and DEL, which are in strings or wrong. */
	brackets = block_equal_with(bytes, 0x26, 0x7F) & outside;
	if (brackets != 0 && !visit_brackets(bytes, brackets, trusted, s, c))
		return -1;
	if (trusted) {
		uint64_t turns;

		s->name = follow(s->comma, s->space, &c->after_separator) & s->quote & s->string & ~s->nested;
		turns = prefix_xor((s->name | s->colon) & ~s->nested) ^ c->in_name;
		c->in_name = (uint64_t)((int64_t)turns >> 63);
		c->errors |= ((s->name & ~turns) | (s->colon & ~s->nested & turns) | (s->end & turns)) & s->limit;
	} else {
		uint64_t after_scalar, first;

		s->scalar = outside & ~(s->open | s->close | s->colon | s->comma | s->space);
		after_scalar = behind(s->scalar, &c->scalar);
		first = s->scalar & ~after_scalar;
		s->errors |= (s->control & s->string) | check_scalars(bytes, before, s, first, outside, data, len, c);
		s->errors |= check_grammar(s, first, after_scalar & ~s->scalar, data, c, &s->name);
		c->errors |= s->errors & s->limit;
	}
	if (RARE(s->white | backslash)) {
		marks->line_breaks |= (s->white & ~block_equal(bytes, '\t') & s->limit) != 0;
		marks->escapes |= (backslash & s->limit) != 0;
	}
	return s->end == 0;
}

/* JSON_FOUND with the marks, or JSON_BAD_SYNTAX. */
BLOCK_INLINE int scan_object(const uint8_t *data, uint32_t len, uint32_t start, int trusted, struct json_marks *marks)
{
	struct carries c = {.after_separator = 1, .depth = 1};
	uint32_t count = 0;

	marks->line_breaks = 0;
	marks->escapes = 0;
	for (uint32_t at = start + 1, left = len - at; left != 0; at += BLOCK_BYTES, left -= BLOCK_BYTES) {
		struct block bytes, before;
		struct sets s;
		uint64_t found;
		int more;

		if (__builtin_expect(left >= BLOCK_BYTES, 1))
			block_load(&bytes, &before, data + at);
		else
			block_load_tail(&bytes, &before, data, at, left);
		more = scan_block(&bytes, &before, data + at, left, trusted, &c, &s, marks);
		if (RARE(more < 0))
			return JSON_BAD_SYNTAX;
		found = (s.name | s.colon) & ~s.nested & s.limit;
		store_marks(marks->at + count, found, at);
		count += (uint32_t)__builtin_popcountll(found);
		if (RARE(count > JSON_MARKS))
			return JSON_BAD_SYNTAX;
		if (!more) {
			marks->count = count;
			marks->end = at + (uint32_t)__builtin_ctzll(s.end);
			close_marks(marks, start);
			if (trusted && (data[marks->end] != '}' || count == 0) && !marks_make_sense(data, start, marks))
				return JSON_BAD_SYNTAX;
			return c.errors == 0 ? JSON_FOUND : JSON_BAD_SYNTAX;
		}
		if (left <= BLOCK_BYTES)
			break;
	}
	return JSON_BAD_SYNTAX;
}

BLOCK_INLINE int read_object(const struct json_plan *plan, const uint8_t *data, uint32_t len, uint32_t start,
	struct json_object *out, uint32_t *end)
{
	__attribute__((uninitialized)) struct json_marks marks;
	int result = plan->trusted ? scan_object(data, len, start, 1, &marks) : scan_object(data, len, start, 0, &marks);

	*end = marks.end;
	return result == JSON_FOUND ? make_members(plan, data, len, start, &marks, out) : result;
}
