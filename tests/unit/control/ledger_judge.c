/* SPDX-License-Identifier: Apache-2.0 */
/* What a check believes: how many walks over the numbered senders it takes, and when a difference is an alarm. */
#include "ledger_rig.h"

#include "worker/sources.h"

#define RECORDS_EQUATION 5
#define SOURCES_EQUATION (LEDGER_EQUATIONS - 1)

/* What the walks over the numbered senders find: one sender's numbers more expected than received in the first `off` of them. */
static unsigned walks, off;
static int cut_short;

int sources_totals(struct sources *table, struct sources_totals *totals, const struct sources_pause *pause)
{
	(void)table, (void)pause;
	*totals = (struct sources_totals){.expected = walks++ < off ? 8 : 7, .received = 5, .lost = 2};
	return cut_short;
}

static int setup(void **state)
{
	walks = off = 0;
	cut_short = 0;
	box.sources = (struct sources *)(void *)&counted; /* only looked at above */
	return ledger_rig_setup(state);
}

static void check(unsigned times)
{
	while (times-- > 0) {
		walks = acked_samples = frame_samples = 0;
		ledger_check(&ledger, &box, NULL);
	}
}

static void a_check_walks_once_over_senders_that_add_up(void **state)
{
	(void)state;
	check(1);
	assert_int_equal(walks, 1);
}

static void a_walk_that_is_off_is_repeated_until_one_is_right(void **state)
{
	(void)state;
	off = LEDGER_WALKS - 1;
	check(3);
	assert_int_equal(walks, LEDGER_WALKS);
	assert_int_equal(ledger.equations[SOURCES_EQUATION].lowest, 0);
	assert_int_equal(ledger.equations[SOURCES_EQUATION].highest, 1);
	assert_int_equal(ledger.equations[SOURCES_EQUATION].losing, 0);
}

static void senders_that_never_add_up_cost_few_walks_and_raise_the_alarm(void **state)
{
	(void)state;
	off = LEDGER_SAMPLES;
	check(3);
	assert_int_equal(walks, LEDGER_WALKS);
	assert_int_equal(ledger.equations[SOURCES_EQUATION].losing, 3);
	assert_true(ledger.equations[SOURCES_EQUATION].alarm);
}

static void a_check_that_is_cut_short_judges_nothing(void **state)
{
	(void)state;
	cut_short = 1;
	check(1);
	assert_int_equal(ledger.checks, 0);
}

/* So many checks of 10 numbered records of which `acked` are acknowledged, and whether the last one alarms. */
static void expect_alarm(uint64_t acked, unsigned times, int alarmed)
{
	PRODUCERS(acked, acked);
	check(times);
	assert_int_equal(ledger_alarmed(&ledger) != 0, alarmed);
}

static void one_record_that_is_missing_twice_in_a_row_is_an_alarm(void **state)
{
	(void)state;
	expect_alarm(9, 1, 0);
	expect_alarm(10, 1, 0);
	expect_alarm(9, 1, 0);
	expect_alarm(9, 1, 1);
	assert_int_equal(ledger.alarms, 1);
	expect_alarm(10, 1, 0);
}

static void a_surplus_must_last_for_ten_checks(void **state)
{
	(void)state;
	expect_alarm(11, 9, 0);
	expect_alarm(11, 1, 1);
	assert_int_equal(ledger.alarms, 1);
	expect_alarm(10, 1, 0);
}

static void one_positive_sample_is_a_loss_where_the_reading_is_ordered(void **state)
{
	(void)state;
	PRODUCERS(acked, 10);
	odd_acked_sample = 17;
	check(1);
	assert_int_equal(ledger.equations[RECORDS_EQUATION].highest, 1);
	assert_int_equal(ledger.equations[RECORDS_EQUATION].lowest, 0);
	check(1);
	assert_true(ledger_alarmed(&ledger));
}

/* Frames, whose reading is not: what one sample of many finds is movement. */
static void one_positive_sample_is_movement_where_it_is_not(void **state)
{
	(void)state;
	PRODUCERS(acked, 10);
	odd_frame_sample = 17;
	check(3);
	assert_int_equal(ledger.equations[0].highest, 1);
	assert_int_equal(ledger.equations[0].lowest, 0);
	assert_false(ledger_alarmed(&ledger));
	odd_frame_sample = 0;
	put(counted.sources, offsetof(struct source_counters, frames), 1);
	check(2);
	assert_false(ledger_alarmed(&ledger));
	check(1);
	assert_true(ledger_alarmed(&ledger));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(a_check_walks_once_over_senders_that_add_up, setup),
		cmocka_unit_test_setup(a_walk_that_is_off_is_repeated_until_one_is_right, setup),
		cmocka_unit_test_setup(senders_that_never_add_up_cost_few_walks_and_raise_the_alarm, setup),
		cmocka_unit_test_setup(a_check_that_is_cut_short_judges_nothing, setup),
		cmocka_unit_test_setup(one_record_that_is_missing_twice_in_a_row_is_an_alarm, setup),
		cmocka_unit_test_setup(a_surplus_must_last_for_ten_checks, setup),
		cmocka_unit_test_setup(one_positive_sample_is_a_loss_where_the_reading_is_ordered, setup),
		cmocka_unit_test_setup(one_positive_sample_is_movement_where_it_is_not, setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
