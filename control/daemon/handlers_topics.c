/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "control/api/protocol.h"
#include "control/daemon/handlers.h"
#include "control/daemon/watcher.h"
#include "kafka/admin.h"

#define LIMIT_MS 10000 /* for sixteen topics, and to make them all */

/* What the configuration wants, copied: it may be replaced while the cluster is asked. */
struct wanted_topic {
	char name[TOPIC_NAME_MAX + 1];
	unsigned partitions;
	const char *text; /* a constant */
};

struct wanted {
	unsigned count;
	int replicas;
	struct wanted_topic *topics;
	struct kafka_topic_info *infos; /* what the cluster says of each */
};

static json_t *topic_row(const char *name, const char *state, int partitions, unsigned wanted, const char *text)
{
	return json_pack("{s:s,s:s,s:i,s:i,s:s}", "name", name, "state", state, "partitions", partitions, "wanted_partitions",
		(int)wanted, "text", text);
}

/* Whether some of the type's records are the body as it came: all of them, or those of a raw input. */
static int has_raw(const struct config *config, unsigned type)
{
	for (unsigned i = 0; i < config->input_count; i++)
		if (config->inputs[i].format == INPUT_RAW && config->inputs[i].raw_type == type)
			return 1;
	return (config->types->types[type].way.form & FORM_RAW) != 0;
}

static const char *topic_text(const struct config *config, unsigned topic)
{
	if (topic == config->topics->count)
		return "where boxes notice another of their name";
	for (unsigned i = 0; i < config->types->count; i++) {
		const struct event_way *way = &config->types->types[i].way;

		if ((way->topic == topic || way->copy == topic + 1) && has_raw(config, i))
			return "raw records carry no identity: this topic is outside the audit";
	}
	return "";
}

/* The topics of the configuration, and behind them the one on which boxes notice each other, which has one partition. */
static void copy_topics(const struct config *config, struct wanted *wanted)
{
	for (unsigned i = 0; i < wanted->count; i++) {
		int is_own = i < config->topics->count;
		struct wanted_topic *topic = &wanted->topics[i];

		(void)snprintf(topic->name, sizeof(topic->name), "%s", is_own ? config->topics->topics[i].name : NAMESAKE_TOPIC);
		topic->partitions = is_own ? config->create_partitions : 1;
		topic->text = topic_text(config, i);
		wanted->infos[i].name = topic->name;
	}
}

static void wanted_free(struct wanted *wanted)
{
	free(wanted->topics);
	free(wanted->infos);
}

static int wanted_read(struct box *box, struct wanted *wanted, struct error *error)
{
	const struct config *config;
	int rc = 0;

	pthread_mutex_lock(&box->generations.lock);
	config = box->generations.config;
	wanted->count = config->topics->count + 1;
	wanted->replicas = (int)config->create_replicas;
	wanted->topics = calloc(wanted->count, sizeof(*wanted->topics));
	wanted->infos = calloc(wanted->count, sizeof(*wanted->infos));
	if (wanted->topics != NULL && wanted->infos != NULL)
		copy_topics(config, wanted);
	else
		rc = error_set(error, -ENOMEM, "asking Kafka about topics: out of memory");
	pthread_mutex_unlock(&box->generations.lock);
	return rc;
}

static json_t *plan_row(const struct wanted *wanted, unsigned i)
{
	const struct wanted_topic *topic = &wanted->topics[i];
	const struct kafka_topic_info *info = &wanted->infos[i];

	if (info->state == KAFKA_TOPIC_UNKNOWN)
		return topic_row(topic->name, "unknown", 0, topic->partitions, info->problem);
	if (info->state == KAFKA_TOPIC_MISSING)
		return topic_row(topic->name, "missing", 0, topic->partitions, topic->text);
	if (info->partitions != (int)topic->partitions || info->replicas != wanted->replicas)
		return topic_row(topic->name, "differs", info->partitions, topic->partitions,
			info->replicas != wanted->replicas ? "another number of replicas" : topic->text);
	return topic_row(topic->name, "exists", info->partitions, topic->partitions, topic->text);
}

static json_t *plan_rows(const struct wanted *wanted)
{
	json_t *rows = json_array();

	for (unsigned i = 0; i < wanted->count; i++)
		json_array_append_new(rows, plan_row(wanted, i));
	return rows;
}

/* A client of the cluster that has been asked about all topics; the daemon's stop ends the wait. NULL with a sentence. */
static struct kafka_admin *describe(struct box *box, struct wanted *wanted, struct error *error)
{
	struct kafka_admin *admin = NULL;

	if (kafka_admin_new(&admin, box->properties, box->config->property_count, error) != 0)
		return NULL;
	kafka_admin_obey(admin, &box->stop_asked);
	if (kafka_topics_describe_all(admin, wanted->infos, wanted->count, LIMIT_MS, error) == 0)
		return admin;
	kafka_admin_free(admin);
	return NULL;
}

json_t *handle_topics_plan(void *context, const json_t *params, struct error *error, int *code)
{
	struct wanted wanted = {0};
	struct kafka_admin *admin = NULL;
	json_t *rows = NULL;

	(void)params;
	*code = API_UNAVAILABLE;
	if (wanted_read(context, &wanted, error) == 0)
		admin = describe(context, &wanted, error);
	if (admin != NULL)
		rows = plan_rows(&wanted);
	kafka_admin_free(admin);
	wanted_free(&wanted);
	return rows != NULL ? json_pack("{s:o}", "topics", rows) : NULL;
}

static unsigned wish_missing(const struct wanted *wanted, struct kafka_topic_wish *wishes)
{
	unsigned count = 0;

	for (unsigned i = 0; i < wanted->count; i++) {
		if (wanted->infos[i].state != KAFKA_TOPIC_MISSING)
			continue;
		wishes[count++] = (struct kafka_topic_wish){.name = wanted->topics[i].name,
			.partitions = (int)wanted->topics[i].partitions, .replicas = wanted->replicas};
	}
	return count;
}

static json_t *creation_rows(const struct wanted *wanted, const struct kafka_topic_wish *wishes)
{
	json_t *rows = json_array();
	unsigned wish = 0;

	for (unsigned i = 0; i < wanted->count; i++) {
		const struct kafka_topic_wish *w;

		if (wanted->infos[i].state != KAFKA_TOPIC_MISSING) {
			json_array_append_new(rows, plan_row(wanted, i));
			continue;
		}
		w = &wishes[wish++];
		json_array_append_new(rows, topic_row(w->name, w->made ? "created" : "failed", w->made ? w->partitions : 0,
						    wanted->topics[i].partitions, w->problem));
	}
	return rows;
}

static json_t *create_missing(struct kafka_admin *admin, const struct wanted *wanted, struct error *error)
{
	struct kafka_topic_wish *wishes = calloc(wanted->count, sizeof(*wishes));
	json_t *rows = NULL;
	unsigned count;

	if (wishes == NULL) {
		(void)error_set(error, -ENOMEM, "making topics in Kafka: out of memory");
		return NULL;
	}
	count = wish_missing(wanted, wishes);
	if (count == 0 || kafka_topics_create(admin, wishes, count, 0, LIMIT_MS, error) == 0)
		rows = creation_rows(wanted, wishes);
	free(wishes);
	return rows;
}

json_t *handle_topics_create(void *context, const json_t *params, struct error *error, int *code)
{
	struct wanted wanted = {0};
	struct kafka_admin *admin = NULL;
	json_t *rows = NULL;

	(void)params;
	*code = API_UNAVAILABLE;
	if (wanted_read(context, &wanted, error) == 0)
		admin = describe(context, &wanted, error);
	if (admin != NULL)
		rows = create_missing(admin, &wanted, error);
	kafka_admin_free(admin);
	wanted_free(&wanted);
	watcher_hurry(context);
	return rows != NULL ? json_pack("{s:o}", "topics", rows) : NULL;
}
