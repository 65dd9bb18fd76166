/* SPDX-License-Identifier: Apache-2.0 */
/* A check of the ledger that does not end: the service manager and the clock are served meanwhile, and a stop ends it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/clock.h"
#include "control/daemon/box.h"
#include "control/daemon/keeper.h"
#include "control/daemon/landing.h"
#include "control/daemon/notify.h"

#define DEADLINE_MS 20000

static struct box box;
static atomic_int checks, cut_short, told, renewed; /* told and renewed: during the check */

void __real_clock_update(void);
void __wrap_clock_update(void);

void __wrap_clock_update(void)
{
	if (atomic_load(&checks) > 0)
		atomic_fetch_add(&renewed, 1);
	__real_clock_update();
}

int notify_watchdog(void)
{
	atomic_fetch_add(&told, 1);
	return 0;
}

void landing_complete(struct box *of)
{
	(void)of;
}

void rates_update(struct rates *rates, const struct box *of)
{
	(void)rates, (void)of;
}

/* Ends only when it is told to. */
void ledger_check(struct ledger *ledger, const struct box *of, const struct sources_pause *pause)
{
	int64_t end = clock_ms() + DEADLINE_MS;

	(void)ledger, (void)of;
	atomic_fetch_add(&checks, 1);
	while (clock_ms() < end)
		if (pause->take(pause->context) != 0) {
			atomic_store(&cut_short, 1);
			return;
		}
}

static void a_long_walk_starves_nobody_and_a_stop_ends_it(void **state)
{
	int64_t end = clock_ms() + DEADLINE_MS;
	struct error error;

	(void)state;
	(void)clock_init();
	assert_int_equal(keeper_start(&box, &error), 0);
	while ((atomic_load(&told) < 2 || atomic_load(&renewed) < 2) && clock_ms() < end)
		;
	assert_int_equal(atomic_load(&checks), 1);
	assert_true(atomic_load(&told) >= 2);
	assert_true(atomic_load(&renewed) >= 2);
	keeper_stop(&box);
	assert_true(atomic_load(&cut_short));
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(a_long_walk_starves_nobody_and_a_stop_ends_it)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
