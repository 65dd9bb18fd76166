/* SPDX-License-Identifier: Apache-2.0 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdio.h>

#include "sources_helpers.h"
#include "worker/sources_table.h"

static void the_first_number_only_arms_the_window(void **state)
{
	struct sources *table = table_new(4, 64, NEVER);

	(void)state;
	assert_int_equal(send_seq(table, 1000000), SOURCES_RECEIVED);
	assert_row(row_get(table, 1, 1), 1, 1, 0, 0, 0);
	sources_free(table);
}

static void a_hole_is_pending_until_the_window_leaves_it(void **state)
{
	struct sources *table = table_new(4, 32, NEVER);

	(void)state;
	send_seq(table, 0);
	send_seq(table, 2);
	assert_row(row_get(table, 1, 1), 3, 2, 1, 1, 0);
	assert_int_equal(send_seq(table, 1), SOURCES_RECEIVED);
	assert_row(row_get(table, 1, 1), 3, 3, 0, 0, 0);
	send_seq(table, 4);
	send_seq(table, 32);
	assert_row(row_get(table, 1, 1), 33, 5, 28, 0, 0);
	assert_int_equal(send_seq(table, 3), SOURCES_LATE);
	assert_row(row_get(table, 1, 1), 33, 6, 27, 0, 0);
	assert_int_equal(row_get(table, 1, 1).late, 1);
	sources_free(table);
}

static void a_duplicate_is_no_reception_and_hides_no_loss(void **state)
{
	struct sources *table = table_new(4, 64, NEVER);

	(void)state;
	send_seq(table, 10);
	send_seq(table, 12);
	assert_int_equal(send_seq(table, 12), SOURCES_DUPLICATE);
	assert_int_equal(send_seq(table, 10), SOURCES_DUPLICATE);
	assert_row(row_get(table, 1, 1), 3, 2, 1, 1, 2);
	sources_free(table);
}

static void an_old_number_is_a_duplicate_when_nothing_was_lost(void **state)
{
	struct sources *table = table_new(4, 32, NEVER);

	(void)state;
	for (uint64_t seq = 0; seq < 1000; seq++)
		send_seq(table, seq);
	assert_int_equal(send_seq(table, 5), SOURCES_DUPLICATE);
	assert_row(row_get(table, 1, 1), 1000, 1000, 0, 0, 1);
	sources_free(table);
}

static void numbers_below_the_first_are_received_and_their_neighbours_not_lost(void **state)
{
	struct sources *table = table_new(4, 64, NEVER);
	struct sources_row row;

	(void)state;
	send_seq(table, 100);
	assert_int_equal(send_seq(table, 97), SOURCES_RECEIVED);
	assert_int_equal(send_seq(table, 97), SOURCES_DUPLICATE);
	assert_int_equal(send_seq(table, 3), SOURCES_RECEIVED);
	send_seq(table, 101);
	row = row_get(table, 1, 1);
	assert_row(row, 4, 4, 0, 0, 1);
	assert_int_equal(row.outside, 2);
	for (uint64_t seq = 102; seq < 400; seq++)
		send_seq(table, seq);
	assert_row(row_get(table, 1, 1), 302, 302, 0, 0, 1);
	sources_free(table);
}

static void a_heartbeat_makes_the_tail_visible_and_takes_no_number(void **state)
{
	struct sources *table = table_new(4, 64, NEVER);

	(void)state;
	send_seq(table, 0);
	assert_int_equal(send_heartbeat(table, 1, 0), SOURCES_HEARTBEAT);
	assert_row(row_get(table, 1, 1), 1, 1, 0, 0, 0);
	send_heartbeat(table, 4, 0);
	assert_row(row_get(table, 1, 1), 4, 1, 3, 3, 0);
	send_heartbeat(table, 2, 0);
	assert_row(row_get(table, 1, 1), 4, 1, 3, 3, 0);
	assert_int_equal(send_seq(table, 2), SOURCES_RECEIVED);
	send_heartbeat(table, 1000, 0);
	assert_int_equal(row_get(table, 1, 1).expected, 1000);
	assert_int_equal(row_get(table, 1, 1).lost, 998);
	sources_free(table);
}

static void a_heartbeat_may_come_first(void **state)
{
	static const uint64_t starts[] = {0, 1, 31, 32, 33, 1000, UINT64_MAX};

	(void)state;
	for (unsigned i = 0; i < sizeof(starts) / sizeof(starts[0]); i++) {
		struct sources *table = table_new(4, 32, NEVER);

		assert_int_equal(send_heartbeat(table, starts[i], 0), SOURCES_HEARTBEAT);
		assert_row(row_get(table, 1, 1), 0, 0, 0, 0, 0);
		assert_int_equal(send_seq(table, starts[i]), SOURCES_RECEIVED);
		assert_int_equal(send_seq(table, starts[i] + 2), SOURCES_RECEIVED);
		assert_row(row_get(table, 1, 1), 3, 2, 1, 1, 0);
		sources_free(table);
	}
}

static void a_jump_ahead_is_loss_up_to_a_bound(void **state)
{
	struct sources *table = table_new(4, 64, NEVER);
	uint64_t far = SOURCES_JUMP_MAX - 64;

	(void)state;
	send_seq(table, 0);
	send_seq(table, far);
	assert_row(row_get(table, 1, 1), far + 1, 2, far - 1, 32, 0);
	assert_int_equal(send_seq(table, far + 2 * SOURCES_JUMP_MAX), SOURCES_RECEIVED);
	assert_row(row_get(table, 1, 1), far + 2, 3, far - 1, 32, 0);
	assert_int_equal(row_get(table, 1, 1).outside, 1);
	send_seq(table, far + 1);
	assert_row(row_get(table, 1, 1), far + 3, 4, far - 1, 32, 0);
	sources_free(table);
}

/* A sender that always hits the same word would leave the others behind until their laps mean something else. */
static void a_stride_of_the_window_keeps_the_account_closed(void **state)
{
	static const uint64_t strides[] = {256, 512, 255, 257, SOURCES_JUMP_MAX - 256, SOURCES_JUMP_MAX / 2 + 32};

	(void)state;
	for (unsigned i = 0; i < sizeof(strides) / sizeof(strides[0]); i++) {
		struct sources *table = table_new(4, 256, NEVER);
		uint64_t seq = 77;

		for (unsigned n = 0; n < 20000; n++, seq += strides[i])
			assert_int_equal(send_seq(table, seq), SOURCES_RECEIVED);
		seq -= strides[i];
		for (unsigned n = 0; n < 8; n++)
			assert_int_not_equal(send_seq(table, seq + 1 + n * 32), SOURCES_UNTRACKED);
		assert_int_equal(row_get(table, 1, 1).outside, 0);
		assert_int_equal(row_get(table, 1, 1).expected, seq + 1 + 7 * 32 - 77 + 1);
		for (unsigned n = 0; n < 20000; n++, seq += strides[i])
			assert_int_equal(send_heartbeat(table, seq, 0), SOURCES_HEARTBEAT);
		assert_int_equal(row_get(table, 1, 1).head, seq - strides[i]);
		assert_int_equal(sources_check(table), 0);
		sources_free(table);
	}
}

static void a_full_table_counts_untracked_and_recovers_when_accounts_retire(void **state)
{
	struct sources *table = table_new(3, 32, NEVER);

	(void)state;
	for (uint64_t id = 0; id < 5; id++)
		assert_int_equal(send_at(table, id, 1, 9, id), id < 3 ? SOURCES_RECEIVED : SOURCES_UNTRACKED);
	assert_int_equal(totals_get(table).untracked, 2);
	assert_int_equal(totals_get(table).received, 3);
	assert_int_equal(sources_retire(table, 2, NULL), 2);
	assert_int_equal(totals_get(table).tracked, 1);
	assert_int_equal(totals_get(table).received, 3);
	assert_int_equal(send_at(table, 3, 1, 9, 9), SOURCES_RECEIVED);
	assert_int_equal(send_at(table, 4, 1, 9, 9), SOURCES_RECEIVED);
	assert_int_equal(send_at(table, 5, 1, 9, 9), SOURCES_UNTRACKED);
	assert_int_equal(totals_get(table).received, 5);
	assert_int_equal(sources_check(table), 0);
	sources_free(table);
}

static enum sources_verdict send_from(struct sources *table, uint32_t address, uint64_t id, uint64_t tsc)
{
	struct address from = ipv4(address);
	struct frame_header header = {.source_id = id, .source_epoch = 1, .sequence = 9, .event_count = 1};

	return sources_note(table, &from, &header, tsc);
}

/* One that invents ids leaves room for others. */
static void a_mad_sender_does_not_fill_the_table(void **state)
{
	static const uint64_t secret[4] = {1, 2, 3, 4}; /* by which these senders are told apart */
	struct sources_config config = {.count = 64, .window = 32, .quiet_ticks = NEVER, .node = MEMORY_ANY_NODE, .secret = secret};
	struct sources *table;
	unsigned tracked = 0;

	(void)state;
	assert_int_equal(sources_new(&table, &config), 0);
	for (uint64_t id = 0; id < 200; id++)
		tracked += send_from(table, 1, id, 1) == SOURCES_RECEIVED;
	assert_int_equal(tracked, 56);
	for (uint32_t address = 2; address < 6; address++)
		for (uint64_t id = 0; id < 3; id++)
			assert_int_equal(send_from(table, address, id, 5), id < 2 ? SOURCES_RECEIVED : SOURCES_UNTRACKED);
	assert_int_equal(totals_get(table).untracked, 200 - 56 + 4);
	assert_int_equal(sources_retire(table, 2, NULL), 56);
	assert_int_equal(send_from(table, 2, 2, 6), SOURCES_RECEIVED);
	assert_int_equal(totals_get(table).tracked, 9);
	sources_free(table);
}

static void ports_do_not_matter_but_address_id_and_epoch_do(void **state)
{
	struct sources *table = table_new(64, 32, NEVER);
	struct frame_header header = {.source_id = 1, .source_epoch = 1};
	struct address from = ipv4(1);

	(void)state;
	sources_note(table, &from, &header, 0);
	from.bytes[3] ^= 1;
	sources_note(table, &from, &header, 0);
	from.family = ADDRESS_IPV6;
	sources_note(table, &from, &header, 0);
	header.source_id = (uint64_t)1 << 63;
	sources_note(table, &from, &header, 0);
	header.source_epoch = 2;
	sources_note(table, &from, &header, 0);
	assert_int_equal(totals_get(table).tracked, 5);
	assert_int_equal(sources_note(table, &from, &header, 0), SOURCES_DUPLICATE);
	sources_free(table);
}

/* The check must be able to fail: every one of these is a count that went astray. */
static void a_count_that_went_astray_is_found(void **state)
{
	struct sources *table = table_new(4, 64, NEVER);
	struct window *window = &slot_at(table, 1)->window;

	(void)state;
	for (uint64_t seq = 5; seq < 200; seq += 2)
		send_seq(table, seq);
	assert_int_equal(sources_check(table), 0);
	atomic_fetch_add(&window->received, 1);
	assert_int_equal(sources_check(table), 1);
	atomic_fetch_sub(&window->received, 1);
	atomic_fetch_sub(&window->lost, 1);
	assert_int_equal(sources_check(table), 1);
	atomic_fetch_add(&window->lost, 1);
	atomic_fetch_xor(&window->words[0], 1u << 7);
	assert_int_equal(sources_check(table), 1);
	assert_int_equal(sources_retire(table, 1, NULL), 1);
	assert_int_equal(sources_check(table), 1);
	sources_free(table);
}

/* With a known secret keys can be made that meet in one place; with an unknown one the same keys spread. */
static void crafted_keys_make_no_chains(void **state)
{
	static const uint64_t known[4];
	struct sources_config config = {.count = 4096, .window = 32, .quiet_ticks = NEVER, .node = MEMORY_ANY_NODE};
	struct address from = {.family = 0};
	struct frame_header header = {.source_epoch = 1};
	struct sources *table;

	(void)state;
	for (unsigned pass = 0; pass < 2; pass++) {
		config.secret = pass == 0 ? known : NULL;
		assert_int_equal(sources_new(&table, &config), 0);
		for (header.source_id = 0; header.source_id < 2000; header.source_id++)
			sources_note(table, &from, &header, 0);
		assert_int_equal(totals_get(table).tracked, pass == 0 ? 15 : 2000);
		assert_int_equal(totals_get(table).untracked, pass == 0 ? 1985 : 0);
		sources_free(table);
	}
}

/* Ids and addresses that rise by regular steps fill the index as evenly as random ones, whatever the secret. */
static void regular_keys_spread_under_any_secret(void **state)
{
	static const unsigned shifts[] = {0, 1, 8, 16, 32, 48};
	struct sources_config config = {.count = 2048, .window = 32, .quiet_ticks = NEVER, .node = MEMORY_ANY_NODE};
	uint64_t random = 11, secret[4];

	(void)state;
	config.secret = secret;
	for (unsigned pass = 0; pass < 400; pass++) {
		struct frame_header header = {.source_epoch = 1};
		unsigned shift = shifts[pass % 6];
		struct sources *table;

		for (unsigned i = 0; i < 4; i++)
			secret[i] = random_next(&random);
		secret[2 + pass % 2] &= UINT64_MAX << (pass % 61); /* poor ones too */
		assert_int_equal(sources_new(&table, &config), 0);
		for (uint64_t i = 0; i < 1790; i++) {
			struct address from = ipv4(pass % 4 < 2 ? 7 : (uint32_t)i << shift % 16);

			header.source_id = pass % 4 < 2 ? i << shift : 7;
			sources_note(table, &from, &header, 0);
		}
		assert_int_equal(totals_get(table).untracked, 0);
		assert_int_equal(totals_get(table).tracked, 1790);
		sources_free(table);
	}
}

static void a_hundred_thousand_sources_fit_in_memory_fixed_at_the_start(void **state)
{
	struct sources *table = table_new(100000, SOURCES_WINDOW, NEVER);
	uint64_t bytes = sources_bytes(table), mapped = memory_mapped_bytes();
	struct sources_totals totals;

	(void)state;
	for (uint32_t round = 0; round < 3; round++)
		for (uint32_t i = 0; i < 100000; i++) {
			struct frame_header header = {.source_id = i / 10, .sequence = round * 2};
			struct address from = ipv4(i);

			assert_int_equal(sources_note(table, &from, &header, 0), SOURCES_RECEIVED);
		}
	totals = totals_get(table);
	assert_int_equal(totals.tracked, 100000);
	assert_int_equal(totals.untracked, 0);
	assert_int_equal(totals.received, 300000);
	assert_int_equal(totals.lost, 200000);
	assert_int_equal(sources_check(table), 0);
	assert_int_equal(sources_bytes(table), bytes);
	assert_int_equal(memory_mapped_bytes(), mapped);
	printf("100,000 sources with a window of %u: %llu bytes\n", SOURCES_WINDOW, (unsigned long long)bytes);
	sources_free(table);
}

static void sources_new_refuses_what_it_cannot_be(void **state)
{
	static const struct {
		uint32_t count, window;
	} bad[] = {{0, 64}, {1, 0}, {1, 16}, {1, 96}, {1, SOURCES_WINDOW_MAX * 2}, {(1u << 24) + 1, 64}};
	struct sources *table;

	(void)state;
	for (unsigned i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct sources_config config = {.count = bad[i].count, .window = bad[i].window};

		assert_int_equal(sources_new(&table, &config), -EINVAL);
	}
	sources_free(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_first_number_only_arms_the_window),
		cmocka_unit_test(a_hole_is_pending_until_the_window_leaves_it),
		cmocka_unit_test(a_duplicate_is_no_reception_and_hides_no_loss),
		cmocka_unit_test(an_old_number_is_a_duplicate_when_nothing_was_lost),
		cmocka_unit_test(numbers_below_the_first_are_received_and_their_neighbours_not_lost),
		cmocka_unit_test(a_heartbeat_makes_the_tail_visible_and_takes_no_number),
		cmocka_unit_test(a_heartbeat_may_come_first),
		cmocka_unit_test(a_jump_ahead_is_loss_up_to_a_bound),
		cmocka_unit_test(a_stride_of_the_window_keeps_the_account_closed),
		cmocka_unit_test(a_full_table_counts_untracked_and_recovers_when_accounts_retire),
		cmocka_unit_test(a_mad_sender_does_not_fill_the_table),
		cmocka_unit_test(ports_do_not_matter_but_address_id_and_epoch_do),
		cmocka_unit_test(a_count_that_went_astray_is_found),
		cmocka_unit_test(crafted_keys_make_no_chains),
		cmocka_unit_test(regular_keys_spread_under_any_secret),
		cmocka_unit_test(a_hundred_thousand_sources_fit_in_memory_fixed_at_the_start),
		cmocka_unit_test(sources_new_refuses_what_it_cannot_be),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
