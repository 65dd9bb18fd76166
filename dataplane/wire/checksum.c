/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/checksum.h"

#include <arpa/inet.h>
#include <string.h>

#include "base/compiler.h"

#define WIDE_FROM 32 /* bytes that a wide step needs */

/* Adds 64-bit words with the carry brought round, which keeps the sum modulo 0xffff; below 2^34 when returned. */
ALWAYS_INLINE uint64_t add_narrow(uint64_t sum, const uint8_t *p, size_t len)
{
	uint64_t words = 0, word;
	uint32_t half;
	uint16_t quarter;

	for (; len >= 8; p += 8, len -= 8) {
		memcpy(&word, p, 8);
		words += word;
		words += words < word;
	}
	sum += (words & 0xffffffff) + (words >> 32);
	if (len & 4) {
		memcpy(&half, p, 4);
		sum += half;
		p += 4;
	}
	if (len & 2) {
		memcpy(&quarter, p, 2);
		sum += quarter;
		p += 2;
	}
	if (len & 1)
		sum += htons((uint16_t)(*p << 8));
	return sum;
}

#ifdef __x86_64__
#include <immintrin.h>

/*
 * Adds 16 words: each with its highest bit turned over is a signed number that is less by 32,768, of which one
 * instruction adds pairs. So a step's sum lacks STEP_BIAS.
 */
#define STEP      32u
#define STEP_BIAS (16u * 32768u)

__attribute__((target("avx2"))) ALWAYS_INLINE __m256i step_sum(__m256i words)
{
	const __m256i high = _mm256_set1_epi16(INT16_MIN), ones = _mm256_set1_epi16(1);

	return _mm256_madd_epi16(_mm256_xor_si256(words, high), ones);
}

__attribute__((target("avx2"))) ALWAYS_INLINE __m256i step_load(const uint8_t *p)
{
	return _mm256_loadu_si256((const __m256i *)(const void *)p);
}

__attribute__((target("avx2"))) ALWAYS_INLINE __m256i step_add(__m256i sum, const uint8_t *p)
{
	return _mm256_add_epi32(sum, step_sum(step_load(p)));
}

/* The last bytes, fewer than a step, out of the 32 that end with them. Odd in number they lie the wrong way round
 * there: a shift by eight bits swaps the bytes of a sum modulo 0xffff. */
__attribute__((target("avx2"))) ALWAYS_INLINE __m256i tail_sum(const uint8_t *last, size_t len)
{
	static const uint8_t masks[2 * STEP] = {[STEP ... 2 * STEP - 1] = 255};
	__m256i words = _mm256_and_si256(step_load(last), step_load(masks + len % STEP));

	return _mm256_sll_epi32(step_sum(words), _mm_cvtsi32_si128((int)(len % 2 * 8)));
}

__attribute__((target("avx2"))) ALWAYS_INLINE int32_t lanes_sum(__m256i sum)
{
	__m128i four = _mm_add_epi32(_mm256_castsi256_si128(sum), _mm256_extracti128_si256(sum, 1));

	four = _mm_add_epi32(four, _mm_shuffle_epi32(four, 0x4e));
	return _mm_cvtsi128_si32(_mm_add_epi32(four, _mm_shuffle_epi32(four, 0xb1)));
}

/* `yes` when wanted is 1, `no` when it is 0, by arithmetic: the compiler would rather branch. */
ALWAYS_INLINE const uint8_t *choose(size_t wanted, const uint8_t *yes, const uint8_t *no)
{
	return (const uint8_t *)((uintptr_t)no ^ (((uintptr_t)yes ^ (uintptr_t)no) & (0 - wanted)));
}

/* Lengths differ from packet to packet, so there is a branch on them every four steps only: of the last three whole
 * steps, those that are none add zeros. */
__attribute__((target("avx2"))) static uint64_t add_wide(uint64_t sum, const uint8_t *p, size_t len)
{
	static const uint8_t zeros[STEP];
	const uint8_t *last = p + len - STEP;
	__m256i a = tail_sum(last, len), b = _mm256_setzero_si256();
	uint64_t bias = (len / (4 * STEP) * 4 + 3) * STEP_BIAS + ((uint64_t)STEP_BIAS << len % 2 * 8);

	for (; len >= 4 * STEP; p += 4 * STEP, len -= 4 * STEP) {
		a = step_add(step_add(a, p), p + STEP);
		b = step_add(step_add(b, p + 2 * STEP), p + 3 * STEP);
	}
	a = step_add(a, choose(len >= STEP, p, zeros));
	b = step_add(b, choose(len >= 2 * STEP, p + STEP, zeros));
	a = step_add(a, choose(len >= 3 * STEP, p + 2 * STEP, zeros));
	return sum + bias + (uint64_t)(int64_t)lanes_sum(_mm256_add_epi32(a, b));
}

static int wide_works(size_t len)
{
	return len >= WIDE_FROM && __builtin_cpu_supports("avx2");
}
#else
static int wide_works(size_t len)
{
	return (void)len, 0;
}

static uint64_t add_wide(uint64_t sum, const uint8_t *p, size_t len)
{
	return add_narrow(sum, p, len);
}
#endif

uint64_t checksum_add(uint64_t sum, const void *data, size_t len)
{
	return wide_works(len) ? add_wide(sum, data, len) : add_narrow(sum, data, len);
}

uint64_t checksum_pseudo(
	const uint8_t *source, const uint8_t *destination, size_t address_len, uint8_t protocol, uint32_t len)
{
	uint64_t sum = checksum_add(0, source, address_len);

	sum = checksum_add(sum, destination, address_len);
	return sum + htonl(len) + htons(protocol);
}
