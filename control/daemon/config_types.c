/* SPDX-License-Identifier: Apache-2.0 */
#include <stdatomic.h>
#include <string.h>

#include "control/daemon/config_parts.h"
#include "control/daemon/config_value.h"
#include "control/daemon/namesake.h"
#include "spool/names.h"

#define PATH_SIZE    96
#define QUOTE_SIZE   256
#define UNKNOWN_NAME "unknown"
#define UNKNOWN_ID   0 /* types of the file begin at 1 */
#define PLACE        "{type}"
#define UNPARKED     "%s: topic %s has more than %u bytes, and no place of its own on disk; expected a shorter name, or spool.mode: off"

/* Source: Kafka's Topic.validate and Topic.hasCollisionChars. */
static const char *topic_name_why(const char *name)
{
	size_t length = strlen(name);

	if (length == 0 || length > TOPIC_NAME_MAX)
		return "has no length from 1 to 249";
	if (strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-") != length)
		return "holds characters that Kafka refuses";
	if (strcmp(name, ".") == 0 || strcmp(name, "..") == 0)
		return "is a name that Kafka refuses";
	if (strcmp(name, NAMESAKE_TOPIC) == 0)
		return "is the one on which boxes notice each other";
	return NULL;
}

/* Kafka refuses a topic whose name differs from another's in dots and underscores only. */
static int collides(const char *a, const char *b)
{
	for (; *a != '\0' && *b != '\0'; a++, b++)
		if ((*a == '.' ? '_' : *a) != (*b == '.' ? '_' : *b))
			return 0;
	return *a == *b;
}

static int fail_topic(const struct reading *reading, const struct tree_node *node, const char *path, const char *name,
	const char *why)
{
	char quoted[QUOTE_SIZE];

	if (node->kind == TREE_SCALAR)
		return reading_fail(reading, node, "%s: topic %s %s; expected 1 to 249 of a-z, A-Z, 0-9, '.', '_' and '-'",
			path, value_quote(quoted, sizeof(quoted), name), why);
	return reading_fail_key(reading, node, "%s: topic %s from topics.template %s; expected a topic of its own", path,
		value_quote(quoted, sizeof(quoted), name), why);
}

static int fail_collision(const struct reading *reading, const struct tree_node *node, const char *path, const char *name,
	const char *other)
{
	char a[QUOTE_SIZE], b[QUOTE_SIZE];

	return reading_fail(reading, node, "%s: topic %s is to Kafka the same as %s; expected a name that differs in more than "
					   "dots and underscores", path, value_quote(a, sizeof(a), name),
		value_quote(b, sizeof(b), other));
}

static int fail_unparked(const struct reading *reading, const struct tree_node *node, const char *path, const char *name)
{
	char quoted[QUOTE_SIZE];

	(void)value_quote(quoted, sizeof(quoted), name);
	if (node->kind == TREE_SCALAR)
		return reading_fail(reading, node, UNPARKED, path, quoted, SPOOL_PARKED_NAME_MAX);
	return reading_fail_key(reading, node, UNPARKED, path, quoted, SPOOL_PARKED_NAME_MAX);
}

int topic_add(const struct reading *reading, struct config_file *file, const char *path, const struct tree_node *node,
	const char *name, uint16_t *index)
{
	struct topic_table *table = file->config.topics;
	const char *why = topic_name_why(name);

	if (why != NULL)
		return fail_topic(reading, node, path, name, why);
	if (file->config.spool_mode != CONFIG_SPOOL_OFF && strlen(name) > SPOOL_PARKED_NAME_MAX)
		return fail_unparked(reading, node, path, name);
	for (unsigned i = 0; i < table->count; i++) {
		const char *other = table->topics[i].name;

		if (strcmp(other, name) == 0) {
			*index = (uint16_t)i;
			return 0;
		}
		if (collides(other, name))
			return fail_collision(reading, node, path, name, other);
	}
	if (table->count == TOPIC_MAX)
		return fail_topic(reading, node, path, name, "is one more than 1024");
	memcpy(table->topics[table->count].name, name, strlen(name) + 1);
	atomic_init(&table->topics[table->count].partitions, 0);
	atomic_init(&table->topics[table->count].class, table->lowest);
	*index = (uint16_t)table->count++;
	return 0;
}

void template_fill(char *out, size_t size, const char *template, const char *type)
{
	const char *place = strstr(template, PLACE);

	if (place == NULL)
		(void)snprintf(out, size, "%s", template);
	else
		(void)snprintf(out, size, "%.*s%s%s", (int)(place - template), template, type, place + strlen(PLACE));
}

static const char *type_name_why(const char *name, size_t length)
{
	if (length == 0 || length > TYPE_NAME_MAX)
		return "has no length from 1 to 63 bytes";
	for (size_t i = 0; i < length; i++)
		if ((uint8_t)name[i] <= 0x20 || name[i] == 0x7f || name[i] == '"' || name[i] == '\\')
			return "holds a space, a quote, a backslash or a control character";
	return NULL;
}

static uint8_t form_of(const struct type_draft *draft)
{
	static const uint8_t times[] = {[TIMESTAMP_RECEIVE] = FORM_RECEIVE_TIME, [TIMESTAMP_EVENT] = FORM_EVENT_TIME};

	return times[draft->timestamp] | (draft->raw ? FORM_RAW : 0);
}

/* And what its records get. */
static int read_copy(const struct reading *reading, struct config_file *file, const char *path,
	const struct tree_node *entry, struct type_draft *draft)
{
	uint16_t topic;
	int rc;

	draft->type.way.form = form_of(draft);
	if (draft->type.way.pack == 1)
		draft->type.way.pack = 0;
	if (draft->type.way.pack > 1 && draft->raw)
		return reading_fail_key(reading, tree_find(entry, "pack"), "%s.pack: raw records are not packed; expected record: json",
			path);
	if (draft->type.way.pack > 1 && draft->key != NULL && strcmp(draft->key, "@none") != 0)
		return reading_fail_key(reading, tree_find(entry, "pack"), "%s.pack: events with a key are not packed; expected key: "
									   "@none, or no pack", path);
	if (draft->geo && !draft->raw)
		draft->type.way.enrich |= TYPE_GEO;
	if (draft->category && !draft->raw)
		draft->type.way.enrich |= TYPE_CATEGORY;
	if (draft->copy == NULL)
		return 0;
	rc = topic_add(reading, file, path, tree_find(entry, "copy"), draft->copy, &topic);
	draft->type.way.copy = (uint16_t)(topic + 1);
	if (rc == 0 && topic == draft->type.way.topic)
		return reading_fail(reading, tree_find(entry, "copy"), "%s.copy: is the type's own topic; expected another", path);
	return rc;
}

static int read_type(const struct reading *reading, struct config_file *file, const struct tree_node *entry)
{
	struct event_types *types = file->config.types;
	struct type_draft draft = {0};
	char path[PATH_SIZE], name[2 * TOPIC_NAME_MAX], quoted[QUOTE_SIZE];
	const struct tree_node *topic = tree_find(entry, "topic"), *id = tree_find(entry, "id");
	const char *why = type_name_why(entry->key, strlen(entry->key));
	uint8_t class;
	int rc;

	if (why != NULL)
		return reading_fail_key(reading, entry, "types: the name %s %s; expected one that events can carry",
			value_quote(quoted, sizeof(quoted), entry->key), why);
	(void)snprintf(path, sizeof(path), "types.%s", entry->key);
	rc = section_read(reading, "types.NAME", path, entry, entry, &draft);
	if (rc != 0)
		return rc;
	for (unsigned i = 0; i < types->count; i++)
		if (types->types[i].id == draft.type.id)
			return reading_fail(reading, id, "%s.id: %u is the id of %s already; expected each id once", path,
				draft.type.id, types->types[i].name);
	memcpy(draft.type.name, entry->key, strlen(entry->key) + 1);
	template_fill(name, sizeof(name), draft.topic != NULL ? draft.topic : file->topic_template, entry->key);
	rc = topic_add(reading, file, path, topic != NULL ? topic : entry,
		draft.topic != NULL ? draft.topic : name, &draft.type.way.topic);
	if (rc == 0)
		rc = read_copy(reading, file, path, entry, &draft);
	if (rc == 0)
		rc = class_of_type(reading, file, path, entry, draft.class, &class);
	if (rc == 0) /* last: the plan is the type's, once it is in the table */
		rc = plan_read(reading, file, path, entry, &draft);
	if (rc != 0)
		return rc;
	classes_apply(file->config.topics, &draft.type, class);
	types->types[types->count++] = draft.type;
	return 0;
}

/* A type of its own for events whose type nobody configured, last in the table. */
static int read_unknown(const struct reading *reading, struct config_file *file, const struct tree_node *topics)
{
	struct event_types *types = file->config.types;
	struct event_type type = {.name = UNKNOWN_NAME, .id = UNKNOWN_ID};
	const struct tree_node *node = tree_find(topics, "unknown"), *twin = tree_find(file->types, UNKNOWN_NAME);
	int rc;

	types->unknown = TYPE_NONE;
	if (strcmp(file->unknown, "drop") == 0)
		return 0;
	if (twin != NULL)
		return reading_fail_key(reading, twin, "types: the name \"unknown\" belongs to the type that topics.unknown "
						       "makes; expected another name, or topics.unknown: drop");
	if (types->count == TYPE_MAX)
		return reading_fail(reading, node, "topics.unknown: there are 1024 types without it; expected one less");
	rc = topic_add(reading, file, "topics.unknown", node, file->unknown, &type.way.topic);
	if (rc != 0)
		return rc;
	types->unknown = types->count;
	types->types[types->count++] = type;
	return 0;
}

static int check_template(const struct reading *reading, const struct config_file *file, const struct tree_node *topics)
{
	const struct tree_node *node = tree_find(topics, "template");
	const char *place = strstr(file->topic_template, PLACE), *why = NULL;
	char trial[2 * TOPIC_NAME_MAX];

	if (node == NULL)
		return 0;
	template_fill(trial, sizeof(trial), file->topic_template, "x");
	if (place != NULL && strstr(place + 1, PLACE) != NULL)
		why = "has {type} twice";
	else
		why = topic_name_why(trial);
	if (why == NULL)
		return 0;
	return reading_fail_value(reading, config_key_find("topics", "template"), "topics.template", node, why);
}

/* As with topics.unknown it would be taken for nowhere. */
static int check_quarantine(const struct reading *reading, const struct config_file *file, const struct tree_node *topics)
{
	if (file->quarantine == NULL || strcmp(file->quarantine, "drop") != 0)
		return 0;
	return reading_fail(reading, tree_find(topics, "quarantine"), "topics.quarantine: \"drop\" would be a topic of that name; expected "
								      "another one, or leave the key out, which drops the events");
}

int types_read(const struct reading *reading, struct config_file *file)
{
	const struct tree_node *topics = tree_find(tree_root(reading->tree), "topics");
	int rc = check_template(reading, file, topics);

	if (rc == 0)
		rc = check_quarantine(reading, file, topics);
	file->config.types->time_back_us = file->time_back_us;
	file->config.types->time_ahead_us = file->time_ahead_us;
	for (const struct tree_node *n = file->types->first; n != NULL && rc == 0; n = n->next)
		rc = read_type(reading, file, n);
	return rc != 0 ? rc : read_unknown(reading, file, topics);
}
