/* SPDX-License-Identifier: Apache-2.0 */
/* Topics of which the client says nothing stop no other, and are not taken for Kafka's being away for long. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "base/log.h"
#include "silent.h"

#define RECORDS 10u
#define LULL_S  4 /* without any acknowledgement: twice what Kafka's being away takes */

static unsigned others; /* topics, silent ones from t1 on */

static void begin(unsigned count)
{
	spool_rig.egress = &silent_ops;
	spool_rig.topics = count + 1;
	others = count;
	spool_rig_begin();
}

static void fall_silent(int whether)
{
	for (unsigned i = 1; i <= others; i++)
		atomic_store(&silent[i], (unsigned char)whether);
}

static int teardown(void **state)
{
	fall_silent(0);
	atomic_store(&silent_disconnected, 0);
	return spool_rig_teardown(state);
}

static void send(uint16_t topic)
{
	rig_send(spool_rig.rig, topic, 0, RECORDS, 50);
}

static uint64_t first_sent; /* events of t0 */

static int first_is_acked(struct rig *rig)
{
	return rig_topic_acked(rig, 0) == first_sent;
}

/* The same as soon as it is sent, whatever waits. */
static void send_first(void)
{
	send(0);
	first_sent += RECORDS;
	rig_wait(spool_rig.rig, first_is_acked);
}

static int is_stalled(struct rig *rig)
{
	return counter_read(&producer_counters(rig->producer)->topics[1].stalled_since) != 0;
}

static int is_all_acked(struct rig *rig)
{
	return rig_acked(rig) == rig->sent + counter_read(&spool_rig_counts()->recovered) && spool_rig_on_disk() == 0;
}

static void lull(void)
{
	nanosleep(&(struct timespec){LULL_S, 0}, NULL);
}

static void end_well(void)
{
	fall_silent(0);
	rig_wait(spool_rig.rig, is_all_acked);
	spool_rig_end();
}

static void lull_beside_a_silent_topic_stops_nobody(void **state)
{
	(void)state;
	first_sent = 0;
	begin(1);
	send_first();
	fall_silent(1);
	send(1);
	while (!is_stalled(spool_rig.rig)) {
		send_first();
		nanosleep(&(struct timespec){0, 50000000}, NULL);
	}
	lull();
	assert_true(spool_rig_is_there(spool_rig.rig));
	for (unsigned i = 0; i < 20; i++)
		send_first();
	end_well();
}

/* Nothing but the silent topic had traffic, so that Kafka seems to be away, until another one tries. */
static void topic_that_was_quiet_tries_a_kafka_that_seems_away(void **state)
{
	(void)state;
	first_sent = 0;
	begin(1);
	fall_silent(1);
	rig_wait(spool_rig.rig, spool_rig_is_there);
	send(1);
	rig_wait(spool_rig.rig, spool_rig_is_away);
	send(1); /* to disk, where nothing of the other is */
	rig_wait(spool_rig.rig, spool_rig_has_left);
	for (unsigned i = 0; i < 20; i++)
		send_first();
	assert_true(spool_rig_is_there(spool_rig.rig));
	end_well();
}

/* The same when others have half of the pool with the client, and had more of it. */
static void topic_that_was_quiet_tries_from_a_pool_that_is_pressed(void **state)
{
	(void)state;
	first_sent = 0;
	begin(5);
	fall_silent(1);
	rig_wait(spool_rig.rig, spool_rig_is_there);
	for (uint16_t topic = 1; topic <= others; topic++)
		for (unsigned i = 0; i < 3; i++)
			send(topic);
	rig_wait(spool_rig.rig, spool_rig_is_away);
	for (unsigned i = 0; i < 20; i++)
		send_first();
	end_well();
}

/* Each has all of its credit that it may have. */
static void silent_topics_stop_nobody(unsigned count)
{
	struct timespec now, end;

	first_sent = 0;
	spool_rig.spool.replay_bytes = 128 * RIG_BATCH_SIZE; /* half for one log; four batches for each topic at first */
	spool_rig.stuck_ms = 12000;
	begin(count);
	fall_silent(1);
	send_first();
	clock_gettime(CLOCK_MONOTONIC, &end);
	end.tv_sec += 12; /* long enough for all of them to be found out, and what they left to be sorted out */
	for (unsigned i = 0;; i++) {
		if (i < 200)
			for (uint16_t topic = 1; topic <= count && i % 10 == 0; topic++)
				send(topic);
		send_first();
		nanosleep(&(struct timespec){0, 10000000}, NULL);
		clock_gettime(CLOCK_MONOTONIC, &now);
		if (now.tv_sec >= end.tv_sec)
			break;
	}
	end_well();
}

static void four_silent_topics_stop_nobody(void **state)
{
	(void)state;
	silent_topics_stop_nobody(4);
}

static void ten_silent_topics_stop_nobody(void **state)
{
	(void)state;
	silent_topics_stop_nobody(10);
}

static int is_recovered_of_first(struct rig *rig)
{
	return rig_topic_acked(rig, 0) == RECORDS;
}

static int is_left_but_one(struct rig *rig)
{
	return spool_rig_on_disk() + RECORDS >= rig->sent;
}

/* Far more of the silent topic than is read at one time. */
static void silent_topic_holds_up_nobody_on_disk(void **state)
{
	(void)state;
	spool_rig.spool.replay_bytes = 16 * RIG_BATCH_SIZE;
	spool_rig.stuck_ms = 12000;
	begin(1);
	atomic_store(&silent[0], 1);
	fall_silent(1);
	rig_wait(spool_rig.rig, spool_rig_is_there);
	send(1);
	rig_wait(spool_rig.rig, spool_rig_is_away);
	for (unsigned i = 0; i < 30; i++) {
		send(1);
		rig_wait(spool_rig.rig, is_left_but_one);
	}
	send(0);
	spool_rig_end();
	atomic_store(&silent[0], 0);
	begin(1);
	rig_wait(spool_rig.rig, is_recovered_of_first);
	end_well();
}

static uint64_t sampled;

static int more_are_sampled_out(struct rig *rig)
{
	if (batch_pool_available(rig->pool) > RIG_BATCHES / 2)
		send(1);
	return counter_read(&producer_counters(rig->producer)->given_up_sampled) > sampled;
}

/* What its class leaves out of its sample was not delivered. */
static void silent_topic_of_a_sampled_class_is_stalled(void **state)
{
	(void)state;
	spool_rig.spool.size_bytes = 4u << 20;
	spool_rig.spool.class_count = 2;
	spool_rig.spool.classes[0] = (struct spool_class){.name = "high", .percent = 80};
	spool_rig.spool.classes[1] = (struct spool_class){.name = "low", .percent = 20, .policy = SPOOL_SAMPLE};
	begin(1);
	fall_silent(1);
	send(1);
	rig_wait(spool_rig.rig, is_stalled);
	sampled = 0;
	for (unsigned i = 0; i < 5; i++) {
		rig_wait(spool_rig.rig, more_are_sampled_out);
		sampled = counter_read(&producer_counters(spool_rig.rig->producer)->given_up_sampled);
		assert_true(is_stalled(spool_rig.rig));
	}
	fall_silent(0);
	spool_rig_end();
}

static int is_each_asked_after(struct rig *rig)
{
	(void)rig;
	for (unsigned i = 1; i <= others; i++)
		if (atomic_load(&silent_asked[i]) < 2)
			return 0;
	return 1;
}

static unsigned times_asked(void)
{
	unsigned times = 0;

	for (unsigned i = 0; i <= others; i++)
		times += atomic_load(&silent_asked[i]);
	return times;
}

static int is_disconnected(struct rig *rig)
{
	struct kafka_client_status status;

	return producer_status(rig->producer, &status, 1) == 1 && !status.connected;
}

/* To ask takes a moment in which lanes wait. Without a broker there is no answer. */
static void silent_topics_are_asked_after_one_by_one(void **state)
{
	unsigned asked;

	(void)state;
	spool_rig.stuck_ms = 100;
	begin(6);
	fall_silent(1);
	for (uint16_t topic = 1; topic <= others; topic++)
		send(topic);
	rig_wait(spool_rig.rig, is_each_asked_after);
	assert_int_equal(atomic_load(&silent_asked_most), 1);
	atomic_store(&silent_disconnected, 1);
	rig_wait(spool_rig.rig, is_disconnected);
	asked = times_asked();
	nanosleep(&(struct timespec){2, 0}, NULL); /* far longer than between two of them */
	assert_int_equal(times_asked(), asked);
	end_well();
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, spool_rig_setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(lull_beside_a_silent_topic_stops_nobody),
		TEST(topic_that_was_quiet_tries_a_kafka_that_seems_away),
		TEST(topic_that_was_quiet_tries_from_a_pool_that_is_pressed),
		TEST(four_silent_topics_stop_nobody),
		TEST(ten_silent_topics_stop_nobody),
		TEST(silent_topic_holds_up_nobody_on_disk),
		TEST(silent_topic_of_a_sampled_class_is_stalled),
		TEST(silent_topics_are_asked_after_one_by_one),
	};
#undef TEST

	log_set_level(LOG_ERROR);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
