/* SPDX-License-Identifier: Apache-2.0 */
#include "tables/input_plan.h"

#include <errno.h>

static int add(struct json_plan *plan, int wanted, const char *name)
{
	return wanted && name[0] != '\0' ? json_plan_add(plan, name) : -1;
}

/* Frames name type, time, client and item themselves; of their bodies only the key and our own names are looked for. */
int input_plan_init(struct input_plan *plan, const struct input *input, unsigned wants)
{
	int json = input->format == INPUT_JSON, rc = json_plan_init(&plan->plan, input->trusted);

	plan->input = input;
	plan->type = add(&plan->plan, json, input->type_member);
	plan->time = add(&plan->plan, json, input->time_member);
	plan->key = add(&plan->plan, 1, input->key_member);
	plan->ingest = add(&plan->plan, 1, "ingest");
	plan->client = add(&plan->plan, json && (wants & INPUT_WANTS_CLIENT), input->client_member);
	plan->item = add(&plan->plan, json && (wants & INPUT_WANTS_ITEM), input->item_member);
	plan->geo = add(&plan->plan, (wants & INPUT_WANTS_GEO) != 0, "geo");
	plan->category = add(&plan->plan, (wants & INPUT_WANTS_CATEGORY) != 0, "category");
	return rc;
}
