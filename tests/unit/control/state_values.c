/* SPDX-License-Identifier: Apache-2.0 */
/* What the state directory keeps beside the instance and the epoch: partition counts and landing hours. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <sys/stat.h>

#include "base/log.h"
#include "state_rig.h"

static struct topic_table *table(unsigned count, ...)
{
	struct topic_table *topics = calloc(1, sizeof(*topics));
	va_list ap;

	assert_non_null(topics);
	va_start(ap, count);
	for (unsigned i = 0; i < count; i++) {
		(void)snprintf(topics->topics[i].name, sizeof(topics->topics[i].name), "%s", va_arg(ap, const char *));
		atomic_init(&topics->topics[i].partitions, va_arg(ap, int));
	}
	va_end(ap);
	topics->count = count;
	return topics;
}

static void partition_counts_survive_by_name(void **state)
{
	struct topic_table *before = table(4, "ev.a", 4, "ev.b", 0, "ev.c", 64, "ev.d", 1000000);
	struct topic_table *after = table(4, "ev.d", 0, "ev.new", 0, "ev.b", 3, "ev.a", 2);
	struct state *s = open_ok();

	(void)state;
	assert_int_equal(state_partitions_load(s, after), 0); /* nothing is kept yet */
	assert_int_equal(state_partitions_store(s, before, NULL), 0);
	state_close(s);
	s = open_ok();
	assert_int_equal(state_partitions_load(s, after), 2);
	assert_int_equal(after->topics[0].partitions, 1000000);
	assert_int_equal(after->topics[1].partitions, 0);
	assert_int_equal(after->topics[2].partitions, 3);
	assert_int_equal(after->topics[3].partitions, 4);
	state_close(s);
	free(before);
	free(after);
}

static void unchanged_counts_are_not_written_again(void **state)
{
	struct topic_table *topics = table(1, "ev.a", 4);
	struct state *s = open_ok();
	struct stat first, second;

	(void)state;
	assert_int_equal(state_partitions_store(s, topics, NULL), 0);
	assert_int_equal(stat(path_of("partitions"), &first), 0);
	assert_int_equal(state_partitions_store(s, topics, NULL), 0);
	assert_int_equal(stat(path_of("partitions"), &second), 0);
	assert_int_equal(first.st_ino, second.st_ino);
	atomic_store(&topics->topics[0].partitions, 5);
	assert_int_equal(state_partitions_store(s, topics, NULL), 0);
	atomic_store(&topics->topics[0].partitions, 0);
	assert_int_equal(state_partitions_load(s, topics), 1);
	assert_int_equal(topics->topics[0].partitions, 5);
	state_close(s);
	free(topics);
}

static void damaged_counts_are_put_aside_and_none_is_believed(void **state)
{
	struct topic_table *topics = table(1, "ev.a", 4);
	struct state *s = open_ok();
	char text[256];
	size_t length;

	(void)state;
	assert_int_equal(state_partitions_store(s, topics, NULL), 0);
	length = get("partitions", text, sizeof(text));
	atomic_store(&topics->topics[0].partitions, 0);
	for (size_t n = 0; n < length; n++) {
		put("partitions", text, n);
		assert_int_equal(state_partitions_load(s, topics), 0);
		assert_int_equal(topics->topics[0].partitions, 0);
		assert_false(exists("partitions"));
	}
	put("partitions", text, length);
	assert_int_equal(state_partitions_load(s, topics), 1);
	state_close(s);
	free(topics);
}

/* Right sum, wrong content: written by something else. */
static void lines_that_are_no_counts_are_refused_whole(void **state)
{
	static const char *const contents[] = {"ev.a 4\nev.b\n", "ev.a 4\nev.b 0\n", "ev.a 4\nev.b 1000001\n", "ev.a 4\n\n",
		"ev.a 4\nev.b -1\n", "ev.a 4\nev.b 99999999999999999999\n", "ev.a 4\nev.b 4 \n"};
	struct state *s = open_ok();
	int dir = open(directory, O_RDONLY | O_DIRECTORY);

	(void)state;
	for (size_t i = 0; i < sizeof(contents) / sizeof(contents[0]); i++) {
		struct topic_table *topics = table(2, "ev.a", 0, "ev.b", 0);

		assert_int_equal(state_file_write(dir, "partitions", "penstock partitions 1", contents[i]), 0);
		assert_int_equal(state_partitions_load(s, topics), 0);
		assert_int_equal(topics->topics[0].partitions, 0);
		assert_false(exists("partitions"));
		free(topics);
	}
	close(dir);
	state_close(s);
}

static void expect_hours(struct state *s, int64_t current, int64_t oldest, int64_t complete)
{
	struct state_hours hours = {7, 7, 7};

	state_hours_load(s, &hours);
	assert_int_equal(hours.current, current);
	assert_int_equal(hours.oldest, oldest);
	assert_int_equal(hours.complete, complete);
}

static void put_hours(const char *content)
{
	int dir = open(directory, O_RDONLY | O_DIRECTORY);

	assert_int_equal(state_file_write(dir, "hours", "penstock hours 1", content), 0);
	close(dir);
}

static void hours_survive_and_damaged_ones_are_not_believed(void **state)
{
	static const char *const bad[] = {"500001\n", "500001 500002\n", "500001 -1\n", "99999999 5\n", "5 4 5\n", "5 4 -1\n",
		"5 4 3 2\n", "5 4 3", "5 4\n\n", "5 4 \n"};
	static const struct state_hours hours = {500001, 500000, 499998};
	struct state *s = open_ok();
	char text[256];
	size_t length;

	(void)state;
	expect_hours(s, 0, 0, 0);
	assert_int_equal(state_hours_store(s, &hours, NULL), 0);
	expect_hours(s, 500001, 500000, 499998);
	length = get("hours", text, sizeof(text));
	for (size_t n = 0; n < length; n++) {
		put("hours", text, n);
		expect_hours(s, 0, 0, 0);
		assert_false(exists("hours"));
	}
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		put_hours(bad[i]);
		expect_hours(s, 0, 0, 0);
	}
	state_close(s);
}

static void of_two_hours_those_before_the_oldest_open_one_are_complete(void **state)
{
	struct state *s = open_ok();

	(void)state;
	put_hours("500001 500000\n");
	expect_hours(s, 500001, 500000, 500000);
	state_close(s);
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(partition_counts_survive_by_name),
		T(unchanged_counts_are_not_written_again),
		T(damaged_counts_are_put_aside_and_none_is_believed),
		T(lines_that_are_no_counts_are_refused_whole),
		T(hours_survive_and_damaged_ones_are_not_believed),
		T(of_two_hours_those_before_the_oldest_open_one_are_complete),
	};

	log_set_level(LOG_ERROR);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
