/* SPDX-License-Identifier: Apache-2.0 */
/* What the state directory keeps of epochs that are not published yet. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>

#include "control/daemon/reached_file.h"
#include "state_rig.h"

static struct reached_epoch some(uint32_t number)
{
	struct reached_epoch epoch = {.epoch = number, .node = "ams1", .instance = "i", .boot = "b", .mode = "wal", .bound = 1u << 20,
		.lanes = 2, .producers = 1, .spool = "/a directory/of spools"};

	assert_int_equal(reached_raise(&epoch.set, "ev.a", 1, 42), 1);
	return epoch;
}

static void an_epoch_reads_back(void **state)
{
	struct reached_epoch epoch = some(7), back = {.epoch = 7};
	struct state *s = open_ok();
	int dir = state_directory(s);

	(void)state;
	assert_int_equal(reached_file_load(dir, &back), -ENOENT);
	assert_int_equal(reached_file_store(dir, &epoch), 0);
	assert_int_equal(reached_file_load(dir, &back), 0);
	assert_string_equal(back.spool, epoch.spool);
	assert_string_equal(back.node, "ams1");
	assert_string_equal(back.mode, "wal");
	assert_int_equal(back.bound, 1u << 20);
	assert_int_equal(back.lanes, 2);
	assert_false(back.ended);
	assert_int_equal(reached_last(&back.set, "ev.a", 1), 42);
	reached_epoch_fini(&back);
	reached_epoch_fini(&epoch);
	state_close(s);
}

static void a_damaged_one_is_told(void **state)
{
	struct reached_epoch epoch = some(7), back = {.epoch = 7};
	struct state *s = open_ok();
	char text[1024];
	size_t length;

	(void)state;
	assert_int_equal(reached_file_store(state_directory(s), &epoch), 0);
	length = get("reached.7", text, sizeof(text));
	for (size_t i = 0; i < length; i += 3) {
		text[i] ^= 1;
		put("reached.7", text, length);
		text[i] ^= 1;
		assert_int_equal(reached_file_load(state_directory(s), &back), -EBADMSG);
		reached_epoch_fini(&back);
	}
	put("reached.7", text, length / 2);
	assert_int_equal(reached_file_load(state_directory(s), &back), -EBADMSG);
	reached_epoch_fini(&back);
	reached_epoch_fini(&epoch);
	state_close(s);
}

static void the_highest_are_listed_in_order(void **state)
{
	static const uint32_t numbers[] = {900, 7, 4294967295u, 31};
	struct state *s = open_ok();
	uint32_t found[4] = {0};

	(void)state;
	for (unsigned i = 0; i < 4; i++) {
		struct reached_epoch epoch = some(numbers[i]);

		assert_int_equal(reached_file_store(state_directory(s), &epoch), 0);
		reached_epoch_fini(&epoch);
	}
	put("reached.12.tmp", "", 0);
	put("reached.13.bad", "", 0);
	assert_int_equal(reached_file_list(state_directory(s), found, 3), 3);
	assert_int_equal(found[0], 31);
	assert_int_equal(found[2], 4294967295u);
	reached_file_remove(state_directory(s), 31);
	assert_int_equal(reached_file_list(state_directory(s), found, 4), 3);
	assert_int_equal(found[0], 7);
	state_close(s);
}

/* As many topics and lanes as there can be in practice. */
static void many_topics_of_many_lanes_fit(void **state)
{
	struct reached_epoch epoch = some(7), back = {.epoch = 7};
	struct state *s = open_ok();
	char name[64];

	(void)state;
	for (unsigned topic = 0; topic < 600; topic++)
		for (unsigned lane = 0; lane < 64; lane++) {
			(void)snprintf(name, sizeof(name), "events.of.a.type.with.a.long.name.%03u", topic);
			assert_int_equal(reached_raise(&epoch.set, name, lane, UINT64_MAX - topic), 1);
		}
	assert_int_equal(reached_file_store(state_directory(s), &epoch), 0);
	assert_int_equal(reached_file_load(state_directory(s), &back), 0);
	assert_int_equal(reached_last(&back.set, name, 63), UINT64_MAX - 599);
	reached_epoch_fini(&back);
	reached_epoch_fini(&epoch);
	state_close(s);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(an_epoch_reads_back),
		TEST(a_damaged_one_is_told),
		TEST(the_highest_are_listed_in_order),
		TEST(many_topics_of_many_lanes_fit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
