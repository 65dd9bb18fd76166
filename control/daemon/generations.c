/* SPDX-License-Identifier: Apache-2.0 */
#include "control/daemon/generations.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/memory.h"
#include "base/rcu.h"
#include "control/daemon/box.h"
#include "tables/type_plan.h"

void generations_init(struct generations *generations)
{
	pthread_mutex_init(&generations->lock, NULL);
	pthread_mutex_init(&generations->topics_lock, NULL);
}

/* What a configuration adds to the lists, behind what counts, and moves between classes: nobody sees it before it is in force. */
struct placing {
	unsigned topics, rules;
	int class[TOPIC_MAX]; /* -1: as it is */
};

/* Index of a topic, which is added behind *count others if it is new; -ENOSPC. */
static int place_topic(struct topic_table *topics, unsigned *count, const char *name)
{
	for (unsigned i = 0; i < *count; i++)
		if (strcmp(topics->topics[i].name, name) == 0)
			return (int)i;
	if (*count == TOPIC_MAX)
		return -ENOSPC;
	memcpy(topics->topics[*count].name, name, strlen(name) + 1);
	atomic_init(&topics->topics[*count].partitions, 0);
	atomic_init(&topics->topics[*count].class, topics->lowest);
	return (int)(*count)++;
}

int generations_topic(struct generations *generations, const char *name)
{
	unsigned count;
	int index;

	pthread_mutex_lock(&generations->topics_lock);
	count = atomic_load(&generations->topics.count);
	index = place_topic(&generations->topics, &count, name);
	atomic_store(&generations->topics.count, count);
	pthread_mutex_unlock(&generations->topics_lock);
	return index;
}

/* Slot of a type, which is added if it is new; -ENOSPC. */
static int place_type(struct event_types *types, const char *name)
{
	for (unsigned i = 0; i < types->count; i++)
		if (strcmp(types->types[i].name, name) == 0)
			return (int)i;
	return types->count < TYPE_MAX ? (int)types->count++ : -ENOSPC;
}

/* Slot of a rule's counters, which is added if it is new; -ENOSPC. */
static int place_rule(struct generations *all, struct placing *placing, unsigned type, const char *name)
{
	struct rule_slot *slot;

	for (unsigned i = 0; i < placing->rules; i++)
		if (all->rules[i].type == type && strcmp(all->rules[i].name, name) == 0)
			return (int)i;
	if (placing->rules == RULE_SLOTS)
		return -ENOSPC;
	slot = &all->rules[placing->rules];
	slot->type = (uint16_t)type;
	memcpy(slot->name, name, strlen(name) + 1);
	return (int)placing->rules++;
}

/* Number of the class of this name among those that run; -1: there is none before a restart. */
static int class_in_force(const struct box *box, const char *name)
{
	for (unsigned i = 0; i < box->config->class_count; i++)
		if (strcmp(box->config->classes[i].name, name) == 0)
			return (int)i;
	return -1;
}

/* A topic of the configuration by its index here. */
static int move_topic(
	struct box *box, struct placing *placing, const struct config *config, uint16_t *topic, struct error *error)
{
	const struct topic *from = &config->topics->topics[*topic];
	int index = place_topic(&box->generations.topics, &placing->topics, from->name);

	if (index < 0)
		return error_set(error, index, "topic %s: all %u places are taken by topics that have been in use since the "
					       "start, or that the spool holds something of; restart the daemon when that is delivered "
					       "(`penstock show spool`) to have room for others", from->name, TOPIC_MAX);
	placing->class[index] = class_in_force(box, config->classes[atomic_load(&from->class)].name);
	*topic = (uint16_t)index;
	return 0;
}

/* The same where 0 means none, and others are one more. */
static int move_copy(
	struct box *box, struct placing *placing, const struct config *config, uint16_t *copy, struct error *error)
{
	uint16_t topic = (uint16_t)(*copy - 1);
	int rc = *copy != 0 ? move_topic(box, placing, config, &topic, error) : 0;

	*copy = (uint16_t)(*copy != 0 ? topic + 1 : 0);
	return rc;
}

static int move_action(struct box *box, struct placing *placing, const struct config *config, unsigned type,
	struct rule_action *action, struct error *error)
{
	int slot = place_rule(&box->generations, placing, type, action->name), rc = 0;

	if (slot < 0)
		return error_set(error, slot, "rule %s: %u rules have been in force since the start; restart the daemon to have "
					      "room for others", action->name, RULE_SLOTS);
	action->slot = (uint16_t)slot;
	if (action->topic != TOPIC_OWN)
		rc = move_topic(box, placing, config, &action->topic, error);
	return rc == 0 ? move_copy(box, placing, config, &action->copy, error) : rc;
}

static int move_plan(struct box *box, struct placing *placing, const struct config *config, unsigned type,
	struct type_plan *plan, struct error *error)
{
	int rc = 0;

	if (plan == NULL)
		return 0;
	if (plan->quarantine != TOPIC_OWN)
		rc = move_topic(box, placing, config, &plan->quarantine, error);
	for (unsigned i = 0; rc == 0 && i < plan->rule_count; i++)
		rc = move_action(box, placing, config, type, &plan->actions[i], error);
	return rc;
}

/* The type's slot, or -errno with a sentence. Its plan is the generation's from then on. */
static int fill_type(struct box *box, struct placing *placing, struct generation *generation, struct config *config,
	struct event_type *type, struct error *error)
{
	int slot = place_type(generation->types, type->name), rc;
	struct event_type *placed;

	if (slot < 0)
		return error_set(error, slot, "type %s: %u types have been in use since the start; restart the daemon to have "
					      "room for others", type->name, TYPE_MAX);
	placed = &generation->types->types[slot];
	*placed = *type;
	type->plan = NULL;
	rc = move_topic(box, placing, config, &placed->way.topic, error);
	if (rc == 0)
		rc = move_copy(box, placing, config, &placed->way.copy, error);
	if (rc == 0)
		rc = move_plan(box, placing, config, (unsigned)slot, placed->plan, error);
	return rc == 0 ? slot : rc;
}

static int take_quotas(struct generation *generation, const struct quotas *from)
{
	struct quotas *quotas;

	if (from->count == 0)
		return 0;
	quotas = malloc(sizeof(*quotas));
	if (quotas == NULL)
		return -ENOMEM;
	*quotas = *from;
	quotas_seal(quotas, clock_hz());
	generation->quotas = quotas;
	return 0;
}

/* Former types keep their slots, as removed ones until the configuration names them. */
static int fill_types(struct box *box, struct placing *placing, struct generation *generation, struct config *config,
	struct error *error)
{
	const struct generation *before = box->generations.now;
	int rc;

	if (before != NULL)
		*generation->types = *before->types;
	for (unsigned i = 0; i < generation->types->count; i++) {
		generation->types->types[i].removed = 1;
		generation->types->types[i].plan = NULL;
	}
	generation->types->unknown = TYPE_NONE;
	generation->types->time_back_us = config->types->time_back_us;
	generation->types->time_ahead_us = config->types->time_ahead_us;
	for (unsigned i = 0; i < config->types->count; i++) {
		int slot = fill_type(box, placing, generation, config, &config->types->types[i], error);

		if (slot < 0)
			return slot;
		if (i == config->types->unknown)
			generation->types->unknown = (uint32_t)slot;
	}
	rc = take_quotas(generation, &config->quotas);
	if (rc != 0)
		return error_set(error, rc, "no memory for the quotas of senders");
	generation->inputs = box->config->inputs;
	generation->input_count = box->config->input_count;
	generation->number = before != NULL ? before->number + 1 : 1;
	generation->topic_count = placing->topics;
	return generation_seal(generation, error);
}

static int any_key(const struct event_types *types)
{
	for (unsigned i = 0; i < types->count; i++)
		if (types->types[i].plan != NULL && types->types[i].plan->key != TYPE_KEY_INPUT &&
			types->types[i].plan->key != TYPE_KEY_NONE)
			return 1;
	return 0;
}

int generations_prepare(struct box *box, const struct generation *generation, struct error *error)
{
	int keyed = any_key(generation->types);

	for (unsigned i = 0; i < box->worker_count; i++)
		if (worker_prepare(box->workers[i].worker, generation->topic_count, keyed) != 0)
			return error_set(error, -ENOMEM, "worker %u: no memory for %u topics", i, generation->topic_count);
	return 0;
}

/* Puts the generation in force, and frees the former one but for what they share. */
static void replace(struct box *box, struct generation *generation, struct config *config)
{
	struct generations *all = &box->generations;
	struct config *old_config = all->config;
	struct generation *old = all->now;

	pthread_mutex_lock(&all->lock);
	all->config = config;
	all->now = generation;
	all->bad_changes = all->feed.bad;
	(void)generation_publish(&all->slot, generation);
	pthread_mutex_unlock(&all->lock);
	if (old == NULL)
		return;
	rcu_synchronize();
	generation_free(old, generation);
	if (old_config != box->config && old_config != config)
		config_free(old_config);
}

/* A copy of the tables for each NUMA node that has workers; they were built on the first. */
static int spread(struct generation *generation, const struct generation *before, struct error *error)
{
	int nodes[GENERATION_NODES];
	unsigned count = memory_nodes();

	if (count > GENERATION_NODES)
		count = GENERATION_NODES;
	for (unsigned i = 0; i < count; i++)
		nodes[i] = (int)i;
	return generation_spread(generation, before, nodes, count, error);
}

static void count_placed(struct generations *all, const struct placing *placing)
{
	for (unsigned i = 0; i < placing->topics; i++)
		if (placing->class[i] >= 0)
			atomic_store(&all->topics.topics[i].class, (unsigned char)placing->class[i]);
	all->rule_count = placing->rules;
	atomic_store(&all->topics.count, placing->topics);
}

/* Gives all that the configuration names its place, when there is one for all of it and the workers have room. */
static int place_all(struct box *box, struct generation *generation, struct config *config, struct error *error)
{
	struct generations *all = &box->generations;
	struct placing placing = {.rules = all->rule_count};
	int rc;

	memset(placing.class, -1, sizeof(placing.class));
	pthread_mutex_lock(&all->topics_lock);
	placing.topics = atomic_load(&all->topics.count);
	rc = fill_types(box, &placing, generation, config, error);
	if (rc == 0)
		rc = generations_prepare(box, generation, error);
	if (rc == 0)
		count_placed(all, &placing);
	pthread_mutex_unlock(&all->topics_lock);
	return rc;
}

int generations_publish(struct box *box, struct config *config, struct error *error)
{
	struct generation *generation = generation_new();
	struct generations *all = &box->generations;
	struct tables_marks marks = all->marks;
	struct feed feed = all->feed;
	int rc;

	if (generation == NULL)
		return error_set(error, -ENOMEM, "no memory for a generation of types and tables");
	rc = config_fits(box->config, config, error);
	if (rc == 0)
		rc = tables_load(generation, config, all->now, &marks, &feed, &box->stop_asked, error);
	if (rc == 0)
		rc = spread(generation, all->now, error);
	if (rc == -ECANCELED || (rc == 0 && atomic_load(&box->stop_asked)))
		rc = error_set(error, -ECANCELED, "the daemon stops");
	if (rc == 0)
		rc = place_all(box, generation, config, error); /* last: what has its place keeps it */
	if (rc != 0) {
		generation_free(generation, all->now);
		return rc;
	}
	all->marks = marks;
	all->feed = feed;
	replace(box, generation, config);
	return 0;
}

/* The revision that a table with these changes makes. */
static int revise(struct box *box, struct category *category, struct category_overlay *overlay, struct error *error)
{
	struct generations *all = &box->generations;
	struct generation *next = generation_revise(all->now, category, overlay);
	int rc;

	if (next == NULL) {
		feed_let_go(all->now->category, all->now->overlay, category, overlay);
		return error_set(error, -ENOMEM, "no memory for a revision of the tables");
	}
	rc = spread(next, all->now, error);
	if (rc == 0)
		replace(box, next, all->config);
	else
		generation_free(next, all->now);
	return rc;
}

static int follow(struct box *box, struct error *error)
{
	struct generations *all = &box->generations;
	struct category *category = all->now->category;
	struct category_overlay *overlay = all->now->overlay;
	struct feed before = all->feed;
	int rc;

	if (category == NULL || all->config->category_changes == NULL)
		return 0;
	rc = feed_read(&all->feed, all->config->category_changes, &category, &overlay, &box->stop_asked, error);
	if (rc <= 0)
		return rc != -ECANCELED ? rc : 0;
	rc = revise(box, category, overlay, error);
	if (rc != 0)
		all->feed = before; /* read again next time */
	return rc;
}

int generations_follow(struct box *box, struct error *error)
{
	struct generations *all = &box->generations;
	int rc = follow(box, error);

	pthread_mutex_lock(&all->lock);
	all->feed_error = rc != 0 ? *error : (struct error){""};
	pthread_mutex_unlock(&all->lock);
	return rc;
}

void generations_free(struct box *box)
{
	struct generations *all = &box->generations;

	generation_free(all->now, NULL);
	if (all->config != box->config)
		config_free(all->config);
	all->now = NULL;
	all->config = NULL;
	pthread_mutex_destroy(&all->lock);
	pthread_mutex_destroy(&all->topics_lock);
}

int generations_rule(const struct generations *generations, unsigned type, unsigned index, struct rule_view *view)
{
	static const char *const thens[] = {"keep", "drop", "sample", "quarantine"};
	const struct event_type *of = &generations->now->types->types[type];
	const struct topic *topics = generations->topics.topics;
	const struct rule_action *action;
	unsigned topic, copy;

	if (of->plan == NULL || index >= of->plan->rule_count)
		return 0;
	action = &of->plan->actions[index];
	topic = action->topic != TOPIC_OWN ? action->topic : of->way.topic;
	copy = action->copy != 0 ? action->copy : of->way.copy;
	if (action->what == RULE_QUARANTINE)
		topic = of->plan->quarantine;
	if (action->what == RULE_DROP || topic == TOPIC_OWN)
		topic = TOPIC_MAX;
	if (action->what == RULE_DROP || action->what == RULE_QUARANTINE)
		copy = 0;
	*view = (struct rule_view){.type = of->name, .name = action->name, .then = thens[action->what], .slot = action->slot,
		.topic = topic < TOPIC_MAX ? topics[topic].name : "", .copy = copy != 0 ? topics[copy - 1].name : ""};
	return 1;
}
