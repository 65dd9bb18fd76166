/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * From marks to members. The first 8 bytes of every name, with its quote, are put side by side and compared with each
 * wanted name at once, so that the order of members costs no branch misses; a wanted name that does not fit in 8 bytes
 * is then looked at in full. A file that includes this has defined JSON_TARGET (a function attribute), struct words
 * (eight of them), words_set, words_equal and fill_sixteen. The words go into registers one by one: read back from
 * memory as a vector they would have to wait until all their stores are done.
 */

#include <string.h>

#include "wire/json_scan.h"

#define MEMBER_INLINE static inline __attribute__((always_inline)) JSON_TARGET

MEMBER_INLINE int is_space(uint8_t byte)
{
	return byte == ' ' || byte == '\t' || byte == '\n' || byte == '\r';
}

/* Words of 8 bytes, the first in the lowest; bytes behind the end are zero. */
MEMBER_INLINE uint64_t load_word(const uint8_t *data, uint32_t len, uint32_t at)
{
	uint64_t word = 0;

	if (__builtin_expect(len - at >= sizeof(word), 1))
		memcpy(&word, data + at, sizeof(word));
	else
		for (uint32_t i = 0; i < len - at; i++)
			word |= (uint64_t)data[at + i] << (8 * i);
	return word;
}

/* Whether a name has a backslash: `word ^ backslashes` has a zero byte (Mycroft's test) before the colon. */
MEMBER_INLINE int has_escape(const uint8_t *data, uint32_t len, uint32_t open, uint32_t colon)
{
	for (uint32_t at = open; at < colon; at += 8) {
		uint64_t word = load_word(data, len, at) ^ UINT64_C(0x5C5C5C5C5C5C5C5C);
		uint64_t zeros = (word - UINT64_C(0x0101010101010101)) & ~word & UINT64_C(0x8080808080808080);

		if (zeros != 0 && at + (uint32_t)__builtin_ctzll(zeros) / 8 < colon)
			return 1;
	}
	return 0;
}

MEMBER_INLINE int any_escape(const uint8_t *data, uint32_t len, const struct json_marks *marks)
{
	int found = 0;

	for (uint32_t i = 0; i < marks->count && !found; i += 2)
		found = has_escape(data, len, marks->at[i], marks->at[i + 1]);
	return found;
}

/* Trusted scans mark what they meet: names and colons must take turns, and a brace must be the end. */
MEMBER_INLINE int marks_make_sense(const uint8_t *data, uint32_t start, const struct json_marks *marks)
{
	int wrong = data[marks->end] != '}' || marks->count % 2 != 0;

	for (uint32_t i = 0; i + 1 < marks->count; i += 2)
		wrong |= (data[marks->at[i]] != '"') | (data[marks->at[i + 1]] != ':');
	if (marks->count == 0)
		for (uint32_t i = start + 1; i < marks->end; i++)
			wrong |= !is_space(data[i]);
	return !wrong;
}

/* Of the candidates whose first 8 bytes match, those whose rest does. */
MEMBER_INLINE uint64_t check_rest(const struct json_plan *plan, unsigned wanted, const uint8_t *data, uint32_t len,
	const uint32_t *opens, uint64_t candidates)
{
	uint64_t equal = 0;

	for (; candidates != 0; candidates &= candidates - 1) {
		uint32_t open = opens[2 * __builtin_ctzll(candidates)], size = plan->lens[wanted] + 1u;

		if (len - open > size && memcmp(data + open + 1, plan->names[wanted], size) == 0)
			equal |= candidates & -candidates;
	}
	return equal;
}

/* What only trusted plans can meet: no value, or one that does not end where it should. */
MEMBER_INLINE int value_makes_sense(const uint8_t *data, uint32_t from, uint32_t to, uint32_t behind, int last)
{
	if (from >= to || json_kinds[data[from]] == JSON_ABSENT || data[behind] != (last ? '}' : ','))
		return 0;
	return data[from] != '"' || (to - from >= 2 && data[to - 1] == '"');
}

/* The member at mark[0], its colon at mark[1]; mark[2] is the next name, or behind the end. 0: see value_makes_sense.
 */
MEMBER_INLINE int fill_member(const uint8_t *data, const uint32_t *mark, const struct json_marks *marks, int trusted,
	struct json_member *member)
{
	uint32_t open = mark[0], from = mark[1] + 1, behind = mark[2] - 1, to, quoted;

	/* Some senders write a space behind the colon, some do not: no branch to guess. */
	from += data[from] == ' ';
	to = behind;
	if (__builtin_expect((data[from] <= ' ') | (data[behind] <= ' ') | (data[behind - 1] <= ' '), 0)) {
		while (is_space(data[from]) && from < behind)
			from++;
		while (is_space(data[behind]) && from < behind)
			behind--;
		for (to = behind; is_space(data[to - 1]) && from < to;)
			to--;
	}
	if (trusted && !value_makes_sense(data, from, to, behind, mark + 2 == marks->at + marks->count))
		return 0;
	quoted = data[from] == '"';
	member->kind = json_kinds[data[from]];
	member->value = (struct slice){data + from + quoted, to - from - 2 * quoted};
	member->whole = (struct slice){data + open, to - open};
	member->escaped = 0;
	if (__builtin_expect(marks->escapes, 0))
		member->escaped = quoted && memchr(member->value.data, '\\', member->value.len) != NULL;
	return 1;
}

/* Puts behind the marks places that can be read as the names of members up to the next eight and up to the sixteenth.
 */
MEMBER_INLINE void pad_names(struct json_marks *marks, uint32_t start)
{
	fill_sixteen(marks->at + marks->count, start);
	fill_sixteen(marks->at + marks->count + 16, start);
}

/* Puts there instead where the last member ends at the latest. */
MEMBER_INLINE void close_marks(struct json_marks *marks)
{
	marks->at[marks->count] = marks->end + 1;
}

/* The words that eight names begin with, none of them nearer to the end of the data than a word. */
MEMBER_INLINE void load_names(struct words *words, const uint8_t *data, const uint32_t *opens)
{
	uint64_t each[8];

#pragma GCC unroll 8
	for (unsigned i = 0; i < 8; i++)
		memcpy(&each[i], data + opens[2 * i], sizeof(each[i]));
	words_set(words, each[0], each[1], each[2], each[3], each[4], each[5], each[6], each[7]);
}

/* The same for names of which some may be. */
static __attribute__((noinline)) JSON_TARGET void load_last_names(
	struct words *words, const uint8_t *data, uint32_t len, const uint32_t *opens)
{
	uint64_t each[8];

	for (unsigned i = 0; i < 8; i++)
		each[i] = load_word(data, len, opens[2 * i]);
	words_set(words, each[0], each[1], each[2], each[3], each[4], each[5], each[6], each[7]);
}

/* `whole`: the first of these. */
MEMBER_INLINE struct words load_any_names(const uint8_t *data, uint32_t len, const uint32_t *opens, int whole)
{
	struct words words, last;

	if (__builtin_expect(!whole, 0)) {
		load_last_names(&last, data, len, opens);
		return last;
	}
	load_names(&words, data, opens);
	return words;
}

/* For each wanted name the members (17 to 64) that have it, a bit each. */
static __attribute__((noinline)) JSON_TARGET void find_among_many(const struct json_plan *plan, unsigned wanted_count,
	const uint8_t *data, uint32_t len, const struct json_marks *marks, int whole, uint64_t equals[JSON_WANTED])
{
	for (unsigned wanted = 0; wanted < wanted_count; wanted++)
		equals[wanted] = 0;
	for (uint32_t first = 0; first < marks->count / 2; first += 8) {
		struct words words = load_any_names(data, len, marks->at + 2 * first, whole);

		for (unsigned wanted = 0; wanted < wanted_count; wanted++)
			equals[wanted] |= words_equal(&words, plan->patterns[wanted], plan->masks[wanted]) << first;
	}
}

/* Up to 64 members without escapes in their names. */
MEMBER_INLINE int fill_members(const struct json_plan *plan, struct json_marks *marks, struct json_member *out)
{
	const uint8_t *data = marks->data;
	uint32_t len = marks->len;
	__attribute__((uninitialized)) uint64_t equals[JSON_WANTED];
	unsigned wanted_count = plan->count < JSON_WANTED ? plan->count : JSON_WANTED;
	uint32_t members = marks->count / 2;
	/* The data does not end within a word of the last name. */
	int trusted = marks->trusted, whole = members != 0 && len - marks->at[2 * members - 2] >= sizeof(uint64_t);
	uint64_t present = members != 0 ? ~UINT64_C(0) >> (64 - members) : 0;
	struct words first = load_any_names(data, len, marks->at, whole),
		     second = load_any_names(data, len, marks->at + 16, whole);

	if (__builtin_expect(members > 16, 0))
		find_among_many(plan, wanted_count, data, len, marks, whole, equals);
	close_marks(marks);
	for (unsigned wanted = 0; wanted < wanted_count; wanted++) {
		struct json_member *member = &out[wanted];
		uint64_t equal;

		if (__builtin_expect(members <= 16, 1))
			equal = words_equal(&first, plan->patterns[wanted], plan->masks[wanted]) |
				words_equal(&second, plan->patterns[wanted], plan->masks[wanted]) << 8;
		else
			equal = equals[wanted];
		equal &= present;
		if (plan->lens[wanted] > 6 && equal != 0)
			equal = check_rest(plan, wanted, data, len, marks->at, equal);
		if (equal == 0) {
			*member = (struct json_member){.kind = JSON_ABSENT};
			continue;
		}
		member->duplicate = (equal & (equal - 1)) != 0;
		if (!fill_member(data, marks->at + 2 * (63 - __builtin_clzll(equal)), marks, trusted, member))
			return JSON_BAD_SYNTAX;
	}
	return JSON_FOUND;
}

/* The same for any object. */
static __attribute__((noinline)) JSON_TARGET int fill_members_slowly(
	const struct json_plan *plan, struct json_marks *marks, struct json_member *out)
{
	const uint8_t *data = marks->data;
	uint16_t found[JSON_WANTED];
	uint32_t twice;

	close_marks(marks);
	json_find_slowly(plan, data, marks, found, &twice);
	for (unsigned i = 0; i < JSON_WANTED && i < plan->count; i++) {
		struct json_member *member = &out[i];

		*member = (struct json_member){.duplicate = (twice >> i & 1) != 0};
		if (found[i] != JSON_MEMBERS &&
			!fill_member(data, marks->at + 2u * found[i], marks, marks->trusted, member))
			return JSON_BAD_SYNTAX;
	}
	return JSON_FOUND;
}

/* The wanted members of an object whose marks are made. JSON_FOUND, or JSON_BAD_SYNTAX (trusted plans only). */
MEMBER_INLINE int find_members(const struct json_plan *plan, struct json_marks *marks, struct json_member *out)
{
	if (__builtin_expect(marks->count > 2 * 64 || (marks->escapes && any_escape(marks->data, marks->len, marks)), 0))
		return fill_members_slowly(plan, marks, out);
	return fill_members(plan, marks, out);
}

/* Fills `out` from its marks. */
MEMBER_INLINE int make_members(
	const struct json_plan *plan, const uint8_t *data, uint32_t len, uint32_t start, struct json_object *out)
{
	struct json_marks *marks = &out->marks;

	marks->data = data;
	marks->len = len;
	marks->trusted = plan->trusted;
	out->body = (struct slice){data + start, marks->end - start + 1};
	out->member_count = marks->count / 2;
	return find_members(plan, marks, out->members);
}
