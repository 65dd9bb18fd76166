/* SPDX-License-Identifier: Apache-2.0 */
/* Each construct of the language, on events that it holds for and on those that it does not hold for. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <stdio.h>

#include "base/compiler.h"
#include "rules_rig.h"

static struct rules *compile(const char *condition, struct rules_paths *paths)
{
	struct rules_error error = {.text = ""};
	struct rules *rules;

	if (rules_new(&rules, &condition, 1, paths, &error) != 0)
		fail_msg("%s: at %u: %s", condition, error.offset, error.text);
	return rules;
}

static int holds(const char *condition, const char *json)
{
	static struct rules_paths paths;
	struct rig_event rig;
	struct rules *rules;
	uint32_t rule;

	paths.count = 0;
	rules = compile(condition, &paths);
	rig_event_make(&rig, json, &paths);
	rule = rules_judge(rules, &rig.event);
	assert_true(rule == 0 || rule == RULES_NONE);
	rig_event_free(&rig);
	rules_free(rules);
	return rule == 0;
}

struct claim {
	const char *condition, *json;
	int holds;
};

static void check(const struct claim *claims, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (holds(claims[i].condition, claims[i].json) != claims[i].holds)
			fail_msg("%s on %s should be %d", claims[i].condition, claims[i].json, claims[i].holds);
}

static void equality_looks_at_kind_and_value(void **state)
{
	static const struct claim claims[] = {
		{"a == 3", "{\"a\":3}", 1},
		{"a == 3", "{\"a\":3.00}", 1},
		{"a == 3", "{\"a\":30e-1}", 1},
		{"a == 3", "{\"a\":4}", 0},
		{"a == 3", "{\"a\":\"3\"}", 0},
		{"a == 3", "{}", 0},
		{"a == 3", "{\"a\":[3]}", 0},
		{"a == \"x\"", "{\"a\":\"x\"}", 1},
		{"a == \"x\"", "{\"a\":\"X\"}", 0},
		{"a == \"x\"", "{\"a\":\"xx\"}", 0},
		{"a == \"\"", "{\"a\":\"\"}", 1},
		{"a == \"\"", "{\"a\":null}", 0},
		{"a == true", "{\"a\":true}", 1},
		{"a == true", "{\"a\":false}", 0},
		{"a == true", "{\"a\":\"true\"}", 0},
		{"a == false", "{\"a\":false}", 1},
		{"a == false", "{}", 0},
		{"a == null", "{\"a\":null}", 1},
		{"a == null", "{}", 0},
		{"a == null", "{\"a\":0}", 0},
		{"a != 3", "{\"a\":3}", 0},
		{"a != 3", "{\"a\":4}", 1},
		{"a != 3", "{}", 1},
		{"a != 3", "{\"a\":\"3\"}", 1},
		{"a != null", "{}", 1},
		{"a != null", "{\"a\":null}", 0},
		{"not a == 3", "{\"a\":4}", 1},
		{"not a != 3", "{\"a\":3}", 1},
		{"not a != 3", "{}", 0},
	};

	(void)state;
	check(claims, ARRAY_LENGTH(claims));
}

static void texts_compare_without_their_escapes(void **state)
{
	static const struct claim claims[] = {
		{"a == \"A\"", "{\"a\":\"\\u0041\"}", 1},
		{"a == \"\\u0041\"", "{\"a\":\"A\"}", 1},
		{"a == \"/\"", "{\"a\":\"\\/\"}", 1},
		{"a == \"a\\\"b\"", "{\"a\":\"a\\u0022b\"}", 1},
		{"a == \"\xC3\xA9\"", "{\"a\":\"\\u00e9\"}", 1},
		{"a != \"A\"", "{\"a\":\"\\u0041\"}", 0},
		{"a starts with \"http://\"", "{\"a\":\"http:\\/\\/x\"}", 1},
		{"a contains \"\\n\"", "{\"a\":\"x\\ny\"}", 1},
		{"a ends with \"\\u0000\"", "{\"a\":\"x\\u0000\"}", 1},
		{"a ends with \"\\u0000\"", "{\"a\":\"x\"}", 0},
		{"a starts with \"x\\u0000\"", "{\"a\":\"x\"}", 0},
		{"a starts with \"x\\u0000\"", "{\"a\":\"x\\u0000y\"}", 1},
		{"a in 10.0.0.0/8", "{\"a\":\"10.1.2.\\u0033\"}", 1},
		{"exists a", "{\"a\":\"\\u0041\"}", 1},
		{"a == \"x\" and b == 1", "{\"a\":\"\\u0078\",\"b\":1}", 1},
	};

	(void)state;
	check(claims, ARRAY_LENGTH(claims));
}

static void numbers_compare_as_decimals(void **state)
{
	static const struct claim claims[] = {
		{"a < 3", "{\"a\":2.999}", 1},
		{"a < 3", "{\"a\":3}", 0},
		{"a <= 3", "{\"a\":3.0}", 1},
		{"a <= 3", "{\"a\":3.1}", 0},
		{"a > 3", "{\"a\":3.0001}", 1},
		{"a > 3", "{\"a\":3}", 0},
		{"a >= 3", "{\"a\":3}", 1},
		{"a >= 3", "{\"a\":-3}", 0},
		{"a < 0", "{\"a\":-1e-300}", 1},
		{"a < 0", "{\"a\":-0.0}", 0},
		{"a == 0", "{\"a\":-0}", 1},
		{"a == 9007199254740993", "{\"a\":9007199254740992}", 0},
		{"a == 9007199254740993", "{\"a\":9007199254740993}", 1},
		{"a > 1e300", "{\"a\":1e999}", 1},
		{"a > 1", "{\"a\":\"2\"}", 0},
		{"a > 1", "{}", 0},
		{"not a > 1", "{}", 1},
		{"a > -1e400", "{\"a\":-1e399}", 1},
		{"a in 10..20", "{\"a\":10}", 1},
		{"a in 10..20", "{\"a\":20.0}", 1},
		{"a in 10..20", "{\"a\":20.5}", 0},
		{"a in 10..20", "{\"a\":9.99}", 0},
		{"a in -2.5 .. -1", "{\"a\":-2}", 1},
		{"a not in 10..20", "{\"a\":15}", 0},
		{"a not in 10..20", "{}", 1},
		{"a in 3", "{\"a\":3}", 1},
	};

	(void)state;
	check(claims, ARRAY_LENGTH(claims));
}

static void lists_hold_values_of_any_kind(void **state)
{
	static const struct claim claims[] = {
		{"a in [\"x\", \"y\", 3, true, null]", "{\"a\":\"y\"}", 1},
		{"a in [\"x\", \"y\", 3, true, null]", "{\"a\":3}", 1},
		{"a in [\"x\", \"y\", 3, true, null]", "{\"a\":true}", 1},
		{"a in [\"x\", \"y\", 3, true, null]", "{\"a\":null}", 1},
		{"a in [\"x\", \"y\", 3, true, null]", "{\"a\":false}", 0},
		{"a in [\"x\", \"y\", 3, true, null]", "{}", 0},
		{"a in [\"x\"]", "{\"a\":{\"x\":1}}", 0},
		{"a not in [\"x\", 3]", "{\"a\":3}", 0},
		{"a not in [\"x\", 3]", "{\"a\":4}", 1},
		{"a in [1..3, 2..5, 9]", "{\"a\":5}", 1},
		{"a in [1..3, 2..5, 9]", "{\"a\":6}", 0},
		{"a in [1..3, 2..5, 9]", "{\"a\":9}", 1},
		{"a in [3, 3]", "{\"a\":3}", 1},
		{"a in [\"x\",\"x\"]", "{\"a\":\"x\"}", 1},
		{"a in \"x\"", "{\"a\":\"x\"}", 1},
	};

	(void)state;
	check(claims, ARRAY_LENGTH(claims));
}

static void parts_of_texts_are_found(void **state)
{
	static const struct claim claims[] = {
		{"a starts with \"ab\"", "{\"a\":\"abc\"}", 1},
		{"a starts with \"ab\"", "{\"a\":\"ab\"}", 1},
		{"a starts with \"ab\"", "{\"a\":\"a\"}", 0},
		{"a starts with \"ab\"", "{\"a\":\"xab\"}", 0},
		{"a starts with \"\"", "{\"a\":\"\"}", 1},
		{"a starts with \"\"", "{\"a\":1}", 0},
		{"a ends with \"\"", "{}", 0},
		{"a ends with \"bc\"", "{\"a\":\"abc\"}", 1},
		{"a ends with \"bc\"", "{\"a\":\"c\"}", 0},
		{"a starts with \"0123456789abcdef\"", "{\"a\":\"0123456789abcdef\"}", 1},
		{"a starts with \"0123456789abcdef\"", "{\"a\":\"0123456789abcde\"}", 0},
		{"a starts with \"0123456789abcdefg\"", "{\"a\":\"0123456789abcdefgh\"}", 1},
		{"a starts with \"0123456789abcdefg\"", "{\"a\":\"0123456789abcdefh\"}", 0},
		{"a ends with \"0123456789abcdef\"", "{\"a\":\"x0123456789abcdef\"}", 1},
		{"a ends with \"0123456789abcdefg\"", "{\"a\":\"x0123456789abcdefg\"}", 1},
		{"a ends with \"0123456789abcdefg\"", "{\"a\":\"g\"}", 0},
		{"a ends with \"bcdefghijk\"", "{\"a\":\"abcdefghijk\"}", 1},
		{"a starts with \"abcdefghi\"", "{\"a\":\"abcdefghij\"}", 1},
		{"a starts with \"abcdefghi\"", "{\"a\":\"abcdefgh\"}", 0},
		{"a contains \"b\"", "{\"a\":\"abc\"}", 1},
		{"a contains \"\"", "{\"a\":\"\"}", 1},
		{"a contains \"\"", "{\"a\":null}", 0},
		{"a contains \"x\"", "{\"a\":\"abc\"}", 0},
		{"a contains \"x\"", "{\"a\":[\"x\"]}", 0},
		{"not a contains \"x\"", "{\"a\":\"abc\"}", 1},
		{"not a contains \"x\"", "{}", 1},
		{"not a contains \"b\"", "{\"a\":\"b\"}", 0},
	};

	(void)state;
	check(claims, ARRAY_LENGTH(claims));
}

static void existence_is_not_null(void **state)
{
	static const struct claim claims[] = {
		{"exists a", "{\"a\":null}", 1},
		{"exists a", "{\"a\":{}}", 1},
		{"exists a", "{\"a\":[]}", 1},
		{"exists a", "{\"a\":1}", 1},
		{"exists a", "{\"a\":\"\"}", 1},
		{"exists a", "{\"b\":1}", 0},
		{"not exists a", "{\"b\":1}", 1},
		{"exists a and a != null", "{\"a\":null}", 0},
		{"exists @client", "{}", 0},
		{"exists @source", "{}", 1},
		{"exists @age", "{}", 0},
	};

	(void)state;
	check(claims, ARRAY_LENGTH(claims));
}

static void paths_name_nested_and_odd_members(void **state)
{
	static const struct claim claims[] = {
		{"a.b == 1", "{\"a\":{\"b\":1}}", 1},
		{"a.b == 1", "{\"b\":1,\"a\":{\"c\":1}}", 0},
		{"b == 1", "{\"a\":{\"b\":1}}", 0},
		{"a.b == 1", "{\"a\":1}", 0},
		{"a.b.c == 1", "{\"a\":{\"b\":{\"c\":1}}}", 1},
		{"`odd name`.x == 1", "{\"odd name\":{\"x\":1}}", 1},
		{"`a.b` == 1", "{\"a.b\":1}", 1},
		{"`a.b` == 1", "{\"a\":{\"b\":1}}", 0},
		{"`a\\b` == 1", "{\"a\\\\b\":1}", 1},
		{"`1` == 1", "{\"1\":1}", 1},
		{"`not` == 1", "{\"not\":1}", 1},
		{"a.not == 1", "{\"a\":{\"not\":1}}", 1},
		{"sample == 1", "{\"sample\":1}", 1},
		{"contains contains \"x\"", "{\"contains\":\"x\"}", 1},
		{"x-y_z == 1", "{\"x-y_z\":1}", 1},
		{"a == 1", "{\"a\":2,\"a\":1}", 1},
		{"a == 1", "{\"\\u0061\":1}", 1},
	};

	(void)state;
	check(claims, ARRAY_LENGTH(claims));
}

static void logic_binds_not_before_and_before_or(void **state)
{
	static const struct claim claims[] = {
		{"a == 1 or b == 1 and c == 1", "{\"a\":1}", 1},
		{"(a == 1 or b == 1) and c == 1", "{\"a\":1}", 0},
		{"not a == 1 and b == 1", "{\"b\":1}", 1},
		{"not (a == 1 and b == 1)", "{\"a\":1}", 1},
		{"not (a == 1 or b == 1)", "{\"a\":1}", 0},
		{"not (a == 1 or b == 1)", "{}", 1},
		{"not not a == 1", "{\"a\":1}", 1},
		{"a == 1 and not a == 1", "{\"a\":1}", 0},
		{"a == 1 or not a == 1", "{}", 1},
		{"", "{}", 1},
		{" \t\r\n ", "{}", 1},
		{"((a==1)or(b==2))", "{\"b\":2}", 1},
		{"not((a==1)and(not(b==2)))", "{\"a\":1,\"b\":3}", 0},
		{"a in [1,2]\nor\tb in [3]", "{\"b\":3}", 1},
	};

	(void)state;
	check(claims, ARRAY_LENGTH(claims));
}

/* --- places --- */

static int holds_at(const char *condition, const struct rules_event *event)
{
	struct rules_paths paths = {.count = 0};
	struct rules *rules = compile(condition, &paths);
	uint32_t rule = rules_judge(rules, event);

	rules_free(rules);
	return rule == 0;
}

static struct ip_address address_of(const char *text)
{
	struct ip_address address = {0, 0};

	assert_int_equal(address_parse((struct slice){(const uint8_t *)text, (uint32_t)strlen(text)}, &address), 0);
	return address;
}

static void addresses_are_in_networks(void **state)
{
	static const struct claim claims[] = {
		{"a in 10.0.0.0/8", "{\"a\":\"10.255.0.1\"}", 1},
		{"a in 10.0.0.0/8", "{\"a\":\"11.0.0.0\"}", 0},
		{"a in 10.0.0.0/8", "{\"a\":\"9.255.255.255\"}", 0},
		{"a in 10.0.0.0/8", "{\"a\":\"no address\"}", 0},
		{"a not in 10.0.0.0/8", "{\"a\":\"no address\"}", 1},
		{"a not in 10.0.0.0/8", "{}", 1},
		{"a in 10.0.0.0/8", "{\"a\":10}", 0},
		{"a in [10.0.0.0/8, 2001:db8::/32]", "{\"a\":\"2001:db8:1::1\"}", 1},
		{"a in [10.0.0.0/8, 2001:db8::/32]", "{\"a\":\"2001:db9::\"}", 0},
		{"a in ::/0", "{\"a\":\"::\"}", 1},
		{"a in ::/0", "{\"a\":\"ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff\"}", 1},
		{"a in 0.0.0.0/0", "{\"a\":\"2001:db8::\"}", 0},
		{"a in 0.0.0.0/0", "{\"a\":\"1.2.3.4\"}", 1},
		{"a == 1.2.3.4", "{\"a\":\"1.2.3.4\"}", 1},
		{"a == 1.2.3.4", "{\"a\":\"::ffff:1.2.3.4\"}", 1},
		{"a != ::1", "{\"a\":\"0:0::1\"}", 0},
		{"a in 10.0.0.0/8 and a != \"10.0.0.1\"", "{\"a\":\"10.0.0.1\"}", 0},
		{"a in 10.0.0.0/8 and a != \"10.0.0.1\"", "{\"a\":\"10.0.0.2\"}", 1},
	};
	struct rules_event event = {.source = address_of("192.0.2.1")};

	(void)state;
	check(claims, ARRAY_LENGTH(claims));
	assert_false(holds_at("@client in 0.0.0.0/0", &event));
	assert_true(holds_at("@client not in ::/0", &event));
	assert_true(holds_at("@source in 192.0.2.0/24", &event));
	event.client = address_of("2001:db8::7");
	event.has_client = 1;
	assert_true(holds_at("@client in [10.0.0.0/8, 2001:db8::/32] and exists @client", &event));
	assert_false(holds_at("@client == 2001:db8::8", &event));
	assert_true(holds_at("@client==2001:db8::7 and @source!=192.0.2.2", &event));
}

static void ages_are_receive_time_less_event_time(void **state)
{
	const int64_t second = 1000000;
	struct rules_event event = {.time_us = EVENT_NO_TIME, .receive_us = 1700000000 * second};

	(void)state;
	assert_false(holds_at("@age > 0", &event));
	assert_false(holds_at("@age <= 0", &event));
	assert_true(holds_at("not @age > 0", &event));
	event.time_us = event.receive_us - 7200 * second;
	assert_true(holds_at("@age >= 2h", &event));
	assert_false(holds_at("@age > 2h", &event));
	assert_true(holds_at("@age == 120m and @age == 7200s and @age == 7200000ms", &event));
	assert_true(holds_at("@age in -5m..1d", &event));
	assert_true(holds_at("@age not in [0..1h, 3h..4h]", &event));
	event.time_us = event.receive_us + second;
	assert_true(holds_at("@age < 0 and @age in -5m..1h", &event));
	assert_false(holds_at("@age < -1s", &event));
	event.time_us = INT64_MIN + 1;
	event.receive_us = INT64_MAX;
	assert_true(holds_at("@age > 100000d", &event));
	event.time_us = INT64_MAX;
	event.receive_us = INT64_MIN + 1;
	assert_true(holds_at("@age < -100000d", &event));
}

static void samples_are_those_of_the_function(void **state)
{
	static const char *const shares[] = {
		"0%", "0.0001%", "10%", "33.3333%", "50.5%", "99.9999%", "100%", "100.0000%"};
	static const uint32_t millionths[] = {0, 1, 100000, 333333, 505000, 999999, 1000000, 1000000};
	unsigned taken = 0;

	(void)state;
	for (unsigned s = 0; s < ARRAY_LENGTH(shares); s++) {
		struct rules_paths paths = {.count = 0};
		char condition[64];
		struct rules *rules;

		snprintf(condition, sizeof(condition), "sample(user, %s)", shares[s]);
		rules = compile(condition, &paths);
		for (unsigned i = 0; i < 2000; i++) {
			static const char *const before[] = {
				"{\"user\":\"u", "{\"user\":", "{\"user\":\"\\u0075", "{\"u\":"};
			struct rig_event rig;
			char json[64];

			snprintf(json, sizeof(json), "%s%u%s", before[i % 4], i / 4 + 1, i % 2 ? "}" : "\"}");
			rig_event_make(&rig, json, &paths);
			assert_int_equal(
				rules_judge(rules, &rig.event) == 0, rules_sampled(&rig.members[0], millionths[s]));
			taken += millionths[s] == 100000 && i % 4 < 2 && rules_sampled(&rig.members[0], millionths[s]);
			rig_event_free(&rig);
		}
		rules_free(rules);
	}
	assert_in_range(taken, 60, 140); /* of 1,000 */
}

static void escapes_do_not_change_the_sample(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 200; i++) {
		char plain[16], escaped[32];
		struct json_member a = {.kind = JSON_STRING}, b = {.kind = JSON_STRING, .escaped = 1};

		snprintf(plain, sizeof(plain), "u%u", i);
		snprintf(escaped, sizeof(escaped), "\\u0075%u", i);
		a.value = (struct slice){(const uint8_t *)plain, (uint32_t)strlen(plain)};
		b.value = (struct slice){(const uint8_t *)escaped, (uint32_t)strlen(escaped)};
		assert_int_equal(rules_sampled(&a, 500000), rules_sampled(&b, 500000));
	}
}

/* What a trusted plan may hand over: neither is read further than it goes, and neither equals anything. */
static void values_that_are_none_equal_nothing(void **state)
{
	static const char *const holding[] = {
		"exists a", "a != 12", "not a < 13", "not a starts with \"1\"", "a not in 10.0.0.0/8"};
	static const char *const failing[] = {
		"a == 12", "a < 13", "a in 1..20", "a starts with \"1\"", "a contains \"\""};
	static const struct json_member members[] = {
		{.kind = JSON_NUMBER, .value = {(const uint8_t *)"12x", 3}},
		{.kind = JSON_STRING, .escaped = 1, .value = {(const uint8_t *)"12\\q", 4}},
	};

	(void)state;
	for (unsigned m = 0; m < ARRAY_LENGTH(members); m++) {
		struct rules_event event = {.members = &members[m]};

		for (unsigned i = 0; i < ARRAY_LENGTH(holding); i++)
			assert_true(holds_at(holding[i], &event));
		for (unsigned i = 0; i < ARRAY_LENGTH(failing); i++)
			assert_false(holds_at(failing[i], &event));
	}
}

/* The first block of examples in the manual, a condition a line. */
static void the_manuals_examples_compile(void **state)
{
	FILE *manual = fopen(MANUAL, "r");
	char line[256];
	unsigned examples = 0;
	int inside = 0;

	(void)state;
	assert_non_null(manual);
	while (fgets(line, sizeof(line), manual) != NULL && (inside == 0 || strcmp(line, "```\n") != 0)) {
		struct rules_paths paths = {.count = 0};

		if (inside) {
			rules_free(compile(line, &paths));
			examples++;
		}
		inside |= strcmp(line, "```\n") == 0;
	}
	(void)fclose(manual);
	assert_in_range(examples, 4, 20);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_manuals_examples_compile),
		cmocka_unit_test(equality_looks_at_kind_and_value),
		cmocka_unit_test(texts_compare_without_their_escapes),
		cmocka_unit_test(numbers_compare_as_decimals),
		cmocka_unit_test(lists_hold_values_of_any_kind),
		cmocka_unit_test(parts_of_texts_are_found),
		cmocka_unit_test(existence_is_not_null),
		cmocka_unit_test(paths_name_nested_and_odd_members),
		cmocka_unit_test(logic_binds_not_before_and_before_or),
		cmocka_unit_test(addresses_are_in_networks),
		cmocka_unit_test(ages_are_receive_time_less_event_time),
		cmocka_unit_test(samples_are_those_of_the_function),
		cmocka_unit_test(escapes_do_not_change_the_sample),
		cmocka_unit_test(values_that_are_none_equal_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
