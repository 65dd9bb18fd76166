/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <errno.h>

#include "json_levels.h"
#include "wire/json_paths.h"

#define LENGTH(array) (sizeof(array) / sizeof((array)[0]))

static const char *const names[] = {"user.country", "user", "user.address.city", "a\\.b.c\\\\d", "country", "tags.x", "deep.er.still"};

/* Reads `text` on a block of its size and finds the paths; the caller frees the block. */
static uint8_t *find(const struct json_paths *paths, const char *text, int trusted, struct json_member *out)
{
	size_t len = strlen(text);
	uint8_t *data = malloc(len);
	struct json_object object;
	struct json_plan plan;
	uint32_t offset = 0;

	memcpy(data, text, len);
	(void)json_plan_init(&plan, trusted);
	(void)json_plan_add(&plan, "type");
	assert_int_equal(json_next(&plan, data, (uint32_t)len, &offset, &object), JSON_FOUND);
	assert_int_equal(json_paths_find(paths, &object, out), 0);
	return data;
}

static void expect(const struct json_member *member, const char *value)
{
	if (value == NULL) {
		assert_int_equal(member->kind, JSON_ABSENT);
		assert_null(member->value.data);
		return;
	}
	assert_int_not_equal(member->kind, JSON_ABSENT);
	assert_int_equal(member->value.len, strlen(value));
	assert_memory_equal(member->value.data, value, strlen(value));
}

static void paths_lead_to_members_at_every_level(void **state)
{
	static const struct {
		const char *text;
		const char *values[LENGTH(names)];
	} cases[] = {
		{"{\"type\":\"t\",\"user\":{\"country\":\"BR\",\"address\":{\"city\":\"Recife\"}},\"a.b\":{\"c\\\\d\":1},"
		 "\"country\":\"ZZ\"}",
			{"BR", "{\"country\":\"BR\",\"address\":{\"city\":\"Recife\"}}", "Recife", "1", "ZZ", NULL, NULL}},
		{"{}", {NULL}},
		{"{\"user\":\"country\",\"tags\":[{\"x\":1}],\"deep\":{\"er\":null}}", {NULL, "country"}},
		{"{\"user\":{\"country\":{\"country\":7}},\"x\":{\"user\":{\"country\":1}}}",
			{"{\"country\":7}", "{\"country\":{\"country\":7}}"}},
		{"{\"user\":{\"country\":1,\"country\":2},\"user\":{\"country\":3, \"country\" : 4 } }",
			{"4", "{\"country\":3, \"country\" : 4 }"}},
		{"{\"us\\u0065r\":{\"\\u0063ountry\":true},\"de\\u0065p\":{\"er\":{\"still\":[]}}}",
			{"true", "{\"\\u0063ountry\":true}", NULL, NULL, NULL, NULL, "[]"}},
	};
	struct json_member out[LENGTH(names)];
	struct json_paths *paths;
	unsigned bad;

	(void)state;
	assert_int_equal(json_paths_new(&paths, names, LENGTH(names), &bad), 0);
	for (enum json_level level = JSON_SCALAR; level <= JSON_AVX512; level++) {
		(void)json_use(level);
		for (size_t i = 0; i < LENGTH(cases); i++)
			for (int trusted = 0; trusted < 2; trusted++) {
				uint8_t *data = find(paths, cases[i].text, trusted, out);

				for (size_t k = 0; k < LENGTH(names); k++)
					expect(&out[k], cases[i].values[k]);
				free(data);
			}
	}
	json_paths_free(paths);
}

/* More names of one object than a plan holds, in an object of more members than the scanner takes at once. */
static void many_names_of_one_object_are_found(void **state)
{
	static char texts[JSON_PATHS][16];
	const char *many[JSON_PATHS];
	struct json_member out[JSON_PATHS];
	struct json_paths *paths;
	char text[4096] = "{\"o\":{";
	unsigned bad;
	uint8_t *data;

	(void)state;
	for (unsigned i = 0; i < JSON_PATHS; i++) {
		(void)snprintf(texts[i], sizeof(texts[i]), i % 2 ? "o.m%u" : "m%u", i);
		many[i] = texts[i];
	}
	for (unsigned i = 0; i < 100; i++)
		(void)sprintf(text + strlen(text), "\"m%u\":%u,", i, i);
	strcat(text, "\"z\":0}");
	for (unsigned i = 0; i < 100; i++)
		(void)sprintf(text + strlen(text), ",\"m%u\":\"%u\"", i, i);
	strcat(text, "}");
	assert_int_equal(json_paths_new(&paths, many, JSON_PATHS, &bad), 0);
	data = find(paths, text, 0, out);
	for (unsigned i = 0; i < JSON_PATHS; i++) {
		char value[8];

		(void)snprintf(value, sizeof(value), "%u", i);
		expect(&out[i], value);
		assert_int_equal(out[i].kind, i % 2 ? JSON_NUMBER : JSON_STRING);
	}
	free(data);
	json_paths_free(paths);
}

static void bad_sets_are_refused(void **state)
{
	static const char *const sets[][3] = {
		{"a", "", "b"}, {"a", "b.", "c"}, {"a", ".b", "c"}, {"a", "a", "b"},
		{"a", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", "b"}, {"a", "1.2.3.4.5.6.7.8.9", "b"}};
	static const int codes[] = {-EINVAL, -EINVAL, -EINVAL, -EINVAL, -ENAMETOOLONG, -E2BIG};
	struct json_paths *paths = NULL;
	unsigned bad;

	(void)state;
	for (size_t i = 0; i < LENGTH(sets); i++) {
		assert_int_equal(json_paths_new(&paths, sets[i], 3, &bad), codes[i]);
		assert_int_equal(bad, 1);
		assert_null(paths);
	}
	assert_int_equal(json_paths_new(&paths, names, 0, &bad), 0);
	json_paths_free(paths);
	json_paths_free(NULL);
}

/* What is nested in an object of a trusted sender may be anything. */
static void damage_below_counts_as_absent(void **state)
{
	struct json_member out[LENGTH(names)];
	struct json_paths *paths;
	unsigned bad;
	uint8_t *data;

	(void)state;
	assert_int_equal(json_paths_new(&paths, names, LENGTH(names), &bad), 0);
	data = find(paths, "{\"user\":{\"country\" 1},\"country\":\"BR\"}", 1, out);
	expect(&out[0], NULL);
	expect(&out[1], "{\"country\" 1}");
	expect(&out[4], "BR");
	free(data);
	json_paths_free(paths);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(paths_lead_to_members_at_every_level),
		cmocka_unit_test(many_names_of_one_object_are_found),
		cmocka_unit_test(bad_sets_are_refused),
		cmocka_unit_test(damage_below_counts_as_absent),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
