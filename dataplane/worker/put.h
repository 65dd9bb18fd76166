/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Copying into records, in steps of a fixed size: what is written too much is written over, or lies in the record's slack.
 * Each returns where the next piece goes.
 */

#include <immintrin.h>
#include <stdint.h>
#include <string.h>

#include "base/compiler.h"
#include "base/slice.h"

/* A piece of at most 64 bytes, copied by 32: its array is as long, and what is written too much is written over. */
static inline uint8_t *put_short(uint8_t *to, const char *from, uint32_t len)
{
	memcpy(to, from, 32);
	if (UNLIKELY(len > 32))
		memcpy(to + 32, from + 32, 32);
	return to + len;
}

/* 16 or 32 bytes with a blank for each line break. */
__attribute__((target("sse4.1"))) ALWAYS_INLINE void blank16(uint8_t *to, const uint8_t *from)
{
	const __m128i feed = _mm_set1_epi8('\n'), carriage = _mm_set1_epi8('\r'), blank = _mm_set1_epi8(' ');
	__m128i bytes = _mm_loadu_si128((const __m128i *)(const void *)from);
	__m128i breaks = _mm_or_si128(_mm_cmpeq_epi8(bytes, feed), _mm_cmpeq_epi8(bytes, carriage));

	_mm_storeu_si128((__m128i *)(void *)to, _mm_blendv_epi8(bytes, blank, breaks));
}

__attribute__((target("avx2"))) ALWAYS_INLINE void blank32(uint8_t *to, const uint8_t *from)
{
	const __m256i feed = _mm256_set1_epi8('\n'), carriage = _mm256_set1_epi8('\r'), blank = _mm256_set1_epi8(' ');
	__m256i bytes = _mm256_loadu_si256((const __m256i *)(const void *)from);
	__m256i breaks = _mm256_or_si256(_mm256_cmpeq_epi8(bytes, feed), _mm256_cmpeq_epi8(bytes, carriage));

	_mm256_storeu_si256((__m256i *)(void *)to, _mm256_blendv_epi8(bytes, blank, breaks));
}

__attribute__((target("avx512f,avx512bw"))) ALWAYS_INLINE void blank64(uint8_t *to, const uint8_t *from)
{
	__m512i bytes = _mm512_loadu_si512(from);
	__mmask64 breaks = _mm512_cmpeq_epi8_mask(bytes, _mm512_set1_epi8('\n')) |
			   _mm512_cmpeq_epi8_mask(bytes, _mm512_set1_epi8('\r'));

	_mm512_storeu_si512(to, _mm512_mask_blend_epi8(breaks, bytes, _mm512_set1_epi8(' ')));
}

/* The last step lies over some bytes of the one before. */
__attribute__((target("sse4.1"))) static inline void put_blanked16(uint8_t *to, const uint8_t *from, size_t len)
{
	for (size_t at = 0; at < len - 16; at += 16)
		blank16(to + at, from + at);
	blank16(to + len - 16, from + len - 16);
}

static inline size_t lesser(size_t a, size_t b)
{
	return a < b ? a : b;
}

/* The same four steps at a time, where those too many do the last again: lengths differ from event to event, and a
 * branch that is guessed wrong costs more than they do. */
__attribute__((target("avx2"))) static inline void put_blanked32(uint8_t *to, const uint8_t *from, size_t len)
{
	size_t last = len - 32;

	for (size_t at = 0; at < len; at += 128)
		for (size_t step = 0; step < 128; step += 32)
			blank32(to + lesser(at + step, last), from + lesser(at + step, last));
}

__attribute__((target("avx512f,avx512bw"))) static inline void put_blanked64(uint8_t *to, const uint8_t *from, size_t len)
{
	size_t last = len - 64;

	for (size_t at = 0; at < len; at += 256)
		for (size_t step = 0; step < 256; step += 64)
			blank64(to + lesser(at + step, last), from + lesser(at + step, last));
}

/* JSON allows line breaks only between tokens, so a blank in their place changes nothing but the number of lines.
 * Looking whether there are any would cost as much. */
static inline uint8_t *put_unbroken(uint8_t *to, const uint8_t *from, size_t len)
{
	if (LIKELY(len >= 64 && __builtin_cpu_supports("avx512vbmi2"))) /* the others slow down for 512 bits */
		put_blanked64(to, from, len);
	else if (LIKELY(len >= 32 && __builtin_cpu_supports("avx2")))
		put_blanked32(to, from, len);
	else if (len >= 16)
		put_blanked16(to, from, len);
	else
		for (size_t i = 0; i < len; i++)
			to[i] = from[i] == '\n' || from[i] == '\r' ? ' ' : from[i];
	return to + len;
}

/* A fragment, of which 64 bytes behind its end may be read. */
static inline uint8_t *put_fragment(uint8_t *to, const uint8_t *from, uint32_t len)
{
	for (uint32_t at = 0; at < len; at += 32)
		memcpy(to + at, from + at, 32);
	return to + len;
}
