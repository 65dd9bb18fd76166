/* SPDX-License-Identifier: Apache-2.0 */
/* What a producer finds on disk: logs of workers that are no more, and a stop while it is read back. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include <cmocka.h>

#include "silent.h"

#define RECORDS 20u
#define MANY    40u /* batches */

static uint64_t left; /* events on disk before a second one starts */

static int is_all_on_disk(struct rig *rig)
{
	return counter_read(&producer_counters(rig->producer)->held) != 0 && spool_rig_has_left(rig);
}

/* Kafka says nothing of t0. What does not wait in memory goes to the log of the lane, or to that of the topic. */
static void leave_behind(int park)
{
	spool_rig.egress = &silent_ops;
	spool_rig.spool.replay_bytes = 64 * RIG_BATCH_SIZE;
	spool_rig.drain_seconds = 0;
	atomic_store(&silent[0], 1);
	spool_rig_begin();
	if (!park)
		spool_rig.rig->lane.credit = 4 * RIG_BATCHES;
	for (unsigned i = 0; i < MANY; i++)
		rig_send(spool_rig.rig, 0, 0, RECORDS, 300);
	rig_wait(spool_rig.rig, is_all_on_disk);
	left = spool_rig.rig->sent;
	spool_rig_end();
}

/* In the spool's directory. */
static void files(const char *verb, const char *from, const char *to)
{
	char command[256];

	(void)snprintf(command, sizeof(command), "cd %s && %s %s %s", spool_rig.directory, verb, from, to);
	assert_int_equal(system(command), 0);
}

static int teardown(void **state)
{
	atomic_store(&silent[0], 0);
	atomic_store(&silent[1], 0);
	return spool_rig_teardown(state);
}

static uint64_t replayed(void)
{
	return counter_read(&spool_rig_counts()->replayed);
}

static int is_half_read(struct rig *rig)
{
	(void)rig;
	return replayed() >= left / 2;
}

/* Each is in a log, or was acknowledged. */
static void assert_all_is_somewhere(void)
{
	const struct spool_counters *s = spool_rig_counts();

	assert_int_equal(atomic_load(&s->passing), 0);
	assert_int_equal(atomic_load(&s->returning), 0);
	assert_int_equal(rig_acked(spool_rig.rig) + spool_rig_on_disk(),
		spool_rig.rig->sent + counter_read(&s->recovered) - counter_read(&s->settled));
}

/* As the ledger looks at it. Later, it is no different. */
static void stop(void)
{
	producer_stop(spool_rig.rig->producer);
	assert_all_is_somewhere();
	nanosleep(&(struct timespec){0, 300000000}, NULL);
	assert_all_is_somewhere();
	spool_rig_end();
}

static void nothing_is_lost(void)
{
	spool_rig_begin();
	assert_int_equal(counter_read(&spool_rig_counts()->recovered), left);
	stop();
}

/* While they are sent one by one, each is written, so the spool's thread has had its turns. */
static void go_on_for_a_while(uint16_t topic)
{
	for (unsigned i = 0; i < MANY; i++) {
		rig_send(spool_rig.rig, topic, 0, RECORDS, 300);
		nanosleep(&(struct timespec){0, 20000000}, NULL);
	}
}

/* What was read goes back when Kafka is seen to be away, and is not read again. */
static void logs_left_over_wait_while_kafka_is_away(void **state)
{
	(void)state;
	leave_behind(0);
	files("mv", "lane.7", "lane.9");
	atomic_store(&silent[1], 1);
	spool_rig_begin();
	assert_int_equal(counter_read(&spool_rig_counts()->recovered), left);
	rig_wait(spool_rig.rig, spool_rig_is_there); /* as it seems at first */
	rig_wait(spool_rig.rig, is_half_read);
	rig_wait(spool_rig.rig, spool_rig_is_away);
	go_on_for_a_while(1);
	assert_true(spool_rig_is_away(spool_rig.rig));
	assert_in_range(replayed(), left / 2, 2 * left);
	left += spool_rig.rig->sent;
	stop();
	atomic_store(&silent[1], 0);
	nothing_is_lost();
}

/* All but what the client has, some seconds later: others move meanwhile. */
static int is_given_back(struct rig *rig)
{
	rig_send(rig, 1, 0, 1, 20);
	return replayed() >= 20 * RECORDS && (replayed() > 2 * left || spool_rig_on_disk() >= left - 10 * RECORDS);
}

/* The one that was left over waits as the topic's own does. */
static void logs_left_over_of_a_sick_topic_wait(void **state)
{
	(void)state;
	leave_behind(1);
	files("cp -r", "topic.0.t0", "topic.1.t0");
	spool_rig_begin();
	left = counter_read(&spool_rig_counts()->recovered);
	rig_wait(spool_rig.rig, is_given_back);
	go_on_for_a_while(1);
	assert_in_range(replayed(), 1, 2 * left);
	stop();
}

static int is_read_some(struct rig *rig)
{
	return counter_read(&producer_counters(rig->producer)->from_disk) > 0;
}

static void stop_while_it_is_read_back_leaves_all_on_disk(void **state)
{
	(void)state;
	for (int park = 0; park < 2; park++) {
		leave_behind(park);
		spool_rig_begin();
		rig_wait(spool_rig.rig, is_read_some);
		stop();
		nothing_is_lost();
		files("rm -rf", "lane.7", "topic.*");
	}
}

static void stop_at_once_leaves_all_on_disk(void **state)
{
	(void)state;
	leave_behind(1);
	for (unsigned i = 0; i < 20; i++) {
		spool_rig_begin();
		nanosleep(&(struct timespec){0, i % 5 * 1000000}, NULL);
		producer_stop(spool_rig.rig->producer);
		assert_all_is_somewhere();
		spool_rig_end();
	}
	nothing_is_lost();
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, spool_rig_setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(logs_left_over_wait_while_kafka_is_away),
		TEST(logs_left_over_of_a_sick_topic_wait),
		TEST(stop_while_it_is_read_back_leaves_all_on_disk),
		TEST(stop_at_once_leaves_all_on_disk),
	};
#undef TEST

	return cmocka_run_group_tests(tests, NULL, NULL);
}
