/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Prose that fills events to their size: several languages, with escapes and characters of two to four bytes, as the
 * inside of a JSON string. It may be cut only where neither an escape nor a character is torn.
 */

#include <stdint.h>

#define TEXT_SIZE  4096
#define TEXT_SLACK 64

struct text {
	uint8_t bytes[TEXT_SIZE + TEXT_SLACK];
	uint16_t cut[TEXT_SIZE + 1]; /* the last place not after this one where the text may be cut */
};

/* Fills the table; the same at every call. */
void text_init(struct text *text);

/* Copies exactly `len` bytes (at most TEXT_SIZE / 2) from a place that `bits` choose to `to`, filled up with dots where
 * a cut leaves a rest. May write TEXT_SLACK bytes more. Returns the place after them. */
uint8_t *text_copy(const struct text *text, uint8_t *to, uint32_t bits, uint32_t len);
