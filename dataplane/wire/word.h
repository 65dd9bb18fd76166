/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Bytes as words of eight, the first in the lowest byte. Nothing outside the bytes named is read. Any thread. */

#include <stdint.h>
#include <string.h>

/* data[0..8). */
static inline uint64_t word_load(const uint8_t *data)
{
	uint64_t word;

	memcpy(&word, data, sizeof(word));
	return word;
}

/* data[0..len), len at most 8; the bytes behind it are zero. Two loads that overlap, or three bytes that may be one. */
static inline uint64_t word_load_short(const uint8_t *data, uint32_t len)
{
	if (len >= 4) {
		uint32_t low, high;

		memcpy(&low, data, sizeof(low));
		memcpy(&high, data + len - sizeof(high), sizeof(high));
		return low | (uint64_t)high << (8 * (len - 4));
	}
	if (len == 0)
		return 0;
	return data[0] | (uint64_t)data[len / 2] << (8 * (len / 2)) | (uint64_t)data[len - 1] << (8 * (len - 1));
}
