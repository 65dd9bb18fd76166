/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "../kafka/mock.h"
#include "base/clock.h"
#include "base/log.h"
#include "rig.h"

static struct mock *mock;
static struct rig *rig;

static int setup(void **state)
{
	(void)state;
	mock = mock_new(1);
	rig = rig_new(mock_servers(mock));
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	rig_free(rig);
	mock_free(mock);
	return 0;
}

static const struct producer_counters *counters(void)
{
	return producer_counters(rig->producer);
}

static void send_some(uint16_t topic, unsigned batches)
{
	for (unsigned i = 0; i < batches; i++)
		rig_send(rig, topic, 0, 50, 40);
}

static int first_topic_is_through(struct rig *r)
{
	return rig_topic_acked(r, 0) == r->sent - 200;
}

static int second_topic_was_tried_again(struct rig *r)
{
	return counter_read(&producer_counters(r->producer)->topics[1].retries) > 0;
}

static int second_topic_is_stalled(struct rig *r)
{
	return counter_read(&producer_counters(r->producer)->topics[1].stalled_since) != 0;
}

/* While the second topic cannot be written, 200 records of it wait and the first flows. */
static void first_topic_flows_past_the_second(void)
{
	send_some(1, 4);
	for (unsigned i = 0; i < 5; i++) {
		send_some(0, 6);
		rig_wait(rig, first_topic_is_through);
	}
	assert_int_equal(rig_topic_acked(rig, 1), 0);
	assert_int_equal(counter_read(&counters()->topics[1].held), 200);
}

static void missing_topic_waits_alone_and_is_delivered_when_it_is_made(void **state)
{
	(void)state;
	mock_topic(mock, "t0", 1);
	mock_topic(mock, "t1", 1);
	mock_topic_error(mock, "t1", MOCK_UNKNOWN_TOPIC);
	rig_start(rig);
	first_topic_flows_past_the_second();
	rig_wait(rig, second_topic_was_tried_again);
	mock_topic_error(mock, "t1", 0);
	rig_wait(rig, rig_all_settled);
	rig_stop(rig);
	assert_int_equal(rig_acked(rig), rig->sent);
	assert_int_equal(mock_records(mock, "t1", 0), 200);
}

static void forbidden_topic_waits_alone_and_is_delivered_when_allowed(void **state)
{
	(void)state;
	mock_skip_forbidden();
	mock_topic(mock, "t0", 1);
	mock_topic(mock, "t1", 1);
	mock_topic_error(mock, "t1", MOCK_TOPIC_AUTHORIZATION);
	rig_start(rig);
	first_topic_flows_past_the_second();
	rig_wait(rig, second_topic_was_tried_again);
	mock_topic_error(mock, "t1", 0);
	rig_wait(rig, rig_all_settled);
	rig_stop(rig);
	assert_int_equal(rig_acked(rig), rig->sent);
}

static void leaderless_topic_is_shown_as_stalled_and_harms_itself_only(void **state)
{
	(void)state;
	mock_topic(mock, "t0", 1);
	mock_topic(mock, "t1", 1);
	mock_leader(mock, "t1", 0, MOCK_NO_LEADER);
	rig_start(rig);
	first_topic_flows_past_the_second();
	rig_wait(rig, second_topic_is_stalled);
	assert_int_equal(counter_read(&counters()->topics[0].stalled_since), 0);
	mock_leader(mock, "t1", 0, 1);
	rig_wait(rig, rig_all_settled);
	assert_int_equal(counter_read(&counters()->topics[1].stalled_since), 0);
	rig_stop(rig);
	assert_int_equal(rig_acked(rig), rig->sent);
}

static void record_above_the_clients_limit_is_given_up_alone(void **state)
{
	(void)state;
	mock_topic(mock, "t0", 1);
	rig_property(rig, "message.max.bytes", "2000");
	rig_property(rig, "batch.size", "2000");
	rig_start(rig);
	rig_send_one_large(rig, 0, 40, 17, 3000);
	send_some(0, 4);
	rig_wait(rig, rig_all_settled);
	rig_stop(rig);
	assert_int_equal(counter_read(&counters()->given_up_too_large), 1);
	assert_int_equal(rig_acked(rig), rig->sent - 1);
}

static void set_that_the_broker_refused_once_is_delivered_whole(void **state)
{
	(void)state;
	mock_topic(mock, "t0", 1);
	rig_start(rig);
	mock_refuse_produce(mock, 1, MOCK_MSG_SIZE_TOO_LARGE);
	send_some(0, 4);
	rig_wait(rig, rig_all_settled);
	rig_stop(rig);
	assert_int_equal(rig_acked(rig), 200);
	assert_true(counter_read(&counters()->topics[0].retries) > 0);
}

static void refusal_for_the_boxs_own_clock_loses_nothing(void **state)
{
	(void)state;
	mock_topic(mock, "t0", 1);
	rig_start(rig);
	mock_refuse_produce(mock, 3, MOCK_INVALID_TIMESTAMP);
	send_some(0, 4);
	rig_wait(rig, rig_all_settled);
	rig_stop(rig);
	assert_int_equal(rig_acked(rig), 200);
}

struct times {
	int64_t least, most;
};

static void note_time(
	void *context, const void *key, size_t key_len, const void *value, size_t value_len, int64_t time_ms)
{
	struct times *times = context;

	(void)key;
	(void)key_len;
	(void)value;
	(void)value_len;
	times->least = time_ms < times->least ? time_ms : times->least;
	times->most = time_ms > times->most ? time_ms : times->most;
}

/* The same, but of times that stand in the records: they are not refused for ever. */
static void refuse_times_with(int code)
{
	struct times before = {INT64_MAX, 0}, after = {INT64_MAX, 0};
	int64_t now = clock_utc_us(clock_tsc()) / 1000, yesterday = now - 86400000;

	mock_topic(mock, "t0", 1);
	mock_topic(mock, "t1", 1);
	rig_start(rig);
	rig->base_ms = yesterday;
	send_some(0, 2);
	rig_wait(rig, rig_all_settled);
	assert_int_equal(mock_read(mock, "t0", 0, note_time, &before), 100);
	assert_true(before.least == yesterday && before.most == yesterday + 49);
	mock_refuse_produce(mock, 1, code);
	send_some(1, 1);
	rig_wait(rig, rig_all_settled);
	rig_stop(rig);
	assert_int_equal(rig_acked(rig), 150);
	assert_true(counter_read(&counters()->topics[1].retries) > 0);
	assert_int_equal(mock_read(mock, "t1", 0, note_time, &after), 50);
	assert_true(after.most >= now); /* those of the set that was refused */
}

static void records_whose_times_are_refused_get_that_of_delivery(void **state)
{
	(void)state;
	refuse_times_with(MOCK_INVALID_TIMESTAMP);
}

static void records_with_times_that_are_called_invalid_do_too(void **state)
{
	(void)state;
	refuse_times_with(MOCK_INVALID_RECORD);
}

static void partition_that_is_not_there_is_placed_anew(void **state)
{
	(void)state;
	mock_topic(mock, "t0", 2);
	rig_start(rig);
	send_some(0, 1);
	rig_wait(rig, rig_all_settled);
	atomic_store(&rig->topics.topics[0].partitions, 2);
	rig_send(rig, 0, 9, 50, 40);
	rig_wait(rig, rig_all_settled);
	rig_stop(rig);
	assert_int_equal(rig_acked(rig), 100);
	assert_int_equal(mock_records(mock, "t0", 0) + mock_records(mock, "t0", 1), 100);
}

static int first_topic_was_tried_again(struct rig *r)
{
	return counter_read(&producer_counters(r->producer)->topics[0].retries) > 1;
}

/* The topic table knows of partitions that were added, the client does not yet: their records wait for it. */
static void partition_that_was_added_is_waited_for(void **state)
{
	(void)state;
	mock_topic(mock, "t0", 2);
	rig_start(rig);
	send_some(0, 1);
	rig_wait(rig, rig_all_settled);
	atomic_store(&rig->topics.topics[0].partitions, 10);
	rig_send(rig, 0, 9, 50, 40);
	rig_wait(rig, first_topic_was_tried_again);
	assert_int_equal(rig_acked(rig), 50);
	assert_int_equal(mock_records(mock, "t0", 0) + mock_records(mock, "t0", 1), 50);
	atomic_store(&rig->topics.topics[0].partitions, 2); /* they are gone after all */
	rig_wait(rig, rig_all_settled);
	rig_stop(rig);
	assert_int_equal(rig_acked(rig), 100);
}

static void fatal_error_rebuilds_the_client_and_loses_nothing(void **state)
{
	(void)state;
	mock_topic(mock, "t0", 1);
	mock_topic(mock, "t1", 1);
	rig->config.handles = 2;
	rig_start(rig);
	send_some(0, 2);
	rig_wait(rig, rig_all_settled);
	mock_refuse_produce(mock, 1, MOCK_OUT_OF_ORDER_SEQUENCE);
	send_some(0, 8);
	rig_wait(rig, rig_all_settled);
	send_some(1, 4);
	rig_wait(rig, rig_all_settled);
	rig_stop(rig);
	assert_int_equal(rig_acked(rig), rig->sent);
	assert_int_equal(counter_read(&counters()->rebuilds), 1);
	assert_true(mock_records(mock, "t0", 0) >= 500);
}

static void must_rise(
	void *context, const void *key, size_t key_len, const void *value, size_t value_len, int64_t time_ms)
{
	long *last = context, number = strtol(value, NULL, 10);

	(void)key;
	(void)key_len;
	(void)time_ms;
	assert_true(value_len > 0 && number > *last);
	*last = number;
}

/* See room() in egress/flow.c: the first set is refused; the next, if it were on its way by then, would be taken. */
static void first_records_of_a_topic_are_not_overtaken(void **state)
{
	long last = -1;

	(void)state;
	mock_topic(mock, "t0", 1);
	mock_topic(mock, "t1", 1);
	rig_start(rig);
	send_some(1, 1);
	rig_wait(rig, rig_all_settled);
	mock_delay(mock, 300);
	mock_refuse_produce(mock, 1, MOCK_UNKNOWN_TOPIC);
	for (unsigned i = 0; i < 12; i++) {
		rig_send(rig, 0, BATCH_UNASSIGNED, 1, 40);
		nanosleep(&(struct timespec){0, 100000000}, NULL); /* each would go in a set of its own, some in one delay */
	}
	atomic_store(&rig->topics.topics[0].partitions, 1);
	rig_wait(rig, rig_all_settled);
	rig_stop(rig);
	mock_delay(mock, 0);
	assert_int_equal(rig_acked(rig), rig->sent);
	assert_int_equal(counter_read(&counters()->topics[0].retries), 0);
	assert_int_equal(mock_read(mock, "t0", 0, must_rise, &last), 12);
}

static int client_says_disconnected(struct rig *r)
{
	struct kafka_client_status status;

	return producer_status(r->producer, &status, 1) == 1 && !status.connected && status.last_error[0] != '\0' &&
	       status.queued > 0;
}

static int client_says_connected(struct rig *r)
{
	struct kafka_client_status status;

	return producer_status(r->producer, &status, 1) == 1 && status.connected && status.last_error[0] == '\0' &&
	       strstr(mock_servers(mock), status.brokers) != NULL;
}

static void broker_away_and_back_loses_nothing_and_is_shown(void **state)
{
	(void)state;
	mock_topic(mock, "t0", 1);
	mock_broker_down(mock, 1);
	rig_start(rig); /* Kafka is away at the start */
	send_some(0, 4);
	rig_wait(rig, client_says_disconnected);
	mock_broker_up(mock, 1);
	rig_wait(rig, rig_all_settled);
	rig_wait(rig, client_says_connected);
	mock_broker_down(mock, 1);
	send_some(0, 4);
	rig_wait(rig, client_says_disconnected);
	mock_broker_up(mock, 1);
	rig_wait(rig, rig_all_settled);
	rig_stop(rig);
	assert_int_equal(rig_acked(rig), 400);
	assert_int_equal(mock_records(mock, "t0", 0), 400);
}

static void stop_without_kafka_gives_up_by_name_what_was_held(void **state)
{
	(void)state;
	mock_topic(mock, "t0", 1);
	mock_topic(mock, "t1", 1);
	rig->config.drain_seconds = 1;
	rig_start(rig);
	send_some(0, 2);
	rig_wait(rig, rig_all_settled);
	mock_broker_down(mock, 1);
	send_some(0, 4);
	send_some(1, 4);
	rig_stop(rig);
	assert_int_equal(rig_acked(rig), 100);
	assert_int_equal(counter_read(&counters()->given_up_stopped), 400);
}

/* Linger would keep the records for a minute; the drain does not wait for it. */
static void stop_sends_what_lingers(void **state)
{
	struct timespec before, after;

	(void)state;
	mock_topic(mock, "t0", 1);
	rig_property(rig, "linger.ms", "60000");
	rig_start(rig);
	send_some(0, 4);
	clock_gettime(CLOCK_MONOTONIC, &before);
	rig_stop(rig);
	clock_gettime(CLOCK_MONOTONIC, &after);
	assert_int_equal(rig_acked(rig), 200);
	assert_true(after.tv_sec - before.tv_sec < 30);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(missing_topic_waits_alone_and_is_delivered_when_it_is_made),
		TEST(forbidden_topic_waits_alone_and_is_delivered_when_allowed),
		TEST(leaderless_topic_is_shown_as_stalled_and_harms_itself_only),
		TEST(record_above_the_clients_limit_is_given_up_alone),
		TEST(set_that_the_broker_refused_once_is_delivered_whole),
		TEST(refusal_for_the_boxs_own_clock_loses_nothing),
		TEST(records_whose_times_are_refused_get_that_of_delivery),
		TEST(records_with_times_that_are_called_invalid_do_too),
		TEST(partition_that_is_not_there_is_placed_anew),
		TEST(partition_that_was_added_is_waited_for),
		TEST(fatal_error_rebuilds_the_client_and_loses_nothing),
		TEST(first_records_of_a_topic_are_not_overtaken),
		TEST(broker_away_and_back_loses_nothing_and_is_shown),
		TEST(stop_without_kafka_gives_up_by_name_what_was_held),
		TEST(stop_sends_what_lingers),
	};

	log_set_level(LOG_ERROR);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
