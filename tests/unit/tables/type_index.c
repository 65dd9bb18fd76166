/* SPDX-License-Identifier: Apache-2.0 */
/* Every type is found by name and id wherever its name lies, and nothing else is. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tables/types.h"

static struct event_types types;
static struct type_index *built;

static void add(const char *name, uint32_t id)
{
	struct event_type *type = &types.types[types.count++];
	size_t len = strlen(name);

	assert_true(len < sizeof(type->name));
	memcpy(type->name, name, len + 1);
	type->id = id;
	type->removed = 0;
}

static int begin(void **state)
{
	(void)state;
	memset(&types, 0, sizeof(types));
	types.unknown = TYPE_NONE;
	built = NULL;
	return 0;
}

static void build(void)
{
	built = type_index_new(&types);
	assert_non_null(built);
}

static int end(void **state)
{
	(void)state;
	type_index_free(built);
	return 0;
}

/* Looks it up with so many bytes before and behind it, none of which is to matter; a sanitizer sees all others. */
static uint32_t look_up(const char *name, uint32_t before, uint32_t behind)
{
	uint32_t len = (uint32_t)strlen(name), size = before + len + behind;
	uint8_t *bytes = malloc(size > 0 ? size : 1);
	uint32_t slot;

	assert_non_null(bytes);
	memset(bytes, 'e', size);
	memcpy(bytes + before, name, len);
	slot = type_by_name(built, (struct slice){bytes + before, len}, (struct slice){bytes, size});
	free(bytes);
	return slot;
}

static void expect(const char *name, uint32_t slot)
{
	for (uint32_t before = 0; before <= 17; before++)
		for (uint32_t behind = 0; behind <= 17; behind++)
			assert_int_equal(look_up(name, before, behind), slot);
}

static void names_of_all_lengths_are_found_and_no_others(void **state)
{
	char name[TYPE_NAME_MAX + 3];

	(void)state;
	for (uint32_t len = 1; len <= TYPE_NAME_MAX; len++) {
		memset(name, 'e', len);
		name[len] = '\0';
		add(name, 7 * len);
	}
	build();
	for (uint32_t len = 1; len <= TYPE_NAME_MAX; len++) {
		expect(types.types[len - 1].name, len - 1);
		memcpy(name, types.types[len - 1].name, len + 1);
		name[len - 1] = 'f';
		expect(name, TYPE_NONE);
	}
	memset(name, 'e', TYPE_NAME_MAX + 2);
	name[TYPE_NAME_MAX + 2] = '\0';
	expect(name, TYPE_NONE);
	expect("", TYPE_NONE);
}

static void as_many_as_there_may_be_are_found_by_name_and_id(void **state)
{
	char name[TYPE_NAME_MAX + 1];

	(void)state;
	for (uint32_t i = 0; i < TYPE_MAX; i++) {
		(void)snprintf(name, sizeof(name), "%s%u", i % 3 == 0 ? "a_rather_long_prefix_" : "t", i);
		add(name, i * 65536);
	}
	build();
	for (uint32_t i = 0; i < TYPE_MAX; i++) {
		assert_int_equal(look_up(types.types[i].name, 9, 2), i);
		assert_int_equal(type_by_id(built, i * 65536), i);
		assert_int_equal(type_by_id(built, i * 65536 + 1), TYPE_NONE);
	}
}

static void removed_ones_are_unknown_and_those_may_have_a_type(void **state)
{
	(void)state;
	add("view", 1);
	add("other", 2);
	add("click", 3);
	types.types[0].removed = 1;
	types.unknown = 1;
	build();
	expect("view", 1);
	expect("click", 2);
	expect("clicks", 1);
	assert_int_equal(type_by_id(built, 1), 1);
	assert_int_equal(type_by_id(built, 3), 2);
}

static void no_types_find_nothing(void **state)
{
	(void)state;
	build();
	expect("view", TYPE_NONE);
	assert_int_equal(type_by_id(built, 0), TYPE_NONE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(names_of_all_lengths_are_found_and_no_others, begin, end),
		cmocka_unit_test_setup_teardown(as_many_as_there_may_be_are_found_by_name_and_id, begin, end),
		cmocka_unit_test_setup_teardown(removed_ones_are_unknown_and_those_may_have_a_type, begin, end),
		cmocka_unit_test_setup_teardown(no_types_find_nothing, begin, end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
