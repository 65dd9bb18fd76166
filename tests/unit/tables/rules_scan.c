/* SPDX-License-Identifier: Apache-2.0 */
/* Many texts that `contains` looks for in one member: found by one scan, as strstr finds them one by one. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <stdio.h>

#include "base/compiler.h"
#include "rules_rig.h"

#define PATTERNS 70 /* more than a word of hits */

static uint64_t random_state = 1;

static uint32_t below(uint32_t bound)
{
	random_state ^= random_state >> 12;
	random_state ^= random_state << 25;
	random_state ^= random_state >> 27;
	return (uint32_t)((random_state * UINT64_C(0x2545F4914F6CDD1D) >> 33) % bound);
}

static void make_text(char *out, unsigned most, unsigned letters)
{
	unsigned len = 1 + below(most);

	for (unsigned i = 0; i < len; i++)
		out[i] = (char)('a' + below(letters));
	out[len] = '\0';
}

static struct rules *compile(const char *const *conditions, unsigned count, struct rules_paths *paths)
{
	struct rules_error error;
	struct rules *rules;

	paths->count = 0;
	if (rules_new(&rules, conditions, count, paths, &error) != 0)
		fail_msg("rule %u at %u: %s", error.rule, error.offset, error.text);
	return rules;
}

static uint32_t judge(const struct rules *rules, const struct rules_paths *paths, const char *json)
{
	struct rig_event rig;
	uint32_t rule;

	rig_event_make(&rig, json, paths);
	rule = rules_judge(rules, &rig.event);
	rig_event_free(&rig);
	return rule;
}

/* Rule i asks for pattern i where b is i, so that each is seen by itself; half of them for its absence. */
static void check_patterns(unsigned count, unsigned letters)
{
	static char patterns[PATTERNS][16], conditions[PATTERNS][64];
	const char *pointers[PATTERNS];
	struct rules_paths paths;
	struct rules *rules;

	for (unsigned i = 0; i < count; i++) {
		make_text(patterns[i], 5, letters);
		snprintf(conditions[i], sizeof(conditions[i]), "%s a contains \"%.15s\" and b == %u",
			i % 2 ? "not" : "", patterns[i], i);
		pointers[i] = conditions[i];
	}
	rules = compile(pointers, count, &paths);
	for (unsigned round = 0; round < 40; round++) {
		char text[32], json[96];

		make_text(text, 24, letters);
		for (unsigned i = 0; i < count; i++) {
			int found = strstr(text, patterns[i]) != NULL;

			snprintf(json, sizeof(json), "{\"a\":\"%s\",\"b\":%u}", text, i);
			if ((judge(rules, &paths, json) == i) != (found != (int)(i % 2)))
				fail_msg("%s in %s", conditions[i], json);
		}
	}
	for (unsigned i = 0; i < count; i++) {
		char json[96];

		snprintf(json, sizeof(json), "{\"a\":7,\"b\":%u}", i);
		assert_int_equal(judge(rules, &paths, json), i % 2 ? i : RULES_NONE);
	}
	rules_free(rules);
}

static void every_text_is_found_where_it_is(void **state)
{
	(void)state;
	for (unsigned round = 0; round < 20; round++) {
		check_patterns(3 + below(PATTERNS - 2), 2);
		check_patterns(3 + below(PATTERNS - 2), 3);
		check_patterns(3 + below(5), 26);
	}
}

/* All 255 bytes that a condition can hold, and one text too long for an automaton of its size: they are searched one by
 * one. */
static void texts_that_are_too_many_are_searched_all_the_same(void **state)
{
	char *large = malloc(60000);
	const char *conditions[] = {"a contains \"needle\"", "a contains \"hay\"", large};
	struct rules_paths paths;
	struct rules *rules;
	size_t at;

	(void)state;
	assert_non_null(large);
	at = (size_t)sprintf(large, "a contains \"");
	for (unsigned i = 0; i < 50000; i++)
		large[at++] = (char)(' ' + i % 90 + (' ' + i % 90 == '"' || ' ' + i % 90 == '\\'));
	memcpy(large + at, "\"", 2);
	rules = compile(conditions, ARRAY_LENGTH(conditions), &paths);
	assert_int_equal(judge(rules, &paths, "{\"a\":\"a needle in the hay\"}"), 0);
	assert_int_equal(judge(rules, &paths, "{\"a\":\"in the hay\"}"), 1);
	assert_int_equal(judge(rules, &paths, "{\"a\":\"\"}"), RULES_NONE);
	rules_free(rules);
	free(large);
}

static void texts_with_escapes_are_scanned_without_them(void **state)
{
	static const char *const conditions[] = {
		"a contains \"A/B\"", "a contains \"\\u0000x\"", "a contains \"\xC3\xA9\"", "a contains \"\""};
	struct rules_paths paths;
	struct rules *rules = compile(conditions, ARRAY_LENGTH(conditions), &paths);

	(void)state;
	assert_int_equal(judge(rules, &paths, "{\"a\":\"-\\u0041\\/B-\"}"), 0);
	assert_int_equal(judge(rules, &paths, "{\"a\":\"-\\u0000x\"}"), 1);
	assert_int_equal(judge(rules, &paths, "{\"a\":\"\\u00e9\"}"), 2);
	assert_int_equal(judge(rules, &paths, "{\"a\":\"\\u0041\"}"), 3);
	assert_int_equal(judge(rules, &paths, "{\"a\":null}"), RULES_NONE);
	rules_free(rules);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_text_is_found_where_it_is),
		cmocka_unit_test(texts_that_are_too_many_are_searched_all_the_same),
		cmocka_unit_test(texts_with_escapes_are_scanned_without_them),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
