/* SPDX-License-Identifier: Apache-2.0 */
/* A generation that cannot be made changes nothing: not what is known of the tables' files, either. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <unistd.h>

#include "control/daemon/box.h"
#include "tables/category.h"

static struct box box; /* all of it that generations need */
static char table_path[] = "/tmp/generations-XXXXXX.tsv";

static void write_table(const char *text)
{
	FILE *file = fopen(table_path, "we");

	assert_non_null(file);
	assert_true(fputs(text, file) >= 0);
	assert_int_equal(fclose(file), 0);
}

/* A configuration with `count` types whose names begin with `prefix`. */
static struct config *make_config(const char *prefix, unsigned count)
{
	struct config *config = NULL;
	struct error error = {""};
	char *text = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&text, &size);

	(void)fprintf(out,
		"node: a\nports: [{name: p, device: net_null0}]\nkafka: {properties: {bootstrap.servers: \"k:1\"}}\n"
		"memory: {pool: 1GiB}\ncategory: {file: %s}\ntypes:\n",
		table_path);
	for (unsigned i = 0; i < count; i++)
		(void)fprintf(out, "  %s%u: {id: %u}\n", prefix, i, i + 1);
	assert_int_equal(fclose(out), 0);
	if (config_read_text(&config, "p.yaml", text, size, &error) != 0)
		fail_msg("%s", error.text);
	free(text);
	return config;
}

static void expect_category(const char *wanted)
{
	const struct category *category = box.generations.now->category;
	struct category_key key = category_key_text(category, (struct slice){(const uint8_t *)"k", 1});
	struct slice found = category_fragment(category, category_find(category, key));

	assert_int_equal(found.len, strlen(wanted));
	assert_memory_equal(found.data, wanted, found.len);
}

static void a_failed_generation_leaves_the_files_to_be_read(void **state)
{
	struct error error = {""};
	struct config *config;

	(void)state;
	close(mkstemps(table_path, 4));
	generations_init(&box.generations);
	write_table("k\told\n");
	box.config = make_config("a", 1000);
	assert_int_equal(generations_publish(&box, box.config, &error), 0);
	expect_category(",\"category\":\"old\"");

	write_table("k\tnewer\n"); /* another size: the times of both may be one */
	config = make_config("b", 1000);
	assert_int_not_equal(generations_publish(&box, config, &error), 0);
	assert_non_null(strstr(error.text, "types have been in use since the start"));
	config_free(config);
	assert_int_equal(box.generations.now->number, 1);
	expect_category(",\"category\":\"old\"");

	assert_int_equal(generations_publish(&box, make_config("a", 1000), &error), 0);
	assert_int_equal(box.generations.now->number, 2);
	expect_category(",\"category\":\"newer\"");
	generations_free(&box);
	config_free(box.config);
	unlink(table_path);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_failed_generation_leaves_the_files_to_be_read),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
