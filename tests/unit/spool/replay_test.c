/* SPDX-License-Identifier: Apache-2.0 */
/* What is read back: in batches of all sizes, whatever others hold. */
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/log.h"
#include "batch/batch.h"
#include "replay_rig.h"

#define SIZES 3u

/* They fit into the smallest batches, into those of the configuration, and only into those of a configuration before. */
static const uint32_t sizes[SIZES] = {1000, 40000, 100000};

static void no_size_waits_for_a_batch_that_nobody_takes(void **state)
{
	struct batch *held[SIZES];

	(void)state;
	rig_begin();
	for (unsigned i = 0; i < SIZES; i++) {
		rig_park(1, sizes[i]);
		rig_leave(0, sizes[i]);
	}
	rig_allow_topic(1, 1);
	held[0] = rig_read(1, sizes[0]);
	rig_allow_topic(1, 2);
	held[1] = rig_read(1, sizes[1]);
	rig_allow_topic(1, 3);
	held[2] = rig_read(1, sizes[2]);
	rig_allow_lane(UINT_MAX);
	for (unsigned i = 0; i < SIZES; i++)
		rig_settle(rig_read(0, sizes[i]));
	for (unsigned i = 0; i < SIZES; i++)
		rig_settle(held[i]);
	hand_wait(rig_is_read_out);
	hand_wait(rig_hours_are_complete);
}

/* There are four batches of the size, and each of them is tried with one that the client keeps. */
static void sick_topics_together_leave_half_of_the_batches_to_others(void **state)
{
	struct batch *held[5];

	(void)state;
	hand.config.replay_bytes = 8 * hand.config.batch_bytes;
	rig_begin();
	for (uint16_t topic = 1; topic <= 5; topic++)
		rig_park(topic, sizes[1]);
	rig_leave(0, sizes[1]);
	for (uint16_t topic = 1; topic <= 5; topic++)
		rig_allow_topic(topic, 1);
	held[0] = rig_read(1, sizes[1]);
	held[1] = rig_read(2, sizes[1]);
	rig_allow_lane(UINT_MAX);
	rig_settle(rig_read(0, sizes[1]));
	for (uint16_t topic = 3; topic <= 5; topic++) {
		rig_settle(held[topic - 3]);
		held[topic - 1] = rig_read(topic, sizes[1]);
	}
	rig_settle(held[3]);
	rig_settle(held[4]);
	hand_wait(rig_is_read_out);
}

static void batch_that_has_no_memory_waits_for_it_alone(void **state)
{
	(void)state;
	rig_begin();
	rig_park(1, sizes[2]);
	rig_leave(0, sizes[0]);
	rig_leave(0, sizes[1]);
	__atomic_store_n(&rig_no_memory, 1, __ATOMIC_RELAXED);
	rig_allow_topic(1, UINT_MAX);
	rig_allow_lane(UINT_MAX);
	rig_settle(rig_read(0, sizes[0]));
	rig_settle(rig_read(0, sizes[1]));
	__atomic_store_n(&rig_no_memory, 0, __ATOMIC_RELAXED);
	rig_settle(rig_read(1, sizes[2]));
	hand_wait(rig_is_read_out);
}

/* Its clock has run for longer than the bytes of that time can be counted. */
static void rate_does_not_mind_how_long_the_machine_has_been_up(void **state)
{
	(void)state;
	__atomic_store_n(&rig_ahead_ms, INT64_C(120) * 86400 * 1000, __ATOMIC_RELAXED);
	hand.config.replay_rate = UINT64_C(1) << 30; /* more than 2^63 thousandths of a byte in that time, and fewer than 2^64 */
	rig_begin();
	for (unsigned i = 0; i < SIZES; i++)
		rig_leave(0, sizes[i]);
	rig_allow_lane(UINT_MAX);
	for (unsigned i = 0; i < SIZES; i++)
		rig_settle(rig_read(0, sizes[i]));
	hand_wait(rig_is_read_out);
}

/* A fraction of a byte each turn is not lost: what was read is owed, and the next comes when that is paid. */
static void lowest_rate_delivers_all_the_same(void **state)
{
	(void)state;
	hand.config.replay_rate = 19;
	rig_begin();
	for (unsigned i = 0; i < 3; i++)
		rig_leave(0, sizes[0]);
	rig_allow_lane(UINT_MAX);
	for (unsigned i = 0; i < 3; i++) {
		rig_settle(rig_read(0, sizes[0]));
		__atomic_fetch_add(&rig_ahead_ms, 1000 * (sizes[0] / 19 + 1), __ATOMIC_RELAXED);
	}
	hand_wait(rig_is_read_out);
}

/* What is damaged of them is passed over when it is the next to be read, and nobody settles anything behind it. */
static void hours_are_complete_when_the_last_entry_from_before_was_damaged(void **state)
{
	(void)state;
	rig_begin();
	for (unsigned i = 0; i < 3; i++)
		rig_leave(0, sizes[0]);
	hand_stop();
	rig_damage_payload(2);
	rig_begin();
	assert_false(rig_hours_are_complete());
	for (unsigned i = 0; i < 2; i++) {
		struct batch *batch;

		rig_allow_lane(1);
		batch = rig_read(0, sizes[0]);
		rig_allow_lane(0);
		rig_settle(batch);
		assert_false(rig_hours_are_complete());
	}
	rig_allow_lane(1);
	hand_wait(rig_is_read_out);
	assert_int_equal(counter_read(&spool_count(hand.spool)->damaged), 1);
	hand_wait(rig_hours_are_complete);
}

static int has_made_room(void)
{
	return counter_read(&spool_count(hand.spool)->made_room) != 0;
}

/* What cannot be read of it tells no hour. */
static void hours_are_complete_when_a_damaged_file_has_made_room(void **state)
{
	unsigned sent = 0;

	(void)state;
	hand.config.size_bytes = 512u << 10;
	hand.config.class_count = 1;
	hand.config.classes[0] = (struct spool_class){.name = "all", .percent = 100, .policy = SPOOL_KEEP_NEWEST};
	rig_begin();
	for (; sent < 2; sent++)
		rig_leave(0, sizes[0]);
	rig_damage_header(0);
	for (; !has_made_room(); sent++)
		rig_leave(0, sizes[1]);
	rig_allow_lane(UINT_MAX);
	for (sent -= (unsigned)counter_read(&spool_count(hand.spool)->made_room); sent > 0; sent--)
		rig_settle(rig_read(0, sizes[1]));
	hand_wait(rig_is_read_out);
	hand_wait(rig_hours_are_complete);
}

/* Whole, and with a right checksum; but its records would be marked beyond the batch's marks, or be none. */
static void entry_that_can_be_no_batch_is_damaged(void **state)
{
	(void)state;
	rig_begin();
	rig_leave(0, sizes[0]);
	hand_stop();
	rig_forge(BATCH_RECORDS + 1, BATCH_RECORDS + 1, 1);
	rig_forge(0, 5, 1);
	rig_forge(3, 20, 10);
	rig_forge(UINT32_MAX, 7, UINT32_MAX);
	rig_begin();
	rig_leave(0, sizes[1]);
	rig_allow_lane(UINT_MAX);
	rig_settle(rig_read(0, sizes[0]));
	rig_settle(rig_read(0, sizes[1]));
	hand_wait(rig_is_read_out);
	assert_int_equal(counter_read(&spool_count(hand.spool)->damaged), BATCH_RECORDS + 1 + 5 + 20 + 7);
	hand_wait(rig_hours_are_complete);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, rig_setup, rig_teardown)
	const struct CMUnitTest tests[] = {
		TEST(no_size_waits_for_a_batch_that_nobody_takes),
		TEST(sick_topics_together_leave_half_of_the_batches_to_others),
		TEST(batch_that_has_no_memory_waits_for_it_alone),
		TEST(hours_are_complete_when_the_last_entry_from_before_was_damaged),
		TEST(hours_are_complete_when_a_damaged_file_has_made_room),
		TEST(entry_that_can_be_no_batch_is_damaged),
		TEST(lowest_rate_delivers_all_the_same),
		TEST(rate_does_not_mind_how_long_the_machine_has_been_up),
	};
#undef TEST

	log_set_level((enum log_level)(LOG_ERROR - 1)); /* it tells of the memory */
	return cmocka_run_group_tests(tests, NULL, NULL);
}
