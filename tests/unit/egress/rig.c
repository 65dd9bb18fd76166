/* SPDX-License-Identifier: Apache-2.0 */
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
#include "base/memory.h"
#include "base/ring.h"
#include "batch/record.h"
#include "egress/internal.h"
#include "rig.h"

#define POISON 0xdb

struct rig *rig_new(const char *servers)
{
	struct rig *rig = calloc(1, sizeof(*rig));

	assert_non_null(rig);
	(void)clock_init();
	rig->topics.count = 2;
	(void)strcpy(rig->topics.topics[0].name, "t0");
	(void)strcpy(rig->topics.topics[1].name, "t1");
	assert_int_equal(batch_pool_new(&rig->pool, RIG_BATCHES, RIG_BATCH_SIZE, 7, MEMORY_ANY_NODE), 0);
	rig->lane.out = ring_new(RIG_BATCHES, MEMORY_ANY_NODE);
	rig->lane.home = ring_new(RIG_BATCHES, MEMORY_ANY_NODE);
	rig->lane.number = 7;
	rig->lane.batches = RIG_BATCHES;
	rig->lane.credit = RIG_BATCHES / 4;
	rig->lanes[0] = &rig->lane;
	rig->config = (struct producer_config){.lanes = rig->lanes, .lane_count = 1, .topics = &rig->topics,
		.egress = servers != NULL ? NULL : &egress_discard, .properties = rig->properties, .handles = 1,
		.drain_seconds = 30};
	if (servers != NULL)
		rig_property(rig, "bootstrap.servers", servers);
	rig_property(rig, "linger.ms", "5");
	rig_property(rig, "topic.metadata.refresh.interval.ms", "100");
	rig_property(rig, "topic.metadata.propagation.max.ms", "0");
	return rig;
}

void rig_property(struct rig *rig, const char *name, const char *value)
{
	assert_true(rig->property_count < 16);
	rig->properties[rig->property_count++] = (struct kafka_property){name, value};
}

void rig_start(struct rig *rig)
{
	struct error error = {""};

	rig->config.property_count = rig->property_count;
	if (producer_start(&rig->producer, &rig->config, &error) != 0)
		fail_msg("%s", error.text);
}

void rig_collect(struct rig *rig)
{
	void *batch;

	while (ring_pop(rig->lane.home, &batch, 1) == 1) {
		struct batch *b = batch;

		assert_int_equal(b->outstanding, 0);
		for (unsigned i = 0; i < BATCH_RECORDS / 64; i++)
			assert_true(b->unsettled[i] == 0);
		memset(b->data, POISON, b->capacity);
		batch_put(rig->pool, b);
	}
}

static void pause_a_little(void)
{
	nanosleep(&(struct timespec){0, 1000000}, NULL);
}

static struct batch *get_batch(struct rig *rig)
{
	struct batch *batch;

	for (int i = 0; i < 30000; i++) {
		rig_collect(rig);
		batch = batch_get(rig->pool);
		if (batch != NULL)
			return batch;
		pause_a_little();
	}
	fail_msg("no batch came home in 30 s");
	return NULL;
}

static void write_record(struct rig *rig, struct batch *batch, unsigned bytes)
{
	char number[24];
	unsigned digits = (unsigned)snprintf(number, sizeof(number), "%llu ", (unsigned long long)(rig->sent + batch->records));
	unsigned len = bytes > digits ? bytes : digits;
	struct record_writer writer;
	uint8_t *to;

	record_writer_begin(&writer, batch);
	if (batch->base_ms == 0)
		to = record_open(&writer, (struct slice){NULL, 0}, len);
	else
		to = record_open_timed(&writer, batch, (struct slice){NULL, 0}, len, batch->base_ms + batch->records);
	assert_non_null(to);
	memset(to, 'x', len);
	memcpy(to, number, digits);
	record_close(&writer, to + len);
	record_writer_end(&writer, batch);
}

static void hand_over(struct rig *rig, struct batch *batch)
{
	batch->events = batch->records;
	rig->sent += batch->events;
	atomic_fetch_add(&rig->lane.ring_events, batch->events);
	assert_int_equal(ring_push(rig->lane.out, batch), 1);
}

static struct batch *open_batch(struct rig *rig, uint16_t topic, int32_t partition)
{
	struct batch *batch = get_batch(rig);

	batch->topic = topic;
	batch->partition = partition;
	batch->opened_tsc = clock_tsc();
	batch->first_seq = rig->sent + 1;
	batch->base_ms = rig->base_ms;
	return batch;
}

void rig_send(struct rig *rig, uint16_t topic, int32_t partition, unsigned records, unsigned bytes)
{
	struct batch *batch = open_batch(rig, topic, partition);

	while (batch->records < records)
		write_record(rig, batch, bytes);
	hand_over(rig, batch);
}

void rig_send_unreadable(struct rig *rig, uint16_t topic, unsigned records)
{
	struct batch *batch = open_batch(rig, topic, 0);

	batch->records = records;
	batch->bytes = 64;
	memset(batch->data, 0xff, batch->bytes);
	hand_over(rig, batch);
}

void rig_send_one_large(struct rig *rig, uint16_t topic, unsigned records, unsigned which, unsigned large)
{
	struct batch *batch = open_batch(rig, topic, 0);

	while (batch->records < records)
		write_record(rig, batch, batch->records == which ? large : 10);
	hand_over(rig, batch);
}

static uint64_t given_up(const struct producer_counters *c)
{
	uint64_t sum = 0;

#define X(name, ...) sum += counter_read(&c->given_up_##name);
	EGRESS_GIVEN_UP(X)
#undef X
	return sum;
}

int rig_all_settled(struct rig *rig)
{
	const struct producer_counters *c = producer_counters(rig->producer);

	return counter_read(&c->acked) + given_up(c) + counter_read(&c->dead_lettered) == rig->sent;
}

void rig_wait(struct rig *rig, int (*done)(struct rig *))
{
	for (int i = 0; i < 30000; i++) {
		rig_collect(rig);
		if (done(rig))
			return;
		pause_a_little();
	}
	fail_msg("not there after 30 s: %llu of %llu acked", (unsigned long long)rig_acked(rig),
		(unsigned long long)rig->sent);
}

uint64_t rig_acked(const struct rig *rig)
{
	return counter_read(&producer_counters(rig->producer)->acked);
}

uint64_t rig_topic_acked(const struct rig *rig, uint16_t topic)
{
	return counter_read(&producer_counters(rig->producer)->topics[topic].acked);
}

void rig_stop(struct rig *rig)
{
	const struct producer_counters *c = producer_counters(rig->producer);
	uint64_t acked = 0, lost = 0, buried = 0;

	producer_stop(rig->producer);
	rig_collect(rig);
	for (unsigned i = 0; i < rig->topics.count; i++) {
		acked += counter_read(&c->topics[i].acked);
		lost += counter_read(&c->topics[i].given_up);
		buried += counter_read(&c->topics[i].dead_lettered);
		assert_int_equal(counter_read(&c->topics[i].held), 0);
		assert_int_equal(rig->producer->topics[i].outstanding, 0);
	}
	assert_int_equal(counter_read(&c->received), rig->sent);
	assert_int_equal(counter_read(&c->held), 0);
	assert_int_equal(atomic_load(&rig->lane.ring_events), 0);
	assert_int_equal(counter_read(&c->acked) + given_up(c) + buried + counter_read(&c->to_disk),
		rig->sent + counter_read(&c->from_disk));
	assert_int_equal(acked, counter_read(&c->acked));
	assert_int_equal(lost, given_up(c));
	assert_int_equal(buried, counter_read(&c->dead_lettered));
	assert_int_equal(batch_pool_available(rig->pool), RIG_BATCHES);
}

void rig_free(struct rig *rig)
{
	producer_free(rig->producer);
	ring_free(rig->lane.out);
	ring_free(rig->lane.home);
	assert_int_equal(batch_pool_free(rig->pool), 0);
	free(rig);
}
