/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/rcu.h"
#include "rig.h"
#include "types.h"

static void generator_types(struct rig *rig, struct event_types *types)
{
	const struct rig_settings *s = &rig->settings;

	types->count = s->types;
	types->unknown = TYPE_NONE;
	types->time_back_us = types->time_ahead_us = HOUR_US; /* a capture repeats, and ages */
	rig->topics.count = s->topics;
	for (unsigned i = 0; i < s->types; i++) {
		type_name(i, types->types[i].name);
		types->types[i].id = i + 1;
		types->types[i].way.topic = (uint16_t)(i % s->topics);
		types->types[i].way.form = s->form;
	}
	for (unsigned i = 0; i < s->topics; i++)
		(void)snprintf(rig->topics.topics[i].name, TOPIC_NAME_MAX, "%s%02u", s->topic_prefix, i);
}

/* Types go over with their plans, which a generation frees. */
static void take_types(struct generation *generation, struct config *config)
{
	*generation->types = *config->types;
	for (unsigned i = 0; i < config->types->count; i++)
		config->types->types[i].plan = NULL;
}

static int configured_types(struct rig *rig, struct generation *generation, struct error *error)
{
	struct config *config;
	int rc = config_read(&config, rig->settings.config, error);

	if (rc != 0)
		return rc;
	take_types(generation, config);
	rig->marks.geo = 0; /* as if its file had changed */
	rc = tables_load(generation, config, rig->generation, &rig->marks, &rig->feed, NULL, error);
	if (rig->config == NULL) {
		memcpy(rig->topics.topics, config->topics->topics, sizeof(rig->topics.topics));
		rig->topics.count = config->topics->count;
		rig->config = config;
	} else {
		config_free(config);
	}
	return rc;
}

static void fill_inputs(struct rig *rig)
{
	const struct input common = {.trusted = (uint8_t)rig->settings.trusted,
		.raw_type = TYPE_NONE,
		.client_member = "ip",
		.item_member = "item"};

	rig->inputs[0] = rig->inputs[1] = common;
	rig->inputs[0].port = RIG_PORT_JSON;
	rig->inputs[0].format = INPUT_JSON;
	(void)snprintf(rig->inputs[0].type_member, MEMBER_MAX, "type");
	(void)snprintf(rig->inputs[0].time_member, MEMBER_MAX, "ts");
	rig->inputs[1].port = RIG_PORT_FRAME;
	rig->inputs[1].format = INPUT_FRAME;
}

static int give_quotas(struct generation *generation)
{
	generation->quotas = calloc(1, sizeof(*generation->quotas));
	if (generation->quotas == NULL)
		return -ENOMEM;
	*generation->quotas = (struct quotas){.count = 1, .each[0] = {.datagrams = QUOTA_RATE_MAX, .burst_us = 1000000}};
	quotas_seal(generation->quotas, clock_hz());
	return 0;
}

static int fill(struct rig *rig, struct generation *generation, struct error *error)
{
	int rc = 0;

	generation->number = rig->generation == NULL ? 1 : rig->generation->number + 1;
	if (rig->settings.config != NULL)
		rc = configured_types(rig, generation, error);
	else
		generator_types(rig, generation->types);
	if (rc != 0)
		return rc;
	if (rig->generation == NULL) {
		fill_inputs(rig);
		for (unsigned i = 0; i < rig->topics.count; i++)
			atomic_init(&rig->topics.topics[i].partitions, (int)rig->settings.partitions);
	}
	if (rig->settings.quotas && give_quotas(generation) != 0)
		return error_set(error, -ENOMEM, "no memory for quotas");
	generation->inputs = rig->inputs;
	generation->input_count = 2;
	return generation_seal(generation, error);
}

int rig_generation_new(struct rig *rig, struct generation **generation, struct error *error)
{
	struct generation *made = generation_new();
	int rc;

	*generation = NULL;
	if (made == NULL)
		return error_set(error, -ENOMEM, "no memory for the event types");
	rc = fill(rig, made, error);
	if (rc != 0) {
		generation_free(made, rig->generation);
		return rc;
	}
	*generation = made;
	return 0;
}

void rig_swap(struct rig *rig, struct generation *generation)
{
	struct generation *before = rig->generation;

	rig->generation = generation;
	(void)generation_publish(&rig->slot, generation);
	rcu_synchronize();
	generation_free(before, generation);
}
