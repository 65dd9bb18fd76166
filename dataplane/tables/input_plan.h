/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* What is looked for in the events of an input; made for each generation, const from then on. */

#include "tables/input.h"
#include "wire/json.h"

/* Indexes in json_object.members, -1: not asked for. */
struct input_plan {
	struct json_plan plan;
	int type, time, key, client, item;
	int ingest, geo, category; /* members that give way to ours */
	const struct input *input;
};

enum input_wants { INPUT_WANTS_CLIENT = 1, INPUT_WANTS_ITEM = 2, INPUT_WANTS_GEO = 4, INPUT_WANTS_CATEGORY = 8 };

/* `wants`: enum input_wants, or-ed. 0 or -EINVAL (a name is too long). Control thread. */
int input_plan_init(struct input_plan *plan, const struct input *input, unsigned wants);
