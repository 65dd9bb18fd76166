/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "base/compiler.h"
#include "base/murmur2.h"
#include "tables/rules_table.h"
#include "wire/event.h"
#include "wire/number.h"

#define RULES_VALUE_MAX 65536u           /* bytes of a value with escapes; no datagram has more */
#define RULES_FEW       8u               /* starts that are counted */
#define RULES_AGAIN     (UINT32_MAX - 1) /* a value has escapes, and there is no room to write its text to */

/*
 * The row of a value: that of the last start at or below it. No branch depends on values: halves are taken by a mask,
 * since compilers make a branch of `?`, and the last few starts are counted, so that none waits for the one before.
 */
ALWAYS_INLINE uint32_t find_row(const struct rules_ranges *ranges, rules_key key)
{
	const rules_key *base = ranges->starts;
	uint32_t count = ranges->count, row;

	while (count > RULES_FEW) {
		uint32_t half = count / 2;

		base += half & -(uint32_t)(base[half - 1] <= key);
		count -= half;
	}
	row = (uint32_t)(base - ranges->starts);
	for (uint32_t i = 0; i < count; i++)
		row += base[i] <= key;
	return ranges->rows[row];
}

ALWAYS_INLINE uint32_t find_text(const struct rules_member *asked, struct slice text)
{
	const struct rules_texts *texts = &asked->texts;
	uint64_t hash;

	if (texts->slots == NULL || (texts->lengths >> (text.len < 63 ? text.len : 63) & 1) == 0)
		return asked->kind_rows[JSON_STRING];
	hash = rules_hash(text);
	for (uint32_t i = (uint32_t)hash;; i++) {
		const struct rules_slot *slot = &texts->slots[i & texts->mask];

		if (slot->row == RULES_ROW_NONE)
			return asked->kind_rows[JSON_STRING];
		if (slot->check == (uint32_t)(hash >> 32) && slot->len == text.len &&
			memcmp(texts->bytes + slot->offset, text.data, text.len) == 0)
			return slot->row;
	}
}

ALWAYS_INLINE uint32_t find_number(const struct rules_member *asked, struct slice text)
{
	struct number number;

	if (asked->numbers.count == 0)
		return asked->kind_rows[JSON_NUMBER];
	if (UNLIKELY(number_parse(text, &number) != 0))
		return asked->kind_rows[JSON_NUMBER];
	return find_row(&asked->numbers, RULES_KEY(number));
}

ALWAYS_INLINE uint32_t find_address(const struct rules_ranges *ranges, struct slice text)
{
	struct ip_address address;

	return address_parse(text, &address) == 0 ? find_row(ranges, RULES_KEY(address)) : ranges->otherwise;
}

ALWAYS_INLINE uint32_t find_age(const struct rules_ranges *ranges, const struct rules_event *event)
{
	int64_t age;

	if (event->time_us == EVENT_NO_TIME)
		return ranges->otherwise;
	if (__builtin_sub_overflow(event->receive_us, event->time_us, &age))
		age = event->time_us < 0 ? INT64_MAX : INT64_MIN;
	return find_row(ranges, rules_time_key(age));
}

static uint32_t sample_of(struct slice text)
{
	return (murmur2(text.data, text.len) & 0x7fffffffu) % RULES_SHARE_ALL;
}

/* --- what is left of the alternatives; `words` is a constant 1 where that suffices --- */

typedef uint64_t rules_words __attribute__((vector_size(RULES_STEP * 8), aligned(8), may_alias));

/* All are left. Stored as they are loaded later: a load of two words waits for stores of one. */
ALWAYS_INLINE void judge_begin(const struct rules *rules, unsigned words, uint64_t *left)
{
	if (words == 1)
		left[0] = rules->rows[0];
	for (unsigned i = 0; words > 1 && i < words; i += RULES_STEP)
		*(rules_words *)&left[i] = *(const rules_words *)&rules->rows[i];
}

/* Whether any is left. */
ALWAYS_INLINE int judge_row(const struct rules *rules, unsigned words, uint64_t *left, uint32_t row)
{
	rules_words any = {0};

	if (words == 1)
		return (left[0] &= rules->rows[row]) != 0;
	for (unsigned i = 0; i < words; i += RULES_STEP)
		any |= *(rules_words *)&left[i] &= *(const rules_words *)&rules->rows[row + i];
	return (any[0] | any[1]) != 0;
}

static int test_holds(const struct rules_test *test, struct slice text)
{
	if (text.len < test->len)
		return 0;
	if (test->aspect == RULES_STARTS)
		return memcmp(text.data, test->text, test->len) == 0;
	if (test->aspect == RULES_ENDS)
		return memcmp(text.data + text.len - test->len, test->text, test->len) == 0;
	return memmem(text.data, text.len, test->text, test->len) != NULL;
}

static void judge_test(const struct rules_test *test, int holds, uint64_t *left)
{
	for (uint32_t i = 0; i < test->mark_count; i++)
		left[test->marks[i].word] &= ~(holds ? test->marks[i].refuses : test->marks[i].wants);
}

static int judge_wants(const struct rules_test *test, const uint64_t *left)
{
	uint64_t wanted = 0;

	for (uint32_t i = 0; i < test->mark_count; i++)
		wanted |= left[test->marks[i].word] & (test->marks[i].wants | test->marks[i].refuses);
	return wanted != 0;
}

/* `text` NULL: the member has none, no test holds. */
static void judge_tests(const struct rules_member *asked, const struct slice *text, uint64_t *left)
{
	for (uint32_t i = 0; i < asked->test_count; i++) {
		const struct rules_test *test = &asked->tests[i];

		if (!judge_wants(test, left))
			continue;
		judge_test(test, text != NULL && test_holds(test, *text), left);
	}
}

/* Notes the tests of all texts that end at the state; those of a text that was noted already are noted too. */
static uint32_t find_ends(const struct rules_scan *scan, uint32_t state, uint64_t *hits, uint32_t *last)
{
	uint32_t count = 0;

	if (scan->found[state] == 0)
		state = scan->links[state];
	for (; state != 0; state = scan->links[state]) {
		uint32_t test = scan->found[state] - 1;

		if ((hits[test / 64] >> test % 64 & 1) != 0)
			break;
		hits[test / 64] |= UINT64_C(1) << test % 64;
		*last = test;
		count++;
	}
	return count;
}

/* Notes the tests that hold in `hits`; returns how many, and the last of them. */
static uint32_t find_hits(const struct rules_scan *scan, struct slice text, uint64_t *hits, uint32_t *last)
{
	uint32_t place = 0, count = 0;

	for (uint32_t i = 0; i < text.len; i++) {
		place = scan->moves[(place & ~RULES_SCAN_FOUND) + scan->classes[text.data[i]]];
		if (UNLIKELY((place & RULES_SCAN_FOUND) != 0))
			count += find_ends(scan, (place & ~RULES_SCAN_FOUND) / scan->width, hits, last);
	}
	return count;
}

ALWAYS_INLINE int judge_scan(const struct rules *rules, const struct rules_scan *scan, const struct slice *text,
	unsigned words, uint64_t *left)
{
	__attribute__((uninitialized)) uint64_t hits[RULES_SCAN_MAX / 64];
	uint32_t count, last = 0;

	if (text == NULL)
		return judge_row(rules, words, left, scan->none);
	memset(hits, 0, (scan->test_count + 63) / 64 * sizeof(hits[0]));
	count = find_hits(scan, *text, hits, &last);
	if (count < 2)
		return judge_row(rules, words, left, count == 0 ? scan->none : scan->rows[last]);
	for (uint32_t i = 0; i < scan->test_count; i++)
		judge_test(&scan->tests[i], (hits[i / 64] >> i % 64 & 1) != 0, left);
	return 1;
}

ALWAYS_INLINE int judge_text(
	const struct rules *rules, const struct rules_member *asked, struct slice text, unsigned words, uint64_t *left)
{
	if (asked->has_value && !judge_row(rules, words, left, find_text(asked, text)))
		return 0;
	if (asked->prefixes.rows != NULL &&
		!judge_row(rules, words, left, find_row(&asked->prefixes, rules_head(text))))
		return 0;
	if (asked->suffixes.rows != NULL &&
		!judge_row(rules, words, left, find_row(&asked->suffixes, rules_tail(text))))
		return 0;
	if (asked->addresses.rows != NULL && !judge_row(rules, words, left, find_address(&asked->addresses, text)))
		return 0;
	if (asked->samples.rows != NULL && !judge_row(rules, words, left, find_row(&asked->samples, sample_of(text))))
		return 0;
	if (asked->scan != NULL && !judge_scan(rules, asked->scan, &text, words, left))
		return 0;
	if (asked->test_count > 0)
		judge_tests(asked, &text, left);
	return 1;
}

/* A member that has no text, or one that cannot be read. */
ALWAYS_INLINE int judge_other(const struct rules *rules, const struct rules_member *asked,
	const struct json_member *member, unsigned words, uint64_t *left)
{
	uint32_t row;

	if (asked->has_value) {
		row = member->kind == JSON_NUMBER ? find_number(asked, member->value) : asked->kind_rows[member->kind];
		if (!judge_row(rules, words, left, row))
			return 0;
	}
	if (asked->prefixes.rows != NULL && !judge_row(rules, words, left, asked->prefixes.otherwise))
		return 0;
	if (asked->suffixes.rows != NULL && !judge_row(rules, words, left, asked->suffixes.otherwise))
		return 0;
	if (asked->addresses.rows != NULL && !judge_row(rules, words, left, asked->addresses.otherwise))
		return 0;
	if (asked->samples.rows != NULL &&
		!judge_row(rules, words, left, find_row(&asked->samples, sample_of(member->value))))
		return 0;
	if (asked->scan != NULL && !judge_scan(rules, asked->scan, NULL, words, left))
		return 0;
	if (asked->test_count > 0)
		judge_tests(asked, NULL, left);
	return 1;
}

/* The text of a string with escapes, in `buffer`. 0 or -1. */
static int find_escaped_text(const struct json_member *member, uint8_t *buffer, struct slice *text)
{
	int len = json_unescape(member->value, buffer, RULES_VALUE_MAX);

	*text = (struct slice){buffer, (uint32_t)len};
	return len < 0 ? -1 : 0;
}

/* Index of the rule, RULES_NONE, or RULES_AGAIN where `buffer` is NULL and is needed. */
ALWAYS_INLINE uint32_t judge_event(
	const struct rules *rules, const struct rules_event *event, unsigned words, uint64_t *left, uint8_t *buffer)
{
	judge_begin(rules, words, left);
	if (rules->client.rows != NULL && !judge_row(rules, words, left,
						  event->has_client ? find_row(&rules->client, RULES_KEY(event->client))
								    : rules->client.otherwise))
		return RULES_NONE;
	if (rules->source.rows != NULL &&
		!judge_row(rules, words, left, find_row(&rules->source, RULES_KEY(event->source))))
		return RULES_NONE;
	if (rules->age.rows != NULL && !judge_row(rules, words, left, find_age(&rules->age, event)))
		return RULES_NONE;
	for (uint32_t i = 0; i < rules->member_count; i++) {
		const struct rules_member *asked = &rules->members[i];
		const struct json_member *member = &event->members[asked->index];
		struct slice text = member->value;
		int is_text = member->kind == JSON_STRING;

		if (is_text && UNLIKELY(member->escaped) && asked->reads_text) {
			if (buffer == NULL)
				return RULES_AGAIN;
			is_text = find_escaped_text(member, buffer, &text) == 0;
		}
		if (LIKELY(is_text) ? !judge_text(rules, asked, text, words, left)
				    : !judge_other(rules, asked, member, words, left))
			return RULES_NONE;
	}
	for (unsigned i = 0; i < words; i++)
		if (left[i] != 0)
			return rules->rule_of[i * 64 + (unsigned)__builtin_ctzll(left[i])];
	return RULES_NONE;
}

static uint32_t judge_few(const struct rules *rules, const struct rules_event *event)
{
	uint64_t left[1];

	return judge_event(rules, event, 1, left, NULL);
}

static uint32_t judge_many(const struct rules *rules, const struct rules_event *event)
{
	__attribute__((uninitialized)) uint64_t left[RULES_WORDS];

	return judge_event(rules, event, rules->words, left, NULL);
}

static __attribute__((noinline)) uint32_t judge_escaped(const struct rules *rules, const struct rules_event *event)
{
	__attribute__((uninitialized)) uint64_t left[RULES_WORDS];
	__attribute__((uninitialized)) uint8_t buffer[RULES_VALUE_MAX];

	return judge_event(rules, event, rules->words, left, buffer);
}

uint32_t rules_judge(const struct rules *rules, const struct rules_event *event)
{
	uint32_t rule = LIKELY(rules->words == 1) ? judge_few(rules, event) : judge_many(rules, event);

	return LIKELY(rule != RULES_AGAIN) ? rule : judge_escaped(rules, event);
}

static __attribute__((noinline)) uint32_t sample_of_escaped(const struct json_member *member)
{
	__attribute__((uninitialized)) uint8_t buffer[RULES_VALUE_MAX];
	struct slice text;

	return sample_of(find_escaped_text(member, buffer, &text) == 0 ? text : member->value);
}

int rules_sampled(const struct json_member *value, uint32_t share)
{
	int escaped = value->kind == JSON_STRING && value->escaped;

	return (UNLIKELY(escaped) ? sample_of_escaped(value) : sample_of(value->value)) < share;
}
