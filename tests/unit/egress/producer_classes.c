/* SPDX-License-Identifier: Apache-2.0 */
/* Classes of priority: what is kept of each when its share of the spool is used up. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "base/clock.h"
#include "spool_rig.h"

#define RECORDS 100u
#define MANY    150u /* batches: more than the low class has room for */

static void two_classes(enum spool_policy policy)
{
	spool_rig.spool.class_count = 2;
	spool_rig.spool.size_bytes = 4u << 20;
	spool_rig.spool.classes[0] = (struct spool_class){.name = "high", .percent = 80};
	spool_rig.spool.classes[1] = (struct spool_class){.name = "low", .percent = 20, .policy = policy};
}

static uint64_t bytes_of(unsigned class, uint64_t *share)
{
	uint64_t bytes;

	assert_non_null(spool_class_at(producer_spool(spool_rig.rig->producer), class, &bytes, share));
	return bytes;
}

static int is_closed(struct rig *rig)
{
	return atomic_load(&rig->lane.closed) != 0;
}

static int is_open(struct rig *rig)
{
	return atomic_load(&rig->lane.closed) == 0;
}

static int is_all_home(struct rig *rig)
{
	const struct spool_counters *c = spool_rig_counts();

	return counter_read(&producer_counters(rig->producer)->held) == 0 && atomic_load(&rig->lane.ring_events) == 0 &&
	       counter_read(&c->spooled) + counter_read(&c->parked) == 0 &&
	       atomic_load(&c->passing) + atomic_load(&c->returning) == 0;
}

static int has_made_room(struct rig *rig)
{
	(void)rig;
	return counter_read(&spool_rig_counts()->made_room) > 0;
}

/* Kafka is away, and more comes of the low class than it may keep. */
static void fill_low(unsigned batches)
{
	mock_broker_down(spool_rig.mock, 1);
	for (unsigned i = 0; i < batches; i++)
		rig_send(spool_rig.rig, 1, 0, RECORDS, 60);
}

static uint64_t acked(unsigned topic)
{
	return rig_topic_acked(spool_rig.rig, (uint16_t)topic);
}

/* The newest are kept: the oldest files go, and each event is acked, or counted and recorded. */
static void class_that_keeps_the_newest_makes_room(void **state)
{
	uint64_t share, made_room;

	(void)state;
	two_classes(SPOOL_KEEP_NEWEST);
	spool_rig_begin();
	fill_low(MANY);
	rig_wait(spool_rig.rig, has_made_room);
	rig_send(spool_rig.rig, 0, 0, RECORDS, 60);
	assert_true(bytes_of(1, &share) <= share + 2 * 65536);
	assert_true(share < 1u << 20);
	mock_broker_up(spool_rig.mock, 1);
	rig_wait(spool_rig.rig, is_all_home);
	made_room = counter_read(&spool_rig_counts()->made_room);
	assert_int_equal(acked(0), RECORDS);
	assert_int_equal(acked(1) + made_room, MANY * RECORDS);
	assert_true(acked(1) > 0);
	spool_rig_end();
	assert_int_equal(spool_rig_recorded("made room", "low"), made_room);
}

/* What was given up is not there after a restart, and nothing is counted twice. */
static void room_that_was_made_stays_made(void **state)
{
	uint64_t made_room, left;

	(void)state;
	two_classes(SPOOL_KEEP_NEWEST);
	spool_rig_begin();
	fill_low(MANY);
	rig_wait(spool_rig.rig, has_made_room);
	spool_rig_end();
	made_room = spool_rig_recorded("made room", "low");
	spool_rig.drain_seconds = 30;
	mock_broker_up(spool_rig.mock, 1);
	spool_rig_begin();
	left = counter_read(&spool_rig_counts()->recovered);
	assert_in_range(left, 1, MANY * RECORDS - made_room);
	rig_wait(spool_rig.rig, is_all_home);
	assert_int_equal(acked(1), left);
	spool_rig_end();
	assert_int_equal(spool_rig_recorded("made room", "low"), made_room);
}

/* A part of all is kept, and the share is not used up. */
static void class_that_samples_keeps_a_part(void **state)
{
	uint64_t share, bytes, sampled;

	(void)state;
	two_classes(SPOOL_SAMPLE);
	spool_rig_begin();
	fill_low(MANY);
	bytes = bytes_of(1, &share);
	assert_true(bytes < share);
	mock_broker_up(spool_rig.mock, 1);
	rig_wait(spool_rig.rig, is_all_home);
	sampled = counter_read(&producer_counters(spool_rig.rig->producer)->given_up_sampled);
	assert_true(sampled > MANY * RECORDS / 4);
	assert_int_equal(acked(1) + sampled, MANY * RECORDS);
	assert_true(acked(1) >= MANY * RECORDS / 8);
	spool_rig_end();
	assert_int_equal(spool_rig_recorded("sampled", "low"), sampled);
}

/* The oldest are kept: the class is closed for what comes, before it is numbered; the other one flows. */
static void class_that_keeps_the_oldest_is_closed(int write_first)
{
	uint64_t share;
	unsigned sent = 0;

	two_classes(SPOOL_KEEP_OLDEST);
	spool_rig.write_first = write_first;
	spool_rig_begin();
	mock_broker_down(spool_rig.mock, 1);
	while (!is_closed(spool_rig.rig)) {
		assert_in_range(++sent, 1, MANY * 4);
		rig_send(spool_rig.rig, 1, 0, RECORDS, 60);
		nanosleep(&(struct timespec){0, 5000000}, NULL); /* a worker is no faster than what it looks at */
	}
	assert_int_equal(atomic_load(&spool_rig.rig->lane.closed), 2);
	assert_true(bytes_of(1, &share) > share / 2); /* what is parked leaves room in its lane's log a moment later */
	counter_add(&spool_rig.rig->lane.turned_away[1], 42);
	for (unsigned i = 0; i < 40; i++)
		rig_send(spool_rig.rig, 0, 0, RECORDS, 60); /* each finds a batch: what there was of it went to the disk */
	mock_broker_up(spool_rig.mock, 1);
	rig_wait(spool_rig.rig, is_all_home);
	rig_wait(spool_rig.rig, is_open);
	assert_int_equal(acked(0), 40 * RECORDS);
	assert_int_equal(acked(1), sent * RECORDS);
	spool_rig_end();
	assert_int_equal(spool_rig_recorded("turned away", "low"), 42);
}

static void class_that_keeps_the_oldest_is_closed_for_what_comes(void **state)
{
	(void)state;
	class_that_keeps_the_oldest_is_closed(0);
}

static void class_that_keeps_the_oldest_is_closed_for_what_comes_when_written_first(void **state)
{
	(void)state;
	class_that_keeps_the_oldest_is_closed(1);
}

/* In mode wal, what was written and made room for others while it was in memory is written once more, or acked from there. */
static void memory_outlives_the_room_that_was_made(void **state)
{
	uint64_t made_room;

	(void)state;
	two_classes(SPOOL_KEEP_NEWEST);
	spool_rig.write_first = 1;
	spool_rig_begin();
	fill_low(MANY);
	mock_broker_up(spool_rig.mock, 1);
	rig_wait(spool_rig.rig, is_all_home);
	made_room = counter_read(&spool_rig_counts()->made_room);
	assert_int_equal(acked(1) + made_room, MANY * RECORDS);
	spool_rig_end();
	assert_int_equal(spool_rig_recorded("made room", "low"), made_room);
}

/* Fewer classes than there were: the logs of the others are read out. */
static void former_classes_are_read_out(void **state)
{
	(void)state;
	two_classes(SPOOL_KEEP_OLDEST);
	spool_rig_begin();
	fill_low(8);
	spool_rig_end();
	spool_rig.spool.class_count = 0;
	spool_rig.drain_seconds = 30;
	mock_broker_up(spool_rig.mock, 1);
	spool_rig_begin();
	assert_int_equal(counter_read(&spool_rig_counts()->recovered), 8 * RECORDS);
	rig_wait(spool_rig.rig, is_all_home);
	assert_int_equal(acked(1), 8 * RECORDS);
	spool_rig_end();
}

/* All but the first batch, which the client may have taken. */
static int is_left(struct rig *rig)
{
	return spool_rig_on_disk() + RECORDS >= rig->sent;
}

/* In the lane's log: a topic that holds much of the pool has one of its own. */
static void leave_low(unsigned batches)
{
	mock_broker_down(spool_rig.mock, 1);
	rig_wait(spool_rig.rig, spool_rig_is_there); /* as it seems at first */
	rig_send(spool_rig.rig, 1, 0, RECORDS, 60);
	rig_wait(spool_rig.rig, spool_rig_is_away);
	for (unsigned i = 1; i < batches; i++) {
		rig_send(spool_rig.rig, 1, 0, RECORDS, 60);
		rig_wait(spool_rig.rig, is_left);
	}
	assert_int_equal(counter_read(&spool_rig_counts()->parked), 0);
}

static uint64_t events_wanted;

/* The other topic's records tell that Kafka is there. */
static int is_read(struct rig *rig)
{
	if (rig->sent == rig_acked(rig))
		rig_send(rig, 0, 0, 1, 60);
	return counter_read(&spool_rig_counts()->replayed) >= events_wanted;
}

static int64_t wait_read(unsigned batches)
{
	events_wanted = batches * RECORDS;
	rig_wait(spool_rig.rig, is_read);
	return clock_ms();
}

/* A batch that neither its topic nor the disk takes when it was read is read again after a while, and not at once. */
static void what_nobody_takes_is_read_again_at_leisure(void **state)
{
	int64_t began_ms;

	(void)state;
	spool_rig_begin();
	leave_low(20);
	spool_rig_end();
	mock_leader(spool_rig.mock, "t1", 0, MOCK_NO_LEADER);
	mock_broker_up(spool_rig.mock, 1);
	spool_rig.spool.size_bytes = 65536;
	spool_rig.spool.replay_bytes = 64 * RIG_BATCH_SIZE; /* more than the client is tried with */
	spool_rig_begin();
	began_ms = wait_read(20 + 1);
	assert_true(wait_read(20 + 10 * 20) - began_ms >= 8 * 100);
	mock_leader(spool_rig.mock, "t1", 0, 1);
	rig_wait(spool_rig.rig, is_all_home);
	assert_int_equal(acked(1), 20 * RECORDS);
	spool_rig_end();
}

static uint64_t last_number;

static void look_at_order(void *context, const void *key, size_t key_len, const void *value, size_t value_len, int64_t time_ms)
{
	uint64_t number = strtoull(value, NULL, 10);

	(void)context;
	(void)key;
	(void)key_len;
	(void)value_len;
	(void)time_ms;
	assert_true(number >= last_number);
	last_number = number;
}

static int is_spooled(struct rig *rig)
{
	(void)rig;
	return counter_read(&spool_rig_counts()->spooled) > 0;
}

static uint64_t taken_by_high(void)
{
	uint64_t share;

	return bytes_of(0, &share);
}

/* As by a reload: what waits in its former class's log is delivered first. */
static void topic_that_changes_its_class_stays_in_order(int write_first)
{
	two_classes(SPOOL_KEEP_OLDEST);
	spool_rig.write_first = write_first;
	spool_rig.spool.replay_rate = 128u << 10; /* it takes some turns to read what waits */
	spool_rig_begin();
	leave_low(40);
	atomic_store(&spool_rig.rig->topics.topics[1].class, 0);
	mock_broker_up(spool_rig.mock, 1);
	wait_read(4);
	for (unsigned i = 0; i < 40; i++) {
		rig_send(spool_rig.rig, 1, 0, 10, 60);
		wait_read(5 + i / 2);
	}
	assert_int_equal(taken_by_high(), 0);
	rig_wait(spool_rig.rig, is_all_home);
	last_number = 0;
	assert_int_equal(mock_read(spool_rig.mock, "t1", 0, look_at_order, NULL), 40 * RECORDS + 40 * 10);
	mock_broker_down(spool_rig.mock, 1);
	rig_send(spool_rig.rig, 1, 0, RECORDS, 60);
	rig_wait(spool_rig.rig, spool_rig_is_away);
	rig_send(spool_rig.rig, 1, 0, RECORDS, 60);
	rig_wait(spool_rig.rig, is_spooled);
	assert_true(taken_by_high() > 0);
	spool_rig_end();
}

static void topic_that_changes_its_class_does_not_overtake_itself(void **state)
{
	(void)state;
	topic_that_changes_its_class_stays_in_order(0);
}

static void topic_that_changes_its_class_does_not_overtake_itself_when_written_first(void **state)
{
	(void)state;
	topic_that_changes_its_class_stays_in_order(1);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, spool_rig_setup, spool_rig_teardown)
	const struct CMUnitTest tests[] = {
		TEST(class_that_keeps_the_newest_makes_room),
		TEST(room_that_was_made_stays_made),
		TEST(class_that_samples_keeps_a_part),
		TEST(class_that_keeps_the_oldest_is_closed_for_what_comes),
		TEST(class_that_keeps_the_oldest_is_closed_for_what_comes_when_written_first),
		TEST(memory_outlives_the_room_that_was_made),
		TEST(former_classes_are_read_out),
		TEST(what_nobody_takes_is_read_again_at_leisure),
		TEST(topic_that_changes_its_class_does_not_overtake_itself),
		TEST(topic_that_changes_its_class_does_not_overtake_itself_when_written_first),
	};
#undef TEST

	return cmocka_run_group_tests(tests, NULL, NULL);
}
