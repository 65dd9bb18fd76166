/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>

#include "base/fault.h"
#include "wire/event_time.h"
#include "worker/worker_priv.h"

#define TIME_TEXT_MAX 64 /* bytes of an event time that is written with escapes */

enum worker_event_drop json_drop(int result)
{
	switch (result) {
	case JSON_BAD_UTF8:
		return EVENT_DROP_json_utf8;
	case JSON_TOO_DEEP:
		return EVENT_DROP_json_depth;
	case JSON_TOO_MANY:
		return EVENT_DROP_json_members;
	case JSON_TRUNCATED:
		return EVENT_DROP_json_truncated;
	case JSON_NOT_OBJECT:
		return EVENT_DROP_json_not_object;
	default:
		return EVENT_DROP_json_syntax;
	}
}

static const struct json_member *member_at(const struct json_object *object, int index)
{
	if (index < 0 || object->members[index].kind == JSON_ABSENT)
		return NULL;
	return &object->members[index];
}

static int type_of(const struct worker *worker, const struct json_member *member, struct slice in, uint32_t *type)
{
	__attribute__((uninitialized)) uint8_t plain[TYPE_NAME_MAX + 1];
	struct slice name;

	if (member == NULL || member->kind != JSON_STRING)
		return 1 + EVENT_DROP_type_missing;
	name = member->value;
	if (UNLIKELY(member->escaped)) {
		int len = json_unescape(name, plain, sizeof(plain));

		name = (struct slice){plain, len < 0 ? sizeof(plain) : (uint32_t)len};
		in = (struct slice){plain, sizeof(plain)};
	}
	*type = type_by_name(worker->generation->type_index, name, in);
	return *type == TYPE_NONE ? 1 + EVENT_DROP_type_unknown : 0;
}

static struct slice key_text(struct worker *worker, const struct json_member *member)
{
	int len;

	if (LIKELY(!member->escaped))
		return member->value;
	worker->scratch_used = 1;
	len = json_unescape(member->value, worker->key, sizeof(worker->key));
	return (struct slice){worker->key, len < 0 ? WORKER_KEY_MAX + 1 : (uint32_t)len};
}

void worker_key(struct worker *worker, const struct json_member *member, struct event *event)
{
	event->key = (struct slice){NULL, 0};
	event->way.form &= (uint8_t)~FORM_LONG_KEY;
	if (member == NULL || member->kind == JSON_NULL)
		return;
	event->key = key_text(worker, member);
	if (LIKELY(event->key.len <= WORKER_KEY_MAX))
		return;
	event->key = (struct slice){NULL, 0};
	event->way.form |= FORM_LONG_KEY;
}

/* 2020-01-01T00:00:00\u002B00:00, as some libraries write it. */
static __attribute__((cold, noinline)) int time_of_escaped(struct slice value, int64_t *time_us, int *is_us)
{
	uint8_t text[TIME_TEXT_MAX];
	int len = json_unescape(value, text, sizeof(text));

	return len < 0 ? -EINVAL : event_time_parse((struct slice){text, (uint32_t)len}, 1, time_us, is_us);
}

static int parse_time(const struct json_member *member, int64_t *time_us, int *is_us)
{
	if (UNLIKELY(member->escaped))
		return time_of_escaped(member->value, time_us, is_us);
	return event_time_parse(member->value, member->kind == JSON_STRING, time_us, is_us);
}

static void time_of(const struct json_member *member, struct event *event)
{
	int is_us = 0;

	event->time_us = EVENT_NO_TIME;
	event->time_in_us = 0;
	if (member == NULL || (member->kind != JSON_STRING && member->kind != JSON_NUMBER))
		return;
	if (parse_time(member, &event->time_us, &is_us) != 0) {
		event->time_us = EVENT_NO_TIME;
		return;
	}
	event->time_in_us = (uint8_t)is_us;
}

/* A member under a name of ours gives way, where the record gets ours. 0, or 1 + the event's drop reason. */
static __attribute__((noinline)) int cut(struct event *event, const struct json_member *ours)
{
	if ((event->way.form & FORM_RAW) != 0)
		return 0;
	if (ours->duplicate)
		return 1 + EVENT_DROP_reserved_twice;
	event->cuts[event->cut_count++] = ours->whole;
	return 0;
}

static int cut_if(struct event *event, const struct json_member *ours)
{
	return UNLIKELY(ours != NULL) ? cut(event, ours) : 0;
}

static int cut_ours(const struct input_plan *plan, const struct json_object *object, struct event *event)
{
	int drop;

	event->cut_count = 0;
	drop = cut_if(event, member_at(object, plan->ingest));
	if (event->way.enrich & TYPE_GEO)
		drop |= cut_if(event, member_at(object, plan->geo));
	if (event->way.enrich & TYPE_CATEGORY)
		drop |= cut_if(event, member_at(object, plan->category));
	event->empty = object->member_count == event->cut_count;
	return drop;
}

/* No address has a backslash; but its characters may be written with some. */
static __attribute__((cold, noinline)) void client_of_escaped(const struct json_member *member, struct event *event)
{
	uint8_t text[ADDRESS_TEXT_MAX];
	int len = member->escaped ? json_unescape(member->value, text, sizeof(text)) : -1;

	event->has_client = len > 0 && address_parse((struct slice){text, (uint32_t)len}, &event->client) == 0;
}

static void client_of(const struct json_member *member, struct event *event)
{
	if (member == NULL || member->kind != JSON_STRING)
		event->has_client = 0;
	else if (LIKELY(address_parse(member->value, &event->client) == 0))
		event->has_client = 1;
	else
		client_of_escaped(member, event);
}

static void item_of(struct worker *worker, const struct json_member *member, struct event *event)
{
	int len;

	event->item_is_number = 0;
	if (member == NULL || (member->kind != JSON_STRING && member->kind != JSON_NUMBER)) {
		event->has_item = 0;
		return;
	}
	event->has_item = 1;
	event->item = member->value;
	if (LIKELY(!member->escaped))
		return;
	worker->scratch_used = 1;
	len = json_unescape(member->value, worker->item, sizeof(worker->item));
	event->item = (struct slice){worker->item, len < 0 ? 0 : (uint32_t)len};
	event->has_item = len >= 0;
}

ALWAYS_INLINE int fill(struct worker *worker, const struct input_plan *plan, const struct json_object *object, struct event *event)
{
	int drop = cut_ours(plan, object, event);

	if (UNLIKELY(drop != 0))
		return drop;
	event->body = object->body;
	event->key = (struct slice){NULL, 0};
	if (UNLIKELY(plan->key >= 0))
		worker_key(worker, member_at(object, plan->key), event);
	return 0;
}

int event_from_json(struct worker *worker, const struct input_plan *plan, const struct json_object *object,
	struct event *event)
{
	return fill(worker, plan, object, event);
}

static int event_of(struct worker *worker, const struct input_plan *plan, const struct datagram *datagram,
	struct json_object *object, struct event *event)
{
	__attribute__((uninitialized)) uint32_t slot;
	int drop = type_of(worker, member_at(object, plan->type), (struct slice){datagram->data, datagram->len}, &slot);
	const struct type_plan *asked;

	if (UNLIKELY(drop != 0))
		return drop;
	event_begin(worker, event, slot);
	drop = fill(worker, plan, object, event);
	time_of(member_at(object, plan->time), event);
	asked = worker->generation->types->types[slot].plan;
	if (event->way.enrich != 0 || asked != NULL) {
		client_of(member_at(object, plan->client), event);
		item_of(worker, member_at(object, plan->item), event);
	}
	if (asked != NULL && drop == 0)
		drop = worker_judge(worker, asked, datagram, event, object);
	if (UNLIKELY(drop > 0))
		counter_add(&worker->counters->types[slot].dropped, 1);
	return drop;
}

int decode_json(struct worker *worker, const struct input_plan *plan, const struct datagram *datagram)
{
	__attribute__((uninitialized)) struct json_object object;
	uint32_t offset = 0;
	int any = 0, result, drop;

	do {
		result = json_next(&plan->plan, datagram->data, datagram->len, &offset, &object);
		if (UNLIKELY(result == JSON_END))
			break;
		any = 1;
		worker->burst.found++;
		if (FAULT("worker_decode"))
			continue;
		drop = result < 0 ? 1 + (int)json_drop(result) : event_of(worker, plan, datagram, &object, stage_next(worker));
		if (LIKELY(drop == 0))
			stage_keep(worker);
		else if (drop > 0)
			event_drop(worker, (enum worker_event_drop)(drop - 1));
	} while (offset < datagram->len);
	return any ? 0 : 1 + DATAGRAM_DROP_no_event;
}
