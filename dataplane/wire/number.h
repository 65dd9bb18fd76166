/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * JSON numbers in an order: the text of a number becomes a key of 128 bits, and keys compare as the numbers do,
 * exactly, as decimals. 1, 1.0 and 10e-1 have one key, and so have 0, -0 and 0e9; 9007199254740993 and 9007199254740992
 * have two. No binary fraction comes in between.
 *
 * Limits: of a number's significant digits the first 19 count, the others are cut off (12345678901234567890 is
 * 12345678901234567891); an exponent beyond NUMBER_EXPONENT_MAX either way counts as that.
 */

#include <stdint.h>

#include "base/slice.h"

#define NUMBER_DIGITS       19         /* significant ones */
#define NUMBER_EXPONENT_MAX 1000000000 /* of the text's e part */

/* Compares as the 128 bits high:low, unsigned. */
struct number {
	uint64_t high; /* not negative: bit 63, and where the decimal point is; zero has only bit 63 */
	uint64_t low; /* the digits, left-aligned: 10^18 <= low < 10^19. A negative number is its opposite with all bits
			 flipped */
};

static inline int number_compare(struct number a, struct number b)
{
	if (a.high != b.high)
		return a.high < b.high ? -1 : 1;
	return a.low == b.low ? 0 : a.low < b.low ? -1 : 1;
}

/* The key of a number as RFC 8259 writes it. 0, or -EINVAL (`number` unchanged) for any other text. Any thread; reads
 * nothing outside the slice. */
int number_parse(struct slice text, struct number *number);
