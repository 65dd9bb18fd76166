/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One key finds no place, which needs a fault to happen: whatever is being made is made again, larger, with all keys in
 * it. The table has 1,000 keys, the overlay 100, so that the fault's passage says who meets it.
 */
#include "category_rig.h"

#include "tables/category_overlay.h"

#define KEYS    1000u
#define CHANGES 100u

static const char *make_lines(const char *prefix, unsigned first, unsigned count)
{
	static char lines[KEYS * 32];
	char *end = lines;

	for (unsigned i = first; i < first + count; i++)
		end += sprintf(end, "%skey-%u\tname %u\n", prefix, i, i % 7);
	return lines;
}

static void all_keys_find_a_place_in_the_end(void **state)
{
	struct category *category = rig_table("a.tsv", make_lines("", 0, KEYS)), *merged;
	struct category_overlay *overlay;
	struct error error = {""};
	struct category_tally tally = {0};

	(void)state;
	assert_int_equal(category_overlay_new(&overlay, category, NULL, rig_slice(make_lines("set\t", KEYS, CHANGES)),
				 KEYS, &tally, &error),
		0);
	assert_int_equal(tally.bad, 0);
	assert_int_equal(category_overlay_count(overlay), CHANGES);
	assert_int_equal(category_merge(&merged, category, overlay, &error), 0);
	assert_int_equal(merged->slots.entries, KEYS + CHANGES);
	assert_true(category_slots_sound(&merged->slots, 7));
	for (unsigned i = 0; i < KEYS + CHANGES; i++) {
		char key[32], expected[64];

		(void)snprintf(key, sizeof(key), "key-%u", i);
		(void)snprintf(expected, sizeof(expected), ",\"category\":\"name %u\"", i % 7);
		assert_string_equal(rig_view(category, overlay, key), expected);
		assert_string_equal(rig_find(merged, key), expected);
	}
	/* Larger than it had to be: the fault did come. */
	assert_true(merged->slots.count > category_slots_count(KEYS) ||
		    overlay->slots.count > category_slots_count(CHANGES));
	category_overlay_free(overlay);
	category_free(merged);
	category_free(category);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(all_keys_find_a_place_in_the_end)};

	return cmocka_run_group_tests(tests, rig_begin, rig_end);
}
