/* SPDX-License-Identifier: Apache-2.0 */

/* What the scanner takes out of objects, at all levels and, unless it is about errors, with both kinds of plan. */

#include <errno.h>

#include "json_levels.h"

static const char *const names[] = {"type", "ts", "ip", "x", "seven77", "timestamp", "timestamq", "a name beyond sixteen bytes"};
enum { TYPE, TS, IP, X, SEVEN, TIMESTAMP, TIMESTAMQ, LONG };

#define FOR_BOTH_PLANS(plan)                                                                                           \
	for (int trusted = 0; trusted < 2; trusted++)                                                                  \
		for (struct json_plan *plan = &plans[trusted]; plan != NULL; plan = NULL)

static struct json_plan plans[2];
static struct json_object object;

static int set_up(void **state)
{
	(void)state;
	make_plan(&plans[0], 0, names, ARRAY_LENGTH(names));
	make_plan(&plans[1], 1, names, ARRAY_LENGTH(names));
	return 0;
}

/* Reads one object that is all of the text; the text outlives the test, so slices into it can be looked at. */
static void read_one(const struct json_plan *plan, const char *text)
{
	uint32_t offset = 0;

	memset(&object, 0x5A, sizeof(object));
	if (json_next(plan, (const uint8_t *)text, (uint32_t)strlen(text), &offset, &object) != JSON_FOUND)
		fail_msg("not found: %s", text);
	assert_int_equal(offset, strlen(text));
	assert_true(slice_is(object.body, text));
}

static void check(unsigned index, enum json_kind kind, const char *value, const char *whole)
{
	const struct json_member *member = &object.members[index];

	assert_int_equal(member->kind, kind);
	assert_true(slice_is(member->value, value));
	assert_true(slice_is(member->whole, whole));
}

static void check_absent(unsigned index)
{
	const struct json_member *member = &object.members[index];

	assert_int_equal(member->kind, JSON_ABSENT);
	assert_null(member->value.data);
	assert_null(member->whole.data);
	assert_int_equal(member->value.len, 0);
	assert_int_equal(member->duplicate, 0);
	assert_int_equal(member->escaped, 0);
}

static void every_kind_of_value_is_taken(void **state)
{
	(void)state;
	FOR_EACH_LEVEL(level)
	FOR_BOTH_PLANS(plan)
	{
		read_one(plan, "{\"type\":\"click\",\"ts\":-12.5e3,\"ip\":true,\"x\":false,\"seven77\":null,"
			       "\"timestamp\":{\"type\":[1]},\"timestamq\":[{\"ts\":1},2],\"other\":1}");
		check(TYPE, JSON_STRING, "click", "\"type\":\"click\"");
		check(TS, JSON_NUMBER, "-12.5e3", "\"ts\":-12.5e3");
		check(IP, JSON_TRUE, "true", "\"ip\":true");
		check(X, JSON_FALSE, "false", "\"x\":false");
		check(SEVEN, JSON_NULL, "null", "\"seven77\":null");
		check(TIMESTAMP, JSON_OBJECT, "{\"type\":[1]}", "\"timestamp\":{\"type\":[1]}");
		check(TIMESTAMQ, JSON_ARRAY, "[{\"ts\":1},2]", "\"timestamq\":[{\"ts\":1},2]");
		check_absent(LONG);
		assert_int_equal(object.member_count, 8);
	}
}

static void white_space_is_no_part_of_a_member(void **state)
{
	(void)state;
	FOR_EACH_LEVEL(level)
	FOR_BOTH_PLANS(plan)
	{
		read_one(plan, "{ \"type\" : \"a b\" , \"ts\" :\t1 ,\"ip\": \"\"  , \"a name beyond sixteen bytes\"  :  [ ]  }");
		check(TYPE, JSON_STRING, "a b", "\"type\" : \"a b\"");
		check(TS, JSON_NUMBER, "1", "\"ts\" :\t1");
		check(IP, JSON_STRING, "", "\"ip\": \"\"");
		check(LONG, JSON_ARRAY, "[ ]", "\"a name beyond sixteen bytes\"  :  [ ]");
		assert_int_equal(object.member_count, 4);
	}
}

static void objects_on_lines_of_their_own_are_found_one_by_one(void **state)
{
	static const uint8_t text[] = "{\"type\":1}\n{\"type\":2}\n";

	(void)state;
	FOR_EACH_LEVEL(level)
	FOR_BOTH_PLANS(plan)
	{
		uint32_t offset = 0;

		for (int i = 0; i < 2; i++) {
			assert_int_equal(json_next(plan, text, sizeof(text) - 1, &offset, &object), JSON_FOUND);
			assert_int_equal(object.members[TYPE].value.data[0], '1' + i);
		}
		assert_int_equal(json_next(plan, text, sizeof(text) - 1, &offset, &object), JSON_END);
		assert_int_equal(offset, sizeof(text) - 1);
	}
}

static void nested_look_alikes_do_not_match(void **state)
{
	(void)state;
	FOR_EACH_LEVEL(level)
	FOR_BOTH_PLANS(plan)
	{
		read_one(plan, "{\"a\":{\"type\":1},\"b\":[\"type\",{\"ts\":2}],\"c\":\"type\",\"types\":3,\"typ\":4,\"Type\":5,"
			       "\"d\":\"\\\"type\\\":6\",\"\\\"type\":7,\"timestamr\":8,\"timestam\":9,"
			       "\"a name beyond sixteen bytez\":1,\"seven7\":1,\"seven777\":1}");
		for (unsigned i = 0; i < ARRAY_LENGTH(names); i++)
			check_absent(i);
		assert_int_equal(object.member_count, 13);
	}
}

static void names_of_one_beginning_are_told_apart(void **state)
{
	(void)state;
	FOR_EACH_LEVEL(level)
	FOR_BOTH_PLANS(plan)
	{
		read_one(plan, "{\"timestamq\":1,\"timestamr\":2,\"timestamp\":3,\"timestampp\":4,\"a name beyond sixteen bytes\":5}");
		check(TIMESTAMP, JSON_NUMBER, "3", "\"timestamp\":3");
		check(TIMESTAMQ, JSON_NUMBER, "1", "\"timestamq\":1");
		check(LONG, JSON_NUMBER, "5", "\"a name beyond sixteen bytes\":5");
		assert_int_equal(object.members[TIMESTAMP].duplicate, 0);
	}
}

static void of_duplicates_the_last_counts(void **state)
{
	(void)state;
	FOR_EACH_LEVEL(level)
	FOR_BOTH_PLANS(plan)
	{
		read_one(plan, "{\"type\":1,\"ts\":2,\"type\":\"two\",\"timestamp\":1,\"timestamp\":2}");
		check(TYPE, JSON_STRING, "two", "\"type\":\"two\"");
		check(TIMESTAMP, JSON_NUMBER, "2", "\"timestamp\":2");
		assert_int_equal(object.members[TYPE].duplicate, 1);
		assert_int_equal(object.members[TS].duplicate, 0);
		assert_int_equal(object.members[TIMESTAMP].duplicate, 1);
	}
}

static void duplicates_beyond_64_members_are_seen(void **state)
{
	char text[4096];
	int len = sprintf(text, "{\"type\":1,\"ts\":1");

	(void)state;
	for (int i = 0; i < 70; i++)
		len += sprintf(text + len, ",\"m%d\":0", i);
	sprintf(text + len, ",\"type\":2,\"ip\":3}");
	FOR_EACH_LEVEL(level)
	FOR_BOTH_PLANS(plan)
	{
		read_one(plan, text);
		check(TYPE, JSON_NUMBER, "2", "\"type\":2");
		check(TS, JSON_NUMBER, "1", "\"ts\":1");
		check(IP, JSON_NUMBER, "3", "\"ip\":3");
		assert_int_equal(object.members[TYPE].duplicate, 1);
		assert_int_equal(object.members[TS].duplicate, 0);
		assert_int_equal(object.member_count, 74);
	}
}

static void escapes_are_told_and_escaped_names_match(void **state)
{
	(void)state;
	FOR_EACH_LEVEL(level)
	FOR_BOTH_PLANS(plan)
	{
		read_one(plan, "{\"ty\\u0070e\":\"a\\nb\",\"ts\":\"plain\",\"\\u0069\\u0070\":1,\"time\\u0073tamp\":\"\\\\\","
			       "\"x\\u0000\":0}");
		check(TYPE, JSON_STRING, "a\\nb", "\"ty\\u0070e\":\"a\\nb\"");
		check(TS, JSON_STRING, "plain", "\"ts\":\"plain\"");
		check(IP, JSON_NUMBER, "1", "\"\\u0069\\u0070\":1");
		check(TIMESTAMP, JSON_STRING, "\\\\", "\"time\\u0073tamp\":\"\\\\\"");
		check_absent(X);
		assert_int_equal(object.members[TYPE].escaped, 1);
		assert_int_equal(object.members[TS].escaped, 0);
		assert_int_equal(object.members[TIMESTAMP].escaped, 1);
		read_one(plan, "{\"type\":1,\"t\\u0079pe\":\"\\u0000\"}");
		assert_int_equal(object.members[TYPE].duplicate, 1);
		check(TYPE, JSON_STRING, "\\u0000", "\"t\\u0079pe\":\"\\u0000\"");
	}
}

static void empty_objects_have_no_members(void **state)
{
	static const char *const texts[] = {"{}", "{ }", "{\n}",
		"{                                                                                                   }"};

	(void)state;
	FOR_EACH_LEVEL(level)
	FOR_BOTH_PLANS(plan)
	for (size_t i = 0; i < ARRAY_LENGTH(texts); i++) {
		read_one(plan, texts[i]);
		assert_int_equal(object.member_count, 0);
		check_absent(TYPE);
	}
}

/* Members of all sizes, so that names, colons and ends meet every place of a block. */
static void members_are_found_across_blocks(void **state)
{
	char text[512], value[256], whole[300];

	(void)state;
	FOR_EACH_LEVEL(level)
	FOR_BOTH_PLANS(plan)
	for (unsigned before = 0; before < 130; before++)
		for (unsigned size = 0; size < 130; size += 13) {
			memset(value, '{', size);
			value[size] = '\0';
			sprintf(whole, "\"timestamp\" : \"%s\"", value);
			sprintf(text, "{\"pad\":\"%0*d\" ,%s, \"ts\":%u%s}", (int)before + 1, 0, whole, size, before % 2 ? " " : "");
			read_one(plan, text);
			check(TIMESTAMP, JSON_STRING, value, whole);
			sprintf(value, "%u", size);
			sprintf(whole, "\"ts\":%u", size);
			check(TS, JSON_NUMBER, value, whole);
			assert_int_equal(object.member_count, 3);
		}
}

static void pretty_printed_objects_follow_each_other(void **state)
{
	static const char one[] = "{\n    \"type\": \"a\",\n    \"x\": [\n        {\n            \"type\": 1\n        }\n    ]\n}";
	char text[4 * sizeof(one)];
	size_t len = (size_t)sprintf(text, "\r\n%s\r\n\t%s%s  ", one, one, one);

	(void)state;
	FOR_EACH_LEVEL(level)
	FOR_BOTH_PLANS(plan)
	{
		uint32_t offset = 0;

		for (int i = 0; i < 3; i++) {
			assert_int_equal(json_next(plan, (uint8_t *)text, (uint32_t)len, &offset, &object), JSON_FOUND);
			assert_true(slice_is(object.body, one));
			check(TYPE, JSON_STRING, "a", "\"type\": \"a\"");
		}
		assert_int_equal(json_next(plan, (uint8_t *)text, (uint32_t)len, &offset, &object), JSON_END);
	}
}

/* Reads all of the text; '+' for an object, else a letter for the error. */
static void check_results(const struct json_plan *plan, const char *text, const char *expected)
{
	static const char letters[] = {[-JSON_BAD_SYNTAX] = 's', [-JSON_BAD_UTF8] = 'u', [-JSON_TOO_DEEP] = 'd',
		[-JSON_TOO_MANY] = 'm', [-JSON_TRUNCATED] = 't', [-JSON_NOT_OBJECT] = 'o'};
	uint8_t *block = exact_copy(text, strlen(text));
	char results[64] = "";
	uint32_t offset = 0;
	size_t count = 0;
	int result;

	while ((result = json_next(plan, block, (uint32_t)strlen(text), &offset, &object)) != JSON_END) {
		assert_true(count < sizeof(results) - 1);
		results[count++] = result == JSON_FOUND ? '+' : letters[-result];
	}
	if (strcmp(results, expected) != 0)
		fail_msg("%s gives %s, not %s", text, results, expected);
	free(block);
}

static void one_bad_event_does_not_lose_the_good_ones(void **state)
{
	(void)state;
	FOR_EACH_LEVEL(level)
	{
		check_results(&plans[0], "", "");
		check_results(&plans[0], " \n\t\r ", "");
		check_results(&plans[0], "{\"a\":1}{\"b\":2}", "++");
		check_results(&plans[0], "{\"a\":tru}\n{\"b\":2}\n", "s+");
		check_results(&plans[0], "{\"a\":1}\n{\"a\":tru}\r\n{\"b\":2}\n{\"b\":3}", "+s++");
		check_results(&plans[0], "{\"a\":\"x\n{\"b\":2}\n", "s+");
		check_results(&plans[0], "{\"a\":1\n{\"b\":2}\n", "s+");
		check_results(&plans[0], "{\"a\":[1\n{\"b\":2}\n", "s+");
		check_results(&plans[0], "{\"a\":\"\xff\"}\n{\"b\":2}", "u+");
		check_results(&plans[0], "garbage\n{\"b\":2}", "o+");
		check_results(&plans[0], "[{\"a\":1},\n{\"b\":2}\n,{\"c\":3}]", "o+o");
		check_results(&plans[0], "\xef\xbb\xbf{\"a\":1}\n{\"b\":2}", "o+");
		check_results(&plans[0], "{\"a\":x}{\"b\":1}{\"c\":2}", "s");
		check_results(&plans[0], "{\"a\":x,\n {\"type\":1}\n}", "s");
		check_results(&plans[0], "{\"a\":1}\n{\"b\":", "+t");
		check_results(&plans[0], "}{\n{}", "o+");
		check_results(&plans[0], "{\"a\":[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[1]]\n{\"b\":1}", "d+");
	}
}

static void trusted_plans_check_what_they_need(void **state)
{
	(void)state;
	FOR_EACH_LEVEL(level)
	{
		check_results(&plans[1], "{\"a\":tru,\"b\":01}\n{\"b\":\"\xff\"}", "++");
		check_results(&plans[1], "{\"a\":1\n{\"b\":2}}{\"c\":{]}", "++");
		check_results(&plans[1], "{\"a\" 1}\n{\"b\":2}", "s+");
		check_results(&plans[1], "{\"a\",\"b\":2}\n{}", "s+");
		check_results(&plans[1], "{a:1}\n{}", "s+");
		check_results(&plans[1], "{\"a\":1:2}\n{}", "s+");
		check_results(&plans[1], "{\"a\":1]\n{}", "s+");
		check_results(&plans[1], "{junk}\n{}", "s+");
		check_results(&plans[1], "{\"type\":}\n{}", "s+");
		check_results(&plans[1], "{\"type\":\"a\"b}\n{}", "s+");
		check_results(&plans[1], "{\"type\":*}\n{}", "s+");
		check_results(&plans[1], "{\"a\":[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[1]]\n{\"b\":1}", "d+");
		check_results(&plans[1], "{\"a\":\"", "t");
		check_results(&plans[1], "{\"a\":\"\\", "t");
		check_results(&plans[1], "1\n{}", "o+");
	}
}

/* Trusted plans must stay inside whatever the bytes are; the sanitizer watches. */
static void trusted_plans_are_safe_on_any_bytes(void **state)
{
	static const char bytes[] = "{}[]:,\"\\ \nat1";
	uint64_t random = 3;

	(void)state;
	for (unsigned i = 0; i < 20000; i++) {
		uint32_t len = 1 + random_below(&random, 150);
		uint8_t *block = malloc(len);

		assert_non_null(block);
		block[0] = '{';
		for (uint32_t k = 1; k < len; k++)
			block[k] = (uint8_t)bytes[random_below(&random, sizeof(bytes) - 1)];
		FOR_EACH_LEVEL(level)
		FOR_BOTH_PLANS(plan)
		{
			uint32_t offset = 0, before = 0;

			while (json_next(plan, block, len, &offset, &object) != JSON_END) {
				assert_true(offset > before && offset <= len);
				before = offset;
			}
		}
		free(block);
	}
}

static void large_datagrams_are_read_whole(void **state)
{
	const uint32_t size = 65507;
	char *text = malloc(size + 256);
	uint32_t len = 0, events = 0, offset = 0;

	(void)state;
	assert_non_null(text);
	while (len + 200 < size) {
		len += (uint32_t)sprintf(text + len, "{\"n\":%u,\"type\":\"t%u\",\"s\":\"%0*d\"}\n", events, events,
			(int)(events % 97) + 1, 0);
		events++;
	}
	FOR_EACH_LEVEL(level)
	FOR_BOTH_PLANS(plan)
	{
		uint32_t count = 0;

		for (offset = 0; json_next(plan, (uint8_t *)text, len, &offset, &object) == JSON_FOUND; count++)
			assert_int_equal(object.members[TYPE].kind, JSON_STRING);
		assert_int_equal(count, events);
		assert_int_equal(offset, len);
	}
	memset(text, 'x', size);
	memcpy(text, "{\"type\":\"", 9);
	memcpy(text + size - 2, "\"}", 2);
	FOR_EACH_LEVEL(level)
	FOR_BOTH_PLANS(plan)
	{
		offset = 0;
		assert_int_equal(json_next(plan, (uint8_t *)text, size, &offset, &object), JSON_FOUND);
		assert_int_equal(object.members[TYPE].value.len, size - 11);
	}
	free(text);
}

static void plans_know_their_limits(void **state)
{
	char name[JSON_NAME_MAX + 2];
	struct json_plan plan;

	(void)state;
	assert_int_equal(json_plan_init(NULL, 0), -EINVAL);
	assert_int_equal(json_plan_init(&plan, 0), 0);
	assert_int_equal(json_plan_add(NULL, "a"), -EINVAL);
	assert_int_equal(json_plan_add(&plan, NULL), -EINVAL);
	assert_int_equal(json_plan_add(&plan, ""), -EINVAL);
	memset(name, 'n', sizeof(name));
	name[JSON_NAME_MAX + 1] = '\0';
	assert_int_equal(json_plan_add(&plan, name), -EINVAL);
	name[JSON_NAME_MAX] = '\0';
	assert_int_equal(json_plan_add(&plan, name), 0);
	for (int i = 1; i < JSON_WANTED; i++) {
		sprintf(name, "m%d", i);
		assert_int_equal(json_plan_add(&plan, name), i);
	}
	assert_int_equal(json_plan_add(&plan, "one more"), -ENOSPC);
	assert_int_equal(json_plan_add(&plan, "m7"), 7);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_kind_of_value_is_taken),
		cmocka_unit_test(white_space_is_no_part_of_a_member),
		cmocka_unit_test(objects_on_lines_of_their_own_are_found_one_by_one),
		cmocka_unit_test(nested_look_alikes_do_not_match),
		cmocka_unit_test(names_of_one_beginning_are_told_apart),
		cmocka_unit_test(of_duplicates_the_last_counts),
		cmocka_unit_test(duplicates_beyond_64_members_are_seen),
		cmocka_unit_test(escapes_are_told_and_escaped_names_match),
		cmocka_unit_test(empty_objects_have_no_members),
		cmocka_unit_test(members_are_found_across_blocks),
		cmocka_unit_test(pretty_printed_objects_follow_each_other),
		cmocka_unit_test(one_bad_event_does_not_lose_the_good_ones),
		cmocka_unit_test(trusted_plans_check_what_they_need),
		cmocka_unit_test(trusted_plans_are_safe_on_any_bytes),
		cmocka_unit_test(large_datagrams_are_read_whole),
		cmocka_unit_test(plans_know_their_limits),
	};

	return cmocka_run_group_tests(tests, set_up, NULL);
}
