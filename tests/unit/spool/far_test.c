/* SPDX-License-Identifier: Apache-2.0 */
/* A log as long as logs may be. The log's own sources are compiled into this with a limit of 64 positions. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "hand.h"
#include "sim_disk.h"
#include "spool/format.h"
#include "spool/log.h"
#include "spool/state.h"

#define MAX ((unsigned)SPOOL_UNSETTLED_MAX)

_Static_assert(SPOOL_UNSETTLED_MAX == 64, "or the tests would take long");

static struct sim_disk *sim;
static struct spool_log *spool;
static unsigned next; /* position */

static void open_log(void)
{
	struct spool_log_config config = {.disk = sim_disk_of(sim), .segment_bytes = SPOOL_SEGMENT_MIN, .name = "far"};
	struct error error;

	assert_int_equal(spool_log_open(&spool, &config, &error), 0);
}

static int begin(void **state)
{
	(void)state;
	next = 0;
	sim = sim_disk_new(3, 1);
	open_log();
	return 0;
}

static int end(void **state)
{
	(void)state;
	spool_log_close(spool);
	sim_disk_free(sim);
	return 0;
}

static void start_anew(void)
{
	sim_disk_freeze(sim, 0);
	spool_log_close(spool);
	sim_disk_crash(sim);
	open_log();
}

/* The first ones stand in one file, the others in twos. */
static int append(void)
{
	static const uint8_t payload[30000];
	struct spool_entry entry = {.topic = "t", .events = 1, .bytes = next < MAX / 2 ? 100 : sizeof(payload)};
	struct slice piece = {payload, entry.bytes};
	int rc = spool_log_append(spool, &entry, &piece, 1);

	next += rc == 0;
	return rc;
}

static void fill(void)
{
	int rc;

	while ((rc = append()) == 0)
		continue;
	assert_int_equal(rc, -ENOBUFS);
	assert_int_equal(spool_log_sync(spool), 0);
}

static void settle(unsigned from, unsigned to)
{
	for (unsigned position = from; position < to; position++)
		spool_log_mark(spool, position, SPOOL_SETTLED);
}

static void settle_and_commit(unsigned from, unsigned to)
{
	settle(from, to);
	assert_int_equal(spool_log_commit(spool), 0);
}

static void expect_all(unsigned frontier)
{
	static uint8_t data[32768];
	struct spool_entry entry;
	struct spool_log_info info;

	for (unsigned position = frontier; position < next; position++) {
		assert_int_equal(spool_log_read(spool, 0, &entry, data, sizeof(data)), 1);
		assert_int_equal(entry.position, position);
	}
	spool_log_info(spool, &info);
	assert_int_equal(info.frontier, frontier);
	assert_int_equal(info.end, next);
	assert_int_equal(info.recovered, next - frontier);
	assert_int_equal(info.damaged, 0);
}

static void log_takes_more_only_when_a_start_would_know_that_there_is_room(void **state)
{
	(void)state;
	fill();
	assert_int_equal(next, MAX);
	settle(0, 20);
	assert_int_equal(append(), -ENOBUFS);
	settle_and_commit(20, 21);
	fill();
	assert_int_equal(next, MAX + 21);
	settle(21, 30);
	start_anew();
	expect_all(21);
}

static void damage_slot_in_force(void)
{
	struct spool_state_record records[2];
	unsigned slot;
	uint64_t size;
	uint8_t *copy;

	assert_non_null(sim_disk_get(sim, SPOOL_STATE_NAME, &size));
	copy = malloc(size);
	assert_non_null(copy);
	memcpy(copy, sim_disk_get(sim, SPOOL_STATE_NAME, &size), size);
	for (unsigned i = 0; i < 2; i++)
		memcpy(&records[i], copy + i * SPOOL_STATE_BLOCK, sizeof(records[i]));
	slot = records[1].generation > records[0].generation;
	copy[slot * SPOOL_STATE_BLOCK + 20] ^= 1;
	sim_disk_put(sim, SPOOL_STATE_NAME, copy, size);
	free(copy);
}

static void nothing_is_put_aside_when_the_slot_before_serves(void **state)
{
	(void)state;
	assert_int_equal(append(), 0);
	assert_int_equal(spool_log_sync(spool), 0);
	settle_and_commit(0, 1);
	fill();
	settle_and_commit(1, 29);
	fill();
	assert_int_equal(next, MAX + 29);
	sim_disk_freeze(sim, 0);
	spool_log_close(spool);
	sim_disk_crash(sim);
	damage_slot_in_force();
	open_log();
	expect_all(1);
	assert_int_equal(append(), -ENOBUFS);
	settle_and_commit(1, 2); /* a state that says as much is believed, too */
	start_anew();
	expect_all(2);
}

static int left(unsigned *count, unsigned bytes)
{
	struct batch *batch = hand_batch(0, 1, bytes);
	int rc = hand_order(batch, SPOOL_LEAVE) == SPOOL_LEFT;

	*count += (unsigned)rc;
	batch_put(hand.pool, batch);
	return rc;
}

/* The commit that makes room is asked for, and not kept from coming by those that ask. */
static void order_that_found_no_room_finds_it_after_a_commit(void **state)
{
	unsigned count = 0;
	int64_t until_ms;

	(void)state;
	hand_start(16384);
	while (left(&count, 1000))
		continue;
	assert_int_equal(count, MAX);
	for (unsigned i = 0; i < 3; i++)
		hand_give(hand_read(), SPOOL_SETTLE);
	until_ms = clock_ms() + 30000;
	while (count < MAX + 3) {
		assert_true(clock_ms() < until_ms);
		(void)left(&count, 1000);
	}
	assert_false(left(&count, 1000));
	hand_stop();
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(log_takes_more_only_when_a_start_would_know_that_there_is_room, begin, end),
		cmocka_unit_test_setup_teardown(nothing_is_put_aside_when_the_slot_before_serves, begin, end),
		cmocka_unit_test_setup_teardown(order_that_found_no_room_finds_it_after_a_commit, hand_setup, hand_teardown),
	};

	log_set_level((enum log_level)(LOG_ERROR - 1));
	return cmocka_run_group_tests(tests, NULL, NULL);
}
