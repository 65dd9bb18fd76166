/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * The `ingest` member that every JSON record carries: its identity and how it came in. An array, to stay short:
 *
 *   "ingest":["dc1-6921b0c2-0-1f-3a9",1763779650123456,489938,1]
 *              |   |        | |  |    |                |      generation of rules and tables
 *              |   |        | |  |    |                landing hour, hours since 1970
 *              |   |        | |  |    receive time, UTC microseconds
 *              |   |        | |  sequence of the lane's records of this topic, from 1
 *              |   |        | topic's index
 *              |   |        lane
 *              |   epoch: rises with every start, UTC seconds if the clock was right
 *              node, from the configuration          (epoch, lane, topic, sequence in lower-case hexadecimal)
 *
 * A fifth element, event time in UTC microseconds, follows when the body does not say its time in that form, or when a
 * sixth does: "late", when the event's own hour was closed on this box (not when it had yet to begin).
 * Prefixes (per topic) and heads (per burst) are rendered ahead, not per event.
 *
 * Digits: decimal by eights, as Khuong, "How to print integers really fast" (2017), does; hexadecimal by one table look-up of
 * 16 bytes.
 */

#include <stdint.h>
#include <tmmintrin.h>

#include "base/compiler.h"

#define INGEST_PREFIX 64 /* room for ,"ingest":["node-epoch-lane-topic- */
#define INGEST_HEAD   64 /* room for ",receive,hour,generation */
#define INGEST_END    32 /* room for ,time,"late"]} */
#define INGEST_DIGITS 16 /* bytes that ingest_hex and ingest_usual_time write */

#define INGEST_TIME_FROM UINT64_C(1000000000000000) /* microseconds that have 16 digits */
#define INGEST_TIME_TO   UINT64_C(10000000000000000)

/* Renders up to the sequence, with a comma in front; returns the length. Control thread. */
unsigned ingest_prefix(char out[INGEST_PREFIX], const char *node, uint32_t epoch, unsigned lane, unsigned topic);

/* Renders what follows the sequence: `",<receive>,<hour>,<generation>`. Returns the length. */
unsigned ingest_head(char out[INGEST_HEAD], int64_t receive_us, int64_t hour, uint32_t generation);

/* The rest with an event's own time: `,<time>]}`, or with the mark `,<time>,"late"]}`. Returns the length. */
unsigned ingest_end_time(char out[INGEST_END], int64_t event_us, int late);

/* Whether a time has 16 digits, as those from 2001 to 2286 have. */
ALWAYS_INLINE int ingest_time_is_usual(int64_t us)
{
	return (uint64_t)us - INGEST_TIME_FROM < INGEST_TIME_TO - INGEST_TIME_FROM;
}

/* Writes such a time: twice eight digits, then four times four, eight times two, and 16 digits, all side by side. */
ALWAYS_INLINE void ingest_usual_time(void *out, int64_t us)
{
	uint32_t high = (uint32_t)((uint64_t)us / 100000000), low = (uint32_t)((uint64_t)us % 100000000);
	__m128i eights = _mm_set_epi64x(low, high);
	__m128i upper = _mm_srli_epi64(_mm_mul_epu32(eights, _mm_set1_epi64x(0xd1b71759)), 45); /* / 10,000 */
	__m128i lower = _mm_sub_epi32(eights, _mm_mul_epu32(upper, _mm_set1_epi64x(10000)));
	__m128i fours = _mm_or_si128(upper, _mm_slli_epi64(lower, 32));
	__m128i hundreds = _mm_srli_epi16(_mm_mulhi_epu16(fours, _mm_set1_epi16(5243)), 3); /* / 100, below 10,000 */
	__m128i units = _mm_sub_epi16(fours, _mm_mullo_epi16(hundreds, _mm_set1_epi16(100)));
	__m128i twos = _mm_or_si128(hundreds, _mm_slli_epi32(units, 16));
	__m128i tens = _mm_mulhi_epu16(twos, _mm_set1_epi16(6554)); /* / 10, below 100 */
	__m128i ones = _mm_sub_epi16(twos, _mm_mullo_epi16(tens, _mm_set1_epi16(10)));
	__m128i digits = _mm_or_si128(tens, _mm_slli_epi16(ones, 8));

	_mm_storeu_si128((__m128i *)out, _mm_add_epi8(digits, _mm_set1_epi8('0')));
}

/* Lower-case hexadecimal digits of `value` without leading zeros; returns how many (1 to 16). */
ALWAYS_INLINE unsigned ingest_hex_digits(uint64_t value)
{
	return (unsigned)(67 - __builtin_clzll(value | 1)) / 4;
}

/* Writes them: `digits` of the INGEST_DIGITS bytes count, the others are to be written over. */
__attribute__((target("ssse3"))) ALWAYS_INLINE void ingest_hex(
	uint8_t out[INGEST_DIGITS], uint64_t value, unsigned digits)
{
	const __m128i low = _mm_set1_epi8(15);
	const __m128i table = _mm_loadu_si128((const __m128i *)(const void *)"0123456789abcdef");
	uint64_t first = __builtin_bswap64(value << (64 - 4 * digits));
	__m128i bytes = _mm_cvtsi64_si128((int64_t)first);
	__m128i nibbles = _mm_unpacklo_epi8(_mm_and_si128(_mm_srli_epi64(bytes, 4), low), _mm_and_si128(bytes, low));

	_mm_storeu_si128((__m128i *)(void *)out, _mm_shuffle_epi8(table, nibbles));
}
