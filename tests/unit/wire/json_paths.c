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

struct wide {
	char text[160 * 1024];
	size_t len;
};

static void add(struct wide *w, const char *text)
{
	size_t len = strlen(text);

	assert_true(w->len + len < sizeof(w->text));
	memcpy(w->text + w->len, text, len + 1);
	w->len += len;
}

/* Up to `members` members from number `from` on. Each holds what looks like members of the names that are looked for. */
static void add_members(struct wide *w, unsigned from, unsigned members)
{
	char text[96];

	for (unsigned i = from; i < from + members; i++) {
		(void)snprintf(text, sizeof(text), "%s\"m%u\" : {\"country\":[\"city\\\"\",{\"address\":%u}]}", i > 0 ? " ,\n" : "", i, i);
		add(w, text);
	}
}

static const char *const below[] = {"user.country", "user.address.city", "user.none", "country", "user.m0.country", "last"};

/* `first` and `last` stand there among `members` that the object `user` has in all. */
static void begin_user(struct wide *w, const char *first, const char *last, unsigned members)
{
	w->len = 0;
	add(w, "{\"user\":{");
	add(w, first);
	add_members(w, first[0] != '\0', members - (first[0] != '\0') - (last[0] != '\0'));
	if (last[0] != '\0')
		add(w, " , ");
	add(w, last);
	add(w, " } ,\"last\":1}");
}

static void expect_user(const struct json_paths *paths, const struct wide *w, const char *country, const char *city)
{
	struct json_member out[LENGTH(below)];

	for (int trusted = 0; trusted < 2; trusted++) {
		uint8_t *data = find(paths, w->text, trusted, out);

		expect(&out[0], country);
		expect(&out[1], city);
		expect(&out[2], NULL);
		expect(&out[3], NULL);
		expect(&out[5], "1");
		free(data);
	}
}

/* The limit of members is one of the event itself: what it holds may have any number of them. */
static void a_nested_object_may_have_any_number_of_members(void **state)
{
	static const unsigned counts[] = {JSON_MEMBERS, JSON_MEMBERS + 1, 2 * JSON_MEMBERS, 2 * JSON_MEMBERS + 1, 3000};
	static struct wide w;
	struct json_member out[LENGTH(below)];
	struct json_paths *paths;
	uint8_t *data;
	unsigned bad;

	(void)state;
	assert_int_equal(json_paths_new(&paths, below, LENGTH(below), &bad), 0);
	FOR_EACH_LEVEL(level)
		for (size_t i = 0; i < LENGTH(counts); i++) {
			begin_user(&w, "\"country\":\"BR\"", "", counts[i]);
			expect_user(paths, &w, "BR", NULL);
			begin_user(&w, "", "\"country\" : \"BR\"", counts[i]);
			expect_user(paths, &w, "BR", NULL);
			begin_user(&w, "\"country\":1", "\"c\\u006funtry\":22", counts[i]);
			expect_user(paths, &w, "22", NULL);
			begin_user(&w, "\"address\":{\"city\":\"Recife\"}", "\"country\":null", counts[i]);
			expect_user(paths, &w, "null", "Recife");
			begin_user(&w, "\"address\":{\"city\":\"Recife\"}", "\"address\":7", counts[i]);
			expect_user(paths, &w, NULL, NULL);
			begin_user(&w, "", "", counts[i]);
			expect_user(paths, &w, NULL, NULL);
			data = find(paths, w.text, 0, out);
			expect(&out[4], "[\"city\\\"\",{\"address\":0}]");
			free(data);
		}
	json_paths_free(paths);
}

/* The same in several such objects, one in the other, with more names of one than a plan holds. */
static void wide_objects_may_hold_wide_objects(void **state)
{
	static char texts[40][32];
	static struct wide w;
	const char *many[LENGTH(texts)];
	struct json_member out[LENGTH(texts)];
	struct json_paths *paths;
	unsigned bad;
	uint8_t *data;

	(void)state;
	for (unsigned i = 0; i < LENGTH(texts); i++) {
		(void)snprintf(texts[i], sizeof(texts[i]), "user.deep.m%u.country", 7 * i);
		many[i] = texts[i];
	}
	w.len = 0;
	add(&w, "{\"user\":{");
	add_members(&w, 0, 300);
	add(&w, ",\"deep\":{");
	add_members(&w, 0, 300);
	add(&w, "}}}");
	assert_int_equal(json_paths_new(&paths, many, LENGTH(texts), &bad), 0);
	FOR_EACH_LEVEL(level) {
		data = find(paths, w.text, 0, out);
		for (unsigned i = 0; i < LENGTH(texts); i++) {
			char value[48];

			(void)snprintf(value, sizeof(value), "[\"city\\\"\",{\"address\":%u}]", 7 * i);
			expect(&out[i], value);
		}
		free(data);
	}
	json_paths_free(paths);
}

static void damage_in_a_wide_object_counts_as_absent(void **state)
{
	static const char *const damages[] = {"\"x\" 1", "\"x\":", "\"x\":\"\\q\"", "\"x\":[}", "1", "\"x\":\"\xC0\x80\""};
	static struct wide w;
	struct json_member out[LENGTH(below)];
	struct json_paths *paths;
	unsigned bad;

	(void)state;
	assert_int_equal(json_paths_new(&paths, below, LENGTH(below), &bad), 0);
	for (size_t i = 0; i < LENGTH(damages); i++) {
		uint8_t *data;

		w.len = 0;
		add(&w, "{\"user\":{\"country\":1");
		add_members(&w, 1, 400);
		add(&w, ",");
		add(&w, damages[i]);
		add(&w, "},\"last\":1}");
		data = find(paths, w.text, 1, out);
		expect(&out[0], NULL);
		expect(&out[5], "1");
		free(data);
	}
	json_paths_free(paths);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(paths_lead_to_members_at_every_level),
		cmocka_unit_test(many_names_of_one_object_are_found),
		cmocka_unit_test(bad_sets_are_refused),
		cmocka_unit_test(damage_below_counts_as_absent),
		cmocka_unit_test(a_nested_object_may_have_any_number_of_members),
		cmocka_unit_test(wide_objects_may_hold_wide_objects),
		cmocka_unit_test(damage_in_a_wide_object_counts_as_absent),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
