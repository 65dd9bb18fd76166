/* SPDX-License-Identifier: Apache-2.0 */
/* Many rules, long lists, and which rule comes first. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <stdio.h>

#include "base/compiler.h"
#include "rules_rig.h"

static struct rules_paths paths;

static struct rules *compile(const char *const *conditions, unsigned count)
{
	struct rules_error error;
	struct rules *rules;

	paths.count = 0;
	if (rules_new(&rules, conditions, count, &paths, &error) != 0)
		fail_msg("rule %u at %u: %s", error.rule, error.offset, error.text);
	return rules;
}

static uint32_t judge(const struct rules *rules, const char *json)
{
	struct rig_event rig;
	uint32_t rule;

	rig_event_make(&rig, json, &paths);
	rule = rules_judge(rules, &rig.event);
	rig_event_free(&rig);
	return rule;
}

static void the_first_rule_that_holds_counts(void **state)
{
	static const char *const conditions[] = {
		"a == 1 and b == 2", "b == 2 or c == 3", "a == 1", "a == 1 or c == 3", "", "c == 9"};
	struct rules *rules = compile(conditions, ARRAY_LENGTH(conditions));

	(void)state;
	assert_int_equal(judge(rules, "{\"a\":1,\"b\":2}"), 0);
	assert_int_equal(judge(rules, "{\"a\":1,\"c\":3}"), 1);
	assert_int_equal(judge(rules, "{\"a\":1}"), 2);
	assert_int_equal(judge(rules, "{\"c\":9}"), 4);
	assert_int_equal(judge(rules, "{}"), 4);
	rules_free(rules);
}

static void no_rules_and_rules_that_never_hold_are_fine(void **state)
{
	static const char *const never[] = {"a == 1 and not a == 1", "a in [1] and a not in [1]", "sample(a, 0%)"};
	struct rules *rules = compile(never, 0);

	(void)state;
	assert_int_equal(judge(rules, "{}"), RULES_NONE);
	rules_free(rules);
	rules = compile(never, ARRAY_LENGTH(never));
	assert_int_equal(judge(rules, "{\"a\":1}"), RULES_NONE);
	rules_free(rules);
}

static void a_thousand_rules_keep_their_order(void **state)
{
	char(*texts)[128] = calloc(RULES_MAX, sizeof(*texts));
	const char *conditions[RULES_MAX + 1];
	struct rules_error error;
	struct rules *rules;
	char json[128];

	(void)state;
	assert_non_null(texts);
	for (unsigned i = 0; i < RULES_MAX; i++) {
		snprintf(texts[i], sizeof(texts[i]), "a == \"v%u\" and (b in %u..%u or c starts with \"p%u-\")",
			i % 512, i, i + 1, i);
		conditions[i] = texts[i];
	}
	conditions[RULES_MAX] = "";
	assert_int_equal(rules_new(&rules, conditions, RULES_MAX + 1, &paths, &error), -EINVAL);
	assert_int_equal(error.rule, RULES_MAX);
	rules = compile(conditions, RULES_MAX);
	assert_in_range(rules_bytes(rules), 1, 32 << 20);
	for (unsigned i = 0; i < RULES_MAX; i++) {
		snprintf(json, sizeof(json), "{\"a\":\"v%u\",\"b\":%u}", i % 512, i);
		assert_int_equal(judge(rules, json), i);
		snprintf(json, sizeof(json), "{\"a\":\"v%u\",\"c\":\"p%u-x\"}", i % 512, i);
		assert_int_equal(judge(rules, json), i);
		snprintf(json, sizeof(json), "{\"a\":\"v%u\",\"b\":-1}", i % 512);
		assert_int_equal(judge(rules, json), RULES_NONE);
	}
	rules_free(rules);
	free(texts);
}

/* `a in [...]` of `count` texts that one format makes of numbers. */
static char *list_of(unsigned count, const char *before, const char *behind)
{
	char *text = malloc(count * 96u + 64), *at = text;

	if (text == NULL)
		abort();
	at += sprintf(at, "a in [");
	for (unsigned i = 0; i < count; i++)
		at += sprintf(at, "%s\"%s%u%s\"", i > 0 ? "," : "", before, i, behind);
	(void)sprintf(at, "]");
	return text;
}

static void check_list(const char *before, const char *behind)
{
	char *lists[2] = {list_of(10000, before, behind), list_of(5000, before, behind)};
	const char *conditions[] = {"b == 1", lists[0], lists[1]};
	struct rules *rules = compile(conditions, ARRAY_LENGTH(conditions));
	char json[256];

	for (unsigned i = 0; i < 12000; i += 7) {
		snprintf(json, sizeof(json), "{\"a\":\"%s%u%s\"}", before, i, behind);
		assert_int_equal(judge(rules, json), i < 10000 ? 1 : RULES_NONE);
	}
	rules_free(rules);
	free(lists[0]);
	free(lists[1]);
}

static void lists_of_ten_thousand_texts_are_one_alternative(void **state)
{
	(void)state;
	check_list("user-", "");
	check_list("", "");
	check_list("https://shop.example.com/items/", "/and/a/tail/that/is/the/same/for/all");
}

static void long_texts_are_told_apart(void **state)
{
	(void)state;
	for (unsigned len = 55; len < 140; len++) {
		char text[160], condition[200], json[200];
		const char *conditions[] = {condition};
		struct rules *rules;

		memset(text, 'x', sizeof(text));
		text[len] = '\0';
		snprintf(condition, sizeof(condition), "a == \"%s\"", text);
		rules = compile(conditions, 1);
		snprintf(json, sizeof(json), "{\"a\":\"%s\"}", text);
		assert_int_equal(judge(rules, json), 0);
		snprintf(json, sizeof(json), "{\"a\":\"%sx\"}", text);
		assert_int_equal(judge(rules, json), RULES_NONE);
		text[len / 2] = 'y';
		snprintf(json, sizeof(json), "{\"a\":\"%s\"}", text);
		assert_int_equal(judge(rules, json), RULES_NONE);
		rules_free(rules);
	}
}

static void a_list_of_numbers_is_searched_whole(void **state)
{
	char *text = malloc(200000), *at = text;
	const char *conditions[] = {text};
	struct rules *rules;
	char json[64];

	(void)state;
	if (text == NULL)
		abort();
	at += sprintf(at, "a in [-1");
	for (unsigned i = 0; i < 10000; i++)
		at += sprintf(at, ",%u", i * 3);
	(void)sprintf(at, "]");
	rules = compile(conditions, 1);
	for (unsigned i = 0; i < 31000; i += 11) {
		snprintf(json, sizeof(json), "{\"a\":%u}", i);
		assert_int_equal(judge(rules, json), i % 3 == 0 && i < 30000 ? 0 : RULES_NONE);
		snprintf(json, sizeof(json), "{\"a\":%u.5}", i);
		assert_int_equal(judge(rules, json), RULES_NONE);
	}
	rules_free(rules);
	free(text);
}

static void the_longest_value_is_read_with_its_escapes(void **state)
{
	const char *conditions[] = {"a ends with \"the very last bytes\""};
	struct rules *rules = compile(conditions, 1);
	char *value = malloc(65535);
	struct json_member member = {.kind = JSON_STRING, .escaped = 1};
	struct rules_event event = {.members = &member};

	(void)state;
	assert_non_null(value);
	memset(value, 'x', 65535);
	memcpy(value, "\\n", 2);
	memcpy(value + 65535 - 19, "the very last bytes", 19);
	member.value = (struct slice){(const uint8_t *)value, 65535};
	assert_int_equal(rules_judge(rules, &event), 0);
	value[65534] = 'x';
	assert_int_equal(rules_judge(rules, &event), RULES_NONE);
	rules_free(rules);
	free(value);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_first_rule_that_holds_counts),
		cmocka_unit_test(no_rules_and_rules_that_never_hold_are_fine),
		cmocka_unit_test(a_thousand_rules_keep_their_order),
		cmocka_unit_test(lists_of_ten_thousand_texts_are_one_alternative),
		cmocka_unit_test(long_texts_are_told_apart),
		cmocka_unit_test(a_list_of_numbers_is_searched_whole),
		cmocka_unit_test(the_longest_value_is_read_with_its_escapes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
