/* SPDX-License-Identifier: Apache-2.0 */
#include "events.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "event.h"

static const char suffix[] = ",\"ingest\":[\"dc1a-6921b0c2-0-1f-3a9f7\",1763779650123456,489938,1,1763779650123456]}";

const struct bench_event *events_make(uint32_t count, uint32_t types, int ingest)
{
	const struct event_settings settings = {
		.seed = 1,
		.types = types,
		.preset = PRESET_MIX225,
		.time_base_us = (int64_t)time(NULL) * 1000000,
		.time_step_us = 1,
		.pretty_percent = 10,
		.body_max = 1400,
	};
	size_t room = EVENT_BODY_MAX + EVENT_SLACK + sizeof(suffix);
	struct bench_event *events = calloc(count, sizeof(*events));
	uint8_t *at = malloc(count * room);
	struct event_maker *maker;
	struct generated made;

	if (events == NULL || at == NULL || event_maker_new(&maker, &settings) != 0)
		return NULL;
	for (uint32_t i = 0; i < count; i++) {
		event_make(maker, i, 1, at, &made);
		if (ingest) {
			memcpy(at + made.len - 1, suffix, sizeof(suffix) - 1);
			made.len += (uint32_t)sizeof(suffix) - 2;
		}
		events[i] = (struct bench_event){at, made.len, made.type};
		at += made.len;
	}
	event_maker_free(maker);
	return events;
}
