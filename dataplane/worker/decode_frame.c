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
	event->body = body;
	event->key = (struct slice){NULL, 0};
	event->cut_count = 0;
	event->empty = (uint8_t)is_empty(at + 1, end - 1);
	return 0;
}

static int body_scanned(struct worker *worker, const struct input_plan *plan, struct slice body, struct event *event,
	struct json_object *object)
{
	__attribute__((uninitialized)) struct json_object more;
	uint32_t offset = 0;
	int result = json_next(&plan->plan, body.data, body.len, &offset, object);

	if (UNLIKELY(result == JSON_END))
		return 1 + EVENT_DROP_frame_body;
	if (UNLIKELY(result < 0))
		return 1 + (int)json_drop(result);
	if (UNLIKELY(offset != body.len && json_next(&plan->plan, body.data, body.len, &offset, &more) != JSON_END))
		return 1 + EVENT_DROP_frame_body;
	return event_from_json(worker, plan, object, event);
}

ALWAYS_INLINE int body_raw(struct slice body, struct event *event)
{
	event->body = body;
	event->key = (struct slice){NULL, 0};
	event->cut_count = 0;
	event->way.enrich = 0;
	event->way.form |= FORM_RAW;
	return 0;
}

/* What the event's header says beside type and time. */
static void header_of(const uint8_t *at, struct frame_event *found, struct event *event)
{
	frame_event_keys(at, found);
	event->has_client = found->has_address;
	if (found->has_address)
		event->client = ip_of_address(&found->client);
	event->has_item = event->item_is_number = found->has_item;
	event->item_number = found->item;
}

/* An event whose body is looked into, or about which its type asks something. */
static __attribute__((noinline)) int event_judged(struct worker *worker, const struct input_plan *plan,
	const struct datagram *datagram, const struct type_plan *asked, struct slice body, struct event *event)
{
	__attribute__((uninitialized)) struct json_object object;
	int scan = !plan->input->trusted || plan->key >= 0 || (asked != NULL && asked->paths != NULL);
	int drop = scan ? body_scanned(worker, plan, body, event, &object) : body_trusted(body, event);

	if (asked != NULL && drop == 0)
		drop = worker_judge(worker, asked, datagram, event, scan ? &object : NULL);
	return drop;
}

ALWAYS_INLINE int event_of(struct worker *worker, const struct input_plan *plan, const struct datagram *datagram,
	const uint8_t *at, struct frame_event *found, struct event *event)
{
	uint32_t slot = type_by_id(worker->generation->type_index, found->type_id);
	const struct type_plan *asked;
	int drop;

	if (UNLIKELY(slot == TYPE_NONE))
		return 1 + EVENT_DROP_type_unknown;
	event_begin(worker, event, slot);
	event->time_us = found->time_us;
	event->time_in_us = 0;
	asked = worker->generation->types->types[slot].plan;
	if (event->way.enrich != 0 || asked != NULL)
		header_of(at, found, event);
	if (event->way.form & FORM_RAW)
		drop = body_raw(found->body, event);
	else if (LIKELY(asked == NULL && plan->input->trusted && plan->key < 0))
		drop = body_trusted(found->body, event);
	else
		drop = event_judged(worker, plan, datagram, asked, found->body, event);
	if (UNLIKELY(drop > 0))
		counter_add(&worker->counters->types[slot].dropped, 1);
	return drop;
}

static void decode_events(struct worker *worker, const struct input_plan *plan, const struct datagram *datagram,
	const struct frame_header *header, uint32_t offset)
{
	__attribute__((uninitialized)) struct frame_event found;

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
		drop = event_of(worker, plan, datagram, datagram->data + before, &found, stage_next(worker));
		if (LIKELY(drop == 0))
			stage_keep(worker);
		else if (drop > 0)
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
	if (over_quota(worker, datagram))
		return 1 + DATAGRAM_DROP_sender_quota;
	decode_events(worker, plan, datagram, &header, offset);
	return 0;
}
