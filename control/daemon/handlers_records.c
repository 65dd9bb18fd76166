/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/compiler.h"
#include "control/api/protocol.h"
#include "control/daemon/handlers.h"
#include "control/daemon/json_text.h"
#include "control/daemon/totals.h"

static uint64_t type_total(const struct box *box, unsigned type, size_t field)
{
	return total_workers(box, offsetof(struct worker_counters, types) + type * sizeof(struct worker_type_counters) + field);
}

static uint64_t topic_total(const struct box *box, unsigned topic, size_t field)
{
	return total_producers(
		box, offsetof(struct producer_counters, topics) + topic * sizeof(struct producer_topic_counters) + field);
}

#define TYPE_FIELD(name)  {#name, offsetof(struct worker_type_counters, name)}
#define TOPIC_FIELD(name) {#name, offsetof(struct producer_topic_counters, name)}

struct field {
	const char *name;
	size_t offset;
};

static const struct field type_fields[] = {TYPE_FIELD(events), TYPE_FIELD(bytes), TYPE_FIELD(dropped), TYPE_FIELD(filtered),
	TYPE_FIELD(sampled_out), TYPE_FIELD(quarantined), TYPE_FIELD(clamped), TYPE_FIELD(time_missing), TYPE_FIELD(late),
	TYPE_FIELD(reserved), TYPE_FIELD(key_too_long)};
static const struct field topic_fields[] = {
	TOPIC_FIELD(acked), TOPIC_FIELD(held), TOPIC_FIELD(given_up), TOPIC_FIELD(dead_lettered)};

static json_t *type_of(const struct box *box, unsigned i)
{
	const struct event_type *type = &box->generations.now->types->types[i];
	unsigned topic = type->way.topic;
	json_t *row = json_pack("{s:s,s:b,s:I,s:s}", "name", type->name, "removed", type->removed, "id", (json_int_t)type->id, "topic",
		box->generations.topics.topics[topic].name);

	for (size_t k = 0; k < ARRAY_LENGTH(type_fields); k++)
		json_object_set_new(row, type_fields[k].name, json_integer((json_int_t)type_total(box, i, type_fields[k].offset)));
	for (size_t k = 0; k < ARRAY_LENGTH(topic_fields); k++)
		json_object_set_new(
			row, topic_fields[k].name, json_integer((json_int_t)topic_total(box, topic, topic_fields[k].offset)));
	return row;
}

json_t *handle_types(void *context, const json_t *params, struct error *error, int *code)
{
	struct box *box = context;
	json_t *types = json_array();

	(void)params;
	(void)error;
	(void)code;
	pthread_mutex_lock(&box->generations.lock);
	for (unsigned i = 0; i < box->generations.now->types->count; i++)
		json_array_append_new(types, type_of(box, i));
	pthread_mutex_unlock(&box->generations.lock);
	return json_pack("{s:o}", "types", types);
}

json_t *handle_config(void *context, const json_t *params, struct error *error, int *code)
{
	struct box *box = context;
	json_t *result = NULL;
	char *text, restart[512];

	(void)params;
	pthread_mutex_lock(&box->generations.lock);
	(void)config_needs_restart(box->config, box->generations.config, restart, sizeof(restart));
	text = strdup(box->generations.config->text);
	if (text != NULL)
		config_redact(box->generations.config, text);
	pthread_mutex_unlock(&box->generations.lock);
	if (text == NULL) {
		*code = API_FAILED;
		(void)error_set(error, -ENOMEM, "out of memory");
		return NULL;
	}
	result = json_pack("{s:o,s:s,s:s}", "path", json_text(box->config->path), "needs_restart", restart, "text", text);
	free(text);
	return result;
}
