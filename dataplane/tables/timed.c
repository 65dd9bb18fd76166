/* SPDX-License-Identifier: Apache-2.0 */
#include "tables/timed.h"

#include <string.h>

#include "tables/type_plan.h"

_Static_assert(TOPIC_OWN >= TYPE_TOPICS, "it names no topic");

static void mark(struct event_types *types, unsigned topic)
{
	if (topic < TYPE_TOPICS)
		types->timed[topic / 64] |= UINT64_C(1) << (topic % 64);
}

static void mark_copy(struct event_types *types, unsigned copy)
{
	if (copy != 0)
		mark(types, copy - 1);
}

/* All topics that the type's events may go to. */
static void mark_all(struct event_types *types, const struct event_type *type)
{
	const struct type_plan *plan = type->plan;

	mark(types, type->way.topic);
	mark_copy(types, type->way.copy);
	if (plan == NULL)
		return;
	mark(types, plan->quarantine);
	for (unsigned i = 0; i < plan->rule_count; i++) {
		mark(types, plan->actions[i].topic);
		mark_copy(types, plan->actions[i].copy);
	}
}

void timed_find(struct event_types *types)
{
	memset(types->timed, 0, sizeof(types->timed));
	for (unsigned i = 0; i < types->count; i++)
		if (!types->types[i].removed && (types->types[i].way.form & FORM_TIMED) != 0)
			mark_all(types, &types->types[i]);
	for (unsigned i = 0; i < types->count; i++)
		if (!types->types[i].removed)
			timed_follow(types, &types->types[i].way);
}
