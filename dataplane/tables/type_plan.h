/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * What is asked of the events of one type: which members are looked at, which of them it must have, and its rules with what
 * they do. Made by control for each generation, const from then on.
 */

#include <stdint.h>

#include "base/slice.h"
#include "tables/rules.h"
#include "tables/types.h"
#include "wire/json_paths.h"

#define REQUIRED_MAX   32   /* members that a type may require */

enum rule_do { RULE_KEEP, RULE_DROP, RULE_SAMPLE, RULE_QUARANTINE };

struct rule_action {
	uint8_t what;       /* enum rule_do */
	uint16_t slot;      /* of its counters; a rule of the same type and name keeps it */
	uint16_t topic;     /* where events go that stay, or TOPIC_OWN */
	uint16_t copy;      /* 1 + the topic that gets a copy of them; 0: as the type says */
	uint32_t share;     /* sample: millionths that stay */
	int16_t by;         /* sample: the path of the member whose value decides */
	struct slice why;   /* quarantine: as `required` */
	char name[RULE_NAME_MAX + 1];
};

struct required {
	uint16_t path;
	uint16_t kinds;   /* a bit for each enum json_kind that is fine */
	struct slice why; /* `,"quarantine":{"type":"click","why":"..."}`; 64 bytes behind its end may be read */
};

enum type_key {
	TYPE_KEY_INPUT = -1,  /* as the input says */
	TYPE_KEY_NONE = -2,   /* none, whatever the input says */
	TYPE_KEY_SOURCE = -3, /* the sender's address, as text */
};

struct type_plan {
	struct json_paths *paths; /* NULL: no member is looked at */
	unsigned path_count;
	unsigned required_count;
	struct required required[REQUIRED_MAX];
	int16_t key;              /* path of the partition key, or one of enum type_key */
	uint16_t quarantine;      /* topic, or TOPIC_OWN: broken events are dropped */
	struct rules *rules;      /* NULL: all events stay */
	unsigned rule_count;
	struct rule_action *actions; /* by rule */
	char *texts;              /* what the slices point into */
};

/* NULL is fine. */
void type_plan_free(struct type_plan *plan);
