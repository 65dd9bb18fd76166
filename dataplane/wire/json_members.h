/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * From marks to members. The first 8 bytes of every name, with its quote, are put side by side and compared with each
 * wanted name at once, so that the order of members costs no branch misses; a wanted name that does not fit in 8 bytes is
 * then looked at in full. A file that includes this has defined JSON_TARGET (a function attribute) and equal_words.
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

/* The members of up to 64 names that have the wanted one, a bit each. */
MEMBER_INLINE uint64_t find_name(const struct json_plan *plan, unsigned wanted, const uint8_t *data, uint32_t len,
	const uint32_t *opens, const uint64_t *words, uint32_t count)
{
	uint64_t equal = equal_words(words, count, plan->patterns[wanted], plan->masks[wanted]);

	equal &= ~UINT64_C(0) >> (64 - count);
	if (plan->lens[wanted] > 6 && equal != 0)
		equal = check_rest(plan, wanted, data, len, opens, equal);
	return equal;
}

/* The value behind a colon; `next` is the next name, or behind the end. 0 (trusted plans only): there is none. */
MEMBER_INLINE int fill_member(const uint8_t *data, uint32_t len, const uint32_t *mark, int escapes, int last,
	struct json_member *member)
{
	uint32_t open = mark[0], from = mark[1] + 1, to = mark[2] - 1, quoted;

	(void)len;
	while (__builtin_expect(is_space(data[from]), 0) && from < to)
		from++;
	while (__builtin_expect(is_space(data[to]), 0) && from < to)
		to--;
	if (data[to] != (last ? '}' : ','))
		return 0;
	while (__builtin_expect(is_space(data[to - 1]), 0) && from < to)
		to--;
	member->kind = json_kinds[data[from]];
	quoted = member->kind == JSON_STRING;
	if (from >= to || member->kind == JSON_ABSENT || (quoted && (to - from < 2 || data[to - 1] != '"')))
		return 0;
	member->value = (struct slice){data + from + quoted, to - from - 2 * quoted};
	member->whole = (struct slice){data + open, to - open};
	member->escaped = 0;
	if (__builtin_expect(escapes, 0))
		member->escaped = quoted && memchr(member->value.data, '\\', member->value.len) != NULL;
	return 1;
}

MEMBER_INLINE void find_members(const struct json_plan *plan, const uint8_t *data, uint32_t len,
	const struct json_marks *marks, uint16_t found[JSON_WANTED], uint32_t *twice)
{
	__attribute__((uninitialized)) uint64_t words[64] __attribute__((aligned(64)));
	uint32_t members = marks->count / 2;

	*twice = 0;
	for (unsigned wanted = 0; wanted < plan->count; wanted++)
		found[wanted] = JSON_MEMBERS;
	for (uint32_t first = 0; first < members; first += 64) {
		const uint32_t *opens = marks->at + 2 * first;
		uint32_t count = members - first < 64 ? members - first : 64;

		for (uint32_t i = 0; i < count; i++)
			words[i] = load_word(data, len, opens[2 * i]);
		for (unsigned wanted = 0; wanted < plan->count; wanted++) {
			uint64_t equal = find_name(plan, wanted, data, len, opens, words, count);

			if (equal == 0)
				continue;
			*twice |= (uint32_t)(found[wanted] != JSON_MEMBERS || (equal & (equal - 1)) != 0) << wanted;
			found[wanted] = (uint16_t)(first + 63 - (uint32_t)__builtin_clzll(equal));
		}
	}
}

/* Fills `out`. JSON_FOUND, or JSON_BAD_SYNTAX (trusted plans only). */
MEMBER_INLINE int make_members(const struct json_plan *plan, const uint8_t *data, uint32_t len, uint32_t start,
	const struct json_marks *marks, struct json_object *out)
{
	__attribute__((uninitialized)) uint16_t found[JSON_WANTED];
	uint32_t twice;

	if (plan->trusted && !marks_make_sense(data, start, marks))
		return JSON_BAD_SYNTAX;
	if (__builtin_expect(marks->escapes, 0) && any_escape(data, len, marks))
		json_find_escaped(plan, data, marks, found, &twice);
	else
		find_members(plan, data, len, marks, found, &twice);
	for (unsigned i = 0; i < JSON_WANTED && i < plan->count; i++) {
		struct json_member *member = &out->members[i];
		uint32_t at = 2u * found[i];

		member->duplicate = (twice >> i & 1) != 0;
		if (found[i] == JSON_MEMBERS)
			*member = (struct json_member){.kind = JSON_ABSENT};
		else if (!fill_member(data, len, marks->at + at, marks->escapes, at + 2 == marks->count, member))
			return JSON_BAD_SYNTAX;
	}
	out->body = (struct slice){data + start, marks->end - start + 1};
	out->member_count = marks->count / 2;
	out->line_breaks = marks->line_breaks;
	return JSON_FOUND;
}
