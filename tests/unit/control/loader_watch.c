/* SPDX-License-Identifier: Apache-2.0 */
/* The loader, asked to watch: it looks at the files of the configuration that it read last, and loads each edit once. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <unistd.h>

#include "base/clock.h"
#include "control/daemon/box.h"

static struct box box; /* all of it that the loader needs */
static char folder[] = "/tmp/loader-watch-XXXXXX";
static char config_path[64], table_path[64], changes_path[64];

void watcher_hurry(struct box *unused)
{
	(void)unused;
}

/* The file is whole from its first moment, as an edit is one change. */
static void write_file(const char *path, const char *text)
{
	char beside[80];
	FILE *file;

	(void)snprintf(beside, sizeof(beside), "%s.tmp", path);
	file = fopen(beside, "we");
	assert_non_null(file);
	assert_true(fputs(text, file) >= 0);
	assert_int_equal(fclose(file), 0);
	assert_int_equal(rename(beside, path), 0);
}

static void append(const char *path, const char *text)
{
	FILE *file = fopen(path, "ae");

	assert_non_null(file);
	assert_true(fputs(text, file) >= 0);
	assert_int_equal(fclose(file), 0);
}

static void write_config(const char *more)
{
	char text[1024];

	(void)snprintf(text, sizeof(text),
		"node: a\nports: [{name: p, device: net_null0}]\nkafka: {properties: {bootstrap.servers: \"k:1\"}}\n"
		"memory: {pool: 1GiB}\nwatch: 1ms\ntypes: {a: {id: 1}}\n%s", more);
	write_file(config_path, text);
}

static void write_config_with_table(void)
{
	char more[256];

	(void)snprintf(more, sizeof(more), "category: {file: %s, changes: %s}\n", table_path, changes_path);
	write_config(more);
}

/* One that is in force, without tables, and is watched. */
static int start(void **state)
{
	struct error error = {""};

	(void)state;
	memset(&box, 0, sizeof(box));
	memcpy(folder, "/tmp/loader-watch-XXXXXX", sizeof(folder));
	assert_non_null(mkdtemp(folder));
	(void)snprintf(config_path, sizeof(config_path), "%s/p.yaml", folder);
	(void)snprintf(table_path, sizeof(table_path), "%s/t.tsv", folder);
	(void)snprintf(changes_path, sizeof(changes_path), "%s/changes", folder);
	write_config("");
	generations_init(&box.generations);
	if (config_read(&box.config, config_path, &error) != 0 || generations_publish(&box, box.config, &error) != 0 ||
		loader_start(&box, &error) != 0)
		fail_msg("%s", error.text);
	return 0;
}

static int stop(void **state)
{
	(void)state;
	loader_stop(&box);
	generations_free(&box);
	config_free(box.config);
	unlink(config_path);
	unlink(table_path);
	unlink(changes_path);
	return rmdir(folder);
}

/* Waits until what was asked for first, second, ... is done. */
static struct loader_result wait_for_request(uint64_t request)
{
	int64_t until = clock_ms() + 20000;
	struct loader_result last;

	while (!loader_last(&box, &last) || last.request < request) {
		if (clock_ms() > until)
			fail_msg("no request %u within 20 s", (unsigned)request);
		(void)usleep(1000);
	}
	return last;
}

static uint32_t revision(void)
{
	uint32_t now;

	pthread_mutex_lock(&box.generations.lock);
	now = box.generations.now->revision;
	pthread_mutex_unlock(&box.generations.lock);
	return now;
}

/* Every turn of the loader takes changes and then looks at the files, so the second change proves a look at them. */
static void let_it_look(void)
{
	int64_t until = clock_ms() + 20000;
	uint32_t before = revision();

	for (uint32_t i = 1; i <= 2; i++) {
		append(changes_path, "set\tk\tother\n");
		while (revision() < before + i) {
			if (clock_ms() > until)
				fail_msg("no revision %u within 20 s", before + i);
			(void)usleep(1000);
		}
	}
}

static void an_edit_that_adds_a_table_is_loaded_once(void **state)
{
	struct loader_result last;

	(void)state;
	write_file(table_path, "k\tv\n");
	write_config_with_table();
	last = wait_for_request(1);
	assert_int_equal(last.ok, 1);
	assert_int_equal(last.generation, 2);
	let_it_look();
	last = wait_for_request(1);
	assert_int_equal(last.request, 1);
	assert_int_equal(last.generation, 2);
}

static void a_table_that_was_missing_is_loaded_when_it_comes(void **state)
{
	struct loader_result last;

	(void)state;
	write_config_with_table();
	last = wait_for_request(1);
	assert_int_equal(last.ok, 0);
	assert_non_null(strstr(last.text, table_path));
	assert_int_equal(last.generation, 1);
	write_file(table_path, "k\tv\n");
	last = wait_for_request(2);
	assert_int_equal(last.ok, 1);
	assert_int_equal(last.generation, 2);
	let_it_look();
	last = wait_for_request(2);
	assert_int_equal(last.request, 2);
}

static void refused_edits_are_not_tried_over_and_over(void **state)
{
	static const char *const edits[] = {"geo: {files: [/nowhere/a.mmdb]}\n", "nonsense: 1\n", "geo: {files: [/nowhere/b.mmdb]}\n"};
	struct loader_result last;

	(void)state;
	write_file(table_path, "k\tv\n");
	write_config_with_table();
	assert_int_equal(wait_for_request(1).ok, 1);
	for (unsigned i = 0; i < 3; i++) {
		write_config(edits[i]);
		assert_int_equal(wait_for_request(i + 2).ok, 0);
		let_it_look();
		assert_int_equal(wait_for_request(i + 2).request, i + 2);
	}
	write_config("");
	last = wait_for_request(5);
	assert_int_equal(last.ok, 1);
	assert_int_equal(last.generation, 3);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(an_edit_that_adds_a_table_is_loaded_once, start, stop),
		cmocka_unit_test_setup_teardown(a_table_that_was_missing_is_loaded_when_it_comes, start, stop),
		cmocka_unit_test_setup_teardown(refused_edits_are_not_tried_over_and_over, start, stop),
	};

	(void)clock_init();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
