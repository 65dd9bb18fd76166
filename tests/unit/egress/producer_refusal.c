/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/log.h"
#include "picky.h"
#include "rig.h"

static struct rig *picky_rig(unsigned bytes, unsigned every)
{
	struct rig *rig = rig_new(NULL);

	rig->config.egress = &picky_ops;
	picky = (struct picky){.limit = bytes, .guilty_every = every};
	rig_start(rig);
	return rig;
}

static void guilty_records_are_given_up_alone(void **state)
{
	struct rig *rig = picky_rig(1000000, 701);

	(void)state;
	for (unsigned i = 0; i < 30; i++)
		rig_send(rig, 0, 0, 200, 20);
	rig_wait(rig, rig_all_settled);
	rig_stop(rig);
	/* numbers 0, 701, 1402 ... below 6000 */
	assert_int_equal(counter_read(&producer_counters(rig->producer)->given_up_invalid), 9);
	assert_int_equal(rig_acked(rig), 6000 - 9);
	rig_free(rig);
}

static void sets_above_the_brokers_limit_are_cut_until_they_fit(void **state)
{
	struct rig *rig = picky_rig(100, 0);

	(void)state;
	for (unsigned i = 0; i < 10; i++)
		rig_send(rig, 0, 0, 200, 20); /* five fit into a set */
	rig_wait(rig, rig_all_settled);
	rig_stop(rig);
	assert_int_equal(rig_acked(rig), 2000);
	assert_true(picky.sets > 2000 / 5);
	rig_free(rig);
}

static void only_the_record_that_is_too_large_by_itself_is_given_up(void **state)
{
	struct rig *rig = picky_rig(500, 0);

	(void)state;
	rig_send_one_large(rig, 0, 200, 99, 501);
	rig_send(rig, 1, 0, 20, 20);
	rig_wait(rig, rig_all_settled);
	rig_stop(rig);
	assert_int_equal(counter_read(&producer_counters(rig->producer)->given_up_too_large), 1);
	assert_int_equal(rig_acked(rig), rig->sent - 1);
	rig_free(rig);
}

static void refused_topic_does_not_slow_another(void **state)
{
	struct rig *rig = picky_rig(1000000, 1); /* every record is guilty ... */

	(void)state;
	rig_send(rig, 0, 0, 200, 20);
	rig_wait(rig, rig_all_settled);
	picky.guilty_every = 0; /* ... and then none */
	rig_send(rig, 1, 0, 200, 20);
	rig_wait(rig, rig_all_settled);
	rig_send(rig, 0, 0, 200, 20); /* the window is open again */
	rig_wait(rig, rig_all_settled);
	rig_stop(rig);
	assert_int_equal(counter_read(&producer_counters(rig->producer)->given_up_invalid), 200);
	assert_int_equal(rig_topic_acked(rig, 1), 200);
	assert_int_equal(rig_topic_acked(rig, 0), 200);
	rig_free(rig);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(guilty_records_are_given_up_alone),
		cmocka_unit_test(sets_above_the_brokers_limit_are_cut_until_they_fit),
		cmocka_unit_test(only_the_record_that_is_too_large_by_itself_is_given_up),
		cmocka_unit_test(refused_topic_does_not_slow_another),
	};

	log_set_level(LOG_ERROR);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
