/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Generations are swapped, with their rules and tables, while a worker judges events by them: each event is judged by one, and what
 * was replaced is freed after a grace period. For the address and thread sanitizers above all.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>

#include <cmocka.h>
#include <pthread.h>

#include "base/rcu.h"
#include "judge_rig.h"
#include "worker/worker_priv.h"

#define SWAPS 60

/* Odd generations drop type a, even ones type b and have records of type a say their time. */
static const char *const types[] = {
	"types: {a: {id: 1, timestamp: receive}, b: {id: 2, rules: [{if: 'user.id in [\"x\", \"y\"] or n < 5', then: drop}]}}\n",
	"types: {a: {id: 1, rules: [{if: 'user.id in [\"x\", \"y\"] or n < 5', then: drop}]}, b: {id: 2}}\n",
};

static const char events[] = "{\"type\":\"a\",\"user\":{\"id\":\"x\"},\"ip\":\"200.1.2.3\",\"item\":7}"
			     "{\"type\":\"b\",\"user\":{\"id\":\"y\"},\"ip\":\"200.1.2.3\",\"item\":\"abc\"}";

struct swapping {
	struct judged judged;
	atomic_int stop;
	uint64_t bursts, records;
	unsigned wrong;
};

/* A record of type a is by an even generation, one of b by an odd one. */
static void check_record(struct swapping *s, const struct record *record)
{
	const struct slice value = record->value;
	const char *at = memmem(value.data, value.len, "\"ingest\":[", 10);
	unsigned commas = 0;
	int is_a = value.data[9] == 'a', generation;

	for (; commas < 3; at++)
		commas += *at == ',';
	generation = atoi(at);
	s->wrong += is_a == generation % 2 || is_a != (record->time_ms != 0);
	s->records++;
}

static void take_home(struct swapping *s)
{
	struct rig *rig = s->judged.rig;
	struct record record;
	uint32_t offset;
	void *item;

	while (ring_pop(rig->lane.out, &item, 1) != 0) {
		struct batch *batch = item;

		for (offset = 0; record_next(batch, &offset, &record);)
			check_record(s, &record);
		atomic_fetch_sub(&rig->lane.ring_events, batch->events);
		assert_int_equal(ring_push(rig->lane.home, batch), 1);
	}
	worker_homecoming(rig->worker);
}

static void *run_worker(void *argument)
{
	struct swapping *s = argument;
	struct datagram datagram = {
		.data = (const uint8_t *)events, .len = sizeof(events) - 1, .destination_port = RIG_PORT_JSON};

	datagram.source.family = ADDRESS_IPV4;
	rcu_worker_register();
	while (!atomic_load(&s->stop)) {
		worker_burst(s->judged.rig->worker, &datagram, 1, clock_tsc());
		s->bursts++;
		take_home(s);
		rcu_quiescent();
	}
	worker_flush(s->judged.rig->worker);
	take_home(s);
	rcu_worker_unregister();
	return NULL;
}

static struct generation *make_generation(const struct judged *j, uint32_t number)
{
	struct generation *generation = generation_new();
	struct config *config = NULL;
	struct error error = {""};
	char text[1024];
	int length = snprintf(text, sizeof(text),
		"node: a\nports: [{name: p, device: net_null0}]\nkafka: {properties: {bootstrap.servers: \"k:1\"}}\n%s",
		types[number % 2]);

	assert_int_equal(config_read_text(&config, "p.yaml", text, (size_t)length, &error), 0);
	*generation->types = *config->types;
	for (unsigned i = 0; i < config->types->count; i++)
		config->types->types[i].plan = NULL;
	config_free(config);
	generation->number = number;
	generation->inputs = j->rig->inputs;
	generation->input_count = 3;
	load_tables(generation);
	assert_int_equal(generation_seal(generation, &error), 0);
	if (number % 2 == 0) /* with copies for three nodes */
		assert_int_equal(generation_spread(generation, NULL, (const int[]){-1, -1, -1}, 3, &error), 0);
	return generation;
}

static void swaps_disturb_no_burst(void **state)
{
	struct swapping s = {.judged = judged_new(types[1], "", 1)};
	struct rig *rig = s.judged.rig;
	pthread_t thread;

	(void)state;
	rig->inputs[0].time_member[0] = '\0';
	rig->worker->table_node = 2; /* odd generations have no copy for it */
	assert_int_equal(pthread_create(&thread, NULL, run_worker, &s), 0);
	for (uint32_t number = 2; number < 2 + SWAPS; number++) {
		struct generation *next = make_generation(&s.judged, number), *old = rig->generation;

		(void)generation_publish(&rig->slot, next);
		rcu_synchronize();
		generation_free(old, next);
		rig->generation = next;
		if (number % 3 == 0) { /* a revision of the same tables */
			struct generation *revised = generation_revise(next, next->category, NULL);
			struct error error;

			assert_int_equal(generation_spread(revised, next, (const int[]){-1, -1, -1}, 3, &error), 0);
			(void)generation_publish(&rig->slot, revised);
			rcu_synchronize();
			generation_free(next, revised);
			rig->generation = revised;
		}
	}
	atomic_store(&s.stop, 1);
	pthread_join(thread, NULL);
	assert_int_equal(s.wrong, 0);
	assert_true(s.records > SWAPS);
	assert_int_equal(s.records, s.bursts);
	judged_free(&s.judged);
}

/* Its input runs until a restart. */
static void raw_events_of_a_type_that_is_gone_are_unknown(void **state)
{
	struct rig *rig = rig_new(4);
	char *text;

	(void)state;
	rig_start(rig);
	rig->generation->types->types[2].removed = 1;
	rig_put(rig, RIG_PORT_RAW, "abc", 3);
	assert_int_equal(counter_read(&rig->counters->event_drops[EVENT_DROP_type_unknown]), 1);
	rig->generation->types->unknown = 1;
	rig_put(rig, RIG_PORT_RAW, "abc", 3);
	text = rig_take(rig, NULL, NULL);
	assert_non_null(text);
	assert_string_equal(text, "abc");
	assert_int_equal(rig->batch->topic, 1);
	free(text);
	rig_free(rig);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(swaps_disturb_no_burst),
		cmocka_unit_test(raw_events_of_a_type_that_is_gone_are_unknown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
