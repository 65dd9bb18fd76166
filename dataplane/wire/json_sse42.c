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

OPERATION void load(struct block *b, const uint8_t *data)
{
	for (unsigned i = 0; i < 4; i++)
		b->parts[i] = _mm_loadu_si128((const __m128i *)(const void *)(data + 16 * i));
}

OPERATION void block_load(struct block *b, struct block *before, const uint8_t *data)
{
	load(b, data);
	load(before, data - 1);
}

/* Padded with spaces. */
OPERATION void block_load_tail(struct block *b, struct block *before, const uint8_t *data, uint32_t len)
{
	uint8_t padded[65];

	memset(padded, ' ', sizeof(padded));
	memcpy(padded, data - 1, len + 1);
	load(b, padded + 1);
	load(before, padded);
}

/* Not zero when there is a backslash, a control character or a byte above 127 (which is below zero, if signed). */
OPERATION uint64_t block_special(const struct block *b)
{
	__m128i all = _mm_setzero_si128();

	for (unsigned i = 0; i < 4; i++)
		all = _mm_or_si128(all, _mm_or_si128(_mm_cmplt_epi8(b->parts[i], _mm_set1_epi8(0x20)),
						_mm_cmpeq_epi8(b->parts[i], _mm_set1_epi8('\\'))));
	return (uint32_t)_mm_movemask_epi8(all);
}

OPERATION uint64_t block_equal(const struct block *b, uint8_t byte)
{
	return JOIN(_mm_cmpeq_epi8(part, _mm_set1_epi8((char)byte)));
}

OPERATION uint64_t block_equal_with(const struct block *b, uint8_t bits, uint8_t byte)
{
	return JOIN(_mm_cmpeq_epi8(_mm_or_si128(part, _mm_set1_epi8((char)bits)), _mm_set1_epi8((char)byte)));
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

/* A bit for each of `count` words that has the pattern; those behind are junk. */
OPERATION uint64_t equal_words(const uint64_t *words, uint32_t count, uint64_t pattern, uint64_t mask)
{
	__m128i patterns = _mm_set1_epi64x((int64_t)pattern), masks = _mm_set1_epi64x((int64_t)mask);
	uint64_t equal = 0;

	for (uint32_t i = 0; i < count; i += 2) {
		__m128i two = _mm_load_si128((const __m128i *)(const void *)(words + i));
		__m128i same = _mm_cmpeq_epi64(_mm_and_si128(two, masks), patterns);

		equal |= (uint64_t)(uint32_t)_mm_movemask_pd(_mm_castsi128_pd(same)) << i;
	}
	return equal;
}

#include "wire/json_block.h"

JSON_TARGET int json_read_sse42(const struct json_plan *plan, const uint8_t *data, uint32_t len, uint32_t start,
	struct json_object *out, uint32_t *end)
{
	return read_object(plan, data, len, start, out, end);
}
