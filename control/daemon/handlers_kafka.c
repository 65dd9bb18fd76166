/* SPDX-License-Identifier: Apache-2.0 */
#include "base/clock.h"
#include "control/daemon/handlers.h"
#include "control/daemon/json_text.h"
#include "control/daemon/totals.h"
#include "kafka/settings.h"

static json_t *handles_of(struct producer *producer)
{
	struct kafka_client_status status[PRODUCER_HANDLES];
	unsigned n = producer_status(producer, status, PRODUCER_HANDLES);
	json_t *handles = json_array();

	for (unsigned i = 0; i < n; i++)
		json_array_append_new(handles, json_pack("{s:b,s:I,s:o,s:s}", "connected", status[i].connected, "queued",
						       (json_int_t)status[i].queued, "last_error", json_text(status[i].last_error),
						       "brokers", status[i].brokers));
	return handles;
}

static uint64_t given_up(const struct producer_counters *c)
{
	uint64_t sum = 0;

#define X(name, ...) sum += counter_read(&c->given_up_##name);
	EGRESS_GIVEN_UP(X)
#undef X
	return sum;
}

static json_t *cpus_of(const struct box_producer *p)
{
	json_t *cpus = json_array();

	for (unsigned i = 0; i < p->plan->cpus.count; i++)
		json_array_append_new(cpus, json_integer(p->plan->cpus.cpus[i]));
	return cpus;
}

static json_t *producer_of(const struct box_producer *p)
{
	const struct producer_counters *c = producer_counters(p->producer);
	const struct latency *l = &c->latency;

	return json_pack("{s:i,s:o,s:o,s:I,s:I,s:I,s:I,s:I,s:{s:f,s:f,s:f}}", "node", p->plan->node, "cpus", cpus_of(p), "handles",
		handles_of(p->producer), "acked", (json_int_t)counter_read(&c->acked), "held",
		(json_int_t)counter_read(&c->held), "given_up", (json_int_t)given_up(c),
		"dead_lettered", (json_int_t)counter_read(&c->dead_lettered), "rebuilds",
		(json_int_t)counter_read(&c->rebuilds), "ack_ms", "p50", (double)latency_percentile(l, 50.0) / 1000.0, "p99",
		(double)latency_percentile(l, 99.0) / 1000.0, "max", (double)latency_percentile(l, 100.0) / 1000.0);
}

struct topic_sums {
	uint64_t acked, held, given_up, dead_lettered, retries, stalled_since;
	const char *answer; /* one of the producers' */
};

static struct topic_sums topic_sums(const struct box *box, unsigned topic)
{
	struct topic_sums sums = {.answer = ""};

	for (unsigned i = 0; i < box->producer_count; i++) {
		const struct producer_topic_counters *c = &producer_counters(box->producers[i].producer)->topics[topic];
		uint64_t since = counter_read(&c->stalled_since);
		const char *answer = atomic_load_explicit(&c->answer, memory_order_relaxed);

		sums.acked += counter_read(&c->acked);
		sums.held += counter_read(&c->held);
		sums.given_up += counter_read(&c->given_up);
		sums.dead_lettered += counter_read(&c->dead_lettered);
		sums.retries += counter_read(&c->retries);
		if (since != 0 && (sums.stalled_since == 0 || since < sums.stalled_since))
			sums.stalled_since = since;
		if (answer != NULL)
			sums.answer = answer;
	}
	return sums;
}

static json_t *topic_of(const struct box *box, unsigned i, uint64_t now)
{
	const struct topic *topic = &box->generations.topics.topics[i];
	struct topic_sums s = topic_sums(box, i);

	return json_pack("{s:s,s:i,s:I,s:I,s:I,s:I,s:I,s:I,s:s}", "name", topic->name, "partitions", atomic_load(&topic->partitions),
		"acked", (json_int_t)s.acked, "held", (json_int_t)s.held, "given_up", (json_int_t)s.given_up,
		"dead_lettered", (json_int_t)s.dead_lettered, "retries", (json_int_t)s.retries, "stalled_s",
		(json_int_t)(s.stalled_since != 0 && now > s.stalled_since ? now - s.stalled_since : 0), "answer", s.answer);
}

json_t *handle_kafka(void *context, const json_t *params, struct error *error, int *code)
{
	struct box *box = context;
	json_t *producers = json_array(), *topics = json_array();
	uint64_t now = (uint64_t)(clock_utc_us(clock_tsc()) / 1000000);

	(void)params;
	(void)error;
	(void)code;
	for (unsigned i = 0; i < box->producer_count; i++)
		json_array_append_new(producers, producer_of(&box->producers[i]));
	for (unsigned i = 0; i < box->generations.topics.count; i++)
		json_array_append_new(topics, topic_of(box, i, now));
	return json_pack("{s:s,s:o,s:o}", "version", kafka_version(), "producers", producers, "topics", topics);
}
