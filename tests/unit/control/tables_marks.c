/* SPDX-License-Identifier: Apache-2.0 */
/* The marks that tell whether tables are to be loaded again see every file, every byte of a path, and another file of changes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <unistd.h>

#include "control/daemon/tables.h"

#define NAME_LENGTH 200

static char folder[] = "/tmp/tables-marks-XXXXXX";
static char paths[GEO_LAYERS][256];
static struct feed feed;

static void write_file(const char *path, const char *text)
{
	FILE *file = fopen(path, "we");

	assert_non_null(file);
	assert_true(fputs(text, file) >= 0);
	assert_int_equal(fclose(file), 0);
}

static void append(const char *path, const char *text)
{
	FILE *file = fopen(path, "ae");

	assert_non_null(file);
	assert_true(fputs(text, file) >= 0);
	assert_int_equal(fclose(file), 0);
}

static int make_files(void **state)
{
	(void)state;
	assert_non_null(mkdtemp(folder));
	for (unsigned i = 0; i < GEO_LAYERS; i++) {
		(void)snprintf(paths[i], sizeof(paths[i]), "%s/%0*u", folder, NAME_LENGTH, i);
		write_file(paths[i], "table");
	}
	return 0;
}

static int remove_files(void **state)
{
	(void)state;
	for (unsigned i = 0; i < GEO_LAYERS; i++)
		unlink(paths[i]);
	return rmdir(folder);
}

static struct config geo_config(void)
{
	struct config config = {.path = paths[0], .geo_file_count = GEO_LAYERS};

	for (unsigned i = 0; i < GEO_LAYERS; i++)
		config.geo_files[i] = paths[i];
	return config;
}

static void any_of_eight_long_geo_files_changes_the_mark(void **state)
{
	struct config config = geo_config();
	struct tables_marks marks;

	(void)state;
	config.path = "/nowhere/a.yaml";
	for (unsigned i = 0; i < GEO_LAYERS; i++) {
		tables_mark(&config, &feed, &marks);
		assert_false(tables_changed(&config, &feed, &marks));
		write_file(paths[i], "a larger table");
		assert_true(tables_changed(&config, &feed, &marks));
	}
	tables_mark(&config, &feed, &marks);
	unlink(paths[7]);
	assert_true(tables_changed(&config, &feed, &marks));
	write_file(paths[7], "");
}

static void precedence_of_geo_files_is_in_the_mark(void **state)
{
	struct config config = geo_config();
	struct tables_marks marks;

	(void)state;
	tables_mark(&config, &feed, &marks);
	config.geo_files[6] = paths[7];
	config.geo_files[7] = paths[6];
	assert_true(tables_changed(&config, &feed, &marks));
	config = geo_config();
	assert_false(tables_changed(&config, &feed, &marks));
	config.geo_file_count--;
	assert_true(tables_changed(&config, &feed, &marks));
}

static void the_end_of_a_long_path_of_changes_is_in_the_mark(void **state)
{
	char changes[1025], others[1025];
	struct config config = {.path = "/nowhere/a.yaml", .category_file = paths[0], .category_changes = changes};
	struct tables_marks marks;

	(void)state;
	memset(changes, 'c', sizeof(changes) - 1);
	changes[sizeof(changes) - 1] = '\0';
	memcpy(others, changes, sizeof(others));
	others[sizeof(others) - 2] = 'd';
	tables_mark(&config, &feed, &marks);
	write_file(paths[0], "a table of another size");
	assert_true(tables_changed(&config, &feed, &marks));
	tables_mark(&config, &feed, &marks);
	config.category_changes = others;
	assert_true(tables_changed(&config, &feed, &marks));
	config.category_changes = NULL;
	assert_true(tables_changed(&config, &feed, &marks));
}

static void the_end_of_a_long_path_of_a_table_is_in_the_mark(void **state)
{
	char file[1025], other[1025];
	struct config config = {.path = "/nowhere/a.yaml", .category_file = file};
	struct tables_marks marks;

	(void)state;
	memset(file, 'c', sizeof(file) - 1);
	file[sizeof(file) - 1] = '\0';
	memcpy(other, file, sizeof(other));
	other[sizeof(other) - 2] = 'd';
	tables_mark(&config, &feed, &marks);
	config.category_file = other;
	assert_true(tables_changed(&config, &feed, &marks));
	config.path = "/nowhere/b.yaml";
	config.category_file = file;
	assert_true(tables_changed(&config, &feed, &marks));
}

/* Appending to it is what a feed follows; who puts another file in its place means the table without what it said. */
static void another_file_of_changes_changes_the_mark_and_lines_do_not(void **state)
{
	struct config config = {.path = "/nowhere/a.yaml", .category_file = paths[0], .category_changes = paths[1]};
	struct tables_marks marks;

	(void)state;
	write_file(paths[1], "set\ta\tA\n");
	tables_mark(&config, &feed, &marks);
	append(paths[1], "set\tb\tB\n");
	assert_false(tables_changed(&config, &feed, &marks));
	write_file(paths[2], "set\ta\tA\n");
	assert_int_equal(rename(paths[2], paths[1]), 0);
	assert_true(tables_changed(&config, &feed, &marks));
	tables_mark(&config, &feed, &marks);
	assert_int_equal(unlink(paths[1]), 0);
	assert_true(tables_changed(&config, &feed, &marks));
	tables_mark(&config, &feed, &marks);
	assert_false(tables_changed(&config, &feed, &marks));
	write_file(paths[1], "");
	assert_true(tables_changed(&config, &feed, &marks));
	tables_mark(&config, &feed, &marks);
	feed.anew++;
	assert_true(tables_changed(&config, &feed, &marks));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(any_of_eight_long_geo_files_changes_the_mark),
		cmocka_unit_test(precedence_of_geo_files_is_in_the_mark),
		cmocka_unit_test(the_end_of_a_long_path_of_changes_is_in_the_mark),
		cmocka_unit_test(the_end_of_a_long_path_of_a_table_is_in_the_mark),
		cmocka_unit_test(another_file_of_changes_changes_the_mark_and_lines_do_not),
	};

	return cmocka_run_group_tests(tests, make_files, remove_files);
}
