/* SPDX-License-Identifier: Apache-2.0 */
#include "control/daemon/generations.h"

#include <errno.h>
#include <string.h>

#include "base/rcu.h"
#include "control/daemon/box.h"

void generations_init(struct generations *generations)
{
	pthread_mutex_init(&generations->lock, NULL);
}

/* Index of a topic, which is added if it is new; -ENOSPC. */
static int place_topic(struct topic_table *topics, const char *name)
{
	unsigned count = atomic_load(&topics->count);

	for (unsigned i = 0; i < count; i++)
		if (strcmp(topics->topics[i].name, name) == 0)
			return (int)i;
	if (count == TOPIC_MAX)
		return -ENOSPC;
	memcpy(topics->topics[count].name, name, strlen(name) + 1);
	atomic_init(&topics->topics[count].partitions, 0);
	atomic_store(&topics->count, count + 1);
	return (int)count;
}

/* Slot of a type, which is added if it is new; -ENOSPC. */
static int place_type(struct event_types *types, const char *name)
{
	for (unsigned i = 0; i < types->count; i++)
		if (strcmp(types->types[i].name, name) == 0)
			return (int)i;
	return types->count < TYPE_MAX ? (int)types->count++ : -ENOSPC;
}

static int fill_type(struct box *box, struct generation *generation, const struct config *config,
	const struct event_type *type, struct error *error)
{
	const char *topic_name = config->topics->topics[type->topic].name;
	int slot = place_type(&generation->types, type->name), topic = place_topic(&box->generations.topics, topic_name);

	if (slot < 0)
		return error_set(error, slot, "type %s: %u types have been in use since the start; restart the daemon to have "
					      "room for others", type->name, TYPE_MAX);
	if (topic < 0)
		return error_set(error, topic, "topic %s: %u topics have been in use since the start; restart the daemon to "
					       "have room for others", topic_name, TOPIC_MAX);
	generation->types.types[slot] = *type;
	generation->types.types[slot].topic = (uint16_t)topic;
	return slot;
}

/* Former types keep their slots, as removed ones until the configuration names them. */
static int fill_types(struct box *box, struct generation *generation, const struct config *config, struct error *error)
{
	const struct generation *before = box->generations.now;

	if (before != NULL)
		generation->types = before->types;
	for (unsigned i = 0; i < generation->types.count; i++)
		generation->types.types[i].removed = 1;
	generation->types.unknown = TYPE_NONE;
	for (unsigned i = 0; i < config->types->count; i++) {
		int slot = fill_type(box, generation, config, &config->types->types[i], error);

		if (slot < 0)
			return slot;
		if (i == config->types->unknown)
			generation->types.unknown = (uint32_t)slot;
	}
	generation->number = before != NULL ? before->number + 1 : 1;
	generation->topic_count = atomic_load(&box->generations.topics.count);
	return generation_seal(generation, error);
}

static int add_topics(struct box *box, const struct generation *generation, struct error *error)
{
	for (unsigned i = 0; i < box->worker_count; i++)
		if (worker_add_topics(box->workers[i].worker, generation->topic_count) != 0)
			return error_set(error, -ENOMEM, "worker %u: no memory for %u topics", i, generation->topic_count);
	return 0;
}

static void replace(struct box *box, struct generation *generation, struct config *config)
{
	struct generations *all = &box->generations;
	struct config *old_config = all->config;
	struct generation *old = all->now;

	pthread_mutex_lock(&all->lock);
	all->config = config;
	all->now = generation;
	(void)generation_publish(&all->slot, generation);
	pthread_mutex_unlock(&all->lock);
	if (old == NULL)
		return;
	rcu_synchronize();
	generation_free(old);
	if (old_config != box->config)
		config_free(old_config);
}

int generations_publish(struct box *box, struct config *config, struct error *error)
{
	struct generation *generation = generation_new();
	int rc;

	if (generation == NULL)
		return error_set(error, -ENOMEM, "no memory for a generation of types and tables");
	rc = fill_types(box, generation, config, error);
	if (rc == 0)
		rc = add_topics(box, generation, error);
	if (rc != 0) {
		generation_free(generation);
		return rc;
	}
	replace(box, generation, config);
	return 0;
}

void generations_free(struct box *box)
{
	struct generations *all = &box->generations;

	generation_free(all->now);
	if (all->config != box->config)
		config_free(all->config);
	all->now = NULL;
	all->config = NULL;
	pthread_mutex_destroy(&all->lock);
}
