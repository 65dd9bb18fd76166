/* SPDX-License-Identifier: Apache-2.0 */
/* The loader, asked to watch: it looks at the files of the configuration that it read last, and loads each edit once. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "loader_rig.h"

#define WATCHED "watch: 1ms\n"

void watcher_hurry(struct box *unused)
{
	(void)unused;
}

static void append(const char *path, const char *text)
{
	FILE *file = fopen(path, "ae");

	assert_non_null(file);
	assert_true(fputs(text, file) >= 0);
	assert_int_equal(fclose(file), 0);
}

static void write_config_with(const char *watched)
{
	char more[256];

	(void)snprintf(more, sizeof(more), "%scategory: {file: %s, changes: %s}\n", watched, table_path, changes_path);
	write_config(more);
}

static void write_config_with_table(void)
{
	write_config_with(WATCHED);
}

static int start(void **state)
{
	(void)state;
	loader_rig_start(WATCHED);
	write_file(changes_path, "");
	return 0;
}

static int stop(void **state)
{
	(void)state;
	loader_stop(&box);
	return loader_rig_end();
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
	static const char *const edits[] = {WATCHED "geo: {files: [/nowhere/a.mmdb]}\n", WATCHED "nonsense: 1\n",
		WATCHED "geo: {files: [/nowhere/b.mmdb]}\n"};
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
	write_config(WATCHED);
	last = wait_for_request(5);
	assert_int_equal(last.ok, 1);
	assert_int_equal(last.generation, 3);
}

/* The start ends: from what its files were before they were read. */
static void start_anew(void)
{
	struct error error = {""};

	memset(&box.loader, 0, sizeof(box.loader));
	assert_int_equal(loader_start(&box, &error), 0);
}

static void what_is_replaced_during_the_start_is_loaded(void **state)
{
	(void)state;
	write_file(table_path, "k\tv\n");
	write_config_with_table();
	assert_int_equal(wait_for_request(1).generation, 2);
	loader_stop(&box);
	box.config_mark = tables_mark_config(config_path);
	write_file(table_path, "k\tother\n");
	start_anew();
	assert_int_equal(wait_for_request(1).generation, 3);
	loader_stop(&box);
	write_config(WATCHED "# another\n");
	start_anew();
	assert_int_equal(wait_for_request(1).generation, 4);
}

static void a_shorter_period_counts_at_once(void **state)
{
	(void)state;
	write_file(table_path, "k\tv\n");
	write_config_with("watch: 1h\n");
	assert_int_equal(wait_for_request(1).ok, 1);
	let_it_look();
	write_config(WATCHED);
	(void)loader_ask(&box);
	assert_int_equal(wait_for_request(2).ok, 1);
	write_config(WATCHED "# another\n");
	assert_int_equal(wait_for_request(3).ok, 1);
}

static void what_no_client_takes_is_refused(void **state)
{
	struct loader_result last;

	(void)state;
	write_config_of("bad", WATCHED);
	last = wait_for_request(1);
	assert_int_equal(last.ok, 0);
	assert_string_equal(last.text, "no such value");
	assert_int_equal(last.generation, 1);
	write_config_of("k:2", WATCHED);
	last = wait_for_request(2);
	assert_int_equal(last.ok, 1);
	assert_string_equal(last.text, "a restart is needed for: kafka");
}

static void expect(const char *name)
{
	const struct generation *now;
	struct slice found;
	char said[64];

	(void)snprintf(said, sizeof(said), ",\"category\":\"%s\"", name);
	pthread_mutex_lock(&box.generations.lock);
	now = box.generations.now;
	found = category_view_find(now->category, now->overlay, category_key_text(now->category, (struct slice){(const uint8_t *)"k", 1}));
	pthread_mutex_unlock(&box.generations.lock);
	assert_int_equal(found.len, strlen(said));
	assert_memory_equal(found.data, said, found.len);
}

/* The new table may be seen before the new file of changes: what the old one said must not outlive it. */
static void what_a_file_of_changes_said_goes_with_it(void **state)
{
	(void)state;
	write_file(table_path, "k\tmonday\n");
	write_file(changes_path, "set\tk\tchanged\n");
	write_config_with_table();
	assert_int_equal(wait_for_request(1).ok, 1);
	expect("changed");
	write_file(table_path, "k\ttuesday\n");
	assert_int_equal(wait_for_request(2).ok, 1);
	expect("changed");
	write_file(changes_path, "");
	assert_int_equal(wait_for_request(3).ok, 1);
	expect("tuesday");
	append(changes_path, "set\tk\tchanged\n");
	let_it_look();
	expect("other");
	assert_int_equal(truncate(changes_path, 0), 0);
	assert_int_equal(wait_for_request(4).ok, 1);
	expect("tuesday");
	assert_int_equal(unlink(changes_path), 0);
	assert_int_equal(wait_for_request(5).ok, 1);
	append(changes_path, "set\tk\tchanged\n");
	assert_int_equal(wait_for_request(6).ok, 1);
	let_it_look();
	assert_int_equal(wait_for_request(6).request, 6);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(an_edit_that_adds_a_table_is_loaded_once, start, stop),
		cmocka_unit_test_setup_teardown(a_table_that_was_missing_is_loaded_when_it_comes, start, stop),
		cmocka_unit_test_setup_teardown(what_is_replaced_during_the_start_is_loaded, start, stop),
		cmocka_unit_test_setup_teardown(a_shorter_period_counts_at_once, start, stop),
		cmocka_unit_test_setup_teardown(what_no_client_takes_is_refused, start, stop),
		cmocka_unit_test_setup_teardown(refused_edits_are_not_tried_over_and_over, start, stop),
		cmocka_unit_test_setup_teardown(what_a_file_of_changes_said_goes_with_it, start, stop),
	};

	(void)clock_init();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
