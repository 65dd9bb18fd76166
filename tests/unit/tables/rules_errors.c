/* SPDX-License-Identifier: Apache-2.0 */
/* What is refused, where, and in which words. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/compiler.h"
#include "tables/rules.h"

/* Compiles a condition from an exact heap block; -EINVAL is expected. */
static struct rules_error refusal(const char *condition)
{
	struct rules_error error = {.rule = 77};
	struct rules_paths paths = {.count = 0};
	char *copy = strdup(condition);
	const char *conditions[] = {"", copy};
	struct rules *rules;
	int result;

	assert_non_null(copy);
	assert_int_equal(rules_path_add(&paths, "before"), 0);
	result = rules_new(&rules, conditions, 2, &paths, &error);
	if (result != -EINVAL)
		fail_msg("%s: %d", condition, result);
	assert_null(rules);
	assert_int_equal(error.rule, 1);
	assert_int_equal(paths.count, 1);
	free(copy);
	return error;
}

struct refused {
	const char *condition;
	uint32_t offset;
	const char *part; /* of the sentence */
};

static void errors_name_the_place_and_what_was_expected(void **state)
{
	static const struct refused all[] = {
		{"a", 1, "found the end, expected an operator: == !="},
		{"a = 3", 2, "found '=', expected an operator"},
		{"a == ", 5, "found the end, expected a value such as 3, \"text\" or true"},
		{"a == b", 5, "found 'b', expected a value such as 3"},
		{"a == 'x'", 5, "found ''', expected a value"},
		{"a == 01", 5, "found '01', expected a value"},
		{"a == 3x", 5, "found '3x'"},
		{"a == 5m", 5, "found '5m'"},
		{"a == \"x", 5, "no end, expected a closing quote"},
		{"a == \"\\x\"", 5, "not one of JSON's"},
		{"a == \"x\\", 5, "no end"},
		{"a == \"\n\"", 6, "a control character"},
		{"a == [1]", 5, "expected 'in' before it"},
		{"a == 1..2", 6, "expected it behind 'in'"},
		{"a < \"x\"", 4, "texts have no order"},
		{"a < true", 4, "expected a number to compare"},
		{"a < 10.0.0.1", 4, "expected a number to compare"},
		{"a in", 4, "expected a value"},
		{"a in []", 6, "found ']', expected a value"},
		{"a in [1", 7, "found the end in a list, expected ',' or ']'"},
		{"a in [1 2]", 8, "found '2' in a list"},
		{"a in [1,]", 8, "found ']', expected a value"},
		{"a in 5..4", 5, "found '5', which is above the range's end"},
		{"a in 5..", 8, "expected the end of the range"},
		{"a in 5..x", 8, "found 'x', expected the end of the range"},
		{"a in [10.0.0.0/8, \"x\"]", 18, "either addresses or other values"},
		{"a in [1, 10.0.0.0/8]", 9, "either addresses"},
		{"a in 10.0.0.1/8", 5, "no bits set behind its length"},
		{"a in 10.0.0.0/33", 5, "expected an address or a network"},
		{"a == 10.0.0.0/8", 5, "which is a network; expected 'in' before it"},
		{"a in 1.2.3", 5, "expected an address or a network"},
		{"@client == 3", 11, "expected an address or a network"},
		{"@client < 1.2.3.4", 10, "not compared by order"},
		{"@client in \"10.0.0.0/8\"", 11, "expected an address or a network"},
		{"@client contains \"x\"", 17, "only members are texts"},
		{"@foo == 1", 0, "expected @age, @client or @source"},
		{"@ == 1", 0, "expected @age"},
		{"@clients in ::1", 0, "'clients'"},
		{"@age > 2", 7, "expected a duration such as 90s"},
		{"@age > 2w", 7, "units ms, s, m, h, d"},
		{"@age > 1.5h", 7, "expected a duration"},
		{"@age > 100000000000d", 7, "expected a duration"},
		{"@age > -", 7, "expected a duration"},
		{"@age == \"2h\"", 8, "found '\"', expected a duration"},
		{"a starts \"x\"", 9, "found '\"', expected 'with'"},
		{"a ends with x", 12, "found 'x', expected a text in quotes"},
		{"a contains 3", 11, "expected a text in quotes"},
		{"a not == 3", 6, "expected 'in' behind 'not'"},
		{"a is 3", 2, "found 'is', expected an operator"},
		{"exists", 6, "found the end, expected a member's name"},
		{"exists 3", 7, "in back quotes"},
		{"not", 3, "expected a member's name"},
		{"and == 1", 0, "and is a word of the language"},
		{"a == 1 or true", 10, "true is a word of the language"},
		{"3 == a", 0, "found '3', expected a member's name"},
		{"\"a\" == 1", 0, "expected a member's name"},
		{"-a == 1", 0, "expected a member's name"},
		{"a. == 1", 2, "expected a member's name"},
		{"a.1 == 1", 2, "in back quotes"},
		{".a == 1", 0, "expected a member's name"},
		{"`a == 1", 0, "no end, expected a back quote"},
		{"`` == 1", 0, "at least one character"},
		{"(a == 1", 7, "found the end, expected 'and', 'or' or ')'"},
		{"a == 1)", 6, "found ')', expected 'and', 'or' or the end"},
		{"a == 1 b == 2", 7, "found 'b', expected 'and', 'or' or the end"},
		{"a == 1 && b == 2", 7, "found '&', expected 'and'"},
		{"()", 1, "expected a member's name"},
		{"sample(a)", 8, "expected ',' and a share"},
		{"sample(a, 10)", 10, "expected a share such as 10%"},
		{"sample(a, 101%)", 10, "expected a share"},
		{"sample(a, 100.1%)", 10, "0 to 100"},
		{"sample(a, 1.00001%)", 10, "four decimals"},
		{"sample(a, -1%)", 10, "expected a share"},
		{"sample(a, .5%)", 10, "expected a share"},
		{"sample(a, 5.%)", 10, "expected a share"},
		{"sample(a, 10%", 13, "expected ')'"},
		{"sample(, 10%)", 7, "expected a member's name"},
		{"sample(@age, 1%)", 7, "expected a member's name"},
		{"a == \xC3\xA9", 5, "found '?', expected a value"},
		{"\x01", 0, "found '?'"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LENGTH(all); i++) {
		struct rules_error error = refusal(all[i].condition);

		if (error.offset != all[i].offset || strstr(error.text, all[i].part) == NULL)
			fail_msg("%s: at %u (expected %u): %s", all[i].condition, error.offset, all[i].offset,
				error.text);
	}
}

static char *repeated(const char *begin, const char *part, unsigned count, const char *end)
{
	size_t len = strlen(part), at = strlen(begin);
	char *text = malloc(at + len * count + strlen(end) + 1);

	assert_non_null(text);
	memcpy(text, begin, at);
	for (unsigned i = 0; i < count; i++, at += len)
		memcpy(text + at, part, len);
	memcpy(text + at, end, strlen(end) + 1);
	return text;
}

static void expect(char *condition, uint32_t offset, const char *part)
{
	struct rules_error error = refusal(condition);

	if (error.offset != offset || strstr(error.text, part) == NULL)
		fail_msg("at %u (expected %u): %s", error.offset, offset, error.text);
	free(condition);
}

static void limits_are_named(void **state)
{
	(void)state;
	expect(repeated("", "(", 65, ""), 64, "nested deeper than 64");
	expect(repeated("", "not ", 100, "a == 1"), 256, "nested deeper than 64");
	expect(repeated("", "(", 64, ""), 64, "found the end");
	expect(repeated("", "not ", 64, ""), 256, "found the end");
	expect(repeated("", "not ", 64, "(a == 1)"), 256, "nested deeper than 64");
	expect(repeated("a == ", "x", 3000, ""), 5, "found 'xxx");
	expect(repeated("", "n", 64, " == 1"), 0, "longer than 63 bytes");
	expect(repeated("a", ".bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb", 7, " == 1"), 242, "longer than 255 bytes");
	expect(repeated("a", ".b", 8, " == 1"), 16, "one more than the 8 names that a path may have");
	expect(repeated("a == 1 ", " ", RULES_TEXT_MAX, ""), RULES_TEXT_MAX, "longer than 1048576 bytes");
	expect(repeated("a == 0", " or a > 5 and b < 1", 4096, ""), 0, "alternatives");
}

static void a_product_of_alternatives_is_refused_with_its_cure(void **state)
{
	char text[1024] = "b == 1 and not (", *at = text + strlen(text);
	struct rules_error error;

	(void)state;
	for (unsigned i = 0; i < 13; i++)
		at += sprintf(at, "%sa == %u and b == %u", i > 0 ? " or " : "", i, i);
	strcpy(at, ")");
	error = refusal(text);
	assert_int_equal(error.offset, 16);
	assert_non_null(strstr(error.text, "make several rules of this one"));
}

static void one_member_too_many_is_named(void **state)
{
	char text[64 * 32], *at = text;

	(void)state;
	for (unsigned i = 0; i < RULES_PATHS; i++) /* `before` is there already */
		at += sprintf(at, "%sm%u == 1", i > 0 ? " or " : "", i);
	assert_string_equal(refusal(text).text, "m63 is one member too many: the rules of a type may name 64");
}

static void alternatives_of_all_rules_count_together(void **state)
{
	const char *conditions[1024];
	struct rules_error error;
	struct rules_paths paths = {.count = 0};
	struct rules *rules;

	(void)state;
	for (unsigned i = 0; i < 1024; i++)
		conditions[i] = i < 819 ? "a == 1 or b == 1 or c == 1 or d == 1 or e == 1" : "a == 1";
	conditions[820] = "f == 1 or g == 1";
	assert_int_equal(rules_new(&rules, conditions, 820, &paths, &error), 0);
	rules_free(rules);
	assert_int_equal(rules_new(&rules, conditions, 821, &paths, &error), -EINVAL);
	assert_int_equal(error.rule, 820);
	assert_non_null(strstr(error.text, "with this one the rules of the type have more than 4096 alternatives"));
}

static void every_cut_of_a_condition_is_read_or_refused(void **state)
{
	static const char full[] =
		"not (a.`b c` in [\"x\\u0041\", 3..5.5e1, null] or @age in -5m..1h) and sample(u, 12.5%) or "
		"@client not in [10.0.0.0/8, 2001:db8::/32] and t starts with \"abc\"";

	(void)state;
	for (size_t len = 0; len < sizeof(full); len++) {
		char *copy = strndup(full, len);
		const char *condition = copy;
		struct rules_error error = {.text = ""};
		struct rules_paths paths = {.count = 0};
		struct rules *rules;
		int result;

		assert_non_null(copy);
		result = rules_new(&rules, &condition, 1, &paths, &error);
		assert_true(result == 0 || (result == -EINVAL && error.text[0] != '\0' && error.offset <= len));
		rules_free(rules);
		free(copy);
	}
}

static void paths_are_listed_once_and_taken_apart(void **state)
{
	struct rules_paths paths = {.count = 0};
	char name[RULES_PATH_MAX + 1], longest[RULES_PATH_MAX + 2];
	const char *path = "a\\.b.c\\\\.d";

	(void)state;
	memset(longest, 'x', sizeof(longest));
	longest[RULES_PATH_MAX + 1] = '\0';
	assert_int_equal(rules_path_add(&paths, longest), -EINVAL);
	assert_int_equal(rules_path_add(&paths, ""), -EINVAL);
	assert_int_equal(rules_path_add(&paths, "a"), 0);
	assert_int_equal(rules_path_add(&paths, "b"), 1);
	assert_int_equal(rules_path_add(&paths, "a"), 0);
	assert_int_equal(rules_path_add(&paths, longest + 1), 2);
	assert_int_equal(rules_path_part(&path, name), 3);
	assert_string_equal(name, "a.b");
	assert_int_equal(rules_path_part(&path, name), 2);
	assert_string_equal(name, "c\\");
	assert_int_equal(rules_path_part(&path, name), 1);
	assert_int_equal(rules_path_part(&path, name), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(errors_name_the_place_and_what_was_expected),
		cmocka_unit_test(limits_are_named),
		cmocka_unit_test(a_product_of_alternatives_is_refused_with_its_cure),
		cmocka_unit_test(one_member_too_many_is_named),
		cmocka_unit_test(alternatives_of_all_rules_count_together),
		cmocka_unit_test(every_cut_of_a_condition_is_read_or_refused),
		cmocka_unit_test(paths_are_listed_once_and_taken_apart),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
