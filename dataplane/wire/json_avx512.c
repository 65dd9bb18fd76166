/* SPDX-License-Identifier: Apache-2.0 */
#include <immintrin.h>
#include <stdint.h>
#include <string.h>

#include "wire/json_scan.h"

/* Only CPUs with VBMI2 come here (Ice Lake and Zen 4 on): they do not slow down for 512-bit instructions. */
#define JSON_TARGET __attribute__((target("avx512f,avx512bw,avx512vbmi2,bmi,bmi2,lzcnt,popcnt,pclmul")))
#define JSON_COMPRESSES
#define OPERATION static inline __attribute__((always_inline)) JSON_TARGET

struct block {
	__m512i bytes;
};

OPERATION void block_load(struct block *b, const uint8_t *data)
{
	b->bytes = _mm512_loadu_si512(data);
}

/* Bytes that are masked off are not touched, and read as spaces. */
OPERATION void block_load_tail(struct block *b, const uint8_t *data, uint32_t at, uint32_t left)
{
	b->bytes = _mm512_mask_loadu_epi8(_mm512_set1_epi8(' '), _bzhi_u64(~UINT64_C(0), left), data + at);
}

OPERATION uint64_t block_equal(const struct block *b, uint8_t byte)
{
	return _mm512_cmpeq_epi8_mask(b->bytes, _mm512_set1_epi8((char)byte));
}

OPERATION uint64_t block_equal_with(const struct block *b, uint8_t bits, uint8_t byte)
{
	return _mm512_cmpeq_epi8_mask(
		_mm512_or_si512(b->bytes, _mm512_set1_epi8((char)bits)), _mm512_set1_epi8((char)byte));
}

OPERATION uint64_t block_at_least(const struct block *b, uint8_t byte)
{
	return _mm512_cmpge_epu8_mask(b->bytes, _mm512_set1_epi8((char)byte));
}

OPERATION uint64_t block_range(const struct block *b, uint8_t low, uint8_t high)
{
	return _mm512_cmple_epu8_mask(
		_mm512_sub_epi8(b->bytes, _mm512_set1_epi8((char)low)), _mm512_set1_epi8((char)(high - low)));
}

/* Bytes below the space. */
OPERATION uint64_t block_control(const struct block *b)
{
	return _mm512_cmplt_epu8_mask(b->bytes, _mm512_set1_epi8(' '));
}

/* Bytes that have the bit. */
OPERATION uint64_t block_bit(const struct block *b, uint8_t bit)
{
	return _mm512_test_epi8_mask(b->bytes, _mm512_set1_epi8((char)bit));
}

/* {}[]:, and some control characters. */
OPERATION uint64_t block_operators(const struct block *b)
{
	const __m512i by_half = _mm512_broadcast_i32x4(_mm_setr_epi8(JSON_OPERATORS));

	return _mm512_cmpeq_epi8_mask(
		_mm512_shuffle_epi8(by_half, b->bytes), _mm512_or_si512(b->bytes, _mm512_set1_epi8(0x20)));
}

OPERATION uint64_t block_space(const struct block *b)
{
	const __m512i by_half = _mm512_broadcast_i32x4(_mm_setr_epi8(JSON_SPACES));

	return _mm512_cmpeq_epi8_mask(_mm512_shuffle_epi8(by_half, b->bytes), b->bytes);
}

OPERATION uint64_t prefix_xor(uint64_t bits)
{
	__m128i product = _mm_clmulepi64_si128(_mm_set_epi64x(0, (int64_t)bits), _mm_set1_epi8(-1), 0);

	return (uint64_t)_mm_cvtsi128_si64(product);
}

OPERATION void block_store(const struct block *b, uint8_t *out)
{
	_mm512_storeu_si512(out, b->bytes);
}

/* Puts the bytes of `set` side by side into `to`, behind the `count` (up to 64) that are there; what does not fit is left out. */
OPERATION void block_gather(struct block *to, uint32_t count, const struct block *b, uint64_t set)
{
	__m512i bytes = _mm512_maskz_compress_epi8(set, b->bytes);

	if (__builtin_constant_p(count) && count == 0)
		to->bytes = bytes;
	else
		to->bytes = _mm512_mask_expand_epi8(to->bytes, ~_bzhi_u64(~UINT64_C(0), count), bytes);
}

/* Makes all behind `count` this byte. */
OPERATION void block_mark(struct block *to, uint32_t count, uint8_t byte)
{
	to->bytes = _mm512_mask_set1_epi8(to->bytes, ~_bzhi_u64(~UINT64_C(0), count), (char)byte);
}

OPERATION struct block block_indexes(void)
{
	return (struct block){_mm512_set_epi8(63, 62, 61, 60, 59, 58, 57, 56, 55, 54, 53, 52, 51, 50, 49, 48, 47, 46, 45,
		44, 43, 42, 41, 40, 39, 38, 37, 36, 35, 34, 33, 32, 31, 30, 29, 28, 27, 26, 25, 24, 23, 22, 21, 20, 19,
		18, 17, 16, 15, 14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0)};
}

OPERATION void store_32_places(uint32_t *out, __m256i indexes, __m256i numbers, __m512i base)
{
	__m512i places = _mm512_add_epi16(_mm512_cvtepu8_epi16(indexes),
		_mm512_mullo_epi16(_mm512_cvtepu8_epi16(numbers), _mm512_set1_epi16(63)));

	_mm512_storeu_si512(out, _mm512_add_epi32(_mm512_cvtepu16_epi32(_mm512_castsi512_si256(places)), base));
	_mm512_storeu_si512(
		out + 16, _mm512_add_epi32(_mm512_cvtepu16_epi32(_mm512_extracti64x4_epi64(places, 1)), base));
}

/* base + the place in its block + 63 * that block's number, of each; writes 32, or 64 when there are more. */
OPERATION void store_places(
	uint32_t *out, const struct block *indexes, const struct block *numbers, uint32_t base, uint32_t count)
{
	__m512i bases = _mm512_set1_epi32((int)base);

	store_32_places(
		out, _mm512_castsi512_si256(indexes->bytes), _mm512_castsi512_si256(numbers->bytes), bases);
	if (__builtin_expect(count > 32, 0))
		store_32_places(out + 32, _mm512_extracti64x4_epi64(indexes->bytes, 1),
			_mm512_extracti64x4_epi64(numbers->bytes, 1), bases);
}

struct words {
	__m512i all;
};

OPERATION void words_set(
	struct words *w, uint64_t a, uint64_t b, uint64_t c, uint64_t d, uint64_t e, uint64_t f, uint64_t g, uint64_t h)
{
	w->all = _mm512_set_epi64(
		(int64_t)h, (int64_t)g, (int64_t)f, (int64_t)e, (int64_t)d, (int64_t)c, (int64_t)b, (int64_t)a);
}

/* A bit for each word that has the pattern. */
OPERATION uint64_t words_equal(const struct words *w, uint64_t pattern, uint64_t mask)
{
	__m512i differ = _mm512_xor_si512(w->all, _mm512_set1_epi64((int64_t)pattern));

	return _mm512_testn_epi64_mask(differ, _mm512_set1_epi64((int64_t)mask));
}

OPERATION void fill_sixteen(uint32_t *at, uint32_t place)
{
	_mm512_storeu_si512(at, _mm512_set1_epi32((int)place));
}

#include "wire/json_block.h"

JSON_TARGET int json_read_avx512(const struct json_plan *plan, const uint8_t *data, uint32_t len, uint32_t start,
	struct json_object *out, uint32_t *end)
{
	return read_object(plan, data, len, start, out, end);
}

JSON_TARGET int json_pick_avx512(const struct json_plan *plan, struct json_object *object, struct json_member *members)
{
	return find_members(plan, &object->marks, members);
}
