/* SPDX-License-Identifier: Apache-2.0 */
/* What a spool holds that nobody has opened is told without changing anything. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>
#include <errno.h>

#include "hand.h"
#include "spool/waiting.h"

#define LIMIT_MS 60000u

static struct error error;

static const char *path(const char *name)
{
	static char text[160];

	(void)snprintf(text, sizeof(text), "%s/%s", hand.directory, name);
	return text;
}

static struct spool_waiting waiting;

static int look(unsigned limit_ms)
{
	error.text[0] = '\0';
	return spool_waiting_look(hand.directory, limit_ms, &waiting, &error);
}

/* Three events in the lane's log, two in a topic's. */
static void fill(void)
{
	hand_start(16384);
	assert_int_equal(hand_order(hand_batch(0, 3, 100), SPOOL_LEAVE), SPOOL_LEFT);
	assert_int_equal(hand_order(hand_batch(1, 2, 100), SPOOL_PARK), SPOOL_LEFT);
}

static void what_waits_is_counted_and_stays(void **state)
{
	(void)state;
	fill();
	assert_int_equal(look(LIMIT_MS), -EBUSY);
	hand_stop();
	for (unsigned i = 0; i < 2; i++) {
		assert_int_equal(look(LIMIT_MS), 0);
		assert_int_equal(waiting.logs, 2);
		assert_int_equal(waiting.events, 5);
		assert_int_equal(waiting.more, 0);
	}
	hand_start(16384);
	assert_int_equal(counter_read(&spool_count(hand.spool)->recovered), 5);
}

static void what_is_delivered_waits_no_more(void **state)
{
	struct batch *batch;

	(void)state;
	hand_start(16384);
	batch = hand_batch(0, 3, 100);
	assert_int_equal(hand_order(batch, SPOOL_LEAVE), SPOOL_LEFT);
	batch_put(hand.pool, batch);
	hand_give(hand_read(), SPOOL_SETTLE);
	hand_stop();
	assert_int_equal(look(LIMIT_MS), 0);
	assert_int_equal(waiting.logs, 1);
	assert_int_equal(waiting.events, 0);
}

static void without_time_nothing_is_opened(void **state)
{
	(void)state;
	fill();
	hand_stop();
	assert_int_equal(look(0), 0);
	assert_int_equal(waiting.events, 0);
	assert_int_equal(waiting.more, 1);
}

static void what_is_no_log_is_left_alone(void **state)
{
	(void)state;
	fill();
	hand_stop();
	assert_int_equal(mkdir(path("topic.0."), 0755), 0);
	assert_int_equal(mkdir(path("dead.0"), 0755), 0);
	assert_int_equal(symlink("nowhere", path("lane.5")), 0);
	assert_int_equal(symlink("lock", path("lane.6")), 0);
	assert_int_equal(look(LIMIT_MS), 0);
	assert_int_equal(waiting.logs, 2);
	assert_int_equal(waiting.events, 5);
}

static void a_log_that_cannot_be_read_does_not_hide_the_others(void **state)
{
	(void)state;
	fill();
	hand_stop();
	assert_int_equal(symlink("lane.5", path("lane.5")), 0);
	assert_int_equal(look(LIMIT_MS), -ELOOP);
	assert_non_null(strstr(error.text, "lane.5"));
	assert_int_equal(waiting.logs, 3);
	assert_int_equal(waiting.events, 5);
}

static void a_directory_that_is_not_there_is_told_apart(void **state)
{
	(void)state;
	assert_int_equal(look(LIMIT_MS), 0);
	assert_int_equal(waiting.logs, 0);
	assert_int_equal(spool_waiting_look(path("nowhere"), LIMIT_MS, &waiting, &error), -ENOENT);
	assert_string_equal(error.text, "No such file or directory");
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, hand_setup, hand_teardown)
	static const struct CMUnitTest tests[] = {
		T(what_waits_is_counted_and_stays),
		T(what_is_delivered_waits_no_more),
		T(without_time_nothing_is_opened),
		T(what_is_no_log_is_left_alone),
		T(a_log_that_cannot_be_read_does_not_hide_the_others),
		T(a_directory_that_is_not_there_is_told_apart),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
