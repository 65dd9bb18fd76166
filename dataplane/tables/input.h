/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * An input: a UDP port and how to read what arrives there. Filled by control at the start, const from then on. What of an
 * event is looked for follows from the input and from the tables of a generation (input_plan.h).
 */

#include <stdint.h>

#define MEMBER_MAX 63 /* bytes of a member's name */

enum input_format { INPUT_JSON, INPUT_FRAME, INPUT_RAW };

struct input {
	uint16_t port;     /* UDP destination port, host byte order */
	uint8_t format;    /* enum input_format */
	uint8_t trusted;   /* structure of JSON bodies is not validated: the sender vouches for it */
	uint32_t raw_type; /* raw: the slot of every event's type; else TYPE_NONE */
	char type_member[MEMBER_MAX + 1]; /* json: which member holds what; "" is none */
	char time_member[MEMBER_MAX + 1];
	char key_member[MEMBER_MAX + 1];    /* partition key; frames: read from the body when not "" */
	char client_member[MEMBER_MAX + 1]; /* client address, for geo and rules */
	char item_member[MEMBER_MAX + 1];   /* item key, for the category */
};
