/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Compiled rules as judge reads them. A bit is an alternative: a conjunction of literals; the alternatives of one rule
 * stand together, in the order of rules. A row has a bit for each, in words of 64. Each look-up of an event's value
 * gives the place of a row (of its first word in `rows`), equal rows being one; what is left of all of them and-ed
 * holds.
 */

#include <stdint.h>

#include "tables/rules.h"
#include "wire/word.h"

/* What is compared by order: numbers, addresses, times, samples, first and last bytes of texts. */
typedef unsigned __int128 rules_key;

#define RULES_KEY_MAX   (~(rules_key)0)
#define RULES_KEY(pair) ((rules_key)(pair).high << 64 | (pair).low)
#define RULES_HEAD      16u /* bytes of a text that make a key */
#define RULES_WORDS     (RULES_ALTERNATIVES / 64)
#define RULES_STEP      2u /* words that are and-ed at once; longer rows have a multiple of it */
#define RULES_ROW_NONE  UINT32_MAX

/* Which look-up answers a question about a subject. */
enum rules_aspect {
	RULES_VALUE,   /* of a member: kind, text as a whole, number */
	RULES_PREFIX,  /* its first bytes as a key */
	RULES_SUFFIX,  /* its last ones, the last first */
	RULES_ADDRESS, /* of a member or @client, @source: the address as a key */
	RULES_TIME,    /* @age: microseconds as a key */
	RULES_SAMPLE,  /* the member's place in the sample */
	/* Each atom of these is a test of its own. */
	RULES_STARTS,
	RULES_ENDS,
	RULES_CONTAINS,
	RULES_UNDECIDED, /* while it is read */
};

/* Values in order: rows[i] is the row of those at or above starts[i - 1] and below starts[i]. */
struct rules_ranges {
	const rules_key *starts;
	const uint32_t *rows; /* count + 1; NULL: nobody asks */
	uint32_t count;
	uint32_t otherwise; /* row where there is no such value */
};

struct rules_slot {
	uint32_t check; /* high half of the text's hash */
	uint32_t row;   /* RULES_ROW_NONE: free */
	uint32_t offset, len;
};

/* Texts as a whole: an open hash table, at most half full. */
struct rules_texts {
	const struct rules_slot *slots;
	const uint8_t *bytes;
	uint64_t lengths; /* a bit for each length that occurs; the last for all from 63 on */
	uint32_t mask;
};

/* Alternatives that a test decides, in one word of the row. */
struct rules_mark {
	uint32_t word;
	uint64_t wants, refuses; /* those that end when the test does not hold, and when it does */
};

/* One search in a text; only done where an alternative that is still there wants to know. */
struct rules_test {
	uint8_t aspect; /* RULES_STARTS, RULES_ENDS or RULES_CONTAINS */
	uint32_t len;
	const uint8_t *text;
	const struct rules_mark *marks;
	uint32_t mark_count;
};

#define RULES_SCAN_MIN   3u /* texts; fewer are tests */
#define RULES_SCAN_MAX   1024u
#define RULES_SCAN_FOUND UINT32_C(0x80000000)

/* Many texts looked for at once: an automaton over the bytes of a member's text. */
struct rules_scan {
	uint8_t classes[256]; /* of bytes */
	const uint32_t
		*moves; /* place of a state + class -> place of the next, and RULES_SCAN_FOUND where a text ends */
	const uint32_t *found;          /* state -> test + 1 of the text that ends at it, or 0 */
	const uint32_t *links;          /* state -> the next one at which a shorter text ends, or 0 */
	uint32_t width;                 /* places of a state */
	uint32_t none;                  /* row when nothing is found, */
	const uint32_t *rows;           /* when this test alone holds; */
	const struct rules_test *tests; /* when more do */
	uint32_t test_count;
};

/* All that is asked of one member. */
struct rules_member {
	uint16_t index;                     /* in rules_event.members */
	uint8_t has_value;                  /* kind_rows, texts and numbers are set */
	uint8_t reads_text;                 /* a string's text is wanted */
	uint32_t kind_rows[JSON_ARRAY + 1]; /* row by kind; of strings and numbers, those that are none of the known */
	struct rules_texts texts;           /* slots NULL: none */
	struct rules_ranges numbers;        /* starts NULL: none */
	struct rules_ranges prefixes, suffixes, addresses, samples;
	const struct rules_test *tests;
	uint32_t test_count;
	const struct rules_scan *scan; /* NULL: none */
};

struct rules_block {
	struct rules_block *next;
	size_t bytes;
};

struct rules {
	const uint64_t *rows; /* the first is that of all alternatives */
	uint32_t words;       /* of a row */
	uint32_t alternatives;
	const uint16_t *rule_of; /* alternative -> rule */
	struct rules_ranges client, source, age;
	const struct rules_member *members;
	uint32_t member_count;
	size_t bytes;
	struct rules_block *blocks; /* memory of all the above */
};

/* Zeroed memory that lives as long as the rules; NULL when there is none. Control thread. */
void *rules_take(struct rules *rules, size_t bytes);

static inline rules_key rules_time_key(int64_t us)
{
	return (uint64_t)us ^ UINT64_C(0x8000000000000000);
}

/* The first 16 bytes as a key, the first byte highest, zeros behind the end. */
static inline rules_key rules_head(struct slice text)
{
	uint64_t high, low = 0;

	if (text.len >= RULES_HEAD) {
		high = __builtin_bswap64(word_load(text.data));
		low = __builtin_bswap64(word_load(text.data + 8));
	} else if (text.len > 8) {
		high = __builtin_bswap64(word_load(text.data));
		low = __builtin_bswap64(word_load(text.data + text.len - 8)) << (8 * (RULES_HEAD - text.len));
	} else {
		high = __builtin_bswap64(word_load_short(text.data, text.len));
	}
	return (rules_key)high << 64 | low;
}

/* The last 16 bytes, the last byte highest. */
static inline rules_key rules_tail(struct slice text)
{
	uint64_t high = 0, low = 0;

	if (text.len >= RULES_HEAD) {
		high = word_load(text.data + text.len - 8);
		low = word_load(text.data + text.len - 16);
	} else if (text.len > 8) {
		high = word_load(text.data + text.len - 8);
		low = word_load(text.data) << (8 * (RULES_HEAD - text.len));
	} else if (text.len > 0) {
		high = word_load_short(text.data, text.len) << (8 * (8 - text.len));
	}
	return (rules_key)high << 64 | low;
}

static inline uint64_t rules_mix(uint64_t a, uint64_t b)
{
	rules_key product = (rules_key)a * b;

	return (uint64_t)product ^ (uint64_t)(product >> 64);
}

/* A hash of a text: multiplied and folded, 16 bytes at a time, the last overlapping (the idea is wyhash's). Those who
 * send texts gain nothing from collisions: a table holds only the texts of rules. */
static inline uint64_t rules_hash(struct slice text)
{
	const uint64_t one = UINT64_C(0x9E3779B97F4A7C15), two = UINT64_C(0xD6E8FEB86659FD93);
	uint64_t hash = text.len * one;
	uint32_t at = 0;

	if (text.len <= 8)
		return rules_mix(word_load_short(text.data, text.len) ^ one, hash ^ two);
	for (; text.len - at > RULES_HEAD; at += RULES_HEAD)
		hash = rules_mix(word_load(text.data + at) ^ hash, word_load(text.data + at + 8) ^ two);
	if (text.len < RULES_HEAD)
		return rules_mix(word_load(text.data) ^ hash, word_load(text.data + text.len - 8) ^ two);
	return rules_mix(word_load(text.data + text.len - 16) ^ hash, word_load(text.data + text.len - 8) ^ two);
}
