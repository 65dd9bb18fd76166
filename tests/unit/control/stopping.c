/* SPDX-License-Identifier: Apache-2.0 */
/* How long the service manager is asked to wait for a stop. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "control/daemon/box.h"
#include "control/daemon/notify.h"
#include "control/daemon/stopping.h"
#include "control/daemon/totals.h"
#include "said.h"

#define START_MS 1000000
#define DRAIN_S  20

static struct config config = {.drain_seconds = DRAIN_S};
static struct box box = {.config = &config};
static uint64_t acked;
static unsigned asked;

int notify_stopping(unsigned seconds)
{
	assert_true(seconds > 1);
	asked++;
	return 1;
}

uint64_t total_producers(const struct box *of, size_t offset)
{
	(void)of;
	return offset == offsetof(struct producer_counters, acked) ? acked : 0;
}

uint64_t total_spools(const struct box *of, size_t offset)
{
	(void)of;
	(void)offset;
	return 0;
}

/* Lets the stop go on from one second to another, with so many looks a second; how often the manager was asked. */
static unsigned go(struct stopping *stopping, unsigned from_s, unsigned to_s)
{
	unsigned before = asked;

	for (int64_t ms = from_s * 1000; ms < to_s * 1000; ms += 50)
		stopping_turn(stopping, START_MS + ms);
	return asked - before;
}

static void the_manager_is_asked_each_second_of_the_drain(void **state)
{
	struct stopping stopping;

	(void)state;
	stopping_begin(&stopping, &box, START_MS);
	assert_int_equal(go(&stopping, 0, DRAIN_S), DRAIN_S);
	assert_int_equal(go(&stopping, DRAIN_S, DRAIN_S + 50), 50);
}

static void a_stop_that_hangs_is_told_once_and_left_to_the_manager(void **state)
{
	struct stopping stopping;
	struct said said;
	const char *text;

	(void)state;
	stopping_begin(&stopping, &box, START_MS);
	atomic_store(&box.awaits, "somebody");
	said_begin(&said);
	(void)go(&stopping, 0, DRAIN_S + 70);
	assert_int_equal(go(&stopping, DRAIN_S + 70, DRAIN_S + 500), 0);
	text = strstr(said_end(&said), "it waits for somebody");
	assert_non_null(text);
	assert_null(strstr(text + 1, "it waits for somebody"));
}

static void what_moves_may_take_as_long_as_it_does(void **state)
{
	struct stopping stopping;

	(void)state;
	stopping_begin(&stopping, &box, START_MS);
	for (unsigned s = 0; s < 600; s += 50, acked++)
		assert_int_equal(go(&stopping, s, s + 50), 50);
	(void)go(&stopping, 600, 700);
	assert_int_equal(go(&stopping, 700, 710), 0);
	acked++;
	assert_int_equal(go(&stopping, 710, 720), 10);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_manager_is_asked_each_second_of_the_drain),
		cmocka_unit_test(a_stop_that_hangs_is_told_once_and_left_to_the_manager),
		cmocka_unit_test(what_moves_may_take_as_long_as_it_does),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
