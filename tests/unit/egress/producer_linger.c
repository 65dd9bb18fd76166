/* SPDX-License-Identifier: Apache-2.0 */
/* What waits for others, so that it is handed over with them, and what does not. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "rig.h"

#define LONG_MS 600000u /* longer than any test */
#define SUBMITS 256u

static struct egress_ops ops;
/* The producer's thread writes; read when it has ended. */
static unsigned collect_ms, turn, submits, submit_turns[SUBMITS];

static unsigned collect(const struct egress *egress)
{
	(void)egress;
	return collect_ms;
}

static uint32_t submit(struct egress *egress, struct batch *batch, uint32_t *offset, uint32_t *index, uint32_t most)
{
	assert_true(submits < SUBMITS);
	submit_turns[submits++] = turn;
	return egress_discard.submit(egress, batch, offset, index, most);
}

static unsigned poll_once(struct egress *egress, int ms)
{
	turn++;
	return egress_discard.poll(egress, ms);
}

static int setup(void **state)
{
	struct rig *rig = rig_new(NULL);

	ops = egress_discard;
	ops.collect_ms = collect;
	ops.submit = submit;
	ops.poll = poll_once;
	turn = submits = 0;
	collect_ms = LONG_MS;
	rig->config.egress = &ops;
	*state = rig;
	return 0;
}

static int teardown(void **state)
{
	rig_free(*state);
	return 0;
}

static void batches_of_slow_topics_are_handed_over_together(void **state)
{
	struct rig *rig = *state;

	collect_ms = 1000;
	rig_start(rig);
	rig_send(rig, 0, 0, 10, 20);
	rig_wait(rig, rig_all_settled); /* the first turn, or the end of a time that has begun before */
	rig_send(rig, 0, 0, 10, 20);
	rig_send(rig, 1, 0, 10, 20);
	rig_wait(rig, rig_all_settled);
	rig_stop(rig);
	assert_int_equal(submits, 3);
	assert_int_not_equal(submit_turns[0], submit_turns[1]);
	assert_int_equal(submit_turns[1], submit_turns[2]);
}

static void crowded_pool_is_not_waited_with(void **state)
{
	struct rig *rig = *state;

	rig_start(rig);
	for (unsigned i = 0; i < RIG_BATCHES; i++)
		rig_send(rig, i % 2, 0, 10, 20);
	for (unsigned i = 0; i < 3 * RIG_BATCHES; i++) /* each waits for one that has come home */
		rig_send(rig, i % 2, 0, 10, 20);
	rig_stop(rig);
	assert_true(submits >= 4 * RIG_BATCHES);
}

static int has_credit_left(struct rig *rig)
{
	return RIG_BATCHES - batch_pool_available(rig->pool) < rig->lane.credit;
}

static void topic_that_needs_its_credit_is_not_waited_with(void **state)
{
	struct rig *rig = *state;

	rig_start(rig);
	for (unsigned i = 0; i < 10 * rig->lane.credit; i++) { /* never so many at once that the pool is crowded */
		rig_wait(rig, has_credit_left);
		rig_send(rig, 0, 0, 10, 20);
	}
	rig_stop(rig);
}

static void topic_without_known_partitions_is_not_waited_with(void **state)
{
	struct rig *rig = *state;

	rig_start(rig);
	rig_send(rig, 0, BATCH_UNASSIGNED, 10, 20);
	rig_wait(rig, rig_all_settled);
	rig_send(rig, 0, BATCH_UNASSIGNED, 10, 20);
	rig_wait(rig, rig_all_settled);
	rig_stop(rig);
}

static void stop_hands_over_what_waits(void **state)
{
	struct rig *rig = *state;

	rig_start(rig);
	for (unsigned i = 0; i < 3; i++)
		rig_send(rig, 0, 0, 10, 20);
	rig_stop(rig);
	assert_int_equal(rig_acked(rig), 30);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(batches_of_slow_topics_are_handed_over_together),
		TEST(crowded_pool_is_not_waited_with),
		TEST(topic_that_needs_its_credit_is_not_waited_with),
		TEST(topic_without_known_partitions_is_not_waited_with),
		TEST(stop_hands_over_what_waits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
