/* SPDX-License-Identifier: Apache-2.0 */
/* What control pays each second for a large account with few senders in it. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <time.h>

#include "sources_helpers.h"
#include "worker/sources_table.h"

#define ROOM (1u << 18)
#define MANY 20000u

/* CPU time of one turn of the keeper: nothing is idle, and everything is counted. */
static uint64_t turn_ns(struct sources *table, uint64_t tracked)
{
	struct sources_totals totals;
	struct timespec begin, end;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &begin);
	assert_int_equal(sources_retire(table, 0, NULL), 0);
	(void)sources_totals(table, &totals, NULL);
	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &end);
	assert_int_equal(totals.tracked, tracked);
	return (uint64_t)(end.tv_sec - begin.tv_sec) * 1000000000 + (uint64_t)(end.tv_nsec - begin.tv_nsec);
}

static uint64_t best_turn_ns(struct sources *table, uint64_t tracked)
{
	uint64_t best = UINT64_MAX;

	for (unsigned i = 0; i < 5; i++) {
		uint64_t ns = turn_ns(table, tracked);

		best = ns < best ? ns : best;
	}
	return best;
}

static void room_that_nobody_uses_costs_nothing(void **state)
{
	struct sources *table = table_new(ROOM, 64, UINT64_MAX / 4);
	uint64_t few, many;

	(void)state;
	(void)send_at(table, 1, 1, 0, 1);
	few = best_turn_ns(table, 1);
	for (uint64_t id = 2; id <= MANY; id++)
		(void)send_at(table, id, 1, 0, 1);
	many = best_turn_ns(table, MANY);
	assert_true(few < many / 4);
	sources_free(table);
}

/* Room that was used is used again. */
static void accounts_that_left_make_room_where_they_were(void **state)
{
	struct sources *table = table_new(64, 64, UINT64_MAX / 4);

	(void)state;
	for (unsigned round = 1; round <= 3; round++) {
		for (uint64_t id = 1; id <= 8; id++)
			assert_int_equal(send_at(table, id, round, 0, round), SOURCES_RECEIVED);
		(void)turn_ns(table, 8);
		assert_int_equal(sources_retire(table, round + 1, NULL), 8);
		(void)turn_ns(table, 0);
	}
	sources_free(table);
}

static unsigned count_begun(const struct sources *table)
{
	unsigned count = 0;

	for (uint32_t i = 0; i <= table->bucket_mask / BEGUN_BITS; i++)
		count += (unsigned)__builtin_popcountll(atomic_load(&table->begun[i]));
	return count;
}

static void room_that_all_have_left_costs_nothing_again(void **state)
{
	struct sources *table = table_new(ROOM, 64, UINT64_MAX / 4);

	(void)state;
	for (unsigned round = 1; round <= 3; round++) {
		for (uint64_t id = 1; id <= MANY; id++)
			(void)send_at(table, id, round, 0, round);
		assert_in_range(count_begun(table), 1, MANY);
		assert_int_equal(sources_retire(table, round, NULL), 0);
		assert_int_equal(totals_get(table).tracked, MANY);
		assert_int_equal(sources_retire(table, round + 1, NULL), MANY);
		assert_int_equal(sources_retire(table, round + 1, NULL), 0);
		assert_int_equal(count_begun(table), 0);
		assert_int_equal(totals_get(table).received, (uint64_t)round * MANY);
	}
	sources_free(table);
}

/* A pause that ends what it is in when it comes for the `last`th time; 0: never. */
struct pauses {
	unsigned count, last;
};

static int count_pause(void *context)
{
	struct pauses *pauses = context;

	return ++pauses->count == pauses->last;
}

static struct sources *table_of_many(void)
{
	struct sources *table = table_new(ROOM, 64, UINT64_MAX / 4);

	for (uint64_t id = 1; id <= MANY; id++)
		(void)send_at(table, id, 1, 0, 1);
	return table;
}

static void a_long_walk_pauses_and_can_be_ended(void **state)
{
	struct sources *table = table_of_many();
	struct pauses pauses = {.last = 2};
	struct sources_pause pause = {count_pause, &pauses};
	struct sources_totals totals;

	(void)state;
	assert_int_equal(sources_totals(table, &totals, &pause), 1);
	assert_int_equal(pauses.count, 2);
	assert_in_range(totals.tracked, 1, MANY - 1);
	pauses = (struct pauses){0};
	assert_int_equal(sources_totals(table, &totals, &pause), 0);
	assert_in_range(pauses.count, 4, MANY / 1000);
	assert_int_equal(totals.tracked, MANY);
	sources_free(table);
}

/* Each account is somewhere: to be found, leaving, or in the sums. */
static void what_a_pause_cuts_short_is_retired_by_the_next_call(void **state)
{
	struct sources *table = table_of_many();
	struct pauses pauses = {0};
	struct sources_pause pause = {count_pause, &pauses};
	unsigned walk, retired;

	(void)state;
	assert_int_equal(sources_retire(table, 0, &pause), 0);
	walk = pauses.count;
	pauses = (struct pauses){.last = 2};
	assert_int_equal(sources_retire(table, 2, &pause), 0);
	assert_int_equal(totals_get(table).received, MANY);
	pauses = (struct pauses){.last = walk + 1};
	retired = sources_retire(table, 2, &pause);
	assert_in_range(retired, 1, MANY - 1);
	assert_int_equal(totals_get(table).retired, retired);
	assert_int_equal(totals_get(table).received, MANY);
	assert_int_equal(retired + sources_retire(table, 2, NULL), MANY);
	assert_int_equal(totals_get(table).received, MANY);
	assert_int_equal(totals_get(table).tracked, 0);
	sources_free(table);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(room_that_nobody_uses_costs_nothing),
		cmocka_unit_test(accounts_that_left_make_room_where_they_were),
		cmocka_unit_test(room_that_all_have_left_costs_nothing_again),
		cmocka_unit_test(a_long_walk_pauses_and_can_be_ended),
		cmocka_unit_test(what_a_pause_cuts_short_is_retired_by_the_next_call),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
