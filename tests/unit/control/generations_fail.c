/* SPDX-License-Identifier: Apache-2.0 */
/* A generation that cannot be made changes nothing; and what needs a restart is not taken for what runs. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <errno.h>
#include <sys/stat.h>
#include <unistd.h>

#include "control/daemon/box.h"
#include "geo_writer.h"
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
	write_table("");
	box.config = make_config("a", 1000);
	assert_int_equal(generations_publish(&box, box.config, &error), -EINVAL);
	assert_non_null(strstr(error.text, ".tsv: has no entry"));
	write_table("k\told\n");
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

static struct config *config_of(const char *text)
{
	struct config *config = NULL;
	struct error error = {""};

	if (config_read_text(&config, "p.yaml", text, strlen(text), &error) != 0)
		fail_msg("%s", error.text);
	return config;
}

#define HEAD "node: a\nports: [{name: p, device: net_null0}]\nkafka: {properties: {bootstrap.servers: \"k:1\"}}\n"
#define TWO  HEAD "spool: {classes: [{name: gold, share: 50%}, {name: rest, share: 50%}]}\n"

static void box_begin(const char *text)
{
	struct error error = {""};

	memset(&box, 0, sizeof(box));
	generations_init(&box.generations);
	box.config = config_of(text);
	box.generations.topics.lowest = box.config->topics->lowest;
	if (generations_publish(&box, box.config, &error) != 0)
		fail_msg("%s", error.text);
}

static void box_end(void)
{
	generations_free(&box);
	config_free(box.config);
}

static void reload(const char *text)
{
	struct error error = {""};

	if (generations_publish(&box, config_of(text), &error) != 0)
		fail_msg("%s", error.text);
}

static void expect_refused(const char *text, const char *why)
{
	struct config *config = config_of(text);
	unsigned topics = atomic_load(&box.generations.topics.count), rules = box.generations.rule_count;
	struct error error = {""};

	assert_int_not_equal(generations_publish(&box, config, &error), 0);
	if (strstr(error.text, why) == NULL)
		fail_msg("%s", error.text);
	assert_int_equal(box.generations.now->number, 1);
	assert_int_equal(atomic_load(&box.generations.topics.count), topics);
	assert_int_equal(box.generations.rule_count, rules);
	config_free(config);
}

static void expect_class(const char *topic, unsigned class)
{
	int index = generations_topic(&box.generations, topic);

	assert_true(index >= 0);
	assert_int_equal(atomic_load(&box.generations.topics.topics[index].class), class);
}

/* Rules for all the room there is but one, twice. */
static char *with_many_rules(const char *head)
{
	char *text = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&text, &size);

	(void)fprintf(out, "%stypes:\n  req: {id: 1, class: rest}\n", head);
	for (unsigned type = 0; type < 5; type++) {
		(void)fprintf(out, "  t%u:\n    id: %u\n    rules:\n", type, type + 2);
		for (unsigned i = 0; i < 1000; i++)
			(void)fprintf(out, "      - {name: r%u, if: 'n == %u', then: drop}\n", i, i);
	}
	assert_int_equal(fclose(out), 0);
	return text;
}

static void a_failed_generation_leaves_classes_and_room(void **state)
{
	char *many = with_many_rules(TWO);

	(void)state;
	box_begin(TWO "types: {req: {id: 1, class: gold}}\n");
	expect_refused(many, "rules have been in force since the start");
	expect_class("ev.req", 0);
	reload(TWO "types: {req: {id: 1, class: gold, rules: [{name: one, if: 'n == 1', then: drop}]}}\n");
	assert_int_equal(box.generations.rule_count, 1);
	box_end();
	free(many);
}

/* By their names: those that a restart would bring are none yet. */
static void classes_are_those_that_run(void **state)
{
	(void)state;
	box_begin(TWO "types: {req: {id: 1, class: gold}, log: {id: 2, class: rest}}\n");
	reload(HEAD "spool: {classes: [{name: new, share: 20%}, {name: rest, share: 20%}, {name: gold, share: 60%}]}\n"
		    "types: {req: {id: 1, class: gold}, log: {id: 2, class: new}, one: {id: 3, class: new}, two: {id: 4, class: rest}}\n");
	expect_class("ev.req", 0);
	expect_class("ev.log", 1);
	expect_class("ev.one", 1);
	expect_class("ev.two", 1);
	reload(TWO "types: {req: {id: 1, class: rest}, log: {id: 2, class: gold}}\n");
	expect_class("ev.req", 1);
	expect_class("ev.log", 0);
	box_end();
}

/* A larger pool in the file is not there yet. */
static void topics_have_room_in_the_pool_that_runs(void **state)
{
	(void)state;
	box_begin(HEAD "memory: {pool: 1MiB, batch: 128KiB}\ntypes: {a: {id: 1}}\n");
	expect_refused(HEAD "memory: {pool: 64MiB, batch: 128KiB}\n"
			    "types: {a: {id: 1}, b: {id: 2}, c: {id: 3}, d: {id: 4}, e: {id: 5}}\n",
		"memory.pool: the one that runs has room for 8 batches of 128KiB; expected 10");
	box_end();
}

/* A spool that the file no longer asks for is there until a restart. */
static void topics_have_names_for_the_spool_that_runs(void **state)
{
	char text[1024];

	(void)state;
	box_begin(HEAD "types: {a: {id: 1}}\n");
	(void)snprintf(text, sizeof(text), HEAD "spool: {mode: off}\ntypes: {a: {id: 1, topic: %0247d}}\n", 1);
	expect_refused(text, "spool.mode: the spool that runs has no place of its own");
	box_end();
}

static void a_table_that_fails_is_told_with_its_place(void **state)
{
	char text[512];

	(void)state;
	box_begin(HEAD "types: {a: {id: 1}}\n");
	expect_refused(HEAD "types: {a: {id: 1}}\ncategory:\n  file: /nonexistent/a.tsv\n",
		"p.yaml:6:9: category.file: /nonexistent/a.tsv: cannot open it: ");
	expect_refused(HEAD "types: {a: {id: 1}}\ngeo: {files: [/nonexistent/a.mmdb]}\n",
		"p.yaml:5:14: geo.files: geo database /nonexistent/a.mmdb cannot be opened: ");
	write_table("k\told\n");
	(void)snprintf(text, sizeof(text), HEAD "types: {a: {id: 1}}\ncategory:\n  changes: /\n  file: %s\n", table_path);
	expect_refused(text, "p.yaml:6:12: category.changes: /: ");
	unlink(table_path);
	box_end();
}

static void changes_that_cannot_be_read_are_told_until_they_can(void **state)
{
	struct error error = {""};
	char text[512], changes[64];

	(void)state;
	write_table("k\told\n");
	(void)snprintf(changes, sizeof(changes), "%s.changes", table_path);
	(void)snprintf(text, sizeof(text), HEAD "types: {a: {id: 1}}\ncategory: {file: %s, changes: %s}\n", table_path, changes);
	box_begin(text);
	assert_int_equal(generations_follow(&box, &error), 0);
	assert_string_equal(box.generations.feed_error.text, "");
	assert_int_equal(mkdir(changes, 0700), 0);
	assert_int_equal(generations_follow(&box, &error), -EISDIR);
	assert_non_null(strstr(box.generations.feed_error.text, ".changes: Is a directory"));
	assert_int_equal(rmdir(changes), 0);
	assert_int_equal(generations_follow(&box, &error), 0);
	assert_string_equal(box.generations.feed_error.text, "");
	unlink(table_path);
	box_end();
}

/* As a delivery that failed leaves it: well-formed, and empty. */
static void a_geo_database_without_a_network_is_refused(void **state)
{
	char path[] = "/tmp/generations-XXXXXX.mmdb", text[512];
	struct geo_writer *writer = geo_writer_new(6, 24);

	(void)state;
	close(mkstemps(path, 5));
	assert_int_equal(geo_writer_write(writer, path), 0);
	geo_writer_free(writer);
	box_begin(HEAD "types: {a: {id: 1}}\n");
	(void)snprintf(text, sizeof(text), HEAD "types: {a: {id: 1}}\ngeo: {files: [%s]}\n", path);
	expect_refused(text, "p.yaml:5:14: geo.files: geo databases: they know no network");
	unlink(path);
	box_end();
}

#define RAW HEAD "inputs: [{port: 9000, format: json}, {port: 9001, format: raw, event: line}]\n"

/* What a file says of inputs needs a restart: the types must be fit for those that run. */
static void a_type_that_comes_raw_gets_no_rules(void **state)
{
	static const char *const texts[] = {"rules: [{then: drop}]", "require: {a: string}", "key: a", "pack: 2"};
	char text[1024];

	(void)state;
	box_begin(RAW "types: {other: {id: 1}, line: {id: 2}}\n");
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		(void)snprintf(text, sizeof(text), HEAD "types: {line: {id: 2, %s}, other: {id: 1}}\n", texts[i]);
		expect_refused(text, "inputs: the one on port 9001 that runs gives type line raw datagrams");
	}
	expect_refused(HEAD "inputs: [{port: 9001, format: raw, event: row}]\ntypes: {row: {id: 2}, other: {id: 1}}\n",
		"inputs: the one on port 9001 that runs gives type line raw datagrams, and the type is gone: keep it");
	reload(HEAD "inputs: [{port: 9001, format: raw, event: row}]\ntypes: {row: {id: 3}, line: {id: 2}, other: {id: 1}}\n");
	reload(HEAD "types: {other: {id: 1, key: a, rules: [{then: drop}]}}\n");
	reload(RAW "types: {line: {id: 2, pack: 1}, other: {id: 1, pack: 2}}\n");
	box_end();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_failed_generation_leaves_the_files_to_be_read),
		cmocka_unit_test(a_failed_generation_leaves_classes_and_room),
		cmocka_unit_test(classes_are_those_that_run),
		cmocka_unit_test(topics_have_room_in_the_pool_that_runs),
		cmocka_unit_test(topics_have_names_for_the_spool_that_runs),
		cmocka_unit_test(a_table_that_fails_is_told_with_its_place),
		cmocka_unit_test(changes_that_cannot_be_read_are_told_until_they_can),
		cmocka_unit_test(a_geo_database_without_a_network_is_refused),
		cmocka_unit_test(a_type_that_comes_raw_gets_no_rules),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
