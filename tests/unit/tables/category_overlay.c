/* SPDX-License-Identifier: Apache-2.0 */
/* Changes over a table, and tables with them in it, against a plain array that says what each key should have. */
#include "category_rig.h"

#include <time.h>

#define LIMIT 100000u

/* Puts lines over `before`, all of them good. */
static struct category_overlay *change(
	const struct category *category, const struct category_overlay *before, const char *lines)
{
	struct category_overlay *overlay;
	struct error error = {""};
	struct category_tally tally = {0};

	if (category_overlay_new(&overlay, category, before, rig_slice(lines), LIMIT, &tally, &error) != 0 || tally.bad != 0)
		fail_msg("%s", error.text);
	return overlay;
}

static struct category *merge(const struct category *category, const struct category_overlay *overlay)
{
	struct category *merged;
	struct error error;

	if (category_merge(&merged, category, overlay, &error) != 0)
		fail_msg("%s", error.text);
	return merged;
}

#define KEPT 300000u /* keys of a table that is large enough to be changed in place */

static void changes_count_before_the_table(void **state)
{
	struct category *category = rig_table("a.tsv", "k1\ta\nk2\tb\n7\tc\n"), *merged;
	struct category_overlay *first, *second;
	struct category_info info;

	(void)state;
	assert_view(category, NULL, "k1", "\"a\"");
	first = change(category, NULL, "set\tk1\tb\ndelete\tk2\nset\tk3\tnew \"one\"\n");
	assert_int_equal(category_overlay_count(first), 3);
	second = change(
		category, first, "delete\tk1\r\nset\t7\tnew two\nset\tk2\tnew \"one\"\ndelete\tk4\nset\tk4\ta\n");
	assert_int_equal(category_overlay_count(second), 5);
	assert_view(category, first, "k1", "\"b\"");
	assert_view(category, first, "k2", "null");
	assert_view(category, first, "k3", "\"new \\\"one\\\"\"");
	assert_view(category, first, "7", "\"c\"");
	assert_view(category, first, "k4", "null");
	category_overlay_free(first);
	assert_view(category, second, "k1", "null");
	assert_view(category, second, "k2", "\"new \\\"one\\\"\"");
	assert_view(category, second, "k3", "\"new \\\"one\\\"\"");
	assert_view(category, second, "7", "\"new two\"");
	assert_view(category, second, "k4", "\"a\"");
	assert_view(category, second, "k5", "null");
	merged = merge(category, second);
	category_overlay_free(second);
	category_free(category);
	category_describe(merged, &info);
	assert_int_equal(info.entries, 4);
	assert_int_equal(info.values, 5);
	assert_category(merged, "k1", "null");
	assert_category(merged, "k2", "\"new \\\"one\\\"\"");
	assert_category(merged, "7", "\"new two\"");
	category_free(merged);
}

static void bad_lines_are_skipped_and_the_first_named(void **state)
{
	static const char lines[] =
		"set\tk1\tb\nset\tk1\nset\tk1\tb\tc\ndelete\tk1\tb\nremove\tk1\n\nset\t\tb\nset\tk2\t\nset\tk\xff\tb\n"
		"delete\t\nset\nSET\tk1\tb\nset\tk2\tb\nset\tk3\tb";
	struct category *category = rig_table("a.tsv", "k1\ta\n");
	struct category_overlay *overlay;
	struct error error = {""};
	struct category_tally tally = {0};

	(void)state;
	assert_int_equal(category_overlay_new(&overlay, category, NULL, rig_slice(lines), LIMIT, &tally, &error), 0);
	assert_int_equal(tally.bad, 12);
	assert_memory_equal(error.text, "line 2: this is neither `set`", 29);
	assert_int_equal(category_overlay_count(overlay), 2);
	assert_view(category, overlay, "k1", "\"b\"");
	assert_view(category, overlay, "k2", "\"b\"");
	assert_view(category, overlay, "k3", "null");
	category_overlay_free(overlay);
	category_free(category);
}

static void more_keys_than_the_limit_are_refused(void **state)
{
	struct category *category = rig_table("a.tsv", "k1\ta\n");
	struct category_overlay *before, *overlay = NULL;
	struct error error;
	struct category_tally tally = {0};

	(void)state;
	assert_int_equal(category_overlay_new(&before, category, NULL, rig_slice("set\t1\ta\nset\t2\ta\nset\t1\tb\n"),
				 2, &tally, &error),
		0);
	assert_int_equal(tally.line, 3);
	assert_int_equal(
		category_overlay_new(&overlay, category, before, rig_slice("delete\t1\nset\t3\ta\n"), 2, &tally, &error),
		-EFBIG);
	assert_null(overlay);
	assert_int_equal(tally.line, 3);
	assert_non_null(strstr(error.text, "line 5: more than 2 keys have changed"));
	assert_int_equal(
		category_overlay_new(&overlay, category, before, rig_slice("delete\t1\n"), 2, &tally, &error), 0);
	category_overlay_free(overlay);
	category_overlay_free(before);
	category_free(category);
}

static void categories_can_run_out(void **state)
{
	char *text = malloc(65533 * 16), *end = text;
	struct category *category;
	struct category_overlay *overlay;
	struct error error;
	struct category_tally tally = {0};

	(void)state;
	for (unsigned i = 0; i < 65533; i++)
		end += sprintf(end, "%u\tc%u\n", i, i);
	category = rig_table("a.tsv", text);
	assert_int_equal(category_overlay_new(&overlay, category, NULL,
				 rig_slice("set\ta\tn1\nset\tb\tn2\nset\tc\tc7\n"), 5, &tally, &error),
		0);
	assert_int_equal(tally.bad, 1);
	assert_memory_equal(error.text, "line 2: there are more than 65,534", 34);
	assert_view(category, overlay, "a", "\"n1\"");
	assert_view(category, overlay, "b", "null");
	assert_view(category, overlay, "c", "\"c7\"");
	assert_view(category, overlay, "65532", "\"c65532\"");
	category_overlay_free(overlay);
	category_free(category);
	free(text);
}

/* --- the model --- */

#define KEYS      3000u
#define NAMES     120u
#define REVISIONS 300u

struct model {
	uint8_t names[KEYS]; /* 0: the key has none */
	uint64_t random;
};

static uint32_t below(struct model *model, uint32_t bound)
{
	model->random = model->random * 6364136223846793005u + 1442695040888963407u; /* Knuth's MMIX */
	return (uint32_t)((model->random >> 33) % bound);
}

/* Odd keys are numbers. */
static const char *key_of(uint32_t i)
{
	static char key[32];

	(void)snprintf(key, sizeof(key), i % 2 != 0 ? "%u" : "key %u", i);
	return key;
}

static void check_all(
	const struct model *model, const struct category *category, const struct category_overlay *overlay)
{
	for (uint32_t i = 0; i < KEYS; i++) {
		char expected[64] = ",\"category\":null";

		if (model->names[i] != 0)
			(void)snprintf(expected, sizeof(expected), ",\"category\":\"name %u\"", model->names[i]);
		assert_string_equal(rig_view(category, overlay, key_of(i)), expected);
	}
}

/* Random changes as lines, done in the model too. */
static void make_lines(struct model *model, char *lines, unsigned names)
{
	unsigned count = below(model, 10) == 0 ? 1000 : below(model, 30);

	*lines = '\0';
	for (unsigned i = 0; i < count; i++) {
		uint32_t key = below(model, KEYS);

		model->names[key] = below(model, 3) == 0 ? 0 : (uint8_t)(1 + below(model, names));
		if (model->names[key] == 0)
			lines += sprintf(lines, "delete\t%s\n", key_of(key));
		else
			lines += sprintf(lines, "set\t%s\tname %u\n", key_of(key), model->names[key]);
	}
}

static void random_changes_and_merges_do_what_the_model_does(void **state)
{
	static char lines[1000 * 40];
	struct model model = {.random = 7};
	struct category *category = rig_table("a.tsv", "");
	struct category_overlay *overlay = NULL;
	struct error error;

	(void)state;
	for (unsigned revision = 1; revision <= REVISIONS; revision++) {
		struct category_overlay *next;

		make_lines(&model, lines, 1 + revision * (NAMES - 1) / REVISIONS);
		next = change(category, overlay, lines);
		category_overlay_free(overlay);
		overlay = next;
		check_all(&model, category, overlay);
		if (below(&model, 15) == 0) {
			struct category *merged = merge(category, overlay);

			category_overlay_free(overlay);
			category_free(category);
			overlay = NULL;
			category = merged;
			check_all(&model, category, NULL);
		}
		if (below(&model, 40) == 0 && overlay == NULL) {
			assert_int_equal(category_save(category, rig_path("saved"), &error), 0);
			category_free(category);
			assert_int_equal(rig_load(&category, rig_path("saved"), &error), 0);
			check_all(&model, category, NULL);
		}
	}
	category_overlay_free(overlay);
	category_free(category);
}

/* Growth by merges alone, from nothing: each merge finds room. */
static void a_table_grows_by_merges(void **state)
{
	struct category *category = rig_table("a.tsv", "");
	struct category_info info;
	char *lines = malloc(20000 * 40);

	(void)state;
	for (unsigned round = 0; round < 10; round++) {
		struct category_overlay *overlay;
		struct category *merged;
		char *end = lines;

		for (unsigned i = 0; i < 20000; i++)
			end += sprintf(end, "set\tkey-%u\tname %u\n", round * 20000 + i, i % 50);
		overlay = change(category, NULL, lines);
		merged = merge(category, overlay);
		category_overlay_free(overlay);
		category_free(category);
		category = merged;
	}
	category_describe(category, &info);
	assert_int_equal(info.entries, 200000);
	assert_in_range(info.bytes, 200000 * 12, 200000 * 30);
	for (unsigned i = 0; i < 200000; i++) {
		char key[32], expected[64];

		(void)snprintf(key, sizeof(key), "key-%u", i);
		(void)snprintf(expected, sizeof(expected), ",\"category\":\"name %u\"", i % 50);
		assert_string_equal(rig_find(category, key), expected);
	}
	category_free(category);
	free(lines);
}

/* As a merge does, but in the table: keys that were there, new ones, those that go, and new categories. */
static void a_table_takes_changes_in_without_a_second_one(void **state)
{
	char *lines = malloc(KEPT * 40), *end = lines;
	struct category_overlay *overlay;
	struct category *category;
	struct error error;
	uint64_t mapped;

	(void)state;
	for (unsigned i = 0; i < KEPT; i++)
		end += sprintf(end, "key-%u\told\n", i);
	category = rig_table("a.tsv", lines);
	end = lines;
	for (unsigned i = 0; i < KEPT; i += 10)
		end += sprintf(end, "set\tkey-%u\tnew %u\ndelete\tkey-%u\nset\tadded-%u\told\n", i, i % 50, i + 1, i);
	overlay = change(category, NULL, lines);
	mapped = memory_mapped_bytes();
	assert_int_equal(category_absorb(category, overlay, &error), 0);
	assert_true(memory_mapped_bytes() <= mapped + (2u << 20));
	category_overlay_free(overlay);
	for (unsigned i = 0; i < KEPT; i += 10) {
		char key[32], name[64];

		(void)snprintf(key, sizeof(key), "key-%u", i);
		(void)snprintf(name, sizeof(name), ",\"category\":\"new %u\"", i % 50);
		assert_string_equal(rig_find(category, key), name);
		(void)snprintf(key, sizeof(key), "key-%u", i + 1);
		assert_category(category, key, "null");
		(void)snprintf(key, sizeof(key), "key-%u", i + 2);
		assert_category(category, key, "\"old\"");
		(void)snprintf(key, sizeof(key), "added-%u", i);
		assert_category(category, key, "\"old\"");
	}
	category_free(category);
	free(lines);
}

static void what_has_no_room_for_changes_stays_as_it_is(void **state)
{
	struct category *category = rig_table("a.tsv", "a\tA\n");
	struct category_overlay *overlay = change(category, NULL, "set\ta\tB\n");
	struct category_info info;
	struct error error;

	(void)state;
	assert_int_equal(category_absorb(category, overlay, &error), -ENOSPC);
	assert_category(category, "a", "\"A\"");
	category_describe(category, &info);
	assert_int_equal(info.values, 1);
	category_overlay_free(overlay);
	category_free(category);
}

static void a_merge_keeps_to_the_budget(void **state)
{
	struct category_config config = {.name = "category", .budget_bytes = 50000, .node = MEMORY_ANY_NODE};
	struct category *category, *merged;
	struct category_overlay *overlay;
	struct error error;
	char *lines = malloc(5000 * 40), *end = lines;

	(void)state;
	config.path = rig_write("a.tsv", "", 0);
	assert_int_equal(category_new(&category, &config, &error), 0);
	for (unsigned i = 0; i < 5000; i++)
		end += sprintf(end, "set\tkey-%u\tname\n", i);
	overlay = change(category, NULL, lines);
	assert_int_equal(category_merge(&merged, category, overlay, &error), -EFBIG);
	assert_memory_equal(error.text, "merging changes: the table would take", 37);
	category_overlay_free(overlay);
	category_free(category);
	free(lines);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(changes_count_before_the_table),
		cmocka_unit_test(bad_lines_are_skipped_and_the_first_named),
		cmocka_unit_test(more_keys_than_the_limit_are_refused),
		cmocka_unit_test(categories_can_run_out),
		cmocka_unit_test(random_changes_and_merges_do_what_the_model_does),
		cmocka_unit_test(a_table_grows_by_merges),
		cmocka_unit_test(a_table_takes_changes_in_without_a_second_one),
		cmocka_unit_test(what_has_no_room_for_changes_stays_as_it_is),
		cmocka_unit_test(a_merge_keeps_to_the_budget),
	};

	return cmocka_run_group_tests(tests, rig_begin, rig_end);
}
