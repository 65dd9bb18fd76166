/* SPDX-License-Identifier: Apache-2.0 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>

#include <cmocka.h>

#include "sources_helpers.h"

static void a_new_epoch_is_a_restart_without_loss_and_stragglers_go_to_the_old_account(void **state)
{
	struct sources *table = table_new(8, 64, NEVER);
	struct sources_totals totals;

	(void)state;
	send_at(table, 1, 7, 500, 0);
	send_at(table, 1, 7, 502, 0);
	send_at(table, 1, 8, 0, 0);
	assert_int_equal(send_at(table, 1, 7, 501, 0), SOURCES_RECEIVED);
	send_at(table, 1, 8, 1, 0);
	assert_row(row_get(table, 1, 7), 3, 3, 0, 0, 0);
	assert_row(row_get(table, 1, 8), 2, 2, 0, 0, 0);
	assert_int_equal(row_get(table, 1, 8).restarts, 1);
	send_at(table, 1, 6, 9, 0);
	totals = totals_get(table);
	assert_int_equal(totals.restarted, 1);
	assert_int_equal(totals.tracked, 3);
	assert_int_equal(totals.lost, 0);
	sources_free(table);
}

static void epochs_compare_across_their_wrap(void **state)
{
	struct sources *table = table_new(8, 64, NEVER);

	(void)state;
	send_at(table, 1, UINT32_MAX, 0, 0);
	send_at(table, 1, 2, 0, 0);
	assert_int_equal(totals_get(table).restarted, 1);
	sources_free(table);
}

static void the_newest_epochs_push_out_the_oldest_and_nothing_is_forgotten(void **state)
{
	struct sources *table = table_new(64, 64, NEVER);
	struct sources_totals totals;

	(void)state;
	for (uint32_t epoch = 1; epoch <= 10; epoch++) {
		if (epoch == 8) { /* three were replaced */
			assert_int_equal(send_at(table, 1, epoch, 0, 0), SOURCES_UNTRACKED);
			assert_int_equal(sources_retire(table, 0, NULL), 3);
		}
		assert_int_equal(send_at(table, 1, epoch, 0, 0), SOURCES_RECEIVED);
		send_at(table, 1, epoch, 2, 0);
	}
	totals = totals_get(table);
	assert_int_equal(totals.expected, 30);
	assert_int_equal(totals.received, 20);
	assert_int_equal(totals.restarted, 9);
	assert_int_equal(send_at(table, 1, 3, 1, 0), SOURCES_UNTRACKED);
	assert_int_equal(row_get(table, 1, 10).restarts, 9);
	assert_int_equal(sources_retire(table, 0, NULL), 3);
	totals = totals_get(table);
	assert_int_equal(totals.tracked, SOURCES_EPOCHS);
	assert_int_equal(totals.retired, 6);
	assert_int_equal(totals.expected, 30);
	assert_int_equal(totals.received, 20);
	assert_int_equal(totals.lost, 10);
	assert_int_equal(totals.untracked, 2);
	sources_free(table);
}

/* What it replaces keeps its places until the next fold. */
static void a_sender_that_invents_epochs_leaves_others_their_places(void **state)
{
	static const uint64_t secret[4] = {1, 2, 3, 4};
	struct sources_config config = {
		.count = 4096, .window = 32, .quiet_ticks = NEVER, .node = MEMORY_ANY_NODE, .secret = secret};
	struct sources *table;
	struct frame_header header = {.source_id = 7, .source_epoch = 1, .sequence = 1, .event_count = 1};

	(void)state;
	assert_int_equal(sources_new(&table, &config), 0);
	for (uint64_t id = 0; id < 240; id++)
		for (uint32_t epoch = 1; epoch <= 40; epoch++)
			(void)send_at(table, id, epoch, 1, 0);
	for (uint32_t number = 2; number < 402; number++) {
		struct address from = ipv4(number);

		assert_int_equal(sources_note(table, &from, &header, 0), SOURCES_RECEIVED);
	}
	(void)sources_retire(table, 0, NULL);
	assert_int_equal(send_at(table, 0, 41, 1, 0), SOURCES_RECEIVED);
	assert_int_equal(totals_get(table).open, 0);
	sources_free(table);
}

static void a_restart_under_the_old_epoch_takes_two_consecutive_numbers_and_silence(void **state)
{
	struct sources *table = table_new(8, 64, 100);
	struct sources_totals totals;

	(void)state;
	for (uint64_t seq = 1000; seq < 2000; seq++)
		send_at(table, 1, 1, seq, 10);
	send_at(table, 1, 1, 5, 50);
	send_at(table, 1, 1, 6, 50);
	assert_int_equal(totals_get(table).restarted, 0);
	send_at(table, 1, 1, 8, 110);
	assert_int_equal(totals_get(table).restarted, 0);
	send_at(table, 1, 1, 9, 110);
	assert_int_equal(totals_get(table).restarted, 1);
	send_at(table, 1, 1, 10, 110);
	assert_row(row_get(table, 1, 1), 2, 2, 0, 0, 0);
	assert_int_equal(row_get(table, 1, 1).restarts, 1);
	totals = totals_get(table);
	assert_int_equal(totals.received + totals.duplicate, 1005);
	assert_int_equal(totals.lost, 0);
	assert_int_equal(totals.tracked, 2);
	assert_int_equal(sources_retire(table, 0, NULL), 1);
	assert_int_equal(totals_get(table).tracked, 1);
	assert_int_equal(totals_get(table).received, totals.received);
	sources_free(table);
}

static void a_restart_far_ahead_or_told_by_a_heartbeat_is_noticed(void **state)
{
	struct sources *table = table_new(8, 64, 0);

	(void)state;
	send_seq(table, 1);
	send_seq(table, (uint64_t)1 << 40);
	send_seq(table, ((uint64_t)1 << 40) + 1);
	assert_int_equal(totals_get(table).restarted, 1);
	assert_row(row_get(table, 1, 1), 1, 1, 0, 0, 0);
	send_heartbeat(table, 4, 0);
	assert_int_equal(totals_get(table).restarted, 1);
	send_seq(table, 4);
	assert_int_equal(totals_get(table).restarted, 2);
	assert_row(row_get(table, 1, 1), 1, 1, 0, 0, 0);
	assert_int_equal(totals_get(table).lost, 0);
	sources_free(table);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_new_epoch_is_a_restart_without_loss_and_stragglers_go_to_the_old_account),
		cmocka_unit_test(epochs_compare_across_their_wrap),
		cmocka_unit_test(the_newest_epochs_push_out_the_oldest_and_nothing_is_forgotten),
		cmocka_unit_test(a_sender_that_invents_epochs_leaves_others_their_places),
		cmocka_unit_test(a_restart_under_the_old_epoch_takes_two_consecutive_numbers_and_silence),
		cmocka_unit_test(a_restart_far_ahead_or_told_by_a_heartbeat_is_noticed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
