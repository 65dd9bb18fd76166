/* SPDX-License-Identifier: Apache-2.0 */
/* The feed of category changes: a file that grows, is replaced, goes, or is none. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <errno.h>
#include <pthread.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/memory.h"
#include "control/daemon/tables.h"
#include "said.h"

#define MANY 600000u /* changed keys, in more than one piece of the file, and more than an overlay holds */

static char folder[32], path[64], table[64];
static struct category *category;
static struct category_overlay *overlay;
static struct feed feed;
static atomic_int leave;

static void write_text(const char *file, const char *mode, const char *text)
{
	FILE *f = fopen(file, mode);

	assert_non_null(f);
	assert_true(fputs(text, f) >= 0);
	assert_int_equal(fclose(f), 0);
}

static int setup(void **state)
{
	struct category_config config = {.path = table, .name = "category", .budget_bytes = 64u << 20, .node = MEMORY_ANY_NODE};
	struct error error;

	(void)state;
	(void)strcpy(folder, "/tmp/feed-XXXXXX");
	assert_non_null(mkdtemp(folder));
	(void)snprintf(path, sizeof(path), "%s/changes", folder);
	(void)snprintf(table, sizeof(table), "%s/table.tsv", folder);
	write_text(table, "w", "a\tA\n");
	overlay = NULL;
	feed = (struct feed){0};
	return category_new(&category, &config, &error);
}

static int teardown(void **state)
{
	(void)state;
	category_overlay_free(overlay);
	category_free(category);
	unlink(path);
	unlink(table);
	return rmdir(folder);
}

static int read_feed(struct error *error)
{
	struct category_overlay *before = overlay;
	int rc;

	(void)alarm(60); /* instead of for ever */
	rc = feed_read(&feed, path, &category, &overlay, &leave, error);
	(void)alarm(0);
	if (overlay != before)
		category_overlay_free(before);
	return rc;
}

/* Reads what must be good, and new. */
static void follow(void)
{
	struct error error = {""};

	if (read_feed(&error) != 1)
		fail_msg("nothing new: %s", error.text);
}

static void expect(const char *key, const char *name)
{
	struct slice text = {(const uint8_t *)key, (uint32_t)strlen(key)},
		     found = category_view_find(category, overlay, category_key_text(category, text));
	char said[64];

	(void)snprintf(said, sizeof(said), ",\"category\":%s", name);
	assert_int_equal(found.len, strlen(said));
	assert_memory_equal(found.data, said, found.len);
}

static void what_was_appended_counts(void **state)
{
	struct error error = {""};

	(void)state;
	assert_int_equal(read_feed(&error), 0);
	write_text(path, "w", "set\tb\tB\nset\tc");
	follow();
	expect("a", "\"A\"");
	expect("b", "\"B\"");
	assert_int_equal(read_feed(&error), 0);
	write_text(path, "a", "\tC\ndelete\ta\n");
	follow();
	expect("a", "null");
	expect("c", "\"C\"");
}

static void a_file_that_was_gone_is_read_from_its_beginning(void **state)
{
	struct error error = {""};

	(void)state;
	write_text(path, "w", "set\tb\tB\n");
	follow();
	unlink(path);
	assert_int_equal(read_feed(&error), 0);
	assert_int_equal(feed.offset, 0);
	write_text(path, "w", "set\tx\tX\nset\ty\tY\nset\tz\tZ\n");
	follow();
	expect("x", "\"X\"");
	expect("z", "\"Z\"");
}

/* Often in the same inode: what tells is when it was made. */
static void a_file_that_was_replaced_is_read_from_its_beginning(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 20; i++) {
		char text[64], name[16];

		(void)snprintf(text, sizeof(text), "set\tfirst\tf%u\n", i);
		unlink(path);
		write_text(path, "w", text);
		for (unsigned more = 0; more < i; more++)
			write_text(path, "a", "set\tmore\tM\n");
		follow();
		(void)snprintf(name, sizeof(name), "\"f%u\"", i);
		expect("first", name);
	}
	write_text(path, "w", "set\tfirst\tshort\n");
	follow();
	expect("first", "\"short\"");
}

/* In place, and longer than before when it is seen again. */
static void a_file_that_was_written_over_is_read_from_its_beginning(void **state)
{
	struct error error = {""};

	(void)state;
	write_text(path, "w", "set\tb\tB\n");
	follow();
	write_text(path, "w", "set\tx\tX\nset\ty\tY\n");
	follow();
	expect("x", "\"X\"");
	expect("y", "\"Y\"");
	assert_int_equal(feed.anew, 1);
	for (unsigned i = 0; i < 40; i++) {
		write_text(path, "a", "set\tz\tZ\n");
		follow();
	}
	assert_int_equal(read_feed(&error), 0);
	assert_int_equal(feed.anew, 1);
	assert_int_equal(feed.line, 42);
	write_text(path, "r+", "set\tx\tnew\n"); /* far before what was read last: nobody looks there */
	assert_int_equal(read_feed(&error), 0);
}

/* As a hole of zeros has it. The first test with a bad line: the log says one a minute. */
static void a_line_without_end_is_passed_over_as_one(void **state)
{
	static char line[(9u << 20) + 1];
	struct error error = {""};
	struct said said;

	(void)state;
	memset(line, 'x', sizeof(line) - 1);
	write_text(path, "w", "set\tb\tB\n");
	write_text(path, "a", line);
	follow();
	assert_int_equal(read_feed(&error), 0);
	assert_int_equal(feed.line, 1);
	assert_int_equal(feed.bad, 0);
	expect("b", "\"B\"");
	said_begin(&said);
	write_text(path, "a", "\nset\tc\tC\n");
	follow();
	assert_non_null(strstr(said_end(&said), "/changes: 1 bad lines, passed over: line 2: it is longer than 8388608 bytes"));
	assert_int_equal(feed.line, 3);
	assert_int_equal(feed.bad, 1);
	expect("c", "\"C\"");
	write_text(path, "a", line);
	write_text(path, "a", line);
	write_text(path, "a", "\tset\td\tD\n");
	follow();
	assert_int_equal(feed.line, 4);
	assert_int_equal(feed.bad, 2);
	expect("d", "null");
}

/* Read one by one, as they come in: each is counted, and said of them once a minute. */
static void bad_lines_are_counted_and_do_not_fill_the_log(void **state)
{
	struct said said;
	const char *first;

	(void)state;
	write_text(path, "w", "set\tb\tB\n");
	said_begin(&said);
	for (unsigned i = 0; i < 5; i++) {
		write_text(path, "a", "nonsense\n");
		follow();
		assert_int_equal(feed.bad, i + 1);
	}
	first = strstr(said_end(&said), " bad lines");
	assert_true(first == NULL || strstr(first + 1, " bad lines") == NULL);
}

static void write_many(unsigned count)
{
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	for (unsigned i = 0; i < count; i++)
		assert_true(fprintf(f, "set\tchanged-key-%u\tc%u\n", i, i % 7) > 0);
	assert_int_equal(fclose(f), 0);
}

static void a_load_leaves_no_table_behind(void **state)
{
	struct config *config = calloc(1, sizeof(*config));
	uint64_t before = memory_mapped_bytes();

	(void)state;
	write_many(MANY);
	assert_non_null(config);
	config->path = table;
	config->category_file = table;
	config->category_changes = path;
	config->category_budget = UINT64_C(1) << 30;
	for (unsigned load = 0; load < 2; load++) {
		struct generation *generation = generation_new();
		struct tables_marks marks = {0};
		struct error error = {""};

		if (tables_load(generation, config, NULL, &marks, &feed, NULL, &error) != 0)
			fail_msg("%s", error.text);
		assert_int_equal(feed.line, MANY);
		assert_true(memory_mapped_bytes() > before);
		generation_free(generation, NULL);
		assert_int_equal(memory_mapped_bytes(), before);
	}
	free(config);
}

static void what_is_left_to_read_waits_when_everything_ends(void **state)
{
	const struct category *before = category;
	struct error error = {""};

	(void)state;
	write_many(MANY);
	atomic_store(&leave, 1);
	assert_int_equal(read_feed(&error), -ECANCELED);
	assert_int_equal(feed_load(&feed, path, &category, &overlay, &leave, &error), -ECANCELED);
	assert_non_null(strstr(error.text, "/changes: not read to its end, since everything ends"));
	assert_ptr_equal(category, before);
	assert_null(overlay);
	assert_int_equal(feed.offset, 0);
	atomic_store(&leave, 0);
	if (feed_load(&feed, path, &category, &overlay, &leave, &error) != 1)
		fail_msg("%s", error.text);
	assert_int_equal(feed.line, MANY);
}

#define LARGE 2000000u /* keys: room enough for what comes, and several times the memory of it */
#define COMES 1000000u /* changes of these keys, in three pieces and more */

static atomic_int watching;
static uint64_t most;

static void *watch_memory(void *unused)
{
	int again;

	(void)unused;
	do { /* and once behind the end */
		uint64_t now;

		again = atomic_load(&watching);
		now = memory_mapped_bytes();
		most = now > most ? now : most;
	} while (again);
	return NULL;
}

/* A large table in place of the rig's, and many changes of it. */
static uint64_t make_large(void)
{
	struct category_config config = {.path = table, .name = "category", .budget_bytes = 512u << 20, .node = MEMORY_ANY_NODE};
	FILE *base = fopen(table, "we"), *changes = fopen(path, "we");
	struct category_info info;
	struct error error = {""};

	assert_non_null(base);
	assert_non_null(changes);
	for (unsigned i = 0; i < LARGE; i++)
		assert_true(fprintf(base, "changed-key-%u\tbefore\n", i) > 0);
	for (unsigned i = 0; i < COMES; i++)
		assert_true(fprintf(changes, "set\tchanged-key-%u\tc%u\n", i, i % 7) > 0);
	assert_int_equal(fclose(base), 0);
	assert_int_equal(fclose(changes), 0);
	category_free(category);
	if (category_new(&category, &config, &error) != 0)
		fail_msg("%s", error.text);
	category_describe(category, &info);
	return info.bytes;
}

static void expect_large(void)
{
	expect("changed-key-0", "\"c0\"");
	expect("changed-key-500000", "\"c4\"");
	expect("changed-key-999999", "\"c0\"");
	expect("changed-key-1000000", "\"before\"");
}

/* Reads all there is; `most` is what was mapped meanwhile. */
static void take_watched(typeof(feed_read) *how)
{
	struct error error = {""};
	pthread_t thread;
	int rc;

	most = 0;
	atomic_store(&watching, 1);
	assert_int_equal(pthread_create(&thread, NULL, watch_memory, NULL), 0);
	rc = how(&feed, path, &category, &overlay, NULL, &error);
	atomic_store(&watching, 0);
	assert_int_equal(pthread_join(thread, NULL), 0);
	if (rc != 1)
		fail_msg("%s", error.text);
}

/* What is in force, and the next one: not one more for each merge. */
static void many_merges_take_no_more_than_a_second_table(void **state)
{
	uint64_t bytes = make_large();
	struct category *before = category;

	(void)state;
	take_watched(feed_read);
	assert_in_range(most, 2 * bytes, 3 * bytes - 1);
	expect_large();
	category_overlay_free(overlay);
	category_free(category);
	category = before;
	overlay = NULL;
	expect("changed-key-0", "\"before\"");

	feed = (struct feed){0};
	take_watched(feed_load);
	assert_in_range(most, bytes, 2 * bytes - 1);
	expect_large();
}

static void a_named_pipe_is_refused_at_once(void **state)
{
	struct error error = {""};
	char said[128];

	(void)state;
	assert_int_equal(mkfifo(path, 0600), 0);
	assert_int_equal(read_feed(&error), -EINVAL);
	(void)snprintf(said, sizeof(said), "%s: it is no regular file; expected a file that can be read", path);
	assert_string_equal(error.text, said);
}

static void directories_and_devices_are_refused(void **state)
{
	struct error error = {""};

	(void)state;
	assert_int_equal(feed_read(&feed, "/", &category, &overlay, NULL, &error), -EISDIR);
	assert_string_equal(error.text, "/: Is a directory; expected a file that can be read");
	assert_int_equal(feed_read(&feed, "/dev/zero", &category, &overlay, NULL, &error), -EINVAL);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(what_was_appended_counts),
		TEST(a_file_that_was_gone_is_read_from_its_beginning),
		TEST(a_file_that_was_replaced_is_read_from_its_beginning),
		TEST(a_file_that_was_written_over_is_read_from_its_beginning),
		TEST(a_line_without_end_is_passed_over_as_one),
		TEST(bad_lines_are_counted_and_do_not_fill_the_log),
		TEST(a_load_leaves_no_table_behind),
		TEST(what_is_left_to_read_waits_when_everything_ends),
		TEST(many_merges_take_no_more_than_a_second_table),
		TEST(a_named_pipe_is_refused_at_once),
		TEST(directories_and_devices_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
