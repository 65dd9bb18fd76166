/* SPDX-License-Identifier: Apache-2.0 */
/* Hours are complete when what a spool holds of them is delivered, also where that was left by a daemon before. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdatomic.h>

#include "base/clock.h"
#include "base/log.h"
#include "control/daemon/box.h"
#include "control/daemon/landing.h"
#include "state_rig.h"

static struct box box;
static _Atomic int64_t now_us;
static int64_t spool_waits;  /* the oldest hour that entries on disk belong to; 0: there are none */
static int64_t worker_holds; /* the same of the worker's batches */
static int64_t asked_from;   /* of the worker, the last time */

int64_t __wrap_clock_utc_us(uint64_t tsc);
int __real_state_hours_store(struct state *state, const struct state_hours *hours, struct error *error);
int __wrap_state_hours_store(struct state *state, const struct state_hours *hours, struct error *error);
int64_t __wrap_worker_hours_settled(const struct worker *worker, int64_t from, int64_t to);
const struct spool *__wrap_producer_spool(const struct producer *producer);
int64_t __wrap_spool_hours_settled(const struct spool *spool, int64_t from, int64_t to);

int64_t __wrap_clock_utc_us(uint64_t tsc)
{
	(void)tsc;
	return atomic_load(&now_us);
}

static unsigned stored_ahead; /* of the marks that workers saw */

int __wrap_state_hours_store(struct state *state, const struct state_hours *hours, struct error *error)
{
	stored_ahead += hours->current > atomic_load(&box.hours.current) && hours->oldest > atomic_load(&box.hours.oldest);
	return __real_state_hours_store(state, hours, error);
}

int64_t __wrap_worker_hours_settled(const struct worker *worker, int64_t from, int64_t to)
{
	(void)worker;
	asked_from = from;
	return worker_holds >= from && worker_holds < to ? worker_holds : to;
}

const struct spool *__wrap_producer_spool(const struct producer *producer)
{
	(void)producer;
	return (const struct spool *)&box;
}

int64_t __wrap_spool_hours_settled(const struct spool *spool, int64_t from, int64_t to)
{
	(void)spool;
	return spool_waits >= from && spool_waits < to ? spool_waits : to;
}

static int begin(void **state)
{
	int rc = setup(state);

	memset(&box, 0, sizeof(box));
	box.worker_count = box.producer_count = 1;
	box.state = open_ok();
	spool_waits = worker_holds = asked_from = 0;
	return rc;
}

static int end(void **state)
{
	state_close(box.state);
	return teardown(state);
}

static void set_clock(int64_t hour)
{
	atomic_store(&now_us, hour * HOUR_US + 30 * MINUTE_US);
}

/* As a daemon before has left them; then this one starts, half an hour past `hour`. */
static void start(const char *kept, int64_t hour)
{
	if (kept != NULL)
		assert_int_equal(state_file_write(state_directory(box.state), "hours", "penstock hours 1", kept), 0);
	set_clock(hour);
	landing_open(&box);
	assert_false(exists("hours.bad"));
	assert_int_equal(atomic_load(&box.hours.current), hour);
	assert_int_equal(atomic_load(&box.hours.oldest), hour);
}

/* What it says after the keeper has looked. */
static int64_t complete(void)
{
	landing_complete(&box);
	return atomic_load(&box.hours.complete);
}

static void an_hour_that_waits_on_disk_is_not_complete_after_a_start(void **state)
{
	(void)state;
	spool_waits = 500019;
	start("500019 500018 500017\n", 500021);
	assert_int_equal(atomic_load(&box.hours.complete), 500017);
	assert_int_equal(complete(), 500019);
	assert_int_equal(complete(), 500019);
	spool_waits = 500020;
	assert_int_equal(complete(), 500020);
	spool_waits = 0;
	assert_int_equal(complete(), 500021);
}

static void of_a_file_with_two_numbers_the_oldest_open_hour_counts(void **state)
{
	(void)state;
	spool_waits = 500018;
	start("500019 500018\n", 500021);
	assert_int_equal(atomic_load(&box.hours.complete), 500018);
	assert_int_equal(complete(), 500018);
}

static void without_a_file_the_clock_tells(void **state)
{
	(void)state;
	start(NULL, 500021);
	assert_int_equal(atomic_load(&box.hours.complete), 500021);
}

/* Hours that are told apart are few: an hour before this start is not to be taken for one since. */
static void workers_hold_nothing_of_hours_before_the_start(void **state)
{
	(void)state;
	worker_holds = 500021;
	start("500000 499900 499900\n", 500021);
	set_clock(500022);
	hours_move(&box.hours, 500022, 500022);
	assert_int_equal(complete(), 500021);
	assert_int_equal(asked_from, 500021);
	worker_holds = 0;
	assert_int_equal(complete(), 500022);
}

static void workers_get_on_while_a_spool_holds_an_hour_back(void **state)
{
	(void)state;
	spool_waits = 500019;
	start("500019 500019 500019\n", 500021);
	for (int64_t hour = 500022; hour < 500200; hour++) {
		worker_holds = hour;
		hours_move(&box.hours, hour, hour);
		assert_int_equal(complete(), 500019);
		assert_in_range(asked_from, hour - 1, hour);
	}
	spool_waits = 0;
	assert_int_equal(complete(), 500199);
}

/* What lies in it may be of any hour that is not complete. */
static void a_spool_that_is_not_open_keeps_hours_back(void **state)
{
	(void)state;
	start("500019 500019 500018\n", 500021);
	box.former.count = 1;
	assert_int_equal(complete(), 500018);
	hours_move(&box.hours, 500023, 500023);
	assert_int_equal(complete(), 500018);
	box.former.count = 0;
	assert_int_equal(complete(), 500023);
}

static int is_kept(const char *numbers)
{
	char text[256];

	(void)get("hours", text, sizeof(text));
	return strstr(text, numbers) != NULL;
}

static void what_is_complete_is_kept(void **state)
{
	struct error error = {""};
	int64_t until_ms;

	(void)state;
	spool_waits = 500019;
	start("500019 500019 500019\n", 500021);
	assert_int_equal(complete(), 500019);
	assert_true(is_kept("\n500021 500021 500019\n"));
	assert_int_equal(landing_start(&box, &error), 0);
	spool_waits = 0;
	assert_int_equal(complete(), 500021);
	for (until_ms = clock_ms() + 30000; !is_kept("\n500021 500021 500021\n");) {
		assert_true(clock_ms() < until_ms);
		usleep(1000);
	}
	landing_stop(&box);
}

static void marks_are_kept_before_workers_see_them(void **state)
{
	(void)state;
	stored_ahead = 0;
	start("500019 500019 500019\n", 500021);
	assert_int_equal(stored_ahead, 1);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, begin, end)
	const struct CMUnitTest tests[] = {
		T(an_hour_that_waits_on_disk_is_not_complete_after_a_start),
		T(of_a_file_with_two_numbers_the_oldest_open_hour_counts),
		T(without_a_file_the_clock_tells),
		T(workers_hold_nothing_of_hours_before_the_start),
		T(workers_get_on_while_a_spool_holds_an_hour_back),
		T(a_spool_that_is_not_open_keeps_hours_back),
		T(what_is_complete_is_kept),
		T(marks_are_kept_before_workers_see_them),
	};

	log_set_level(LOG_ERROR);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
