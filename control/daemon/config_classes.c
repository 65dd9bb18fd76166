/* SPDX-License-Identifier: Apache-2.0 */
/* Classes of priority: what of the spool each may use, and which topics are in which. */
#include <string.h>

#include "control/daemon/config_parts.h"
#include "control/daemon/config_value.h"
#include "tables/type_plan.h"

#define PATH_SIZE  64
#define QUOTE_SIZE 256

static int fail_name(const struct reading *reading, const struct tree_node *entry, const char *path, const char *why)
{
	const struct tree_node *node = tree_find(entry, "name");
	char full[PATH_SIZE + 32];

	(void)snprintf(full, sizeof(full), "%s.name", path);
	return reading_fail_value(reading, config_key_find("spool.classes[]", "name"), full, node != NULL ? node : entry, why);
}

static const char *name_why(const struct config *config, const char *name)
{
	if (strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789_-") != strlen(name))
		return "holds other characters";
	for (unsigned i = 0; i < config->class_count; i++)
		if (strcmp(config->classes[i].name, name) == 0)
			return "is the name of another class already";
	return NULL;
}

static int read_class(const struct reading *reading, struct config *config, const struct tree_node *entry)
{
	struct spool_class *class = &config->classes[config->class_count];
	struct class_draft draft = {0};
	const char *why;
	char path[PATH_SIZE];
	int rc;

	(void)snprintf(path, sizeof(path), "spool.classes[%u]", config->class_count);
	rc = section_read(reading, "spool.classes[]", path, entry, entry, &draft);
	if (rc != 0)
		return rc;
	why = name_why(config, draft.name);
	if (why != NULL)
		return fail_name(reading, entry, path, why);
	*class = (struct spool_class){.percent = draft.share, .policy = (enum spool_policy)draft.full};
	memcpy(class->name, draft.name, strlen(draft.name) + 1);
	config->class_count++;
	return 0;
}

int classes_read(const struct reading *reading, struct config_file *file)
{
	struct config *config = &file->config;
	unsigned sum = 0;
	int rc = 0;

	if (file->classes == NULL) {
		config->class_count = 1;
		config->classes[0] = (struct spool_class){.name = "all", .percent = 100};
		return 0;
	}
	for (const struct tree_node *n = file->classes->first; n != NULL && rc == 0; n = n->next)
		rc = read_class(reading, config, n);
	for (unsigned i = 0; i < config->class_count; i++)
		sum += config->classes[i].percent;
	config->topics->lowest = (unsigned char)(config->class_count - 1);
	if (rc == 0 && sum > 100)
		return reading_fail(reading, file->classes, "spool.classes: the shares are %u%% together; expected 100%% at the most", sum);
	return rc;
}

int class_of_type(const struct reading *reading, const struct config_file *file, const char *path, const struct tree_node *entry,
	const char *name, uint8_t *class)
{
	const struct config *config = &file->config;
	char quoted[QUOTE_SIZE];

	*class = (uint8_t)(config->class_count - 1);
	if (name == NULL)
		return 0;
	for (unsigned i = 0; i < config->class_count; i++)
		if (strcmp(config->classes[i].name, name) == 0) {
			*class = (uint8_t)i;
			return 0;
		}
	return reading_fail(reading, tree_find(entry, "class"), "%s.class: there is no class %s in spool.classes; expected the name of one",
		path, value_quote(quoted, sizeof(quoted), name));
}

static void raise_class(struct topic *topic, uint8_t class)
{
	if (class < atomic_load(&topic->class))
		atomic_store(&topic->class, class);
}

static void raise_plan(struct topic_table *topics, const struct type_plan *plan, uint8_t class)
{
	if (plan->quarantine != TOPIC_OWN)
		raise_class(&topics->topics[plan->quarantine], class);
	for (unsigned i = 0; i < plan->rule_count; i++) {
		if (plan->actions[i].topic != TOPIC_OWN)
			raise_class(&topics->topics[plan->actions[i].topic], class);
		if (plan->actions[i].copy != 0)
			raise_class(&topics->topics[plan->actions[i].copy - 1], class);
	}
}

void classes_apply(struct topic_table *topics, const struct event_type *type, uint8_t class)
{
	raise_class(&topics->topics[type->way.topic], class);
	if (type->way.copy != 0)
		raise_class(&topics->topics[type->way.copy - 1], class);
	if (type->plan != NULL)
		raise_plan(topics, type->plan, class);
}
