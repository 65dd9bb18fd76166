/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * An event as a decoder finds it in a datagram: where its bytes are and the members that the worker needs. Nothing is
 * copied; slices point into the datagram and live as long as it does. A decoder sets each field, but those of which it is
 * said when they count.
 */

#include <stdint.h>

#include "base/slice.h"
#include "wire/address.h"

#define EVENT_CUTS   4 /* members that give way to ours */
#define EVENT_EXTRAS 3 /* fragments that are appended */

/* What few events are. */
enum event_form {
	FORM_RAW = 1,          /* records carry the body as it came */
	FORM_RECEIVE_TIME = 2, /* where a topic's records have a time of their own, this one's is when the event came ... */
	FORM_EVENT_TIME = 4,   /* ... or when it happened, if the event says so, whatever stands for it besides */
	FORM_ASIDE = 8,        /* it lacks what its type requires, or a rule put it aside */
	FORM_LONG_KEY = 16,    /* it is without its key, which is too long */
	FORM_TIMED = FORM_RECEIVE_TIME | FORM_EVENT_TIME,
};

/* Where an event goes and with what: as its type says, until a rule says otherwise. Eight bytes, copied as one. */
struct event_way {
	uint16_t topic; /* index into the topic table */
	uint16_t copy;  /* 1 + the topic that gets a copy of the record; 0: none */
	uint8_t enrich; /* what it gets (tables/types.h) */
	uint8_t extra_count;
	uint8_t form;   /* enum event_form, or-ed */
	uint8_t pack;   /* events a record; 0 and 1: one */
};

struct event {
	struct slice body;
	struct slice key;    /* partition key's text, absent when none */
	int64_t time_us;     /* event time, UTC µs since 1970; EVENT_NO_TIME when the event has none */
	uint32_t type;       /* slot of its type */
	struct event_way way;
	uint8_t empty;       /* the JSON object has no member beside those that are cut: no comma before ours */
	uint8_t time_in_us;  /* the body says its time as integer µs itself */
	uint8_t cut_count;
	uint8_t has_client, has_item, item_is_number; /* these and what follows: when it is enriched or judged */
	struct ip_address client;    /* client address, when has_client */
	struct slice item;   /* item key, when has_item and not item_is_number */
	uint64_t item_number;
	struct slice extras[EVENT_EXTRAS]; /* members as text, each with a comma before it; 64 bytes behind may be read */
	struct slice cuts[EVENT_CUTS];     /* from the first quote of the name to the end of the value */
};

#define EVENT_NO_TIME INT64_MIN
