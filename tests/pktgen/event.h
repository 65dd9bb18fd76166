/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Events: number N of a stream is a pure function of the settings below and N, so any reader can make it again.
 *
 * An event is one JSON object of 100 to 2,000 bytes. These members are in every event: `type`, `ts` (its form belongs
 * to the type: epoch s, ms or µs as integer, or RFC 3339), `ip` (v4 or v6), `eid` (N as integer, unique) and `crc`;
 * `item` and `user` are in most. The order of members, the optional ones, their spacing and the text that fills the
 * event vary.
 *
 * `crc` is a string of eight lower-case hexadecimal digits: the CRC-32 (zlib's) of the event's bytes with those eight
 * digits taken as '0' and every line feed taken as a space (which is what Penstock makes of line breaks).
 */

#include <stdint.h>

#include "types.h"
#include "wire/datagram.h"

#define EVENT_BODY_MAX 2000
#define EVENT_BODY_MIN 100
#define EVENT_SLACK    64 /* bytes after the body that event_make may overwrite */

enum event_preset { PRESET_MIX512, PRESET_MIX225 };

struct event_settings {
	uint64_t seed;
	uint32_t types; /* how many, 1 to TYPES_MAX; frequency by Zipf's law with exponent 1 */
	enum event_preset preset;
	int64_t time_base_us;    /* time of event 0, UTC µs since 1970 */
	uint32_t time_step_us;   /* from one event to the next; each is up to a second early, at random */
	uint32_t pretty_percent; /* of events that are printed over several lines */
	uint32_t body_max;       /* largest body, EVENT_BODY_MIN + 100 to EVENT_BODY_MAX */
};

struct generated {
	uint64_t number; /* N, the event's `eid` */
	int64_t time_us; /* before it was cut to the precision of `ts` */
	uint64_t item;   /* valid when has_item */
	struct address client;
	uint32_t type;   /* rank, 0 is the most frequent */
	uint32_t len;    /* of the body */
	uint32_t crc_at; /* where the eight digits of `crc` begin in the body */
	uint8_t has_item;
	uint8_t pretty; /* the body has line feeds */
};

struct event_maker;

/* Checks the settings and makes the tables (about 100 KiB). Returns 0, -EINVAL or -ENOMEM. Free with event_maker_free.
 */
int event_maker_new(struct event_maker **maker, const struct event_settings *settings);

/* NULL is fine. */
void event_maker_free(struct event_maker *maker);

/*
 * Writes the body of event `number` to `body`, which has EVENT_BODY_MAX + EVENT_SLACK places, and describes it in
 * `event`. With `one_line` line feeds are written as spaces: the form in which readers find it. Any thread, one maker
 * may serve several.
 */
void event_make(const struct event_maker *maker, uint64_t number, int one_line, uint8_t *body, struct generated *event);

/* CRC-32 of a body as `crc` and the truth file mean it: line feeds count as spaces. Any thread. */
uint32_t event_crc(const struct generated *event, const uint8_t *body);

/* The settings it was made with. */
const struct event_settings *event_settings_of(const struct event_maker *maker);
