/* SPDX-License-Identifier: Apache-2.0 */
/* What becomes of single orders. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "base/log.h"
#include "batch/settled.h"
#include "hand.h"
#include "spool/log.h"
#include "spool/names.h"

#define SMALL 16384u

static void expect_left(unsigned records)
{
	struct batch *batch = hand_batch(0, records, 8000);

	assert_int_equal(hand_order(batch, SPOOL_LEAVE), SPOOL_LEFT);
	batch_put(hand.pool, batch);
}

/* A batch in part is put together in memory of a fixed size; one that is too large for an entry is left where it is. */
static void batch_that_no_entry_holds_is_refused_whole_and_in_part(void **state)
{
	unsigned records = SPOOL_PAYLOAD_MAX / 8000 + 100;
	struct batch *batch;

	(void)state;
	hand_start(2 * SPOOL_PAYLOAD_MAX);
	expect_left(SPOOL_PAYLOAD_MAX / 8100);
	batch = hand_batch(0, records, 8000);
	assert_int_equal(hand_order(batch, SPOOL_LEAVE), SPOOL_REFUSED);
	batch_settle(batch, 0);
	assert_int_equal(hand_order(batch, SPOOL_PARK), SPOOL_REFUSED);
	assert_int_equal(batch_unsettled_records(batch), records - 1);
	batch_put(hand.pool, batch);
	hand_stop();
}

/* As long as a configuration lets it be, and of the producer with the longest number. */
static void topic_with_the_longest_name_is_parked(void **state)
{
	struct batch *batch;

	(void)state;
	hand.config.index = 99;
	hand.config.index_count = 100;
	memset(hand.topics.topics[1].name, 'n', SPOOL_PARKED_NAME_MAX);
	hand_start(SMALL);
	batch = hand_batch(1, 1, 100);
	assert_int_equal(hand_order(batch, SPOOL_PARK), SPOOL_LEFT);
	batch_put(hand.pool, batch);
	hand_stop();
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(batch_that_no_entry_holds_is_refused_whole_and_in_part, hand_setup, hand_teardown),
		cmocka_unit_test_setup_teardown(topic_with_the_longest_name_is_parked, hand_setup, hand_teardown),
	};

	log_set_level((enum log_level)(LOG_ERROR - 1));
	return cmocka_run_group_tests(tests, NULL, NULL);
}
