/* SPDX-License-Identifier: Apache-2.0 */
/* Many keys: each is found, and what is no key is not. */
#include "category_rig.h"

#include "tables/category_priv.h"

#define KEYS  1000000u
#define NAMES 3000u
#define BURST 32u

/* The i-th key: half are numbers, half texts of several lengths. */
static struct slice make_key(char key[64], uint32_t i)
{
	uint32_t len = (uint32_t)(i % 2 == 0 ? snprintf(key, 64, "%llu", i * 0x9e3779b97f4aull)
					     : snprintf(key, 64, "item-%0*x", (int)(1 + i % 40), i));

	return (struct slice){(const uint8_t *)key, len};
}

static struct category *make_table(void)
{
	const char *path = rig_path("many.tsv");
	struct category *category = NULL;
	FILE *file = fopen(path, "wb");
	struct error error;

	assert_non_null(file);
	for (uint32_t i = 0; i < KEYS; i++) {
		char key[64];
		struct slice text = make_key(key, i);

		fprintf(file, "%.*s\tname-%u\n", (int)text.len, key, i % NAMES);
	}
	assert_int_equal(fclose(file), 0);
	if (rig_load(&category, path, &error) != 0)
		fail_msg("%s", error.text);
	return category;
}

static void check_present(const struct category *category, uint32_t first)
{
	struct category_key keys[BURST];
	char key[64];

	for (uint32_t i = 0; i < BURST; i++) {
		keys[i] = category_key_text(category, make_key(key, first + i));
		category_prefetch(category, keys[i]);
	}
	for (uint32_t i = 0; i < BURST; i++)
		/* Names come in order, so they have their numbers in order. */
		if (category_find(category, keys[i]) != (first + i) % NAMES + 1)
			fail_msg("key %u has category %u", first + i, category_find(category, keys[i]));
}

static void all_keys_are_found_and_no_others(void **state)
{
	struct category *category = make_table(), *copy;
	struct category_info info, of_copy;

	(void)state;
	category_describe(category, &info);
	assert_int_equal(info.entries, KEYS);
	assert_int_equal(info.values, NAMES);
	for (uint32_t i = 0; i < KEYS; i += BURST)
		check_present(category, i);
	for (uint32_t i = KEYS; i < 2 * KEYS; i++) {
		char key[64];

		assert_int_equal(
			category_find(category, category_key_text(category, make_key(key, i))), CATEGORY_UNKNOWN);
	}
	assert_int_equal(category_copy(&copy, category, MEMORY_ANY_NODE), 0);
	category_describe(copy, &of_copy);
	assert_int_equal(info.entries, of_copy.entries);
	assert_int_equal(info.values, of_copy.values);
	assert_int_equal(info.built_us, of_copy.built_us);
	category_free(category);
	for (uint32_t i = 0; i < KEYS; i += BURST)
		check_present(copy, i);
	assert_category(copy, "item-01", "\"name-1\"");
	category_free(copy);
}

static void few_keys_are_away_from_home(void **state)
{
	struct category *category = make_table();
	uint64_t away = 0;

	(void)state;
	for (uint32_t b = 0; b < category->slots.count; b++)
		for (unsigned i = 0; i < CATEGORY_WAYS; i++)
			away += category->slots.buckets[b].values[i] != 0 &&
				category_home(&category->slots, category->slots.places[b][i]) != b;
	assert_in_range(away, KEYS / 50, KEYS / 20);
	assert_true(category_slots_sound(&category->slots, NAMES));
	assert_false(category_slots_sound(&category->slots, NAMES - 1));
	category_free(category);
}

static struct category_key key_of_copy(const struct category *category, const char *text)
{
	size_t len = strlen(text);
	char *exact = malloc(len); /* so that a sanitizer sees reads beyond it */
	struct category_key key;

	assert_non_null(exact);
	memcpy(exact, text, len);
	key = category_key_text(category, (struct slice){(const uint8_t *)exact, (uint32_t)len});
	free(exact);
	return key;
}

static int same(struct category_key a, struct category_key b)
{
	return a.check == b.check && a.place == b.place;
}

/* Of every length, with one byte at a time that is no digit: only whole numbers below 2^64 are numbers. */
static void digits_are_a_number_of_every_length(void **state)
{
	static const char around[] = "/:0 \x80\xb5";
	struct category *category = rig_table("a.tsv", "");
	uint64_t number = 9;

	(void)state;
	for (unsigned len = 1; len <= 20; len++, number = number * 10 + (len * 7 + 3) % 10) {
		char text[32];

		if (len == 20)
			number = UINT64_C(12345678901234567890);
		(void)snprintf(text, sizeof(text), "%llu", (unsigned long long)number);
		assert_int_equal(strlen(text), len);
		assert_true(same(key_of_copy(category, text), category_key_number(category, number)));
		for (unsigned i = 0; i < len; i++) {
			char kept = text[i];

			for (const char *bad = around; *bad != '\0'; bad++) {
				text[i] = *bad;
				if (*bad == '0' && (i > 0 || len == 1))
					assert_true(same(key_of_copy(category, text),
						category_key_number(category, strtoull(text, NULL, 10))));
				else
					assert_false(same(key_of_copy(category, text),
						category_key_number(category, strtoull(text, NULL, 10))));
			}
			text[i] = kept;
		}
	}
	assert_false(same(key_of_copy(category, "18446744073709551616"), category_key_number(category, 0)));
	assert_true(same(key_of_copy(category, "18446744073709551615"), category_key_number(category, UINT64_MAX)));
	category_free(category);
}

/* Puts keys until there is no place: the table must have been nearly full, and have held all of them until then. */
static void slots_fill_nearly_to_the_last(void **state)
{
	struct category_slots slots;
	uint64_t random = 1;
	uint32_t count = 0;

	(void)state;
	assert_int_equal(category_slots_init(&slots, 1000, MEMORY_ANY_NODE), 0);
	for (;; count++) {
		struct category_key key;

		random = random * 6364136223846793005u + 1442695040888963407u; /* Knuth's MMIX */
		key.check = random ^ random >> 29;
		random = random * 6364136223846793005u + 1442695040888963407u;
		key.place = (uint32_t)(random >> 32);
		if (category_slots_put(&slots, key, 1) != 0)
			break;
		assert_int_equal(category_slots_put(&slots, key, 2), -EEXIST);
		assert_true(category_slots_find(&slots, key) == 1);
	}
	assert_in_range(count, 6000 * CATEGORY_CROWDED / 100, 6000);
	category_slots_fini(&slots);
}

static void fragments_can_be_read_beyond_their_end(void **state)
{
	struct category *category = rig_table("a.tsv", "a\tb\n");
	volatile uint8_t sum = 0;

	(void)state;
	for (uint32_t value = 0; value <= 1; value++) {
		struct slice fragment = category_fragment(category, value);

		for (unsigned i = 0; i < 64; i++)
			sum = (uint8_t)(sum + fragment.data[fragment.len + i]);
	}
	category_free(category);
}

/* What a prebuilt file of another's making may hold: entries that no look-up would reach. */
static void slots_that_look_ups_cannot_read_are_not_sound(void **state)
{
	struct category_slots slots;
	struct category_key key = {0};
	struct category_bucket *home, before;

	(void)state;
	assert_int_equal(category_slots_init(&slots, 4, MEMORY_ANY_NODE), 0);
	for (key.check = 1; key.check <= CATEGORY_WAYS + 1; key.check++) /* all at home in the first */
		assert_int_equal(category_slots_put(&slots, key, 1), 0);
	assert_true(category_slots_sound(&slots, 1));
	home = &slots.buckets[0];
	before = *home;
	assert_int_not_equal(home->spilled, 0);
	home->spilled = 0;
	assert_false(category_slots_sound(&slots, 1));
	home->spilled = ~before.spilled;
	assert_false(category_slots_sound(&slots, 1));
	*home = before;
	assert_true(category_slots_sound(&slots, 1));

	for (unsigned i = 0; i < CATEGORY_WAYS; i++)
		if (slots.buckets[1].values[i] == CATEGORY_UNKNOWN)
			slots.buckets[1].checks[i] = before.checks[0];
	assert_false(category_slots_sound(&slots, 1));
	category_slots_fini(&slots);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(all_keys_are_found_and_no_others),
		cmocka_unit_test(digits_are_a_number_of_every_length),
		cmocka_unit_test(few_keys_are_away_from_home),
		cmocka_unit_test(slots_fill_nearly_to_the_last),
		cmocka_unit_test(fragments_can_be_read_beyond_their_end),
		cmocka_unit_test(slots_that_look_ups_cannot_read_are_not_sound),
	};

	return cmocka_run_group_tests(tests, rig_begin, rig_end);
}
