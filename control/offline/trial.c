/* SPDX-License-Identifier: Apache-2.0 */
#include "control/offline/trial.h"

#include <endian.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/ring.h"
#include "batch/record.h"
#include "control/daemon/box.h"
#include "control/offline/trial_record.h"

#define BATCHES     8u /* of the pool; an event takes two at the most */
#define RING_PLACES 16u
#define RECORDS     2u /* an event's record and its copy */

struct trial {
	struct box box; /* all of it that a generation needs */
	const struct input *input;
	struct lane lane;
	struct hours hours;
	struct worker *worker;
	const struct worker_counters *counters; /* now, and before the event */
	struct worker_counters *before;
	unsigned held_count;
	struct batch *held[RECORDS];
	struct record records[RECORDS];
};

/* --- making --- */

static const struct input *find_input(const struct config *config, unsigned port)
{
	for (unsigned i = 0; i < config->input_count; i++)
		if (config->inputs[i].format == INPUT_JSON && (port == 0 || config->inputs[i].port == port))
			return &config->inputs[i];
	return NULL;
}

static int start_worker(struct trial *trial, const struct config *config, struct error *error)
{
	const struct worker_config worker = {
		.cpu = -1,
		.node = -1,
		.inputs = config->inputs,
		.input_count = config->input_count,
		.generation = &trial->box.generations.slot,
		.topics = &trial->box.generations.topics,
		.hours = &trial->hours,
		.node_name = config->node,
		.epoch = 1,
		.first_seq = 1,
		.pool_bytes = (uint64_t)BATCHES * config->batch_bytes,
		.batch_bytes = config->batch_bytes,
		.credit_percent = 100,
		.age_min_us = config->batch_age_min_us,
		.age_max_us = config->batch_age_max_us,
	};
	int64_t hour = clock_utc_us(clock_tsc()) / HOUR_US;
	int rc;

	hours_move(&trial->hours, hour, hour);
	trial->lane.out = ring_new(RING_PLACES, -1);
	trial->lane.home = ring_new(RING_PLACES, -1);
	trial->before = malloc(sizeof(*trial->before));
	if (trial->lane.out == NULL || trial->lane.home == NULL || trial->before == NULL)
		return error_set(error, -ENOMEM, "no memory for a worker");
	rc = worker_new(&trial->worker, &worker, &trial->lane, error);
	if (rc == 0)
		trial->counters = worker_counters(trial->worker);
	return rc;
}

static int make(struct trial *trial, struct config *config, unsigned port, struct error *error)
{
	int rc;

	trial->input = find_input(config, port);
	if (trial->input == NULL && port != 0)
		return error_set(error, -ENOENT,
			"%s: no input for JSON has port %u; expected the port of one of format: json", config->path,
			port);
	if (trial->input == NULL)
		return error_set(error, -ENOENT,
			"%s: there is no input for JSON; expected one of format: json, which samples "
			"go to",
			config->path);
	trial->box.config = config;
	rc = generations_publish(&trial->box, config, error);
	return rc == 0 ? start_worker(trial, config, error) : rc;
}

int trial_new(struct trial **trial, struct config *config, unsigned port, struct error *error)
{
	struct trial *t = calloc(1, sizeof(*t));
	int rc;

	if (t == NULL)
		return error_set(error, -ENOMEM, "no memory");
	(void)clock_init();
	generations_init(&t->box.generations);
	rc = make(t, config, port, error);
	if (rc == 0)
		*trial = t;
	else
		trial_free(t);
	return rc;
}

const char *trial_type_member(const struct trial *trial)
{
	return trial->input->type_member;
}

static void send_home(struct trial *trial)
{
	for (unsigned i = 0; i < trial->held_count; i++) {
		atomic_fetch_sub(&trial->lane.ring_events, trial->held[i]->events);
		(void)ring_push(trial->lane.home, trial->held[i]);
	}
	trial->held_count = 0;
	worker_homecoming(trial->worker);
}

static void send_all_home(struct trial *trial)
{
	void *batch;

	send_home(trial);
	while (ring_pop(trial->lane.out, &batch, 1) > 0) {
		trial->held[0] = batch;
		trial->held_count = 1;
		send_home(trial);
	}
}

void trial_free(struct trial *trial)
{
	if (trial == NULL)
		return;
	if (trial->worker != NULL)
		send_all_home(trial);
	(void)worker_free(trial->worker);
	ring_free(trial->lane.out);
	ring_free(trial->lane.home);
	trial->box.generations.config = trial->box.config; /* the caller's, also when it was never published */
	generations_free(&trial->box);
	free(trial->before);
	free(trial);
}

/* --- running --- */

/* The counter's value at the time that is wanted, now if none is: the clock is shifted, and what that leaves is made
 * good. */
static uint64_t tsc_of(const struct trial_event *event)
{
	uint64_t tsc;

	clock_shift_us(0);
	if (!event->has_receive)
		return clock_tsc();
	clock_shift_us(event->receive_us - clock_utc_us(clock_tsc()));
	tsc = clock_tsc();
	return tsc + (uint64_t)((event->receive_us - clock_utc_us(tsc)) * (int64_t)clock_hz() / 1000000);
}

static struct address address_of(struct ip_address ip)
{
	uint64_t high = htobe64(ip.high), low = htobe64(ip.low);
	uint32_t v4 = htobe32((uint32_t)ip.low);
	struct address address = {.family = address_is_v4(ip) ? ADDRESS_IPV4 : ADDRESS_IPV6};

	if (address.family == ADDRESS_IPV4) {
		memcpy(address.bytes, &v4, sizeof(v4));
		return address;
	}
	memcpy(address.bytes, &high, sizeof(high));
	memcpy(address.bytes + sizeof(high), &low, sizeof(low));
	return address;
}

static void put(struct trial *trial, const struct trial_event *event)
{
	const struct datagram datagram = {.data = event->body.data,
		.len = event->body.len,
		.destination_port = trial->input->port,
		.source = address_of(event->source)};

	memcpy(trial->before, trial->counters, sizeof(*trial->before));
	worker_burst(trial->worker, &datagram, 1, tsc_of(event));
	worker_flush(trial->worker);
}

/* Takes what the worker has sealed: a batch for the event's record, and one for its copy, or one for both. */
static unsigned take_records(struct trial *trial)
{
	unsigned count = 0;
	void *batch;

	while (trial->held_count < RECORDS && ring_pop(trial->lane.out, &batch, 1) > 0) {
		uint32_t offset = 0;

		trial->held[trial->held_count++] = batch;
		while (count < RECORDS && record_next(batch, &offset, &trial->records[count]))
			count++;
	}
	return count;
}

/* --- finding out --- */

static int rose(const struct trial *trial, const counter *now)
{
	ptrdiff_t offset = (const char *)now - (const char *)trial->counters;
	const char *before = (const char *)trial->before + offset;

	return counter_read(now) != counter_read((const counter *)(const void *)before);
}

/* The slot of the event's type, or TYPE_NONE. */
static uint32_t find_type(const struct trial *trial)
{
	const struct event_types *types = trial->box.generations.now->types;

	for (uint32_t i = 0; i < types->count; i++) {
		const struct worker_type_counters *type = &trial->counters->types[i];

		if (rose(trial, &type->events) || rose(trial, &type->dropped) || rose(trial, &type->filtered) ||
			rose(trial, &type->sampled_out))
			return i;
	}
	return TYPE_NONE;
}

static const char *find_rule(const struct trial *trial)
{
	const struct generations *generations = &trial->box.generations;

	for (unsigned i = 0; i < generations->rule_count; i++)
		if (rose(trial, &trial->counters->rules[i].hits))
			return generations->rules[i].name;
	return NULL;
}

static const struct drop_text *find_drop(const struct trial *trial, const counter *drops, struct drop_text *text)
{
	for (unsigned i = 0; i < EVENT_DROPS; i++)
		if (rose(trial, &drops[i])) {
			*text = event_drop_text(i);
			return text;
		}
	return NULL;
}

static void find_outcome(const struct trial *trial, uint32_t type, struct trial_verdict *verdict)
{
	const struct worker_counters *now = trial->counters;
	struct drop_text text;

	if (find_drop(trial, now->event_drops, &text) != NULL) {
		verdict->outcome = TRIAL_DROPPED;
		(void)snprintf(verdict->reason, sizeof(verdict->reason), "%s", text.name);
		verdict->meaning = text.meaning;
		verdict->cure = text.cure;
	} else if (rose(trial, &now->filtered)) {
		verdict->outcome = TRIAL_FILTERED;
	} else if (rose(trial, &now->sampled_out)) {
		verdict->outcome = TRIAL_SAMPLED_OUT;
	} else if (type != TYPE_NONE && rose(trial, &now->types[type].quarantined)) {
		verdict->outcome = TRIAL_QUARANTINED;
	}
	if (find_drop(trial, now->copy_drops, &text) != NULL)
		verdict->copy_drop = text.name;
}

/* The event's record was opened first, so its batch is sealed last; in one batch it comes first. */
static void read_records(struct trial *trial, const struct event_type *type, struct trial_verdict *verdict)
{
	const struct topic *topics = trial->box.generations.topics.topics;
	unsigned count = take_records(trial), last = trial->held_count - 1;
	int copied = rose(trial, &trial->counters->copies), kept = verdict->outcome != TRIAL_DROPPED;

	if (count == 0)
		return;
	if (copied)
		verdict->copy = topics[trial->held[0]->topic].name;
	if (!kept)
		return;
	verdict->topic = topics[trial->held[last]->topic].name;
	verdict->key = trial->records[last].key;
	if ((type->way.form & FORM_RAW) == 0)
		trial_record_read(&trial->records[last], trial->input->trusted,
			verdict->outcome == TRIAL_QUARANTINED ? 0 : type->way.enrich, verdict);
}

int trial_run(struct trial *trial, const struct trial_event *event, struct trial_verdict *verdict, struct error *error)
{
	uint64_t found;
	uint32_t type;

	*verdict = (struct trial_verdict){.outcome = TRIAL_KEPT};
	if (event->body.len > TRIAL_EVENT_MAX)
		return error_set(error, -E2BIG, "an event of %u bytes; a datagram has room for %u", event->body.len,
			TRIAL_EVENT_MAX);
	send_all_home(trial);
	put(trial, event);
	found = counter_read(&trial->counters->found) - counter_read(&trial->before->found);
	type = find_type(trial);
	find_outcome(trial, type, verdict);
	if (type != TYPE_NONE)
		verdict->type = trial->box.generations.now->types->types[type].name;
	if (type != TYPE_NONE && rose(trial, &trial->counters->event_drops[EVENT_DROP_shape]))
		trial_find_lack(trial->box.generations.now->types->types[type].plan, event->body, trial->input->trusted,
			verdict);
	verdict->rule = find_rule(trial);
	read_records(trial, type != TYPE_NONE ? &trial->box.generations.now->types->types[type] : NULL, verdict);
	return found == 1 ? 0 : error_set(error, -EINVAL, "%llu events; expected one", (unsigned long long)found);
}
