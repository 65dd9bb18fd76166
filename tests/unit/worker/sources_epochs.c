/* SPDX-License-Identifier: Apache-2.0 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>

#include <cmocka.h>

#include "sources_helpers.h"

static void epochs_compare_across_their_wrap(void **state)
{
	struct sources *table = table_new(8, 64, (uint64_t)1 << 62);
	struct sources_totals totals;

	(void)state;
	send_at(table, 1, UINT32_MAX, 0, 0);
	send_at(table, 1, 2, 0, 0);
	(void)sources_totals(table, &totals, NULL);
	assert_int_equal(totals.restarted, 1);
	sources_free(table);
}

/* What it replaces keeps its places until the next fold. */
static void a_sender_that_invents_epochs_leaves_others_their_places(void **state)
{
	static const uint64_t secret[4] = {1, 2, 3, 4};
	struct sources_config config = {
		.count = 4096, .window = 32, .quiet_ticks = (uint64_t)1 << 62, .node = MEMORY_ANY_NODE, .secret = secret};
	struct sources_totals totals;
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
	(void)sources_totals(table, &totals, NULL);
	assert_int_equal(totals.open, 0);
	sources_free(table);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(epochs_compare_across_their_wrap),
		cmocka_unit_test(a_sender_that_invents_epochs_leaves_others_their_places),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
