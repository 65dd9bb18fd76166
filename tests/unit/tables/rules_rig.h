/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Events for rules, from JSON by the real scanner, and what is asked of them. Everything is in exact heap blocks. */

#include <stdlib.h>
#include <string.h>

#include "tables/rules.h"
#include "wire/event.h"

#define RIG_MEMBERS 64

struct rig_event {
	uint8_t *json;
	struct json_member members[RULES_PATHS];
	struct rules_event event;
};

/* The member `name` of the object, as the scanner finds it. */
static inline struct json_member rig_member(struct slice object, const char *name)
{
	struct json_plan plan;
	struct json_object found;
	uint32_t offset = 0;

	assert_int_equal(json_plan_init(&plan, 0), 0);
	assert_int_equal(json_plan_add(&plan, name), 0);
	assert_int_equal(json_next(&plan, object.data, object.len, &offset, &found), JSON_FOUND);
	return found.members[0];
}

static inline struct json_member rig_path(struct slice object, const char *path)
{
	char name[RULES_PATH_MAX + 1];
	struct json_member member = {.kind = JSON_ABSENT};

	while (rules_path_part(&path, name) > 0) {
		member = rig_member(object, name);
		if (*path == '\0')
			return member;
		if (member.kind != JSON_OBJECT)
			return (struct json_member){.kind = JSON_ABSENT};
		object = member.value;
	}
	return member;
}

static inline void rig_event_make(struct rig_event *rig, const char *json, const struct rules_paths *paths)
{
	uint32_t len = (uint32_t)strlen(json);

	memset(rig, 0, sizeof(*rig));
	rig->json = malloc(len);
	assert_non_null(rig->json);
	memcpy(rig->json, json, len);
	for (unsigned i = 0; i < paths->count; i++)
		rig->members[i] = rig_path((struct slice){rig->json, len}, paths->names[i]);
	rig->event =
		(struct rules_event){.members = rig->members, .time_us = EVENT_NO_TIME, .receive_us = 1700000000000000};
}

static inline void rig_event_free(struct rig_event *rig)
{
	free(rig->json);
	rig->json = NULL;
}
