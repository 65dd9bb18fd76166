/* SPDX-License-Identifier: Apache-2.0 */
#include "hand.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "base/memory.h"
#include "batch/record.h"
#include "batch/settled.h"

#define BATCHES 16u
#define WAIT_MS 20000

struct hand hand;

static int topic_of(void *context, const char *name)
{
	(void)context;
	for (unsigned i = 0; i < hand.topics.count; i++)
		if (strcmp(hand.topics.topics[i].name, name) == 0)
			return (int)i;
	return -1;
}

int hand_setup(void **state)
{
	(void)state;
	hand = (struct hand){.directory = "/tmp/penstock-hand-XXXXXX", .lane.batches = BATCHES};
	assert_non_null(mkdtemp(hand.directory));
	hand.lanes[0] = &hand.lane;
	hand.topics.count = HAND_TOPICS;
	for (unsigned i = 0; i < hand.topics.count; i++)
		(void)snprintf(hand.topics.topics[i].name, sizeof(hand.topics.topics[i].name), "t%u", i);
	hand.config = (struct spool_config){.directory = hand.directory, .index_count = 1, .all_lanes = 1, .lanes = hand.lanes,
		.lane_count = 1, .batches = BATCHES, .replay_bytes = 1u << 20, .segment_bytes = 65536, .size_bytes = 64u << 20,
		.sync_bytes = 65536, .sync_us = 1000, .topics = &hand.topics, .topic_of = topic_of};
	return 0;
}

int hand_teardown(void **state)
{
	char command[128];

	(void)state;
	spool_stop(hand.spool);
	(void)batch_pool_free(hand.pool);
	(void)snprintf(command, sizeof(command), "rm -rf %s", hand.directory);
	return system(command);
}

void hand_start(uint32_t bytes)
{
	struct error error = {""};

	hand.config.batch_bytes = bytes;
	if (hand.pool == NULL)
		assert_int_equal(batch_pool_new(&hand.pool, BATCHES, bytes, 0, MEMORY_ANY_NODE), 0);
	if (spool_start(&hand.spool, &hand.config, &error) != 0)
		fail_msg("%s", error.text);
	spool_allow_reads(hand.spool, 1);
}

void hand_stop(void)
{
	spool_stop(hand.spool);
	hand.spool = NULL;
}

struct batch *hand_batch(uint16_t topic, unsigned records, uint32_t bytes)
{
	struct batch *batch = batch_get(hand.pool);
	struct record_writer writer;

	assert_non_null(batch);
	batch->topic = topic;
	batch->partition = 0;
	batch->pack = 1;
	batch->first_seq = 1;
	record_writer_begin(&writer, batch);
	for (unsigned i = 0; i < records; i++) {
		uint8_t *value = record_open(&writer, (struct slice){NULL, 0}, bytes);

		assert_non_null(value);
		memset(value, 'x', bytes);
		record_close(&writer, value + bytes);
	}
	record_writer_end(&writer, batch);
	batch->events = records;
	batch_unsettle(batch);
	return batch;
}

void hand_give(struct batch *batch, enum spool_order order)
{
	batch->order = (uint8_t)order;
	if (batch->lane == SPOOL_LANE && order != SPOOL_SETTLE)
		atomic_fetch_add(&spool_counters(hand.spool)->returning, batch_unsettled_events(batch));
	spool_order(hand.spool, batch, order);
	spool_wake(hand.spool);
}

void hand_pause(void)
{
	spool_wake(hand.spool);
	(void)nanosleep(&(struct timespec){0, 1000000}, NULL);
}

void hand_wait(int (*done)(void))
{
	for (unsigned i = 0; i < WAIT_MS; i++) {
		if (done())
			return;
		hand_pause();
	}
	fail_msg("what was waited for has not come");
}

struct batch *hand_take(enum spool_answer *answer)
{
	struct batch *batch;

	for (unsigned i = 0; i < WAIT_MS; i++) {
		if (spool_answers(hand.spool, &batch, answer, 1) == 1)
			return batch;
		hand_pause();
	}
	fail_msg("the spool answers nothing");
	return NULL;
}

enum spool_answer hand_order(struct batch *batch, enum spool_order order)
{
	enum spool_answer answer;

	hand_give(batch, order);
	assert_ptr_equal(hand_take(&answer), batch);
	return answer;
}

static struct batch *read_one(struct spool_log_state *log)
{
	enum spool_answer answer;
	struct batch *batch;

	assert_non_null(log);
	atomic_store(&log->go, 1);
	spool_wake(hand.spool);
	batch = hand_take(&answer);
	atomic_store(&log->go, 0);
	assert_int_equal(answer, SPOOL_READ);
	atomic_fetch_sub(&spool_counters(hand.spool)->passing, batch->events);
	batch_unsettle(batch);
	return batch;
}

struct batch *hand_read(void)
{
	return read_one(spool_lane_state(hand.spool, 0, 0));
}

static uint16_t awaited;

static int has_log(void)
{
	return spool_topic_state(hand.spool, awaited) != NULL;
}

struct batch *hand_read_topic(uint16_t topic)
{
	awaited = topic;
	hand_wait(has_log);
	return read_one(spool_topic_state(hand.spool, topic));
}
