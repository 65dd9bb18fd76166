/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "control/api/protocol.h"
#include "control/daemon/handlers.h"
#include "control/daemon/totals.h"

#define CONFIG_TEXT_MAX ((size_t)4 << 20)

static uint64_t type_total(const struct box *box, unsigned type, size_t field)
{
	return total_workers(box, offsetof(struct worker_counters, types) + type * sizeof(struct worker_type_counters) + field);
}

static uint64_t topic_total(const struct box *box, unsigned topic, size_t field)
{
	return total_producers(
		box, offsetof(struct producer_counters, topics) + topic * sizeof(struct producer_topic_counters) + field);
}

static json_t *type_of(const struct box *box, unsigned i)
{
	const struct event_type *type = &box->config->types->types[i];

	return json_pack("{s:s,s:I,s:s,s:I,s:I,s:I,s:I,s:I,s:I}", "name", type->name, "id", (json_int_t)type->id, "topic",
		box->config->topics->topics[type->topic].name, "events",
		(json_int_t)type_total(box, i, offsetof(struct worker_type_counters, events)), "bytes",
		(json_int_t)type_total(box, i, offsetof(struct worker_type_counters, bytes)), "dropped",
		(json_int_t)type_total(box, i, offsetof(struct worker_type_counters, dropped)), "acked",
		(json_int_t)topic_total(box, type->topic, offsetof(struct producer_topic_counters, acked)), "held",
		(json_int_t)topic_total(box, type->topic, offsetof(struct producer_topic_counters, held)), "given_up",
		(json_int_t)topic_total(box, type->topic, offsetof(struct producer_topic_counters, given_up)));
}

json_t *handle_types(void *context, const json_t *params, struct error *error, int *code)
{
	struct box *box = context;
	json_t *types = json_array();

	(void)params;
	(void)error;
	(void)code;
	for (unsigned i = 0; i < box->config->types->count; i++)
		json_array_append_new(types, type_of(box, i));
	return json_pack("{s:o}", "types", types);
}

/* Lines that may hold a secret are shown without it. */
static void redact(char *text)
{
	static const char *const words[] = {"password", "secret", "sasl.jaas", "ssl.key", "token"};

	for (char *line = text; line != NULL; line = strchr(line, '\n')) {
		char *colon;

		line += *line == '\n';
		for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
			char *end = line + strcspn(line, "\n"), *at = strstr(line, words[i]);

			if (at == NULL || at >= end)
				continue;
			colon = memchr(at, ':', (size_t)(end - at));
			if (colon != NULL)
				memset(colon + 1, '*', (size_t)(end - colon - 1));
		}
		if (*line == '\0')
			break;
	}
}

json_t *handle_config(void *context, const json_t *params, struct error *error, int *code)
{
	struct box *box = context;
	char *text = calloc(1, CONFIG_TEXT_MAX + 1);
	FILE *file = fopen(box->config->path, "re");
	json_t *result = NULL;

	(void)params;
	if (text == NULL || file == NULL) {
		*code = API_FAILED;
		(void)error_set(error, -errno, "cannot read %s: %s", box->config->path, strerror(errno));
	} else {
		text[fread(text, 1, CONFIG_TEXT_MAX, file)] = '\0';
		redact(text);
		result = json_pack("{s:s,s:s}", "path", box->config->path, "text", text);
	}
	if (file != NULL)
		fclose(file);
	free(text);
	return result;
}
