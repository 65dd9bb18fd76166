/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Damage: changes to a datagram for which a reader must refuse it, under a name that it must give. */

#include "options.h"

/* The names are the drops that must result; frame_* as the frame reader names its errors. X(name) */
#define JSON_DAMAGES(X)                                                                                                \
	X(json_syntax)                                                                                                 \
	X(json_utf8)

#define FRAME_DAMAGES(X)                                                                                               \
	X(frame_magic)                                                                                                 \
	X(frame_version)                                                                                               \
	X(frame_flags)                                                                                                 \
	X(frame_length)                                                                                                \
	X(frame_count)

enum damage {
#define X(name) DAMAGE_##name,
	JSON_DAMAGES(X) FRAME_DAMAGES(X)
#undef X
		DAMAGE_COUNT
};

extern const char *const damage_names[DAMAGE_COUNT];

/* Damages a json datagram of a single event, whose eight digits of `crc` begin at `crc_at`: the event is refused, its
 * braces still balance. `bits` choose how. */
enum damage damage_json(uint8_t *data, uint32_t crc_at, uint64_t bits);

/* Damages the header of a frame: the whole of it is refused. */
enum damage damage_frame(uint8_t *data, uint64_t bits);
