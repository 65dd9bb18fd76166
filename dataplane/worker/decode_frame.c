/* SPDX-License-Identifier: Apache-2.0 */
#include <emmintrin.h>

#include "wire/frame.h"
#include "worker/sources.h"
#include "worker/worker_priv.h"

/* Drops `count` events of a frame for one reason, which wire/frame.h names by a negative number. */
static void drop_frame_events(struct worker *worker, int error, unsigned count)
{
	counter_add(&worker->counters->event_drops[EVENT_DROP_FRAME - error - 1], count);
}

/* Whether there is only white space in [at, end). One look at 16 bytes tells for most bodies, wherever their first member is. */
ALWAYS_INLINE int is_empty(const uint8_t *at, const uint8_t *end)
{
	if (LIKELY(end - at >= 16)) {
		__m128i bytes = _mm_loadu_si128((const __m128i *)(const void *)at);

		if (LIKELY(_mm_movemask_epi8(_mm_cmpgt_epi8(bytes, _mm_set1_epi8(' '))) != 0))
			return 0;
	}
	while (at < end && (*at == ' ' || *at == '\t' || *at == '\n' || *at == '\r'))
		at++;
	return at == end;
}

/* A sender whose structure is trusted vouches that the body is one JSON object without a member of our name; only what would
 * break our own output is looked at. Copying as if there were line breaks costs less than looking for them first. */
ALWAYS_INLINE int body_trusted(struct slice body, struct event *event)
{
	const uint8_t *at = body.data, *end = body.data + body.len;

	if (UNLIKELY(body.len < 2 || at[0] != '{' || end[-1] != '}'))
		return 1 + EVENT_DROP_frame_body;
	*event = (struct event){.body = body, .body_kind = BODY_JSON};
	event->empty = (uint8_t)is_empty(at + 1, end - 1);
	return 0;
}

static int body_scanned(struct worker *worker, const struct input_plan *plan, struct slice body, struct event *event)
{
	__attribute__((uninitialized)) struct json_object object, more;
	uint32_t offset = 0;
	int result = json_next(&plan->plan, body.data, body.len, &offset, &object);

	if (UNLIKELY(result == JSON_END))
		return 1 + EVENT_DROP_frame_body;
	if (UNLIKELY(result < 0))
		return 1 + (int)json_drop(result);
	if (UNLIKELY(offset != body.len && json_next(&plan->plan, body.data, body.len, &offset, &more) != JSON_END))
		return 1 + EVENT_DROP_frame_body;
	return event_from_json(worker, plan, &object, event);
}

ALWAYS_INLINE int event_of(struct worker *worker, const struct input_plan *plan, const struct frame_event *found,
	struct event *event)
{
	uint32_t type = type_by_id(worker->generation->type_index, found->type_id);
	int drop;

	if (UNLIKELY(type == TYPE_NONE))
		return 1 + EVENT_DROP_type_unknown;
	if (worker->generation->types.types[type].raw) {
		*event = (struct event){.body = found->body, .body_kind = BODY_RAW};
		drop = 0;
	} else if (plan->input->trusted && plan->key < 0) {
		drop = body_trusted(found->body, event);
	} else {
		drop = body_scanned(worker, plan, found->body, event);
	}
	event->type = type;
	event->time_us = found->time_us;
	event->time_in_us = 0;
	if (UNLIKELY(drop != 0))
		counter_add(&worker->counters->types[type].dropped, 1);
	return drop;
}

static void decode_events(struct worker *worker, const struct input_plan *plan, const struct datagram *datagram,
	const struct frame_header *header, uint32_t offset)
{
	__attribute__((uninitialized)) struct frame_event found;
	__attribute__((uninitialized)) struct event event;

	worker->burst.found += header->event_count;
	for (unsigned i = 0; i < header->event_count; i++) {
		uint32_t before = offset;
		int error = frame_event_find(datagram->data, header->end, &offset, &found), drop;

		if (UNLIKELY(error != 0 && offset == before)) {
			drop_frame_events(worker, error, header->event_count - i);
			return;
		}
		if (UNLIKELY(error != 0)) {
			drop_frame_events(worker, error, 1);
			continue;
		}
		drop = event_of(worker, plan, &found, &event);
		if (LIKELY(drop == 0))
			worker_emit(worker, &event);
		else
			event_drop(worker, (enum worker_event_drop)(drop - 1));
	}
	if (UNLIKELY(frame_finish(header, offset) != 0)) {
		worker->burst.found++;
		drop_frame_events(worker, frame_finish(header, offset), 1);
	}
}

int decode_frame(struct worker *worker, const struct input_plan *plan, const struct datagram *datagram)
{
	__attribute__((uninitialized)) struct frame_header header;
	uint32_t offset = 0;
	int error = frame_header_get(datagram->data, datagram->len, &header, &offset);

	if (UNLIKELY(error != 0))
		return 1 + DATAGRAM_DROP_FRAME - error - 1;
	sources_note(worker->config.sources, &datagram->source, &header, worker->burst.tsc);
	decode_events(worker, plan, datagram, &header, offset);
	return 0;
}
