/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * The time that an event tells of itself, in the forms that senders use:
 *
 *   number, or the same in quotes, by the magnitude of its integer part
 *     below 10^11           seconds       (1970 to 5138)
 *     below 10^14           milliseconds  (from 1973-03-03)
 *     below 10^17           microseconds  (from 1973-03-03)
 *   with a fraction of any length or none; what is below a microsecond is cut off. No sign, exponent or leading zero.
 *
 *   RFC 3339 in quotes: 2024-02-29T23:59:59.123456789+01:00, with T, t or a space between date and time, a fraction of one
 *   to nine digits or none, and Z, z or an offset of up to 23:59. A leap second (23:59:60 UTC, no other) is taken
 *   as the second after it.
 *
 * Anything else, and any time before 1970 or after the year 9999, is refused.
 */

#include <stdint.h>

#include "base/slice.h"

#define EVENT_TIME_DIGITS 20 /* bytes of the longest number */

/*
 * Reads `text`, the content of a JSON string (is_string) or number. Sets *time_us to UTC microseconds since 1970 and
 * *is_us_integer to whether the text is a plain number (no string, no fraction) of microseconds already. Returns 0 or
 * -EINVAL. Any thread; never reads outside the slice.
 */
int event_time_parse(struct slice text, int is_string, int64_t *time_us, int *is_us_integer);

/* Writes `value` in decimal to out[0..EVENT_TIME_DIGITS) and returns its digits; there is no closing NUL. Any thread. */
unsigned event_time_digits(uint8_t *out, uint64_t value);
