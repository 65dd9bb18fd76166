/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include "control/api/protocol.h"
#include "control/daemon/handlers.h"
#include "control/daemon/watcher.h"
#include "kafka/admin.h"

#define LIMIT_MS 10000

static json_t *topic_row(const char *name, const char *state, int partitions, unsigned wanted, const char *text)
{
	return json_pack("{s:s,s:s,s:i,s:i,s:s}", "name", name, "state", state, "partitions", partitions, "wanted_partitions",
		(int)wanted, "text", text);
}

static const char *topic_text(const struct config *config, unsigned topic)
{
	if (topic == config->topics->count)
		return "where boxes notice another of their name";
	for (unsigned i = 0; i < config->types->count; i++)
		if (config->types->types[i].way.topic == topic && (config->types->types[i].way.form & FORM_RAW) != 0)
			return "raw records carry no identity: this topic is outside the audit";
	return "";
}

/* The topics of the configuration, and behind them the one on which boxes notice each other, which has one partition. */
static unsigned topic_count(const struct config *config)
{
	return config->topics->count + 1;
}

static const char *topic_name(const struct config *config, unsigned topic)
{
	return topic < config->topics->count ? config->topics->topics[topic].name : NAMESAKE_TOPIC;
}

static unsigned wanted_partitions(const struct config *config, unsigned topic)
{
	return topic < config->topics->count ? config->create_partitions : 1;
}

static json_t *plan_row(const struct config *config, const struct kafka_topic_info *info, unsigned topic)
{
	unsigned wanted = wanted_partitions(config, topic);
	const char *text = topic_text(config, topic);

	if (info->state == KAFKA_TOPIC_UNKNOWN)
		return topic_row(info->name, "unknown", 0, wanted, info->problem);
	if (info->state == KAFKA_TOPIC_MISSING)
		return topic_row(info->name, "missing", 0, wanted, text);
	if (info->partitions != (int)wanted || info->replicas != (int)config->create_replicas)
		return topic_row(info->name, "differs", info->partitions, wanted,
			info->replicas != (int)config->create_replicas ? "another number of replicas" : text);
	return topic_row(info->name, "exists", info->partitions, wanted, text);
}

/* Asks about all topics of the configuration; the caller frees what it gets. */
static struct kafka_topic_info *describe(struct box *box, struct kafka_admin **admin, struct error *error, int *code)
{
	const struct config *config = box->generations.config;
	unsigned count = topic_count(config);
	struct kafka_topic_info *infos = calloc(count, sizeof(*infos));
	int rc = -1;

	if (infos != NULL)
		rc = kafka_admin_new(admin, box->properties, box->config->property_count, error);
	for (unsigned i = 0; rc == 0 && i < count; i++)
		infos[i].name = topic_name(config, i);
	if (rc == 0)
		rc = kafka_topics_describe(*admin, infos, count, LIMIT_MS, error);
	if (rc == 0)
		return infos;
	*code = API_UNAVAILABLE;
	free(infos);
	return NULL;
}

static json_t *plan_topics(struct box *box, struct error *error, int *code)
{
	const struct config *config = box->generations.config;
	struct kafka_admin *admin = NULL;
	struct kafka_topic_info *infos = describe(box, &admin, error, code);
	json_t *rows = NULL;

	if (infos != NULL) {
		rows = json_array();
		for (unsigned i = 0; i < topic_count(config); i++)
			json_array_append_new(rows, plan_row(config, &infos[i], i));
	}
	free(infos);
	kafka_admin_free(admin);
	return rows;
}

/* The configuration must stay while the cluster is asked about it. */
static json_t *with_config(struct box *box, json_t *rows_of(struct box *, struct error *, int *), struct error *error, int *code)
{
	json_t *rows;

	pthread_mutex_lock(&box->generations.lock);
	rows = rows_of(box, error, code);
	pthread_mutex_unlock(&box->generations.lock);
	return rows != NULL ? json_pack("{s:o}", "topics", rows) : NULL;
}

json_t *handle_topics_plan(void *context, const json_t *params, struct error *error, int *code)
{
	(void)params;
	return with_config(context, plan_topics, error, code);
}

static unsigned wish_missing(const struct config *config, const struct kafka_topic_info *infos,
	struct kafka_topic_wish *wishes)
{
	unsigned count = 0;

	for (unsigned i = 0; i < topic_count(config); i++) {
		if (infos[i].state != KAFKA_TOPIC_MISSING)
			continue;
		wishes[count++] = (struct kafka_topic_wish){.name = infos[i].name,
			.partitions = (int)wanted_partitions(config, i), .replicas = (int)config->create_replicas};
	}
	return count;
}

static json_t *creation_rows(const struct config *config, const struct kafka_topic_info *infos,
	const struct kafka_topic_wish *wishes)
{
	json_t *rows = json_array();
	unsigned wish = 0;

	for (unsigned i = 0; i < topic_count(config); i++) {
		const struct kafka_topic_wish *w;

		if (infos[i].state != KAFKA_TOPIC_MISSING) {
			json_array_append_new(rows, plan_row(config, &infos[i], i));
			continue;
		}
		w = &wishes[wish++];
		json_array_append_new(rows, topic_row(w->name, w->made ? "created" : "failed", w->made ? w->partitions : 0,
						    wanted_partitions(config, i), w->problem));
	}
	return rows;
}

static json_t *create_topics(struct box *box, struct error *error, int *code)
{
	const struct config *config = box->generations.config;
	struct kafka_admin *admin = NULL;
	struct kafka_topic_info *infos = describe(box, &admin, error, code);
	struct kafka_topic_wish *wishes = calloc(topic_count(config), sizeof(*wishes));
	json_t *rows = NULL;
	unsigned count;

	if (infos != NULL && wishes != NULL) {
		count = wish_missing(config, infos, wishes);
		*code = API_UNAVAILABLE;
		if (count == 0 || kafka_topics_create(admin, wishes, count, 0, LIMIT_MS, error) == 0)
			rows = creation_rows(config, infos, wishes);
	}
	free(infos);
	free(wishes);
	kafka_admin_free(admin);
	watcher_hurry(box);
	return rows;
}

json_t *handle_topics_create(void *context, const json_t *params, struct error *error, int *code)
{
	(void)params;
	return with_config(context, create_topics, error, code);
}
