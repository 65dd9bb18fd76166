/* SPDX-License-Identifier: Apache-2.0 */
#include "base/crc32c.h"

#include <nmmintrin.h>
#include <string.h>

uint32_t crc32c(uint32_t crc, const void *data, size_t len)
{
	const uint8_t *at = data;
	uint64_t state = ~crc, word;

	for (; len >= sizeof(word); len -= sizeof(word), at += sizeof(word)) {
		memcpy(&word, at, sizeof(word));
		state = _mm_crc32_u64(state, word);
	}
	for (; len > 0; len--, at++)
		state = _mm_crc32_u8((uint32_t)state, *at);
	return ~(uint32_t)state;
}
