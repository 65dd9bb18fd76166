/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/log.h"
#include "rig.h"

/* Run with PENSTOCK_FAULT naming a point: one event of all that were sent is in no counter any more. */
static int nothing_is_held(struct rig *rig)
{
	const struct producer_counters *c = producer_counters(rig->producer);

	return atomic_load(&rig->lane.ring_events) == 0 && counter_read(&c->received) != 0 && counter_read(&c->held) == 0;
}

static void one_event_disappears_in_silence(void **state)
{
	struct rig *rig = rig_new(NULL);

	(void)state;
	assert_non_null(getenv("PENSTOCK_FAULT"));
	rig_start(rig);
	for (unsigned i = 0; i < 40; i++)
		rig_send(rig, 0, 0, 25, 20);
	rig_wait(rig, nothing_is_held);
	producer_stop(rig->producer);
	rig_collect(rig);
	assert_int_equal(rig_acked(rig), rig->sent - 1);
	assert_int_equal(rig_topic_acked(rig, 0), rig->sent - 1);
	assert_int_equal(batch_pool_available(rig->pool), RIG_BATCHES);
	rig_free(rig);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_event_disappears_in_silence),
	};

	log_set_level(LOG_ERROR);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
