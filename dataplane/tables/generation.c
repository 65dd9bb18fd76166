/* SPDX-License-Identifier: Apache-2.0 */
#include "tables/generation.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "tables/category.h"
#include "tables/geo.h"
#include "tables/input_plan.h"
#include "tables/timed.h"
#include "tables/type_plan.h"

struct generation *generation_new(void)
{
	struct generation *generation = calloc(1, sizeof(*generation));

	if (generation == NULL)
		return NULL;
	generation->types = calloc(1, sizeof(*generation->types));
	if (generation->types == NULL) {
		free(generation);
		return NULL;
	}
	generation->types->unknown = TYPE_NONE;
	return generation;
}

static int plan_inputs(struct generation *generation)
{
	unsigned wants = 0;

	generation->plans = calloc(generation->input_count + 1, sizeof(*generation->plans));
	if (generation->plans == NULL)
		return -ENOMEM;
	if (generation->geo != NULL)
		wants |= INPUT_WANTS_CLIENT | INPUT_WANTS_GEO;
	if (generation->category != NULL)
		wants |= INPUT_WANTS_ITEM | INPUT_WANTS_CATEGORY;
	for (unsigned i = 0; i < generation->types->count; i++)
		if (generation->types->types[i].plan != NULL)
			wants |= INPUT_WANTS_CLIENT;
	for (unsigned i = 0; i < generation->input_count; i++)
		if (input_plan_init(&generation->plans[i], &generation->inputs[i], wants) != 0)
			return -EINVAL;
	return 0;
}

/* A node without a copy reads the table itself. */
static void stay_near(struct generation *generation)
{
	for (unsigned i = 0; i < GENERATION_NODES; i++) {
		if (generation->near_geo[i] == NULL)
			generation->near_geo[i] = generation->geo;
		if (generation->near_category[i] == NULL)
			generation->near_category[i] = generation->category;
	}
}

/* Nothing is added from tables that are not there. */
static void trim_enrichment(struct generation *generation)
{
	unsigned there = (generation->geo != NULL ? TYPE_GEO : 0) | (generation->category != NULL ? TYPE_CATEGORY : 0);

	for (unsigned i = 0; i < generation->types->count; i++)
		generation->types->types[i].way.enrich &= (uint8_t)there;
}

int generation_seal(struct generation *generation, struct error *error)
{
	int rc = plan_inputs(generation);

	stay_near(generation);
	trim_enrichment(generation);
	timed_find(generation->types);
	if (rc == 0)
		generation->type_index = type_index_new(generation->types);
	if (rc == 0 && generation->type_index == NULL)
		rc = -ENOMEM;
	return rc == 0 ? 0 : error_set(error, rc, "no memory for the tables of event types and inputs");
}

static int spread_geo(struct generation *generation, const struct generation *before, const int *nodes, unsigned count)
{
	int rc = 0;

	if (before != NULL && before->geo == generation->geo) {
		memcpy(generation->near_geo, before->near_geo, sizeof(generation->near_geo));
		return 0;
	}
	memset(generation->near_geo, 0, sizeof(generation->near_geo));
	for (unsigned i = 1; rc == 0 && generation->geo != NULL && i < count && i < GENERATION_NODES; i++)
		rc = geo_copy(&generation->near_geo[i], generation->geo, nodes[i]);
	return rc;
}

static int spread_category(
	struct generation *generation, const struct generation *before, const int *nodes, unsigned count)
{
	int rc = 0;

	if (before != NULL && before->category == generation->category) {
		memcpy(generation->near_category, before->near_category, sizeof(generation->near_category));
		return 0;
	}
	memset(generation->near_category, 0, sizeof(generation->near_category));
	for (unsigned i = 1; rc == 0 && generation->category != NULL && i < count && i < GENERATION_NODES; i++)
		rc = category_copy(&generation->near_category[i], generation->category, nodes[i]);
	return rc;
}

int generation_spread(struct generation *generation, const struct generation *before, const int *nodes, unsigned count,
	struct error *error)
{
	int rc = spread_geo(generation, before, nodes, count);

	if (rc == 0)
		rc = spread_category(generation, before, nodes, count);
	stay_near(generation);
	return rc == 0 ? 0 : error_set(error, rc, "no memory for a copy of the tables on each of %u NUMA nodes", count);
}

static void free_geo(struct generation *generation)
{
	for (unsigned i = 0; i < GENERATION_NODES; i++)
		if (generation->near_geo[i] != generation->geo)
			geo_free(generation->near_geo[i]);
	geo_free(generation->geo);
}

static void free_category(struct generation *generation)
{
	for (unsigned i = 0; i < GENERATION_NODES; i++)
		if (generation->near_category[i] != generation->category)
			category_free(generation->near_category[i]);
	category_free(generation->category);
}

static void free_types(struct generation *generation)
{
	for (unsigned i = 0; i < generation->types->count; i++)
		type_plan_free(generation->types->types[i].plan);
	type_index_free(generation->type_index);
	free(generation->plans);
	free(generation->quotas);
	free(generation->types);
}

void generation_free(struct generation *generation, const struct generation *heir)
{
	if (generation == NULL)
		return;
	if (heir == NULL || heir->types != generation->types)
		free_types(generation);
	if (heir == NULL || heir->geo != generation->geo)
		free_geo(generation);
	if (heir == NULL || heir->overlay != generation->overlay)
		category_overlay_free(generation->overlay);
	if (heir == NULL || heir->category != generation->category)
		free_category(generation);
	free(generation);
}

struct generation *generation_revise(
	const struct generation *generation, struct category *category, struct category_overlay *overlay)
{
	struct generation *next = malloc(sizeof(*next));

	if (next == NULL)
		return NULL;
	*next = *generation;
	if (category != generation->category)
		memset(next->near_category, 0, sizeof(next->near_category));
	next->category = category;
	next->overlay = overlay;
	next->revision++;
	stay_near(next);
	return next;
}

const struct generation *generation_publish(struct generation_slot *slot, const struct generation *generation)
{
	return atomic_exchange_explicit(&slot->now, generation, memory_order_acq_rel);
}
