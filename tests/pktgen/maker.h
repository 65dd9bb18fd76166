/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Inside of the event maker: what maker.c prepares once and event.c reads for every event. Nobody else includes it. */

#include "event.h"
#include "render.h"
#include "text.h"

#define PIECE_MAX    192 /* bytes of a member made ahead */
#define OPTIONAL_MAX 24  /* optional members of a type */
#define CHUNK        32  /* pieces are copied in steps of this, so that many bytes beyond each may be read */

/* A member's text, made ahead. */
struct piece {
	uint16_t len;
	uint8_t bytes[PIECE_MAX + CHUNK];
};

/* The forms of one optional member: each choice with and without a space after its colon, or only names. */
struct optional {
	enum member_kind kind;
	uint32_t limit;
	unsigned forms;
	struct piece *form;
};

struct type_template {
	struct piece name[2]; /* the member `type` */
	enum time_form time_form;
	unsigned optional_count;
	uint16_t optional[OPTIONAL_MAX];
};

struct event_maker {
	struct event_settings settings;
	struct type_template *types;
	struct optional *optional;
	uint32_t *alias_limit; /* Vose's alias table: stay below it, else take alias */
	uint32_t *alias;
	struct text text;
};
