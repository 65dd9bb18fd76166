/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdlib.h>

#include "tables/rules_builder.h"

struct event {
	rules_key key;
	uint32_t atom;
	uint32_t ends; /* the range ends before the key */
};

static int compare_events(const void *a, const void *b)
{
	const struct event *left = a, *right = b;

	return (left->key > right->key) - (left->key < right->key);
}

static int add_event(struct rules_vector *events, rules_key key, uint32_t atom, uint32_t ends)
{
	struct event *event = rules_vector_add(events, sizeof(*event), 1);

	if (event == NULL)
		return -ENOMEM;
	*event = (struct event){key, atom, ends};
	return 0;
}

static int list_events(const struct rules_builder *b, struct rules_group group, struct rules_vector *events)
{
	for (uint32_t i = 0; i < group.count; i++) {
		const struct rules_atom *atom = rules_atom_at(b, group.atoms[i]);

		for (uint32_t j = 0; j < atom->ranges; j++) {
			const struct rules_range *range =
				RULES_AT(b->c->ranges, struct rules_range, atom->first_range + j);

			if (add_event(events, range->from, group.atoms[i], 0) != 0 ||
				(range->last != RULES_KEY_MAX &&
					add_event(events, range->last + 1, group.atoms[i], 1) != 0))
				return -ENOMEM;
		}
	}
	if (events->count > 0)
		qsort(events->items, events->count, sizeof(struct event), compare_events);
	return 0;
}

/* From the lowest value up: at each key some atoms begin to hold and some end. */
static void sweep(struct rules_builder *b, const struct rules_vector *events, struct rules_ranges *ranges,
	rules_key *starts, uint32_t *rows)
{
	rows[0] = rules_rows_keep(&b->rows);
	for (uint32_t i = 0; i < events->count;) {
		rules_key key = RULES_AT(*events, struct event, i)->key;
		uint32_t row;

		for (; i < events->count && RULES_AT(*events, struct event, i)->key == key; i++) {
			const struct event *event = RULES_AT(*events, struct event, i);

			if (event->ends)
				rules_rows_lower(&b->rows, event->atom);
			else
				rules_rows_raise(&b->rows, event->atom);
		}
		row = rules_rows_keep(&b->rows);
		if (row == rows[ranges->count])
			continue;
		starts[ranges->count++] = key;
		rows[ranges->count] = row;
	}
}

int rules_build_ranges(struct rules_builder *b, struct rules_group group, struct rules_ranges *ranges)
{
	struct rules_vector events = {0};
	rules_key *starts;
	uint32_t *rows;
	int result = list_events(b, group, &events);

	if (result == 0) {
		starts = rules_take(b->rules, events.count * sizeof(*starts));
		rows = rules_take(b->rules, (events.count + 1) * sizeof(*rows));
		if (starts != NULL && rows != NULL)
			sweep(b, &events, ranges, starts, rows);
		else
			result = -ENOMEM;
		ranges->starts = starts;
		ranges->rows = rows;
	}
	rules_vector_free(&events);
	return result;
}

int rules_build_keys(struct rules_builder *b, struct rules_group group, struct rules_ranges *ranges)
{
	rules_rows_begin(&b->rows, group.atoms, group.count);
	ranges->otherwise = rules_rows_keep(&b->rows);
	return rules_build_ranges(b, group, ranges);
}
