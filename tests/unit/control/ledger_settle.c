/* SPDX-License-Identifier: Apache-2.0 */
/* The ledger at the end of a stop: nothing may be missing, nor still on its way. */
#include "ledger_rig.h"

static void what_was_delivered_or_is_on_disk_is_well(void **state)
{
	(void)state;
	PRODUCERS(acked, 7);
	PRODUCERS(to_disk, 3);
	SPOOLS(spooled, 2);
	SPOOLS(parked, 1);
	assert_int_equal(ledger_settle(&ledger, &box), 0);
}

static void what_is_missing_is_wrong(void **state)
{
	(void)state;
	PRODUCERS(acked, 9);
	assert_int_equal(ledger_settle(&ledger, &box), 1);
}

static void what_is_left_on_its_way_is_wrong(void **state)
{
	(void)state;
	PRODUCERS(acked, 9);
	WORKERS(open, 1);
	assert_int_equal(ledger_settle(&ledger, &box), 1);
	WORKERS(open, 0);
	counted.rings = 1;
	assert_int_equal(ledger_settle(&ledger, &box), 1);
	counted.rings = 0;
	PRODUCERS(held, 1);
	assert_int_equal(ledger_settle(&ledger, &box), 1);
	PRODUCERS(held, 0);
	PRODUCERS(to_disk, 1);
	SPOOLS(returning, 1);
	assert_int_equal(ledger_settle(&ledger, &box), 1);
	SPOOLS(returning, 0);
	SPOOLS(passing, 1);
	assert_int_equal(ledger_settle(&ledger, &box), 1);
	SPOOLS(passing, 0);
	SPOOLS(spooled, 1);
	assert_int_equal(ledger_settle(&ledger, &box), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(what_was_delivered_or_is_on_disk_is_well, ledger_rig_setup),
		cmocka_unit_test_setup(what_is_missing_is_wrong, ledger_rig_setup),
		cmocka_unit_test_setup(what_is_left_on_its_way_is_wrong, ledger_rig_setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
