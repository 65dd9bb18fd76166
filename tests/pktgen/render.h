/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Values as text, fast and without libc's locale. Each function writes at `to`, without a zero, and returns the place
 * after what it wrote.
 */

#include <stdint.h>

#include "random.h"
#include "wire/datagram.h"

enum time_form { TIME_S, TIME_MS, TIME_US, TIME_RFC3339, TIME_FORMS };

/* At most 20 digits. */
uint8_t *render_decimal(uint8_t *to, uint64_t value);

/* `digits` hexadecimal digits of random bits, at most 32. */
uint8_t *render_hex(uint8_t *to, struct random *random, unsigned digits);

/* Thousandths of a unit between -limit/16 and limit as a JSON number in one of several notations; at most 24 bytes. */
uint8_t *render_fraction(uint8_t *to, struct random *random, uint32_t limit);

/* A time as the JSON value of `ts`, at most 40 bytes; RFC 3339 in quotes, with 0, 3 or 6 digits of the second and `Z`
 * or an offset, as `bits` say. */
uint8_t *render_time(uint8_t *to, int64_t time_us, enum time_form form, uint32_t bits);

/* A random client address: into `address` and as text, at most 39 bytes. About three in ten are IPv6. */
uint8_t *render_client(uint8_t *to, struct random *random, struct address *address);

/* Eight lower-case hexadecimal digits. */
void render_crc(uint8_t *to, uint32_t crc);
