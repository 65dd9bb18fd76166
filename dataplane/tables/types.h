/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Event types, and finding one by the name that JSON events carry or by the id that frames carry: two small hash tables,
 * built once, read by every worker. A look-up costs the same for 6 types as for 600.
 *
 * A type has a slot, an index that stays its own while the daemon runs, whatever types are added or removed: counters and
 * what is on its way go by it.
 */

#include <stdint.h>

#include "base/slice.h"
#include "wire/event.h"

#define TYPE_MAX      1024 /* event types of one box, removed ones among them */
#define TYPE_NAME_MAX 63
#define RULE_NAME_MAX 63
#define TYPE_NONE     UINT32_MAX
#define TYPE_TOPICS   1024 /* topics that types may name */

struct type_plan; /* type_plan.h */

#define TOPIC_OWN  UINT16_MAX /* of a rule: the type's own topic; of a quarantine: none */
#define RULE_SLOTS 4096       /* rules of all types that were in force since the start */

enum type_enrich { TYPE_GEO = 1, TYPE_CATEGORY = 2 };

struct event_type {
	char name[TYPE_NAME_MAX + 1];
	uint32_t id;      /* as frames name it; unique among those that live */
	uint8_t removed;  /* the configuration does not name it any more: no event has it */
	struct event_way way; /* of its events, if no rule says otherwise; enrich: enum type_enrich, or-ed */
	struct type_plan *plan; /* what is asked of its events; NULL: nothing */
};

struct event_types {
	unsigned count;
	uint32_t unknown; /* slot of the type that unknown events take, or TYPE_NONE: they are a named drop */
	uint64_t time_back_us, time_ahead_us; /* how far the time of a record may lie from the box's */
	uint64_t timed[TYPE_TOPICS / 64];     /* by topic: its records have a time of their own (timed.h) */
	struct event_type types[TYPE_MAX]; /* by slot */
};

struct type_index;

/* Builds the tables over `types`, which must outlive them; removed ones are not found. NULL with errno set. Control thread. */
struct type_index *type_index_new(const struct event_types *types);

/* NULL is fine. */
void type_index_free(struct type_index *index);

/* The type's slot, or the one for unknown types, which may be TYPE_NONE. `in`: bytes that may be read, the name (of any length)
 * among them. Any thread. */
uint32_t type_by_name(const struct type_index *index, struct slice name, struct slice in);
uint32_t type_by_id(const struct type_index *index, uint32_t id);
