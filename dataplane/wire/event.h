/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * An event as a decoder finds it in a datagram: where its bytes are and the members that the worker needs. Nothing is
 * copied; slices point into the datagram and live as long as it does.
 */

#include <stdint.h>

#include "base/slice.h"

enum event_body {
	BODY_JSON, /* one JSON object, ends with '}'; identity is appended as a member */
	BODY_RAW,  /* bytes as they came; never touched */
};

struct event {
	struct slice body;
	struct slice key;      /* partition key's text, absent when none */
	struct slice reserved; /* member the sender already had under a name that we append, to be cut: from the first quote
				  of its name to the end of its value; absent when none */
	int64_t time_us;       /* event time, UTC µs since 1970; EVENT_NO_TIME when the event has none */
	uint32_t type;         /* index into the table of types */
	uint8_t body_kind;     /* enum event_body */
	uint8_t empty;         /* the JSON object has no member (beside `reserved`): no comma before ours */
	uint8_t time_in_us;    /* the body says its time as integer µs itself */
};

#define EVENT_NO_TIME INT64_MIN
