/* SPDX-License-Identifier: Apache-2.0 */
/* What a type asks of its events: partition key, required members, rules. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/compiler.h"
#include "control/daemon/config_parts.h"
#include "control/daemon/config_value.h"
#include "wire/utf8.h"
#include "worker/worker.h"

#define PATH_SIZE  192
#define QUOTE_SIZE 256
#define WHY_SIZE   768 /* of one reason as JSON, and the slack behind it */
#define WHY_SLACK  64

_Static_assert(WHY_SIZE - WHY_SLACK <= WORKER_EXTRAS_MAX, "a batch has room for a record with its reason");

struct making {
	const struct reading *reading;
	struct config_file *file;
	const char *path; /* of the type, for messages */
	const char *type; /* its name */
	const struct event_way *way; /* its own topics */
	struct type_plan *plan;
	struct rules_paths paths;
	const struct tree_node *places[RULES_PATHS]; /* what named each path first */
	size_t texts_len;
};

static int out_of_memory(const struct making *m)
{
	return error_set(m->reading->error, -ENOMEM, "%s: out of memory while reading", m->reading->name);
}

/* --- paths --- */

static int add_path(struct making *m, const struct tree_node *node, const char *text, int *index)
{
	*index = rules_path_add(&m->paths, text);
	if (*index == -ENOSPC)
		return reading_fail(m->reading, node, "%s: more than %u different members in what one type asks; expected fewer",
			m->path, RULES_PATHS);
	if (*index < 0)
		return reading_fail(m->reading, node, "%s: a member's path is longer than %u bytes; expected a shorter one", m->path,
			RULES_PATH_MAX);
	return 0;
}

/* The paths that were named since, by this. */
static void mark_places(struct making *m, const struct tree_node *node)
{
	for (unsigned i = 0; i < m->paths.count; i++)
		if (m->places[i] == NULL)
			m->places[i] = node;
}

static int make_paths(struct making *m)
{
	const char *names[RULES_PATHS];
	char quoted[QUOTE_SIZE];
	unsigned bad;
	int rc;

	m->plan->path_count = m->paths.count;
	if (m->paths.count == 0)
		return 0;
	for (unsigned i = 0; i < m->paths.count; i++)
		names[i] = m->paths.names[i];
	rc = json_paths_new(&m->plan->paths, names, m->paths.count, &bad);
	if (rc == -ENOMEM)
		return out_of_memory(m);
	if (rc == 0)
		return 0;
	return reading_fail(m->reading, m->places[bad], "%s: the path %s %s; expected names of 1 to %u bytes with dots between "
							"them, %u at the most", m->path,
		value_quote(quoted, sizeof(quoted), names[bad]),
		rc == -E2BIG ? "has too many parts" : rc == -ENAMETOOLONG ? "has too long a name" : "has an empty name",
		JSON_NAME_MAX, JSON_PATH_PARTS);
}

/* --- reasons --- */

/* The first character as it stands in a string of JSON; returns its bytes. */
static size_t escape_one(char out[8], const char *text, size_t *bytes)
{
	uint8_t c = (uint8_t)text[0];
	int len = utf8_sequence((const uint8_t *)text, (uint32_t)strlen(text));

	*bytes = len > 0 ? (size_t)len : 1;
	if (c < 0x20)
		return (size_t)snprintf(out, 8, "\\u%04x", c);
	if (c == '"' || c == '\\')
		return (size_t)snprintf(out, 8, "\\%c", c);
	memcpy(out, text, *bytes);
	return *bytes;
}

/* As many whole characters as there is room for, and a closing NUL. */
static size_t put_escaped(char *out, size_t size, const char *text)
{
	char one[8];
	size_t n = 0, bytes, len;

	for (; *text != '\0'; text += bytes) {
		len = escape_one(one, text, &bytes);
		if (n + len >= size)
			break;
		memcpy(out + n, one, len);
		n += len;
	}
	out[n] = '\0';
	return n;
}

/* A fragment that says why an event was put aside. A name of many escapes is cut for want of room, any other is whole. */
static struct slice make_why(struct making *m, const char *what, const char *name, const char *how)
{
	char *at = m->plan->texts + m->texts_len;
	size_t size = WHY_SIZE - WHY_SLACK, n;

	n = (size_t)snprintf(at, size, ",\"quarantine\":{\"type\":\"");
	n += put_escaped(at + n, size / 3, m->type);
	n += (size_t)snprintf(at + n, size - n, "\",\"why\":\"%s ", what);
	n += put_escaped(at + n, size - n - strlen(how) - strlen("\"}"), name);
	n += (size_t)snprintf(at + n, size - n, "%s\"}", how);
	m->texts_len += WHY_SIZE;
	return (struct slice){(const uint8_t *)at, (uint32_t)n};
}

/* --- required members --- */

static int parse_kinds(const char *text, uint16_t *kinds)
{
	static const struct {
		const char *name;
		uint16_t bits;
	} known[] = {
		{"string", 1 << JSON_STRING},
		{"number", 1 << JSON_NUMBER},
		{"boolean", 1 << JSON_TRUE | 1 << JSON_FALSE},
		{"null", 1 << JSON_NULL},
		{"object", 1 << JSON_OBJECT},
		{"array", 1 << JSON_ARRAY},
		{"any", 0xffff & ~(1 << JSON_ABSENT)},
	};

	for (*kinds = 0;; text++) {
		size_t len = strcspn(text, "|"), i = 0;

		while (i < ARRAY_LENGTH(known) && (strlen(known[i].name) != len || strncmp(text, known[i].name, len) != 0))
			i++;
		if (i == ARRAY_LENGTH(known))
			return -EINVAL;
		*kinds |= known[i].bits;
		text += len;
		if (*text == '\0')
			return 0;
	}
}

static int read_required(struct making *m, const struct tree_node *node)
{
	struct required *required = &m->plan->required[m->plan->required_count];
	char quoted[QUOTE_SIZE], how[QUOTE_SIZE + 32];
	int path, rc;

	if (node->kind != TREE_SCALAR || parse_kinds(node->text, &required->kinds) != 0)
		return reading_fail(m->reading, node, "%s.require.%s: %s; expected string, number, boolean, null, object, array or "
						      "any, several separated by |", m->path, node->key,
			node->kind == TREE_SCALAR ? value_quote(quoted, sizeof(quoted), node->text) : "a list or map");
	if (node->key[0] == '@')
		return reading_fail_key(m->reading, node, "%s.require: \"%.64s\" is unknown; expected a member's path", m->path, node->key);
	rc = add_path(m, node, node->key, &path);
	if (rc != 0)
		return rc;
	mark_places(m, node);
	required->path = (uint16_t)path;
	(void)snprintf(how, sizeof(how), " is missing, or not: %.200s", node->text);
	required->why = make_why(m, "member", node->key, how);
	m->plan->required_count++;
	return 0;
}

/* --- rules --- */

/* "12.5%" in millionths. */
static int parse_share(const char *text, uint32_t *share)
{
	uint64_t value = 0;
	int digits = 0, decimals = -1;

	for (; (*text >= '0' && *text <= '9') || (*text == '.' && decimals < 0); text++) {
		if (*text == '.') {
			decimals = 0;
			continue;
		}
		value = value * 10 + (uint64_t)(*text - '0');
		digits++;
		decimals += decimals >= 0;
	}
	for (int i = decimals < 0 ? 0 : decimals; i < 4; i++)
		value *= 10;
	if (digits == 0 || digits > 7 || decimals > 4 || strcmp(text, "%") != 0 || value > RULES_SHARE_ALL)
		return -EINVAL;
	*share = (uint32_t)value;
	return 0;
}

static int fail_rule(const struct making *m, const char *path, const struct tree_node *entry, const char *key, const char *why)
{
	char full[PATH_SIZE + 16];
	const struct tree_node *node = tree_find(entry, key);

	(void)snprintf(full, sizeof(full), "%s.%s", path, key);
	return reading_fail_value(m->reading, config_key_find("types.NAME.rules[]", key), full, node != NULL ? node : entry, why);
}

static int fail_misplaced(
	const struct making *m, const char *path, const struct tree_node *entry, const char *key, const char *with)
{
	return reading_fail_key(m->reading, tree_find(entry, key), "%s.%s goes with %s only; expected it to be left out", path, key,
		with);
}

/* Keys that mean nothing to what the rule does were a mistake of the writer's. */
static int check_rule(const struct making *m, const char *path, const struct tree_node *entry, const struct rule_draft *draft)
{
	int stays = draft->what == RULE_KEEP || draft->what == RULE_SAMPLE;

	if (draft->what == RULE_SAMPLE && draft->share == NULL)
		return fail_rule(m, path, entry, "share", "is missing");
	if (draft->what == RULE_SAMPLE && draft->by == NULL)
		return fail_rule(m, path, entry, "by", "is missing");
	if (draft->what != RULE_SAMPLE && draft->share != NULL)
		return fail_misplaced(m, path, entry, "share", "then: sample");
	if (draft->what != RULE_SAMPLE && draft->by != NULL)
		return fail_misplaced(m, path, entry, "by", "then: sample");
	if (!stays && draft->topic != NULL)
		return fail_misplaced(m, path, entry, "topic", "then: keep and sample");
	if (!stays && draft->copy != NULL)
		return fail_misplaced(m, path, entry, "copy", "then: keep and sample");
	return 0;
}

static int name_rule(struct making *m, const char *path, const struct tree_node *entry, const struct rule_draft *draft,
	struct rule_action *action)
{
	unsigned index = (unsigned)(action - m->plan->actions);

	if (draft->name == NULL)
		(void)snprintf(action->name, sizeof(action->name), "rule-%u", index + 1);
	else if (strspn(draft->name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-") != strlen(draft->name))
		return fail_rule(m, path, entry, "name", "holds other characters");
	else
		memcpy(action->name, draft->name, strlen(draft->name) + 1);
	for (unsigned i = 0; i < index; i++)
		if (strcmp(m->plan->actions[i].name, action->name) == 0)
			return fail_rule(m, path, entry, "name", "is the name of another rule of this type");
	return 0;
}

/* Twice in one topic is once too often. */
static int check_route(struct making *m, const char *path, const struct tree_node *entry, const struct rule_action *action)
{
	const struct tree_node *node = tree_find(entry, action->copy != 0 ? "copy" : "topic");
	unsigned topic = action->topic != TOPIC_OWN ? action->topic : m->way->topic;
	unsigned copy = action->copy != 0 ? action->copy : m->way->copy;

	if (copy != topic + 1)
		return 0;
	return reading_fail(m->reading, node, "%s.%s: the events and their copies would go to one topic, %s; expected two", path,
		node->key, m->file->config.topics->topics[topic].name);
}

/* Where the events go that stay. */
static int route_rule(struct making *m, const char *path, const struct tree_node *entry, const struct rule_draft *draft,
	struct rule_action *action)
{
	uint16_t copy = 0;
	int rc = 0;

	action->topic = TOPIC_OWN;
	if (draft->topic != NULL)
		rc = topic_add(m->reading, m->file, path, tree_find(entry, "topic"), draft->topic, &action->topic);
	if (rc == 0 && draft->copy != NULL) {
		rc = topic_add(m->reading, m->file, path, tree_find(entry, "copy"), draft->copy, &copy);
		action->copy = (uint16_t)(copy + 1);
	}
	return rc == 0 && (draft->what == RULE_KEEP || draft->what == RULE_SAMPLE) ? check_route(m, path, entry, action) : rc;
}

static int sample_rule(struct making *m, const char *path, const struct tree_node *entry, const struct rule_draft *draft,
	struct rule_action *action)
{
	const struct tree_node *by = tree_find(entry, "by");
	int index, rc;

	if (parse_share(draft->share, &action->share) != 0)
		return fail_rule(m, path, entry, "share", "is none");
	if (draft->by[0] == '@')
		return reading_fail(m->reading, by, "%s.by: \"%.64s\" is unknown; expected a member's path", path, draft->by);
	rc = add_path(m, by, draft->by, &index);
	action->by = (int16_t)index;
	mark_places(m, by);
	return rc;
}

static int read_rule(struct making *m, const struct tree_node *entry, unsigned index, const char **conditions)
{
	struct rule_action *action = &m->plan->actions[index];
	struct rule_draft draft = {0};
	char path[PATH_SIZE];
	int rc;

	(void)snprintf(path, sizeof(path), "%s.rules[%u]", m->path, index);
	rc = section_read(m->reading, "types.NAME.rules[]", path, entry, entry, &draft);
	if (rc == 0)
		rc = check_rule(m, path, entry, &draft);
	if (rc == 0)
		rc = name_rule(m, path, entry, &draft, action);
	if (rc == 0)
		rc = route_rule(m, path, entry, &draft, action);
	if (rc == 0 && draft.what == RULE_SAMPLE)
		rc = sample_rule(m, path, entry, &draft, action);
	if (rc != 0)
		return rc;
	action->what = draft.what;
	if (draft.what == RULE_QUARANTINE)
		action->why = make_why(m, "rule", action->name, "");
	conditions[index] = draft.condition != NULL ? draft.condition : "";
	return 0;
}

static int compile(struct making *m, const struct tree_node *rules, const char *const *conditions)
{
	const struct tree_node *entry = rules->first, *condition;
	struct rules_error error = {0};
	int rc = rules_new(&m->plan->rules, conditions, rules->count, &m->paths, &error);

	if (rc == -ENOMEM)
		return out_of_memory(m);
	mark_places(m, rules);
	if (rc == 0)
		return 0;
	for (unsigned i = 0; i < error.rule && entry->next != NULL; i++)
		entry = entry->next;
	condition = tree_find(entry, "if");
	if (condition != NULL && !condition->one_line)
		return reading_fail(m->reading, condition, "%s.rules[%u].if: byte %u of it: %s", m->path, error.rule, error.offset,
			error.text);
	return reading_fail_in(m->reading, condition != NULL ? condition : entry, error.offset, "%s.rules[%u].if: %s", m->path,
		error.rule, error.text);
}

static int read_rules(struct making *m, const struct tree_node *rules)
{
	const char **conditions = calloc(rules->count, sizeof(*conditions));
	unsigned index = 0;
	int rc = 0;

	m->plan->actions = calloc(rules->count, sizeof(*m->plan->actions));
	if (conditions == NULL || m->plan->actions == NULL)
		rc = out_of_memory(m);
	for (const struct tree_node *n = rules->first; n != NULL && rc == 0; n = n->next)
		rc = read_rule(m, n, index++, conditions);
	if (rc == 0)
		rc = compile(m, rules, conditions);
	m->plan->rule_count = rules->count;
	free(conditions);
	return rc;
}

/* --- all of it --- */

static int read_quarantine(struct making *m)
{
	const struct tree_node *topics = tree_find(tree_root(m->reading->tree), "topics");
	char name[2 * TOPIC_NAME_MAX];

	m->plan->quarantine = TOPIC_OWN;
	if (m->file->quarantine == NULL)
		return 0;
	template_fill(name, sizeof(name), m->file->quarantine, m->type);
	return topic_add(m->reading, m->file, "topics.quarantine", tree_find(topics, "quarantine"), name, &m->plan->quarantine);
}

static int read_key(struct making *m, const struct tree_node *node, const char *key)
{
	int index, rc;

	m->plan->key = TYPE_KEY_INPUT;
	if (key == NULL)
		return 0;
	if (key[0] == '@') {
		m->plan->key = strcmp(key, "@source") == 0 ? TYPE_KEY_SOURCE : TYPE_KEY_NONE;
		return m->plan->key == TYPE_KEY_SOURCE || strcmp(key, "@none") == 0
			       ? 0
			       : reading_fail(m->reading, node, "%s.key: \"%.64s\" is unknown; expected a member's path, @source or @none",
					 m->path, key);
	}
	rc = add_path(m, node, key, &index);
	m->plan->key = (int16_t)index;
	mark_places(m, node);
	return rc;
}

static int make(struct making *m, const struct tree_node *entry, const struct type_draft *draft)
{
	size_t whys = (draft->require != NULL ? draft->require->count : 0) + (draft->rules != NULL ? draft->rules->count : 0);
	int rc;

	m->plan->texts = calloc(whys + 1, WHY_SIZE);
	if (m->plan->texts == NULL)
		return out_of_memory(m);
	rc = read_quarantine(m);
	if (rc == 0)
		rc = read_key(m, tree_find(entry, "key"), draft->key);
	for (const struct tree_node *n = draft->require != NULL ? draft->require->first : NULL; n != NULL && rc == 0; n = n->next)
		rc = read_required(m, n);
	if (rc == 0 && draft->rules != NULL)
		rc = read_rules(m, draft->rules);
	return rc == 0 ? make_paths(m) : rc;
}

static int check_raw(const struct reading *reading, const char *path, const struct tree_node *entry)
{
	static const char *const keys[] = {"key", "require", "rules"};

	for (size_t i = 0; i < ARRAY_LENGTH(keys); i++) {
		const struct tree_node *node = tree_find(entry, keys[i]);

		if (node != NULL)
			return reading_fail_key(reading, node, "%s.%s: raw records are not looked into; expected record: json", path,
				keys[i]);
	}
	return 0;
}

int plan_read(const struct reading *reading, struct config_file *file, const char *path, const struct tree_node *entry,
	struct type_draft *draft)
{
	struct making *m;
	int rc;

	if (draft->raw)
		return check_raw(reading, path, entry);
	if (draft->key == NULL && draft->require == NULL && draft->rules == NULL)
		return 0;
	m = calloc(1, sizeof(*m));
	if (m == NULL)
		return error_set(reading->error, -ENOMEM, "%s: out of memory while reading", reading->name);
	*m = (struct making){.reading = reading, .file = file, .path = path, .type = entry->key, .way = &draft->type.way};
	m->plan = calloc(1, sizeof(*m->plan));
	rc = m->plan != NULL ? make(m, entry, draft) : out_of_memory(m);
	if (rc == 0)
		draft->type.plan = m->plan;
	else
		type_plan_free(m->plan);
	free(m);
	return rc;
}
