/* SPDX-License-Identifier: Apache-2.0 */
#include "control/offline/sample.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/compiler.h"
#include "wire/event_time.h"
#include "wire/json.h"

#define RECEIVE_LIMIT INT64_C(7258118400000000) /* 2200-01-01: the clock counts nanoseconds */

enum { EVENT, EXPECT, RECEIVE, SOURCE, NAMES };

static const char *const names[NAMES] = {"event", "expect", "receive", "source"};

static int is_blank(struct slice line)
{
	for (uint32_t i = 0; i < line.len; i++)
		if (strchr(" \t\r\n", line.data[i]) == NULL || line.data[i] == '\0')
			return 0;
	return 1;
}

/* 0 when the line is an event, or -EINVAL. One with event and expect was not meant as one, nor was one without a type whose
 * event is an object: what is expected of it would not be looked at. */
static int is_event(const struct json_object *object, int type_place, const char *type, struct error *error)
{
	int has_type = type_place >= 0 && type_place != EVENT && object->members[type_place].kind != JSON_ABSENT;

	if (object->members[EXPECT].kind != JSON_ABSENT)
		return error_set(error, -EINVAL,
			"an object with event and expect holds others, or one of them twice; expected "
			"event, expect, receive and source alone");
	if (object->members[EVENT].kind == JSON_OBJECT && !has_type)
		return error_set(error, -EINVAL,
			"event has no %s beside it, and the object has another member, or one of them twice; expected event, "
			"expect, receive and source alone: correct it, or wrap the event as {\"event\": EVENT}", type);
	return 0;
}

/* 1 when the line is an object of our members only, with an event among them; 0 when it is an event itself. */
static int is_wrapped(struct slice line, const char *type, struct json_object *object, struct error *error)
{
	struct json_object behind;
	struct json_plan plan;
	uint32_t offset = 0, ours = 0;
	int type_place;

	(void)json_plan_init(&plan, 0);
	for (unsigned i = 0; i < NAMES; i++)
		(void)json_plan_add(&plan, names[i]);
	type_place = json_plan_add(&plan, type);
	if (json_next(&plan, line.data, line.len, &offset, object) != JSON_FOUND)
		return 0;
	for (unsigned i = 0; i < NAMES; i++)
		ours += object->members[i].kind != JSON_ABSENT;
	if (object->members[EVENT].kind == JSON_ABSENT)
		return 0;
	if (ours != object->member_count)
		return is_event(object, type_place, type, error);
	if (json_next(&plan, line.data, line.len, &offset, &behind) != JSON_END)
		return error_set(error, -EINVAL, "more than one object in the line, or something behind it; expected one a line");
	return 1;
}

static int take_event(struct sample *sample, const struct json_member *member, struct error *error)
{
	int len;

	sample->event.body = member->value;
	if (member->kind == JSON_OBJECT)
		return 0;
	if (member->kind != JSON_STRING)
		return error_set(error, -EINVAL, "event is neither an object nor a string");
	sample->text = malloc(member->value.len + 1);
	if (sample->text == NULL)
		return error_set(error, -ENOMEM, "no memory");
	len = json_unescape(member->value, sample->text, member->value.len + 1);
	sample->event.body = (struct slice){sample->text, len > 0 ? (uint32_t)len : 0};
	return 0;
}

static int take_receive(struct sample *sample, const struct json_member *member, struct error *error)
{
	int is_us;

	if (member->kind == JSON_ABSENT)
		return 0;
	sample->event.has_receive = 1;
	if ((member->kind == JSON_STRING || member->kind == JSON_NUMBER) &&
		event_time_parse(member->value, member->kind == JSON_STRING, &sample->event.receive_us, &is_us) == 0 &&
		sample->event.receive_us < RECEIVE_LIMIT)
		return 0;
	return error_set(error, -EINVAL,
		"receive is no time before 2200: expected one such as "
		"\"2026-01-31T12:00:00Z\", or a number of microseconds since 1970");
}

static int take_source(struct sample *sample, const struct json_member *member, struct error *error)
{
	if (member->kind == JSON_ABSENT)
		return 0;
	if (member->kind == JSON_STRING && address_parse(member->value, &sample->event.source) == 0)
		return 0;
	return error_set(error, -EINVAL, "source is no address: expected one such as \"10.0.0.1\" or \"2001:db8::1\"");
}

int sample_read(struct sample *sample, struct slice line, const char *type, struct error *error)
{
	struct json_object object;
	int rc;

	*sample = (struct sample){.event = {.body = line, .source = address_of_v4(0x7f000001)}};
	if (is_blank(line))
		return 1;
	rc = is_wrapped(line, type, &object, error);
	if (rc <= 0)
		return rc;
	if (object.members[EXPECT].kind != JSON_ABSENT && object.members[EXPECT].kind != JSON_OBJECT)
		return error_set(error, -EINVAL, "expect is no object");
	sample->expect = object.members[EXPECT].value;
	rc = take_event(sample, &object.members[EVENT], error);
	if (rc == 0)
		rc = take_receive(sample, &object.members[RECEIVE], error);
	return rc == 0 ? take_source(sample, &object.members[SOURCE], error) : rc;
}

void sample_fini(struct sample *sample)
{
	free(sample->text);
}
