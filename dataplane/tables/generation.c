/* SPDX-License-Identifier: Apache-2.0 */
#include "tables/generation.h"

#include <errno.h>
#include <stdlib.h>

#include "tables/category.h"
#include "tables/geo.h"
#include "tables/input_plan.h"
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

int generation_seal(struct generation *generation, struct error *error)
{
	int rc = plan_inputs(generation);

	if (rc == 0)
		generation->type_index = type_index_new(generation->types);
	if (rc == 0 && generation->type_index == NULL)
		rc = -ENOMEM;
	return rc == 0 ? 0 : error_set(error, rc, "no memory for the tables of event types and inputs");
}

static void free_types(struct generation *generation)
{
	for (unsigned i = 0; i < generation->types->count; i++)
		type_plan_free(generation->types->types[i].plan);
	type_index_free(generation->type_index);
	free(generation->plans);
	free(generation->types);
}

void generation_free(struct generation *generation, const struct generation *heir)
{
	if (generation == NULL)
		return;
	if (heir == NULL || heir->types != generation->types)
		free_types(generation);
	if (heir == NULL || heir->geo != generation->geo)
		geo_free(generation->geo);
	if (heir == NULL || heir->overlay != generation->overlay)
		category_overlay_free(generation->overlay);
	if (heir == NULL || heir->category != generation->category)
		category_free(generation->category);
	free(generation);
}

struct generation *generation_revise(
	const struct generation *generation, struct category *category, struct category_overlay *overlay)
{
	struct generation *next = malloc(sizeof(*next));

	if (next == NULL)
		return NULL;
	*next = *generation;
	next->category = category;
	next->overlay = overlay;
	next->revision++;
	return next;
}

const struct generation *generation_publish(struct generation_slot *slot, const struct generation *generation)
{
	return atomic_exchange_explicit(&slot->now, generation, memory_order_acq_rel);
}
