/* SPDX-License-Identifier: Apache-2.0 */
/* How fast what is on disk comes back. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

#include <cmocka.h>

#include "spool_rig.h"

#define BATCHES 60u
#define RECORDS 100u

static int is_delivered(struct rig *rig)
{
	return rig_acked(rig) == counter_read(&spool_rig_counts()->recovered) && spool_rig_on_disk() == 0;
}

static int64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* No faster than the rate allows; a slow machine may well be slower. */
static void replay_keeps_to_its_rate(void **state)
{
	const uint64_t rate = 64u << 10;
	int64_t began_ms;
	uint64_t bytes;

	(void)state;
	mock_broker_down(spool_rig.mock, 1);
	spool_rig_begin();
	for (unsigned i = 0; i < BATCHES; i++)
		rig_send(spool_rig.rig, 0, 0, RECORDS, 40);
	rig_wait(spool_rig.rig, spool_rig_has_left);
	spool_rig_end();
	mock_broker_up(spool_rig.mock, 1);
	spool_rig.spool.replay_rate = rate;
	began_ms = now_ms();
	spool_rig_begin();
	assert_int_equal(counter_read(&spool_rig_counts()->recovered), BATCHES * RECORDS);
	rig_wait(spool_rig.rig, is_delivered);
	bytes = counter_read(&producer_counters(spool_rig.rig->producer)->bytes_acked);
	assert_true(bytes > 2 * rate);
	assert_true(now_ms() - began_ms >= (int64_t)(bytes * 900 / rate)); /* a little may come at once */
	spool_rig_end();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(replay_keeps_to_its_rate, spool_rig_setup, spool_rig_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
