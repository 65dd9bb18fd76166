/* SPDX-License-Identifier: Apache-2.0 */
/* A client that keeps records without a word is made anew, but only while the cluster is well, and seldom. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "../kafka/mock.h"
#include "base/log.h"
#include "rig.h"

#define STUCK_MS 500
/* Times 100 ms (up to a second from librdkafka 2.3 on), after which the library tries again by itself: far longer than STUCK_MS. */
#define REFUSALS 20

static struct mock *mock;
static struct rig *rig;

static int setup(void **state)
{
	(void)state;
	mock = mock_new(1);
	mock_topic(mock, "t0", 1);
	mock_topic(mock, "t1", 1);
	rig = rig_new(mock_servers(mock));
	rig->config.stuck_ms = STUCK_MS;
	rig_start(rig);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	rig_free(rig);
	mock_free(mock);
	return 0;
}

static uint64_t rebuilds(void)
{
	return counter_read(&producer_counters(rig->producer)->rebuilds);
}

static int was_made_anew(struct rig *r)
{
	(void)r;
	return rebuilds() > 0;
}

static int second_topic_stands_still(struct rig *r) /* for ten times as long */
{
	return counter_read(&producer_counters(r->producer)->topics[1].stalled_since) != 0;
}

static void send(uint16_t topic)
{
	for (unsigned i = 0; i < 4; i++)
		rig_send(rig, topic, 0, 50, 40);
}

static void stop_with_all_acked(void)
{
	rig_wait(rig, rig_all_settled);
	rig_stop(rig);
	assert_int_equal(rig_acked(rig), rig->sent);
}

/* The library retries such refusals by itself, for ever. They go on when the client is new, which is not made anew again. */
static void client_without_a_word_is_made_anew_once(void **state)
{
	(void)state;
	send(1);
	rig_wait(rig, rig_all_settled);
	mock_refuse_produce(mock, REFUSALS, MOCK_NOT_ENOUGH_REPLICAS);
	send(1);
	rig_wait(rig, was_made_anew);
	stop_with_all_acked();
	assert_int_equal(rebuilds(), 1);
}

static void client_waits_for_a_leader(void **state)
{
	(void)state;
	if (!mock_answers_without_leader())
		skip();
	send(1);
	rig_wait(rig, rig_all_settled);
	mock_leader(mock, "t1", 0, MOCK_NO_LEADER);
	send(1);
	rig_wait(rig, second_topic_stands_still);
	mock_leader(mock, "t1", 0, 1);
	stop_with_all_acked();
	assert_int_equal(rebuilds(), 0);
}

static void client_waits_for_kafka(void **state)
{
	(void)state;
	send(1);
	rig_wait(rig, rig_all_settled);
	mock_broker_down(mock, 1);
	send(1);
	rig_wait(rig, second_topic_stands_still);
	mock_broker_up(mock, 1);
	stop_with_all_acked();
	assert_int_equal(rebuilds(), 0);
}

/* Needs fault points: a partition that the client forgets about. It never comes back by itself. */
static void records_that_stick_are_delivered_by_a_new_client(void **state)
{
	(void)state;
	send(0);
	send(1);
	rig_wait(rig, rig_all_settled);
	send(0);
	send(1); /* the fault comes with one of these */
	rig_wait(rig, was_made_anew);
	stop_with_all_acked();
	assert_int_equal(rebuilds(), 1);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(client_without_a_word_is_made_anew_once),
		TEST(client_waits_for_a_leader),
		TEST(client_waits_for_kafka),
	};
	const struct CMUnitTest fault[] = {TEST(records_that_stick_are_delivered_by_a_new_client)};

	log_set_level(LOG_ERROR);
	if (getenv("PENSTOCK_FAULT") != NULL)
		return cmocka_run_group_tests(fault, NULL, NULL);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
