/* SPDX-License-Identifier: Apache-2.0 */
#include <immintrin.h>
#include <stdint.h>
#include <string.h>

#define JSON_TARGET __attribute__((target("sse4.2,popcnt")))
#define OPERATION   static inline __attribute__((always_inline)) JSON_TARGET

struct block {
	__m128i parts[4];
};

/* The bits of four parts, each given by an expression over `part`. */
#define JOIN(expression)                                                                                               \
	__extension__({                                                                                                \
		uint64_t joined = 0;                                                                                   \
		for (unsigned i = 0; i < 4; i++) {                                                                     \
			__m128i part = b->parts[i];                                                                    \
			joined |= (uint64_t)(uint32_t)_mm_movemask_epi8(expression) << (16 * i);                       \
		}                                                                                                      \
		joined;                                                                                                \
	})

OPERATION void block_load(struct block *b, const uint8_t *data)
{
	for (unsigned i = 0; i < 4; i++)
		b->parts[i] = _mm_loadu_si128((const __m128i *)(const void *)(data + 16 * i));
}

/* Padded with spaces. */
OPERATION void block_load_tail(struct block *b, const uint8_t *data, uint32_t len)
{
	uint8_t padded[64];

	memset(padded, ' ', sizeof(padded));
	memcpy(padded, data, len);
	block_load(b, padded);
}

OPERATION uint64_t block_equal(const struct block *b, uint8_t byte)
{
	return JOIN(_mm_cmpeq_epi8(part, _mm_set1_epi8((char)byte)));
}

OPERATION uint64_t block_equal_lower(const struct block *b, uint8_t byte)
{
	return JOIN(_mm_cmpeq_epi8(_mm_or_si128(part, _mm_set1_epi8(0x20)), _mm_set1_epi8((char)byte)));
}

OPERATION uint64_t block_at_least(const struct block *b, uint8_t byte)
{
	return JOIN(_mm_cmpeq_epi8(_mm_max_epu8(part, _mm_set1_epi8((char)byte)), part));
}

OPERATION uint64_t block_range(const struct block *b, uint8_t low, uint8_t high)
{
	return JOIN(_mm_cmpeq_epi8(_mm_min_epu8(_mm_sub_epi8(part, _mm_set1_epi8((char)low)),
					   _mm_set1_epi8((char)(high - low))),
		_mm_sub_epi8(part, _mm_set1_epi8((char)low))));
}

OPERATION uint64_t prefix_xor(uint64_t bits)
{
	for (unsigned shift = 1; shift < 64; shift *= 2)
		bits ^= bits << shift;
	return bits;
}

/* Writes base + each bit's index. */
OPERATION void store_marks(uint32_t *at, uint64_t bits, uint32_t base)
{
	for (; bits != 0; bits &= bits - 1)
		*at++ = base + (uint32_t)__builtin_ctzll(bits);
}

#include "wire/json_block.h"

JSON_TARGET int json_scan_sse42(const uint8_t *data, uint32_t len, uint32_t start, int trusted, struct json_marks *marks)
{
	return trusted ? scan_object(data, len, start, 1, marks) : scan_object(data, len, start, 0, marks);
}
