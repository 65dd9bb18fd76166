/* SPDX-License-Identifier: Apache-2.0 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>

#include <cmocka.h>

#include "rig.h"
#include "worker/worker_priv.h"

static void a_batch_that_is_not_full_waits_while_others_are_on_the_way(void **state)
{
	struct rig *rig = rig_new(12); /* of 3 topics: two batches may be ahead */
	uint64_t second = clock_hz(), now = clock_tsc();

	(void)state;
	rig_start(rig);
	for (unsigned i = 0; i < 5; i++) {
		rig_put_json(rig, "{\"type\":\"click\"}");
		outlets_seal_aged(rig->worker, now + second / 2);
	}
	assert_int_equal(ring_count(rig->lane.out), 2);
	rig_put_json(rig, "{\"type\":\"view\"}");
	outlets_seal_aged(rig->worker, now + second / 2);
	assert_int_equal(ring_count(rig->lane.out), 3); /* another topic's do not count */
	outlets_seal_aged(rig->worker, now + 8 * second);
	assert_int_equal(ring_count(rig->lane.out), 4); /* and not for ever */
	rig_free(rig);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_batch_that_is_not_full_waits_while_others_are_on_the_way),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
