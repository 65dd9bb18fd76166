/* SPDX-License-Identifier: Apache-2.0 */
#include <immintrin.h>
#include <stdint.h>
#include <string.h>

#include "wire/json_scan.h"

#define JSON_TARGET __attribute__((target("avx2,bmi,bmi2,lzcnt,popcnt,pclmul")))
#define OPERATION   static inline __attribute__((always_inline)) JSON_TARGET

struct block {
	__m256i low, high;
};

OPERATION uint64_t join(__m256i low, __m256i high)
{
	return (uint32_t)_mm256_movemask_epi8(low) | (uint64_t)(uint32_t)_mm256_movemask_epi8(high) << 32;
}

OPERATION void block_load(struct block *b, const uint8_t *data)
{
	b->low = _mm256_loadu_si256((const __m256i *)(const void *)data);
	b->high = _mm256_loadu_si256((const __m256i *)(const void *)(data + 32));
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
	_mm256_storeu_si256((__m256i *)(void *)out, b->low);
	_mm256_storeu_si256((__m256i *)(void *)(out + 32), b->high);
}

OPERATION uint64_t block_equal(const struct block *b, uint8_t byte)
{
	__m256i all = _mm256_set1_epi8((char)byte);

	return join(_mm256_cmpeq_epi8(b->low, all), _mm256_cmpeq_epi8(b->high, all));
}

OPERATION uint64_t block_equal_with(const struct block *b, uint8_t bits, uint8_t byte)
{
	__m256i all = _mm256_set1_epi8((char)byte), bit = _mm256_set1_epi8((char)bits);

	return join(_mm256_cmpeq_epi8(_mm256_or_si256(b->low, bit), all),
		_mm256_cmpeq_epi8(_mm256_or_si256(b->high, bit), all));
}

OPERATION uint64_t block_at_least(const struct block *b, uint8_t byte)
{
	__m256i all = _mm256_set1_epi8((char)byte);

	if (byte == 0x80)
		return join(b->low, b->high);
	return join(_mm256_cmpeq_epi8(_mm256_max_epu8(b->low, all), b->low),
		_mm256_cmpeq_epi8(_mm256_max_epu8(b->high, all), b->high));
}

OPERATION uint64_t block_range(const struct block *b, uint8_t low, uint8_t high)
{
	__m256i from = _mm256_set1_epi8((char)low), size = _mm256_set1_epi8((char)(high - low));
	__m256i first = _mm256_sub_epi8(b->low, from), second = _mm256_sub_epi8(b->high, from);

	return join(_mm256_cmpeq_epi8(_mm256_min_epu8(first, size), first),
		_mm256_cmpeq_epi8(_mm256_min_epu8(second, size), second));
}

/* Bytes below the space. */
OPERATION uint64_t block_control(const struct block *b)
{
	__m256i last = _mm256_set1_epi8(0x1F);

	return join(_mm256_cmpeq_epi8(_mm256_min_epu8(b->low, last), b->low),
		_mm256_cmpeq_epi8(_mm256_min_epu8(b->high, last), b->high));
}

/* Bytes that have the bit. */
OPERATION uint64_t block_bit(const struct block *b, uint8_t bit)
{
	int shift = __builtin_clz(bit) - 24;

	return join(_mm256_slli_epi16(b->low, shift), _mm256_slli_epi16(b->high, shift));
}

/* {}[]:, and some control characters. */
OPERATION uint64_t block_operators(const struct block *b)
{
	const __m256i by_half = _mm256_broadcastsi128_si256(_mm_setr_epi8(JSON_OPERATORS)),
		      bit = _mm256_set1_epi8(0x20);

	return join(_mm256_cmpeq_epi8(_mm256_shuffle_epi8(by_half, b->low), _mm256_or_si256(b->low, bit)),
		_mm256_cmpeq_epi8(_mm256_shuffle_epi8(by_half, b->high), _mm256_or_si256(b->high, bit)));
}

OPERATION uint64_t block_space(const struct block *b)
{
	const __m256i by_half = _mm256_broadcastsi128_si256(_mm_setr_epi8(JSON_SPACES));

	return join(_mm256_cmpeq_epi8(_mm256_shuffle_epi8(by_half, b->low), b->low),
		_mm256_cmpeq_epi8(_mm256_shuffle_epi8(by_half, b->high), b->high));
}

OPERATION uint64_t prefix_xor(uint64_t bits)
{
	__m128i product = _mm_clmulepi64_si128(_mm_set_epi64x(0, (int64_t)bits), _mm_set1_epi8(-1), 0);

	return (uint64_t)_mm_cvtsi128_si64(product);
}

/* The bytes of `tokens` and their places, `offset` being that of the block's first, by eights: up to seven too many. */
OPERATION void store_tokens(uint8_t *bytes, uint16_t *at, const struct block *b, uint64_t tokens, uint32_t offset)
{
	uint8_t copy[65];

	block_store(b, copy);
	copy[64] = 0;
	do {
#pragma GCC unroll 8
		for (unsigned i = 0; i < 8; i++) {
			uint32_t index = (uint32_t)_tzcnt_u64(tokens);

			bytes[i] = copy[index];
			at[i] = (uint16_t)(offset + index);
			tokens = _blsr_u64(tokens);
		}
		bytes += 8;
		at += 8;
	} while (__builtin_expect(tokens != 0, 1));
}

/* Writes base + the place of each token of `bits` and returns how many, by eights: up to seven too many. */
OPERATION uint32_t store_marks(uint32_t *out, const uint16_t *at, uint64_t bits, uint32_t base)
{
	uint32_t count = (uint32_t)__builtin_popcountll(bits);

	do {
#pragma GCC unroll 8
		for (unsigned i = 0; i < 8; i++) {
			out[i] = base + at[_tzcnt_u64(bits)];
			bits = _blsr_u64(bits);
		}
		out += 8;
	} while (__builtin_expect(bits != 0, 1));
	return count;
}

struct words {
	__m256i low, high;
};

OPERATION void words_set(
	struct words *w, uint64_t a, uint64_t b, uint64_t c, uint64_t d, uint64_t e, uint64_t f, uint64_t g, uint64_t h)
{
	w->low = _mm256_set_epi64x((int64_t)d, (int64_t)c, (int64_t)b, (int64_t)a);
	w->high = _mm256_set_epi64x((int64_t)h, (int64_t)g, (int64_t)f, (int64_t)e);
}

OPERATION uint64_t four_equal(__m256i four, __m256i patterns, __m256i masks)
{
	__m256i same = _mm256_cmpeq_epi64(_mm256_and_si256(four, masks), patterns);

	return (uint32_t)_mm256_movemask_pd(_mm256_castsi256_pd(same));
}

/* A bit for each word that has the pattern. */
OPERATION uint64_t words_equal(const struct words *w, uint64_t pattern, uint64_t mask)
{
	__m256i patterns = _mm256_set1_epi64x((int64_t)pattern), masks = _mm256_set1_epi64x((int64_t)mask);

	return four_equal(w->low, patterns, masks) | four_equal(w->high, patterns, masks) << 4;
}

OPERATION void fill_sixteen(uint32_t *at, uint32_t place)
{
	_mm256_storeu_si256((__m256i *)(void *)at, _mm256_set1_epi32((int)place));
	_mm256_storeu_si256((__m256i *)(void *)(at + 8), _mm256_set1_epi32((int)place));
}

#include "wire/json_block.h"

JSON_TARGET int json_read_avx2(const struct json_plan *plan, const uint8_t *data, uint32_t len, uint32_t start,
	struct json_object *out, uint32_t *end)
{
	return read_object(plan, data, len, start, out, end);
}

JSON_TARGET int json_pick_avx2(const struct json_plan *plan, struct json_object *object, struct json_member *members)
{
	return find_members(plan, &object->marks, members);
}
