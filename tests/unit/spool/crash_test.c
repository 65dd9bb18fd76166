/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Random lives of a log on a disk that forgets: PENSTOCK_HISTORIES of them (20,000 otherwise, 100,000 with
 * PENSTOCK_FULL), from PENSTOCK_SEED on (1 otherwise). A failure is told with its seed; PENSTOCK_SEED=N
 * PENSTOCK_HISTORIES=1 repeats it, and PENSTOCK_TRACE=1 shows it step by step.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <inttypes.h>
#include <stdlib.h>

#include "base/log.h"
#include "history.h"
#include "spool/planted.h"

static uint64_t number_of(const char *name, uint64_t otherwise)
{
	const char *text = getenv(name);

	return text != NULL ? strtoull(text, NULL, 10) : otherwise;
}

static void nothing_synced_is_lost_and_nothing_is_invented(void **state)
{
	uint64_t first = number_of("PENSTOCK_SEED", 1),
		 count = number_of("PENSTOCK_HISTORIES", getenv("PENSTOCK_FULL") != NULL ? 100000 : 20000);
	char text[256];

	(void)state;
	for (uint64_t seed = first; seed < first + count; seed++)
		if (history_run(seed, text) != 0) {
			print_error("PENSTOCK_SEED=%" PRIu64 ": %s\n", seed, text);
			fail();
		}
	print_message("%" PRIu64 " histories\n", count);
}

#ifdef PENSTOCK_FAULTS

static void is_caught(enum spool_bug bug)
{
	uint64_t first = number_of("PENSTOCK_SEED", 1), seed = first;
	char text[256] = "";

	spool_planted_bug = bug;
	while (seed < first + 1000 && history_run(seed, text) == 0)
		seed++;
	spool_planted_bug = SPOOL_BUG_NONE;
	assert_in_range(seed, first, first + 999);
	print_message("history %" PRIu64 " found it: %s\n", seed - first + 1, text);
}

static void a_skipped_sync_is_caught(void **state)
{
	(void)state;
	is_caught(SPOOL_BUG_SYNC_SKIPPED);
}

static void an_ignored_checksum_is_caught(void **state)
{
	(void)state;
	is_caught(SPOOL_BUG_CRC_IGNORED);
}

static void state_before_data_is_caught(void **state)
{
	(void)state;
	is_caught(SPOOL_BUG_STATE_BEFORE_DATA);
}

static void unlink_before_state_is_caught(void **state)
{
	(void)state;
	is_caught(SPOOL_BUG_UNLINK_BEFORE_STATE);
}

#endif

int main(void)
{
	const struct CMUnitTest tests[] = {
#ifdef PENSTOCK_FAULTS
		cmocka_unit_test(a_skipped_sync_is_caught),
		cmocka_unit_test(an_ignored_checksum_is_caught),
		cmocka_unit_test(state_before_data_is_caught),
		cmocka_unit_test(unlink_before_state_is_caught),
#endif
		cmocka_unit_test(nothing_synced_is_lost_and_nothing_is_invented),
	};

	log_set_level((enum log_level)(LOG_ERROR - 1)); /* the histories are full of what it warns of */
	return cmocka_run_group_tests(tests, NULL, NULL);
}
