/* SPDX-License-Identifier: Apache-2.0 */
#include "base/fault.h"
#include "wire/event_time.h"
#include "worker/worker_priv.h"

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

static int type_of(const struct worker *worker, const struct json_member *member, uint32_t *type)
{
	__attribute__((uninitialized)) uint8_t plain[TYPE_NAME_MAX + 1];
	struct slice name;

	if (member == NULL || member->kind != JSON_STRING)
		return 1 + EVENT_DROP_type_missing;
	name = member->value;
	if (UNLIKELY(member->escaped)) {
		int len = json_unescape(name, plain, sizeof(plain));

		name = (struct slice){plain, len < 0 ? sizeof(plain) : (uint32_t)len};
	}
	*type = type_by_name(worker->generation->type_index, name);
	return *type == TYPE_NONE ? 1 + EVENT_DROP_type_unknown : 0;
}

/* A key longer than the limit, or none, leaves the event without a key; numbers and the like key by their text. */
static struct slice key_of(struct worker *worker, const struct json_member *member)
{
	const struct slice none = {NULL, 0};
	int len;

	if (member == NULL || member->kind == JSON_NULL || member->value.len > WORKER_KEY_MAX)
		return none;
	if (LIKELY(!member->escaped))
		return member->value;
	len = json_unescape(member->value, worker->key, sizeof(worker->key));
	return len < 0 ? none : (struct slice){worker->key, (uint32_t)len};
}

static void time_of(const struct json_member *member, struct event *event)
{
	int is_us = 0;

	event->time_us = EVENT_NO_TIME;
	event->time_in_us = 0;
	if (member == NULL || (member->kind != JSON_STRING && member->kind != JSON_NUMBER))
		return;
	if (event_time_parse(member->value, member->kind == JSON_STRING, &event->time_us, &is_us) != 0) {
		event->time_us = EVENT_NO_TIME;
		return;
	}
	event->time_in_us = (uint8_t)is_us;
}

int event_from_json(struct worker *worker, const struct input_plan *plan, const struct json_object *object,
	struct event *event)
{
	const struct json_member *reserved = member_at(object, plan->ingest);

	if (UNLIKELY(reserved != NULL && reserved->duplicate))
		return 1 + EVENT_DROP_reserved_twice;
	event->body = object->body;
	event->body_kind = BODY_JSON;
	event->empty = object->member_count == (reserved != NULL ? 1 : 0);
	event->reserved = reserved != NULL ? reserved->whole : (struct slice){NULL, 0};
	event->key = key_of(worker, member_at(object, plan->key));
	return 0;
}

static int event_of(struct worker *worker, const struct input_plan *plan, const struct json_object *object,
	struct event *event)
{
	int drop = type_of(worker, member_at(object, plan->type), &event->type);

	if (UNLIKELY(drop != 0))
		return drop;
	drop = event_from_json(worker, plan, object, event);
	if (UNLIKELY(drop != 0)) {
		counter_add(&worker->counters->types[event->type].dropped, 1);
		return drop;
	}
	time_of(member_at(object, plan->time), event);
	return 0;
}

int decode_json(struct worker *worker, const struct input_plan *plan, const struct datagram *datagram)
{
	__attribute__((uninitialized)) struct json_object object;
	__attribute__((uninitialized)) struct event event;
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
		drop = result < 0 ? 1 + (int)json_drop(result) : event_of(worker, plan, &object, &event);
		if (LIKELY(drop == 0))
			worker_emit(worker, &event);
		else
			event_drop(worker, (enum worker_event_drop)(drop - 1));
	} while (offset < datagram->len);
	return any ? 0 : 1 + DATAGRAM_DROP_no_event;
}
