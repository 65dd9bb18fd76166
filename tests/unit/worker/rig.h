/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * A worker without a thread, a source or a producer: datagrams are put in by hand and sealed batches taken out of its lane.
 * Include after cmocka.
 */

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/ring.h"
#include "batch/record.h"
#include "worker/worker.h"

#define RIG_PORT_JSON  9000
#define RIG_PORT_FRAME 9001
#define RIG_PORT_RAW   9002
#define RIG_BATCH      8192u

struct rig {
	struct worker_config config;
	struct input inputs[3];
	struct generation *generation;
	struct generation_slot slot;
	struct topic_table topics;
	struct hours hours;
	struct lane lane;
	struct worker *worker;
	const struct worker_counters *counters;
	struct batch *batch; /* being read */
	uint32_t offset;
};

static inline void rig_add_type(struct rig *rig, const char *name, uint32_t id, int raw)
{
	struct event_types *types = rig->generation->types;
	struct event_type *type = &types->types[types->count];

	(void)snprintf(type->name, sizeof(type->name), "%s", name);
	(void)snprintf(rig->topics.topics[types->count].name, TOPIC_NAME_MAX, "ev.%s", name);
	type->id = id;
	type->way.topic = (uint16_t)types->count++;
	type->way.form = raw ? FORM_RAW : 0;
	rig->topics.count = types->count;
}

/* Two JSON types and a raw one, a pool of `batches`; change rig->config or the inputs before rig_start. */
static inline struct rig *rig_new(unsigned batches)
{
	struct rig *rig = calloc(1, sizeof(*rig));

	assert_non_null(rig);
	(void)clock_init();
	rig->generation = generation_new();
	rig->generation->number = 1;
	rig_add_type(rig, "click", 1, 0);
	rig_add_type(rig, "view", 2, 0);
	rig_add_type(rig, "line", 3, 1);
	rig->generation->types->unknown = TYPE_NONE;
	rig->inputs[0] = (struct input){.port = RIG_PORT_JSON, .format = INPUT_JSON, .raw_type = TYPE_NONE,
		.type_member = "type", .time_member = "ts"};
	rig->inputs[1] = (struct input){.port = RIG_PORT_FRAME, .format = INPUT_FRAME, .raw_type = TYPE_NONE};
	rig->inputs[2] = (struct input){.port = RIG_PORT_RAW, .format = INPUT_RAW, .raw_type = 2};
	rig->config = (struct worker_config){.cpu = -1, .node = -1, .inputs = rig->inputs, .input_count = 3,
		.generation = &rig->slot, .topics = &rig->topics, .hours = &rig->hours, .node_name = "dc1", .epoch = 0x6921b0c2,
		.first_seq = 1, .pool_bytes = batches * (uint64_t)RIG_BATCH, .batch_bytes = RIG_BATCH,
		.credit_percent = 100, .age_min_us = 1000, .age_max_us = 8000};
	hours_move(&rig->hours, clock_utc_us(clock_tsc()) / HOUR_US, clock_utc_us(clock_tsc()) / HOUR_US);
	return rig;
}

static inline void rig_start(struct rig *rig)
{
	struct error error;

	rig->generation->inputs = rig->inputs;
	rig->generation->input_count = 3;
	assert_int_equal(generation_seal(rig->generation, &error), 0);
	(void)generation_publish(&rig->slot, rig->generation);
	rig->lane.out = ring_new(64, -1);
	rig->lane.home = ring_new(64, -1);
	assert_int_equal(worker_new(&rig->worker, &rig->config, &rig->lane, &error), 0);
	rig->counters = worker_counters(rig->worker);
}

/* One datagram, as its own burst, on an exactly sized heap block so that an overrun is seen. */
static inline void rig_put(struct rig *rig, uint16_t port, const void *data, size_t len)
{
	uint8_t *copy = malloc(len > 0 ? len : 1);
	struct datagram datagram = {.data = copy, .len = (uint32_t)len, .destination_port = port};

	memcpy(copy, data, len);
	datagram.source.family = ADDRESS_IPV4;
	worker_burst(rig->worker, &datagram, 1, clock_tsc());
	free(copy);
}

static inline void rig_put_json(struct rig *rig, const char *text)
{
	rig_put(rig, RIG_PORT_JSON, text, strlen(text));
}

static inline void rig_batch_home(struct rig *rig)
{
	atomic_fetch_sub(&rig->lane.ring_events, rig->batch->events);
	assert_int_equal(ring_push(rig->lane.home, rig->batch), 1);
	rig->batch = NULL;
	worker_homecoming(rig->worker);
}

/* The next record that the worker sealed, as text the caller frees; NULL when there is none. Batches go home when read. */
static inline char *rig_take(struct rig *rig, struct record *record, int32_t *partition)
{
	struct record own;
	void *batch;
	char *text;

	worker_flush(rig->worker);
	for (;;) {
		if (rig->batch == NULL) {
			if (ring_pop(rig->lane.out, &batch, 1) == 0)
				return NULL;
			rig->batch = batch;
			rig->offset = 0;
		}
		if (record_next(rig->batch, &rig->offset, &own))
			break;
		rig_batch_home(rig);
	}
	if (record != NULL)
		*record = own;
	if (partition != NULL)
		*partition = rig->batch->partition;
	text = malloc(own.value.len + 1);
	memcpy(text, own.value.data, own.value.len);
	text[own.value.len] = '\0';
	return text;
}

/* The equations of one worker, with nothing in flight but what is open or in its lane. */
static inline void rig_check_ledger(struct rig *rig)
{
	const struct worker_counters *c = rig->counters;
	uint64_t datagrams = counter_read(&c->decoded), copies = counter_read(&c->copies);
	uint64_t events = counter_read(&c->numbered) + counter_read(&c->filtered) + counter_read(&c->sampled_out);

	for (unsigned i = 0; i < DATAGRAM_DROPS; i++)
		datagrams += counter_read(&c->datagram_drops[i]);
	for (unsigned i = 0; i < EVENT_DROPS; i++)
		events += counter_read(&c->event_drops[i]);
	for (unsigned i = 0; i < EVENT_DROPS; i++)
		copies += counter_read(&c->copy_drops[i]);
	assert_int_equal(counter_read(&c->copies_asked), copies);
	assert_int_equal(counter_read(&c->datagrams), datagrams);
	assert_int_equal(counter_read(&c->found), events);
}

static inline void rig_free(struct rig *rig)
{
	char *text;

	while ((text = rig_take(rig, NULL, NULL)) != NULL)
		free(text);
	rig_check_ledger(rig);
	assert_int_equal(atomic_load(&rig->lane.ring_events), 0);
	assert_int_equal(counter_read(&rig->counters->open), 0);
	assert_int_equal(worker_free(rig->worker), 0);
	ring_free(rig->lane.out);
	ring_free(rig->lane.home);
	generation_free(rig->generation, NULL);
	free(rig);
}
