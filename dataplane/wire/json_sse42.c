/* SPDX-License-Identifier: Apache-2.0 */
#include <immintrin.h>
#include <stdint.h>
#include <string.h>

#include "wire/json_scan.h"

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

/* The last bytes before the end of the data, padded with spaces. */
OPERATION void block_load_tail(struct block *b, const uint8_t *data, uint32_t at, uint32_t left)
{
	uint8_t padded[128];

	memset(padded + 64, ' ', 64);
	if (__builtin_expect(at + left >= 64, 1))
		memcpy(padded, data + at + left - 64, 64);
	else
		memcpy(padded + 64 - at - left, data, at + left);
	block_load(b, padded + 64 - left);
}

OPERATION void block_store(const struct block *b, uint8_t *out)
{
	for (unsigned i = 0; i < 4; i++)
		_mm_storeu_si128((__m128i *)(void *)(out + 16 * i), b->parts[i]);
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
	return JOIN(_mm_cmpeq_epi8(
		_mm_min_epu8(_mm_sub_epi8(part, _mm_set1_epi8((char)low)), _mm_set1_epi8((char)(high - low))),
		_mm_sub_epi8(part, _mm_set1_epi8((char)low))));
}

/* Bytes below the space. */
OPERATION uint64_t block_control(const struct block *b)
{
	return JOIN(_mm_cmpeq_epi8(_mm_min_epu8(part, _mm_set1_epi8(0x1F)), part));
}

/* Bytes that have the bit. */
OPERATION uint64_t block_bit(const struct block *b, uint8_t bit)
{
	int shift = __builtin_clz(bit) - 24;

	return JOIN(_mm_slli_epi16(part, shift));
}

/* {}[]:, and some control characters. */
OPERATION uint64_t block_operators(const struct block *b)
{
	const __m128i by_half = _mm_setr_epi8(JSON_OPERATORS);

	return JOIN(_mm_cmpeq_epi8(_mm_shuffle_epi8(by_half, part), _mm_or_si128(part, _mm_set1_epi8(0x20))));
}

OPERATION uint64_t block_space(const struct block *b)
{
	const __m128i by_half = _mm_setr_epi8(JSON_SPACES);

	return JOIN(_mm_cmpeq_epi8(_mm_shuffle_epi8(by_half, part), part));
}

OPERATION uint64_t prefix_xor(uint64_t bits)
{
	for (unsigned shift = 1; shift < 64; shift *= 2)
		bits ^= bits << shift;
	return bits;
}

/* The bytes of `tokens` and their places, `offset` being that of the block's first. */
OPERATION void store_tokens(uint8_t *bytes, uint16_t *at, const struct block *b, uint64_t tokens, uint32_t offset)
{
	uint8_t copy[64];

	block_store(b, copy);
	for (; tokens != 0; tokens &= tokens - 1) {
		uint32_t index = (uint32_t)__builtin_ctzll(tokens);

		*bytes++ = copy[index];
		*at++ = (uint16_t)(offset + index);
	}
}

/* Writes base + the place of each token of `bits` and returns how many. */
OPERATION uint32_t store_marks(uint32_t *out, const uint16_t *at, uint64_t bits, uint32_t base)
{
	uint32_t count = 0;

	for (; bits != 0; bits &= bits - 1)
		out[count++] = base + at[__builtin_ctzll(bits)];
	return count;
}

struct words {
	__m128i pairs[4];
};

OPERATION void words_set(
	struct words *w, uint64_t a, uint64_t b, uint64_t c, uint64_t d, uint64_t e, uint64_t f, uint64_t g, uint64_t h)
{
	w->pairs[0] = _mm_set_epi64x((int64_t)b, (int64_t)a);
	w->pairs[1] = _mm_set_epi64x((int64_t)d, (int64_t)c);
	w->pairs[2] = _mm_set_epi64x((int64_t)f, (int64_t)e);
	w->pairs[3] = _mm_set_epi64x((int64_t)h, (int64_t)g);
}

/* A bit for each word that has the pattern. */
OPERATION uint64_t words_equal(const struct words *w, uint64_t pattern, uint64_t mask)
{
	__m128i patterns = _mm_set1_epi64x((int64_t)pattern), masks = _mm_set1_epi64x((int64_t)mask);
	uint64_t equal = 0;

	for (unsigned i = 0; i < 4; i++) {
		__m128i same = _mm_cmpeq_epi64(_mm_and_si128(w->pairs[i], masks), patterns);

		equal |= (uint64_t)(uint32_t)_mm_movemask_pd(_mm_castsi128_pd(same)) << (2 * i);
	}
	return equal;
}

OPERATION void fill_sixteen(uint32_t *at, uint32_t place)
{
	for (unsigned i = 0; i < 16; i += 4)
		_mm_storeu_si128((__m128i *)(void *)(at + i), _mm_set1_epi32((int)place));
}

#include "wire/json_block.h"

JSON_TARGET int json_read_sse42(const struct json_plan *plan, const uint8_t *data, uint32_t len, uint32_t start,
	struct json_object *out, uint32_t *end)
{
	return read_object(plan, data, len, start, out, end);
}

JSON_TARGET int json_pick_sse42(const struct json_plan *plan, struct json_object *object, struct json_member *members)
{
	return find_members(plan, &object->marks, members);
}
