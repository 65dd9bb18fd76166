/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* UTF-8 as the Unicode Standard has it (table 3-7): no overlong forms, no surrogates, nothing above U+10FFFF. */

#include <stdint.h>

#define UTF8_MAX         4u /* bytes of one character */
#define UTF8_REPLACEMENT 0xFFFDu

/*
 * Looks at the one character that starts at data[0], len >= 1. Returns its bytes (1 to 4), 0 when it is well-formed as far
 * as it goes but `len` cuts it, -1 when it is ill-formed. Any thread.
 */
int utf8_sequence(const uint8_t *data, uint32_t len);

/* Writes a code point (a scalar value: at most U+10FFFF, no surrogate) to out[0..4) and returns its bytes. Any thread. */
unsigned utf8_encode(uint8_t out[UTF8_MAX], uint32_t code_point);
