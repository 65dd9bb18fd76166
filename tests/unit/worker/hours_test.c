/* SPDX-License-Identifier: Apache-2.0 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>

#include <cmocka.h>

#include "rig.h"
#include "worker/worker_priv.h"

#define HOUR INT64_C(500000)

static struct rig *rig;

static void move(int64_t current, int64_t oldest)
{
	atomic_store(&rig->hours.current, current);
	atomic_store(&rig->hours.oldest, oldest);
}

static void put_event_of(int64_t hour)
{
	char event[100];

	(void)snprintf(event, sizeof(event), "{\"type\":\"click\",\"ts\":%lld}", (long long)(hour * HOUR_US / 1000 + 5));
	rig_put_json(rig, event);
}

static void send_all_home(void)
{
	char *text;

	while ((text = rig_take(rig, NULL, NULL)) != NULL)
		free(text);
}

static int64_t settled(int64_t from, int64_t to)
{
	hours_hear(rig->worker);
	return worker_hours_settled(rig->worker, from, to);
}

static int setup(void **state)
{
	(void)state;
	rig = rig_new(8);
	rig_start(rig);
	move(HOUR, HOUR - 1);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	rig_free(rig);
	return 0;
}

static void an_hour_is_settled_when_its_last_batch_is_home(void **state)
{
	(void)state;
	put_event_of(HOUR - 1);
	put_event_of(HOUR);
	move(HOUR + 1, HOUR + 1);
	assert_int_equal(settled(HOUR - 1, HOUR + 1), HOUR - 1); /* open */
	worker_flush(rig->worker);
	assert_int_equal(settled(HOUR - 1, HOUR + 1), HOUR - 1); /* away */
	send_all_home();
	assert_int_equal(settled(HOUR - 1, HOUR + 1), HOUR + 1);
}

static void a_late_record_brings_its_batch_back_to_its_hour(void **state)
{
	(void)state;
	put_event_of(HOUR);
	move(HOUR, HOUR);
	assert_int_equal(settled(HOUR - 1, HOUR), HOUR);
	move(HOUR, HOUR - 1); /* as it was: nobody had closed it */
	put_event_of(HOUR - 1);
	move(HOUR, HOUR);
	assert_int_equal(settled(HOUR - 1, HOUR), HOUR - 1);
	send_all_home();
	assert_int_equal(settled(HOUR - 1, HOUR), HOUR);
}

static void an_hour_that_the_worker_has_not_heard_closed_is_not_settled(void **state)
{
	(void)state;
	hours_hear(rig->worker);
	move(HOUR + 1, HOUR + 1);
	assert_int_equal(worker_hours_settled(rig->worker, HOUR - 1, HOUR + 1), HOUR - 1);
	assert_int_equal(settled(HOUR - 1, HOUR + 1), HOUR + 1);
}

static void days_without_kafka_end_settled_too(void **state)
{
	(void)state;
	for (int64_t hour = HOUR; hour < HOUR + 5; hour++) {
		move(hour, hour);
		put_event_of(hour);
		worker_flush(rig->worker);
	}
	move(HOUR + 200, HOUR + 200);
	assert_int_equal(settled(HOUR, HOUR + 200), HOUR);
	send_all_home();
	assert_int_equal(settled(HOUR, HOUR + 200), HOUR + 200);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(an_hour_is_settled_when_its_last_batch_is_home),
		TEST(a_late_record_brings_its_batch_back_to_its_hour),
		TEST(an_hour_that_the_worker_has_not_heard_closed_is_not_settled),
		TEST(days_without_kafka_end_settled_too),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
