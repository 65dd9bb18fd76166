/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "fault_plan.h"

#define FAULTS 50

/* Plays a run of `length` events in which every fault finds its datagram at once, and keeps when each came. */
static void play(const struct options *options, uint64_t length, uint64_t *when)
{
	struct fault_plan plan;
	unsigned n = 0;

	fault_plan_init(&plan, options);
	for (uint64_t made = 0; made < length; made++) {
		if (fault_plan_due(&plan, made) == FAULT_COUNT)
			continue;
		assert_in_range(n, 0, FAULTS - 1);
		when[n++] = made;
		fault_plan_done(&plan);
	}
	assert_int_equal(n, FAULTS);
}

/* The first in the first fifth, the last in the last, and none far from its neighbour. */
static void check_even(const struct options *options, uint64_t length)
{
	uint64_t when[FAULTS];

	play(options, length, when);
	assert_in_range(when[0], 0, length / 5);
	assert_in_range(when[FAULTS - 1], length - length / 5, length - 1);
	for (unsigned i = 1; i < FAULTS; i++)
		assert_in_range(when[i] - when[i - 1], length / FAULTS / 2, 2 * length / FAULTS);
}

static void faults_are_spread_over_the_count(void **state)
{
	struct options options = {.count = 7000, .faults = {[FAULT_lose] = FAULTS - 20, [FAULT_corrupt] = 20}};

	(void)state;
	check_even(&options, 7000);
	options.rate = 100;
	check_even(&options, 7000);
	options.duration_s = 70; /* all the events need it */
	check_even(&options, 7000);
}

static void faults_are_spread_over_what_the_rate_makes_in_the_duration(void **state)
{
	struct options options = {.rate = 2500, .duration_s = 400, .faults = {[FAULT_lose] = FAULTS}};

	(void)state;
	check_even(&options, 1000000);
	options.count = 100000000; /* the duration ends first */
	check_even(&options, 1000000);
}

static void without_a_known_length_there_is_a_fault_every_200_events(void **state)
{
	struct options options = {.duration_s = 400, .faults = {[FAULT_lose] = FAULTS}};
	uint64_t when[FAULTS];

	(void)state;
	play(&options, 1000000, when);
	for (unsigned i = 0; i < FAULTS; i++)
		assert_int_equal(when[i], (i + 1) * 200);
	options.rate = 1e12;
	options.duration_s = 1e9; /* more events than there are numbers */
	play(&options, 1000000, when);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(faults_are_spread_over_the_count),
		cmocka_unit_test(faults_are_spread_over_what_the_rate_makes_in_the_duration),
		cmocka_unit_test(without_a_known_length_there_is_a_fault_every_200_events),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
