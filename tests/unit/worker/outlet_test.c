/* SPDX-License-Identifier: Apache-2.0 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <string.h>

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

static void put_many(struct rig *rig, const char *type, unsigned count)
{
	char big[3000];

	memset(big, 'x', sizeof(big));
	memcpy(big, "{\"type\":\"click\",\"p\":\"", 21);
	memcpy(big + strlen("{\"type\":\""), type, strlen(type));
	memcpy(big + sizeof(big) - 3, "\"}", 3);
	for (unsigned i = 0; i < count; i++)
		rig_put_json(rig, big);
}

/* A class that the spool has no room for gets no batch, the others do; what is turned away is counted, and has no number. */
static void a_closed_class_is_a_named_drop_before_numbering(void **state)
{
	struct rig *rig = rig_new(8);

	(void)state;
	rig_start(rig);
	atomic_store(&rig->topics.topics[0].class, 1);
	atomic_store(&rig->lane.closed, 2);
	put_many(rig, "click", 3);
	assert_int_equal(counter_read(&rig->counters->event_drops[EVENT_DROP_spool_full]), 3);
	assert_int_equal(counter_read(&rig->lane.turned_away[1]), 3);
	rig_put_json(rig, "{\"type\":\"view\"}");
	assert_int_equal(counter_read(&rig->counters->numbered), 1);
	atomic_store(&rig->lane.closed, 0);
	put_many(rig, "click", 1);
	assert_int_equal(counter_read(&rig->counters->numbered), 2);
	rig_free(rig);
}

/* An eighth of the pool is left to those above it. */
static void a_lower_class_leaves_a_part_of_the_pool(void **state)
{
	struct rig *rig = rig_new(16);

	(void)state;
	rig_start(rig);
	atomic_store(&rig->topics.topics[0].class, 1);
	put_many(rig, "click", 100);
	assert_int_equal(worker_pool_available(rig->worker), 2);
	assert_true(counter_read(&rig->counters->event_drops[EVENT_DROP_pool_empty]) > 0);
	rig_put_json(rig, "{\"type\":\"view\"}");
	assert_int_equal(counter_read(&rig->counters->event_drops[EVENT_DROP_pool_empty]) +
				 counter_read(&rig->counters->numbered), 101);
	rig_free(rig);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_closed_class_is_a_named_drop_before_numbering),
		cmocka_unit_test(a_lower_class_leaves_a_part_of_the_pool),
		cmocka_unit_test(a_batch_that_is_not_full_waits_while_others_are_on_the_way),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
