/* SPDX-License-Identifier: Apache-2.0 */
#include "control/offline/trial_record.h"

#include <string.h>

#include "tables/type_plan.h"
#include "wire/json.h"

enum { GEO, CATEGORY, QUARANTINE };

/* The member's JSON text: a string with its quotes. */
static struct slice text_of(const struct json_member *member)
{
	uint32_t quote = member->kind == JSON_STRING;

	if (member->kind == JSON_ABSENT)
		return (struct slice){NULL, 0};
	return (struct slice){member->value.data - quote, member->value.len + 2 * quote};
}

static void read_why(struct slice value, char *out, uint32_t size)
{
	struct json_object object;
	struct json_plan plan;
	uint32_t offset = 0;
	int len;

	(void)json_plan_init(&plan, 0);
	(void)json_plan_add(&plan, "why");
	if (json_next(&plan, value.data, value.len, &offset, &object) != JSON_FOUND ||
		object.members[0].kind != JSON_STRING)
		return;
	len = json_unescape(object.members[0].value, (uint8_t *)out, size - 1);
	out[len > 0 ? len : 0] = '\0';
}

void trial_record_read(const struct record *record, int trusted, unsigned enrich, struct trial_verdict *verdict)
{
	struct json_object object;
	struct json_plan plan;
	uint32_t offset = 0;

	(void)json_plan_init(&plan, trusted);
	(void)json_plan_add(&plan, "geo");
	(void)json_plan_add(&plan, "category");
	(void)json_plan_add(&plan, "quarantine");
	if (json_next(&plan, record->value.data, record->value.len, &offset, &object) != JSON_FOUND)
		return;
	if (enrich & TYPE_GEO)
		verdict->geo = text_of(&object.members[GEO]);
	if (enrich & TYPE_CATEGORY)
		verdict->category = text_of(&object.members[CATEGORY]);
	if (verdict->outcome == TRIAL_QUARANTINED && object.members[QUARANTINE].kind == JSON_OBJECT)
		read_why(object.members[QUARANTINE].value, verdict->reason, sizeof(verdict->reason));
}

void trial_find_lack(const struct type_plan *plan, struct slice body, int trusted, struct trial_verdict *verdict)
{
	struct json_member members[JSON_PATHS];
	struct json_object object;
	struct json_plan none;
	uint32_t offset = 0;

	(void)json_plan_init(&none, trusted);
	if (plan == NULL || plan->paths == NULL ||
		json_next(&none, body.data, body.len, &offset, &object) != JSON_FOUND ||
		json_paths_find(plan->paths, &object, members) != 0)
		return;
	for (unsigned i = 0; i < plan->required_count; i++) {
		const struct required *required = &plan->required[i];
		const uint8_t *object_at = memchr(required->why.data, '{', required->why.len);

		if ((required->kinds >> members[required->path].kind & 1) != 0)
			continue;
		read_why((struct slice){object_at, required->why.len - (uint32_t)(object_at - required->why.data)},
			verdict->detail, sizeof(verdict->detail));
		return;
	}
}
