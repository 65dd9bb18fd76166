/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * A generation: the event types with their rules, and the tables that they are enriched from. It is built aside by control,
 * published whole by pointer, and freed when no worker reads it any more. A worker takes the pointer once a burst, so each
 * event is judged by exactly one generation.
 */

#include <stdatomic.h>
#include <stdint.h>

#include "base/error.h"
#include "tables/input.h"
#include "tables/types.h"

struct category;
struct category_overlay;
struct geo;
struct input_plan;
struct quotas;

#define GENERATION_NODES 8 /* NUMA nodes with tables of their own; further ones read the first's */

struct generation {
	uint32_t number;      /* as records tell it, from 1, rising */
	uint32_t revision;    /* of its tables, from 0, rising */
	unsigned topic_count; /* topics in use have a lower index */
	struct event_types *types; /* with their plans */
	const struct input *inputs; /* the box's own */
	unsigned input_count;
	struct quotas *quotas; /* sealed; NULL: none. The generation's own */
	struct geo *geo;            /* NULL: records get no such member */
	struct category *category;  /* same */
	struct category_overlay *overlay; /* what of it has changed; NULL: nothing */
	/* The same tables, by NUMA node: workers read their node's own copy where there is one. */
	struct geo *near_geo[GENERATION_NODES];
	struct category *near_category[GENERATION_NODES];

	struct type_index *type_index; /* made by generation_seal */
	struct input_plan *plans;      /* by input */
};

/* Where workers find the present one. Control: rw, workers: ro. */
struct generation_slot {
	_Atomic(const struct generation *) now;
};

/* An empty generation, to be filled; free it with generation_free. NULL: no memory. Control thread. */
struct generation *generation_new(void);

/* Builds what look-ups need from what was filled in; types are rid of tables that are not there, and it is found out which
 * topics' records have a time of their own. 0, or -errno with a sentence. Control thread. */
int generation_seal(struct generation *generation, struct error *error);

/*
 * Makes a copy of the tables on each of `nodes` (base/memory.h's numbers) but the first, whose own they are; those of `before`
 * (NULL: none) are taken over where the tables are the same. 0 or -ENOMEM with a sentence. Before it is published; without it all
 * workers read the tables themselves. Control thread.
 */
int generation_spread(struct generation *generation, const struct generation *before, const int *nodes, unsigned count,
	struct error *error);

/* NULL is fine. Types' plans and tables go too, but for those that `heir` (NULL: none) has as well. When no worker reads it any
 * more. */
void generation_free(struct generation *generation, const struct generation *heir);

/* The next revision of a generation: the same but for a category table and what of it has changed, which are its own now. NULL:
 * no memory. Control thread. */
struct generation *generation_revise(
	const struct generation *generation, struct category *category, struct category_overlay *overlay);

/* Publishes a sealed generation and returns the former one (NULL: there was none), which the caller frees after a grace period
 * (base/rcu.h). Control thread. */
const struct generation *generation_publish(struct generation_slot *slot, const struct generation *generation);

/* The present one; until the worker's next quiescent point. */
static inline const struct generation *generation_now(const struct generation_slot *slot)
{
	return atomic_load_explicit(&slot->now, memory_order_acquire);
}
