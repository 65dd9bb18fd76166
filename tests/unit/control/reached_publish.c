/* SPDX-License-Identifier: Apache-2.0 */
/* Epochs before that wait to be published: one of which nothing is known is told of by name, and is in nobody's way. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>
#include <stdio.h>
#include <sys/stat.h>

#include "control/daemon/box.h"
#include "kafka/board.h"
#include "said.h"
#include "state_rig.h"

static struct box box;
static struct topology plan; /* no CPUs are told */
static struct config config = {.node = "ams1", .spool_mode = CONFIG_SPOOL_WAL};
static char posted[4096]; /* keys, each with a line feed */
static unsigned refusals;

/* In the library's place. */
int kafka_board_post(struct kafka_board *board, const char *key, const char *value, int limit_ms, struct error *error)
{
	size_t used = strlen(posted);

	(void)board;
	(void)value;
	(void)limit_ms;
	if (refusals > 0) {
		refusals--;
		return error_set(error, -ETIMEDOUT, "nobody answers");
	}
	(void)snprintf(posted + used, sizeof(posted) - used, "%s\n", key);
	return 0;
}

static struct kafka_board *board(void)
{
	return (struct kafka_board *)posted;
}

/* One that ended in good order, with 42 records. */
static void keep(uint32_t number)
{
	struct reached_epoch epoch = {.epoch = number, .node = "ams1", .instance = "i", .boot = "b", .mode = "wal", .ended = 1,
		.exact = 1, .lanes = 1, .producers = 1, .spool = "/s"};

	assert_int_equal(reached_raise(&epoch.set, "ev.a", 0, 42), 1);
	assert_int_equal(reached_file_store(state_directory(box.state), &epoch), 0);
	reached_epoch_fini(&epoch);
}

static unsigned times(const char *text, const char *what)
{
	unsigned count = 0;

	for (; (text = strstr(text, what)) != NULL; text++)
		count++;
	return count;
}

/* Once for each, and by name. */
static void expect_told(const char *text)
{
	assert_int_equal(times(text, "epoch 7 came is not known, and is not published: reached.7 in the state directory is damaged"), 1);
	assert_int_equal(times(text, "epoch 9 came is not known"), 1);
	assert_int_equal(times(text, "reached.9 in the state directory cannot be read: Is a directory"), 1);
}

static void damage(const char *name)
{
	char text[1024];
	size_t length = get(name, text, sizeof(text));

	text[length / 2] ^= 1;
	put(name, text, length);
}

static void forbid(const char *name)
{
	(void)unlink(path_of(name));
	assert_int_equal(mkdir(path_of(name), 0755), 0);
}

static int begin(void **state)
{
	int rc = setup(state);

	memset(&box, 0, sizeof(box));
	posted[0] = '\0';
	box.config = &config;
	box.plan = &plan;
	box.epoch = 100;
	box.state = open_ok();
	for (uint32_t number = 7; number < 11; number++)
		keep(number);
	return rc;
}

static void start(void)
{
	struct error error = {""};

	if (reached_start(&box, &error) != 0)
		fail_msg("%s", error.text);
}

static int end(void **state)
{
	reached_stop(&box);
	state_close(box.state);
	(void)rmdir(path_of("reached.9"));
	return teardown(state);
}

static void what_is_damaged_at_the_start_is_not_published(void **state)
{
	struct said said;

	(void)state;
	damage("reached.7");
	forbid("reached.9");
	said_begin(&said);
	start();
	reached_publish(&box, board());
	expect_told(said_end(&said));
	assert_string_equal(posted, "ams1 reached 8 0\nams1 reached a 0\n");
	assert_true(exists("reached.7.bad"));
	assert_true(exists("reached.9"));
	assert_int_equal(box.reached.waiting, 0);
}

static void what_is_damaged_while_it_waits_is_in_nobody_s_way(void **state)
{
	struct said said;

	(void)state;
	start();
	damage("reached.7");
	forbid("reached.9");
	refusals = 1;
	said_begin(&said);
	for (unsigned i = 0; i < 4; i++)
		reached_publish(&box, board());
	expect_told(said_end(&said));
	assert_string_equal(posted, "ams1 reached 8 0\nams1 reached a 0\n");
	assert_true(exists("reached.7.bad"));
	assert_false(exists("reached.8"));
	assert_true(exists("reached.9"));
	assert_int_equal(box.reached.waiting, 0);
	assert_int_equal(box.reached.last_published, 1);
}

/* It was killed in mode wal. */
static void leave_running(uint32_t number, const char *spool)
{
	struct reached_epoch epoch = {.epoch = number, .node = "ams1", .instance = "i", .boot = "b", .mode = "wal", .lanes = 1,
		.producers = 1};

	(void)snprintf(epoch.spool, sizeof(epoch.spool), "%s", spool);
	assert_int_equal(reached_file_store(state_directory(box.state), &epoch), 0);
	reached_epoch_fini(&epoch);
}

static int is_running(uint32_t number)
{
	struct reached_epoch epoch = {.epoch = number};
	int is;

	assert_int_equal(reached_file_load(state_directory(box.state), &epoch), 0);
	is = !epoch.ended;
	reached_epoch_fini(&epoch);
	return is;
}

/* Only its spool knows how far it came. */
static void an_epoch_waits_for_its_spool(void **state)
{
	struct said said;

	(void)state;
	leave_running(11, directory);
	leave_running(12, "/nonexistent/spool");
	said_begin(&said);
	start();
	reached_publish(&box, board());
	assert_non_null(strstr(said_end(&said), "how far epoch b came is told by the spool"));
	assert_string_equal(posted, "ams1 reached 7 0\nams1 reached 8 0\nams1 reached 9 0\nams1 reached a 0\nams1 reached c 0\n");
	assert_true(is_running(11));
	assert_false(exists("reached.12"));
	assert_int_equal(box.reached.last, 12);
	assert_int_equal(box.reached.waiting, 0);
}

static void with_mode_off_no_spool_is_open(void **state)
{
	(void)state;
	(void)snprintf(box.spool_directory, sizeof(box.spool_directory), "%s", directory);
	leave_running(11, directory);
	config.spool_mode = CONFIG_SPOOL_OFF;
	start();
	config.spool_mode = CONFIG_SPOOL_WAL;
	assert_true(is_running(11));
	assert_int_equal(box.reached.last, 10);
}

static void with_its_spool_open_an_epoch_is_concluded(void **state)
{
	(void)state;
	(void)snprintf(box.spool_directory, sizeof(box.spool_directory), "%s", directory);
	leave_running(11, directory);
	start();
	assert_false(is_running(11));
	assert_int_equal(box.reached.last, 11);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(what_is_damaged_at_the_start_is_not_published, begin, end),
		cmocka_unit_test_setup_teardown(what_is_damaged_while_it_waits_is_in_nobody_s_way, begin, end),
		cmocka_unit_test_setup_teardown(an_epoch_waits_for_its_spool, begin, end),
		cmocka_unit_test_setup_teardown(with_mode_off_no_spool_is_open, begin, end),
		cmocka_unit_test_setup_teardown(with_its_spool_open_an_epoch_is_concluded, begin, end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
