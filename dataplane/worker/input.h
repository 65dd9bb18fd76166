/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * What a worker has to know of the configuration: inputs (a UDP port and how to read what arrives there) and event types.
 * Filled by control, const while workers run.
 */

#include <stdint.h>

#include "batch/topic.h"

#define TYPE_MAX      1024 /* event types of one box */
#define TYPE_NAME_MAX 63
#define TYPE_NONE     UINT32_MAX
#define MEMBER_MAX    63 /* bytes of a member's name */

enum input_format { INPUT_JSON, INPUT_FRAME, INPUT_RAW };

struct input {
	uint16_t port;               /* UDP destination port, host byte order */
	uint8_t format;              /* enum input_format */
	uint8_t trusted;             /* structure of JSON bodies is not validated: the sender vouches for it */
	uint32_t raw_type;           /* raw: the type of every event; else TYPE_NONE */
	char type_member[MEMBER_MAX + 1]; /* json: which member holds what; "" is none */
	char time_member[MEMBER_MAX + 1];
	char key_member[MEMBER_MAX + 1]; /* partition key; frames: read from the body when not "" */
};

struct event_type {
	char name[TYPE_NAME_MAX + 1];
	uint32_t id;      /* as frames name it; unique */
	uint16_t topic;   /* index into the topic table */
	uint8_t raw;      /* records carry the body as it came */
};

struct event_types {
	unsigned count;
	uint32_t unknown; /* index of the type that unknown events take, or TYPE_NONE: they are a named drop */
	struct event_type types[TYPE_MAX];
};
