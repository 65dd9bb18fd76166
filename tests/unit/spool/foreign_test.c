/* SPDX-License-Identifier: Apache-2.0 */
/* What stands in a spool's directory under a log's name, and is no directory. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "hand.h"

#define BYTES 4096u

static const char *path(const char *name)
{
	static char text[128];

	(void)snprintf(text, sizeof(text), "%s/%s", hand.directory, name);
	return text;
}

static void put(const char *name)
{
	FILE *file = fopen(path(name), "we");

	assert_non_null(file);
	assert_true(fputs("of somebody else\n", file) >= 0);
	assert_int_equal(fclose(file), 0);
}

static void it_is_left_alone(void **state)
{
	static const char *const names[] = {"topic.0.t1", "topic.5.t2", "topic.0.unknown", "lane.7", "lane.7.2", "dead.0", "dead.5"};

	(void)state;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		put(names[i]);
	assert_int_equal(symlink("nowhere", path("topic.0.t3")), 0);
	hand_start(BYTES);
	assert_int_equal(hand_order(hand_batch(2, 1, 100), SPOOL_PARK), SPOOL_LEFT);
	hand_stop();
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		assert_int_equal(access(path(names[i]), F_OK), 0);
}

static void the_topic_that_needs_the_name_is_refused_until_it_is_gone(void **state)
{
	struct batch *batch;

	(void)state;
	put("topic.0.t1");
	hand_start(BYTES);
	batch = hand_batch(1, 1, 100);
	assert_int_equal(hand_order(batch, SPOOL_PARK), SPOOL_REFUSED);
	assert_int_equal(unlink(path("topic.0.t1")), 0);
	assert_int_equal(hand_order(batch, SPOOL_PARK), SPOOL_LEFT);
}

static void a_lane_of_ours_needs_the_name(void **state)
{
	struct error error = {""};

	(void)state;
	put("lane.0");
	hand.config.batch_bytes = BYTES;
	assert_int_not_equal(spool_start(&hand.spool, &hand.config, &error), 0);
	assert_null(hand.spool);
	assert_non_null(strstr(error.text, "/lane.0: cannot be made or opened: Not a directory; move what is there to another place"));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, hand_setup, hand_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(it_is_left_alone),
		TEST(the_topic_that_needs_the_name_is_refused_until_it_is_gone),
		TEST(a_lane_of_ours_needs_the_name),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
