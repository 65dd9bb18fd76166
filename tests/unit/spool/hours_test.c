/* SPDX-License-Identifier: Apache-2.0 */
/* A landing hour is not complete while an entry of it moves from one place to another. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdatomic.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "hand.h"
#include "spool/internal.h"

#define HOUR 5

static atomic_uint completed; /* times that the hour was */

void __real_hours_take(struct spool *spool, struct shelf *shelf, int64_t hour);
void __wrap_hours_take(struct spool *spool, struct shelf *shelf, int64_t hour);

/* Looks when a log lets go of an hour, as any other thread may. */
void __wrap_hours_take(struct spool *spool, struct shelf *shelf, int64_t hour)
{
	__real_hours_take(spool, shelf, hour);
	if (spool_hours_settled(spool, HOUR, HOUR + 1) == HOUR + 1)
		atomic_fetch_add(&completed, 1);
}

static int setup(void **state)
{
	atomic_store(&completed, 0);
	return hand_setup(state);
}

/* A batch that was left to the disk and read back. */
static struct batch *begin(void)
{
	struct batch *batch;

	hand_start(16384);
	batch = hand_batch(0, 1, 100);
	batch->hour = HOUR;
	assert_int_equal(hand_order(batch, SPOOL_LEAVE), SPOOL_LEFT);
	batch_put(hand.pool, batch);
	batch = hand_read();
	assert_int_equal(spool_hours_settled(hand.spool, 0, 64), HOUR);
	return batch;
}

/* Gives an order that has no answer, and waits until the batch is no longer on its way. */
static void give(struct batch *batch, enum spool_order order)
{
	int64_t until_ms = clock_ms() + 30000;

	hand_give(batch, order);
	while (atomic_load(&spool_counters(hand.spool)->returning) != 0) {
		assert_true(clock_ms() < until_ms);
		usleep(1000);
	}
}

static void hour_is_open_while_a_batch_moves_to_the_log_of_its_topic(void **state)
{
	struct batch *batch = begin();

	(void)state;
	give(batch, SPOOL_PARK);
	assert_int_equal(spool_hours_settled(hand.spool, 0, 64), HOUR);
	batch = hand_read_topic(0);
	assert_int_equal(atomic_load(&completed), 0);
	give(batch, SPOOL_SETTLE);
	hand_stop();
	assert_int_equal(atomic_load(&completed), 1);
}

static void hour_is_open_while_a_batch_goes_back_to_its_log(void **state)
{
	struct batch *batch = begin();

	(void)state;
	give(batch, SPOOL_LEAVE);
	assert_int_equal(spool_hours_settled(hand.spool, 0, 64), HOUR);
	batch = hand_read();
	assert_int_equal(atomic_load(&completed), 0);
	give(batch, SPOOL_SETTLE);
	hand_stop();
	assert_int_equal(atomic_load(&completed), 1);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(hour_is_open_while_a_batch_moves_to_the_log_of_its_topic, setup, hand_teardown),
		cmocka_unit_test_setup_teardown(hour_is_open_while_a_batch_goes_back_to_its_log, setup, hand_teardown),
	};

	log_set_level((enum log_level)(LOG_ERROR - 1));
	return cmocka_run_group_tests(tests, NULL, NULL);
}
