/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Events that stay wait for each other, so that their look-ups are done side by side: all lines are asked for before the first
 * is read.
 */
#include "worker/worker_priv.h"

static inline void append(struct event *event, struct slice fragment)
{
	event->extras[event->way.extra_count++] = fragment;
}

static void add_geo(struct worker *worker, const struct geo *geo)
{
	struct ip_address addresses[STAGE_EVENTS];
	uint32_t places[STAGE_EVENTS];
	uint8_t which[STAGE_EVENTS];
	unsigned count = 0;

	for (unsigned i = 0; i < worker->staged_count; i++) {
		struct event *event = &worker->staged[i];

		if ((event->way.enrich & TYPE_GEO) == 0)
			continue;
		if (event->has_client) {
			which[count] = (uint8_t)i;
			addresses[count++] = event->client;
		} else {
			append(event, geo_fragment(geo, GEO_UNKNOWN));
		}
	}
	if (count == 0)
		return;
	geo_find_burst(geo, addresses, count, places);
	for (unsigned i = 0; i < count; i++)
		geo_fragment_prefetch(geo, places[i]);
	for (unsigned i = 0; i < count; i++)
		append(&worker->staged[which[i]], geo_fragment(geo, places[i]));
}

static inline struct category_key key_of_item(const struct category *category, const struct event *event)
{
	return event->item_is_number ? category_key_number(category, event->item_number)
				     : category_key_text(category, event->item);
}

static void add_category(
	struct worker *worker, const struct category *category, const struct category_overlay *overlay)
{
	struct category_key keys[STAGE_EVENTS];
	uint8_t which[STAGE_EVENTS];
	unsigned count = 0;

	for (unsigned i = 0; i < worker->staged_count; i++) {
		struct event *event = &worker->staged[i];

		if ((event->way.enrich & TYPE_CATEGORY) == 0)
			continue;
		if (event->has_item) {
			keys[count] = key_of_item(category, event);
			category_view_prefetch(category, overlay, keys[count]);
			which[count++] = (uint8_t)i;
		} else {
			append(event, category_fragment(category, CATEGORY_UNKNOWN));
		}
	}
	for (unsigned i = 0; i < count; i++)
		append(&worker->staged[which[i]], category_view_find(category, overlay, keys[i]));
}

void stage_run(struct worker *worker)
{
	const struct generation *generation = worker->generation;

	if (generation->geo != NULL)
		add_geo(worker, generation->near_geo[worker->table_node]);
	if (generation->category != NULL)
		add_category(worker, generation->near_category[worker->table_node], generation->overlay);
	for (unsigned i = 0; i < worker->staged_count; i++)
		worker_emit(worker, &worker->staged[i]);
	worker->staged_count = 0;
	worker->scratch_used = 0;
}
