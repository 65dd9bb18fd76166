/* SPDX-License-Identifier: Apache-2.0 */
/* What becomes of single orders. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdatomic.h>
#include <string.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "batch/settled.h"
#include "hand.h"
#include "spool/log.h"
#include "spool/names.h"

#define SMALL 16384u

static atomic_int is_crowded;

/* In the library's place: a file system of a hundred blocks. */
int statvfs(const char *path, struct statvfs *fs)
{
	(void)path;
	*fs = (struct statvfs){.f_blocks = 100, .f_bavail = atomic_load(&is_crowded) ? 0 : 50};
	return 0;
}

static int setup_with_free(void **state)
{
	int rc = hand_setup(state);

	hand.config.free_percent = 5;
	return rc;
}

static void expect_left(unsigned records)
{
	struct batch *batch = hand_batch(0, records, 8000);

	assert_int_equal(hand_order(batch, SPOOL_LEAVE), SPOOL_LEFT);
	batch_put(hand.pool, batch);
}

/* A batch in part is put together in memory of a fixed size; one that is too large for an entry is left where it is. */
static void batch_that_no_entry_holds_is_refused_whole_and_in_part(void **state)
{
	unsigned records = SPOOL_PAYLOAD_MAX / 8000 + 100;
	struct batch *batch;

	(void)state;
	hand_start(2 * SPOOL_PAYLOAD_MAX);
	expect_left(SPOOL_PAYLOAD_MAX / 8100);
	batch = hand_batch(0, records, 8000);
	assert_int_equal(hand_order(batch, SPOOL_LEAVE), SPOOL_REFUSED);
	batch_settle(batch, 0);
	assert_int_equal(hand_order(batch, SPOOL_PARK), SPOOL_REFUSED);
	assert_int_equal(batch_unsettled_records(batch), records - 1);
	batch_put(hand.pool, batch);
	hand_stop();
}

/* As long as a configuration lets it be, and of the producer with the longest number. */
static void topic_with_the_longest_name_is_parked(void **state)
{
	struct batch *batch;

	(void)state;
	hand.config.index = 99;
	hand.config.index_count = 100;
	memset(hand.topics.topics[1].name, 'n', SPOOL_PARKED_NAME_MAX);
	hand_start(SMALL);
	batch = hand_batch(1, 1, 100);
	assert_int_equal(hand_order(batch, SPOOL_PARK), SPOOL_LEFT);
	batch_put(hand.pool, batch);
	hand_stop();
}

static int is_buried(void)
{
	struct batch *letter = hand_batch(1, 1, 100);
	enum spool_answer answer;

	letter->reason = "MSG_SIZE_TOO_LARGE";
	answer = hand_order(letter, SPOOL_BURY);
	batch_put(hand.pool, letter);
	usleep(1000);
	return answer == SPOOL_LEFT;
}

/* A log that holds nothing keeps a file for a minute, unless room is wanted. */
static void letter_that_finds_the_file_system_crowded_has_idle_files_go(void **state)
{
	int64_t until_ms = clock_ms() + 30000;
	const struct spool_log_state *log;

	(void)state;
	hand_start(SMALL);
	log = spool_lane_state(hand.spool, 0, 0);
	expect_left(1);
	hand_give(hand_read(), SPOOL_SETTLE);
	assert_int_equal(counter_read(&log->segments), 1);
	atomic_store(&is_crowded, 1);
	while (is_buried() || counter_read(&log->segments) != 0)
		assert_true(clock_ms() < until_ms);
	hand_stop();
}

/* Orders that are obeyed in one turn are made durable at its end. When their class makes room for them, the file that goes may be
 * one that some of them are in: these are given up by its policy, and counted. */
static void batches_whose_file_makes_room_before_they_are_durable_are_given_up(void **state)
{
	const struct spool_counters *c;
	uint64_t made_room;

	(void)state;
	atomic_store(&is_crowded, 0);
	hand.config.class_count = 1;
	hand.config.classes[0] = (struct spool_class){.name = "all", .percent = 100, .policy = SPOOL_KEEP_NEWEST};
	hand.config.size_bytes = 4 * 65536;
	hand.config.sync_bytes = 1u << 20;
	hand_start(4 * SMALL);
	c = spool_count(hand.spool);
	for (unsigned i = 0; i < 7; i++) {
		struct batch *batch = hand_batch(0, 5, 8000);

		batch->order = SPOOL_LEAVE;
		spool_order(hand.spool, batch, SPOOL_LEAVE);
	}
	spool_wake(hand.spool);
	for (unsigned i = 0; i < 7; i++) {
		enum spool_answer answer;

		batch_put(hand.pool, hand_take(&answer));
		assert_int_equal(answer, SPOOL_LEFT);
	}
	made_room = counter_read(&c->made_room);
	assert_in_range(made_room, 5, 30);
	assert_int_equal(counter_read(&c->spooled), 35 - made_room);
	for (unsigned i = 0; i < 7 - made_room / 5; i++)
		hand_give(hand_read(), SPOOL_SETTLE);
	assert_int_equal(counter_read(&c->spooled), 0);
	hand_stop();
}

/* No worker hands on such a batch; an order of one is answered all the same, and counts nothing. */
static void batch_without_records_is_answered(void **state)
{
	static const enum spool_order orders[] = {SPOOL_LEAVE, SPOOL_PARK, SPOOL_WRITE};

	(void)state;
	hand_start(SMALL);
	for (size_t i = 0; i < sizeof(orders) / sizeof(orders[0]); i++) {
		struct batch *batch = hand_batch(0, 0, 0);

		assert_int_equal(batch_unsettled_events(batch), 0);
		(void)hand_order(batch, orders[i]);
		batch_put(hand.pool, batch);
	}
	assert_int_equal(counter_read(&spool_count(hand.spool)->spooled), 0);
	hand_stop();
}

/* In mode wal the producer delivers it all the same. */
static void what_was_to_be_written_first_and_has_no_room_is_counted(void **state)
{
	const struct spool_counters *c;
	struct batch *batch;

	(void)state;
	atomic_store(&is_crowded, 0);
	hand.config.size_bytes = 2 * 65536;
	hand_start(4 * SMALL);
	c = spool_count(hand.spool);
	batch = hand_batch(0, 7, 8000);
	assert_int_equal(hand_order(batch, SPOOL_WRITE), SPOOL_WRITTEN);
	assert_int_equal(counter_read(&c->unwritten), 0);
	assert_int_equal(counter_read(&c->unwritten_ms), 0);
	batch_put(hand.pool, batch);
	for (unsigned i = 0; i < 2; i++) {
		batch = hand_batch(0, 7, 8000);
		(void)hand_order(batch, SPOOL_WRITE);
		batch_put(hand.pool, batch);
	}
	assert_int_equal(counter_read(&c->accepted) + counter_read(&c->unwritten), 21);
	assert_in_range(counter_read(&c->unwritten), 7, 14);
	assert_true(counter_read(&c->unwritten_ms) > 0);
	hand_stop();
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(batch_that_no_entry_holds_is_refused_whole_and_in_part, hand_setup, hand_teardown),
		cmocka_unit_test_setup_teardown(topic_with_the_longest_name_is_parked, hand_setup, hand_teardown),
		cmocka_unit_test_setup_teardown(
			letter_that_finds_the_file_system_crowded_has_idle_files_go, setup_with_free, hand_teardown),
		cmocka_unit_test_setup_teardown(
			batches_whose_file_makes_room_before_they_are_durable_are_given_up, setup_with_free, hand_teardown),
		cmocka_unit_test_setup_teardown(batch_without_records_is_answered, hand_setup, hand_teardown),
		cmocka_unit_test_setup_teardown(
			what_was_to_be_written_first_and_has_no_room_is_counted, hand_setup, hand_teardown),
	};

	log_set_level((enum log_level)(LOG_ERROR - 1));
	return cmocka_run_group_tests(tests, NULL, NULL);
}
