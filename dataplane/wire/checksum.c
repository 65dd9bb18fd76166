/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/checksum.h"

#include <arpa/inet.h>
#include <string.h>

#include "base/compiler.h"

#define WIDE_FROM 64 /* bytes from which the wide loop pays for its start */

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

/* Each 32-bit word is widened to 64 bits and added; four sums run side by side. */
__attribute__((target("avx2"))) static uint64_t add_wide(uint64_t sum, const uint8_t *p, size_t len)
{
	__m256i zero = _mm256_setzero_si256(), a = zero, b = zero, c = zero, d = zero, x;
	__m128i two;

	for (; len >= 64; p += 64, len -= 64) {
		__m256i y = _mm256_loadu_si256((const __m256i *)(const void *)(p + 32));

		x = _mm256_loadu_si256((const __m256i *)(const void *)p);
		a = _mm256_add_epi64(a, _mm256_unpacklo_epi32(x, zero));
		b = _mm256_add_epi64(b, _mm256_unpackhi_epi32(x, zero));
		c = _mm256_add_epi64(c, _mm256_unpacklo_epi32(y, zero));
		d = _mm256_add_epi64(d, _mm256_unpackhi_epi32(y, zero));
	}
	if (len >= 32) {
		x = _mm256_loadu_si256((const __m256i *)(const void *)p);
		a = _mm256_add_epi64(a, _mm256_unpacklo_epi32(x, zero));
		b = _mm256_add_epi64(b, _mm256_unpackhi_epi32(x, zero));
		p += 32;
		len -= 32;
	}
	a = _mm256_add_epi64(_mm256_add_epi64(a, b), _mm256_add_epi64(c, d));
	two = _mm_add_epi64(_mm256_castsi256_si128(a), _mm256_extracti128_si256(a, 1));
	two = _mm_add_epi64(two, _mm_unpackhi_epi64(two, two));
	return add_narrow(sum + (uint64_t)_mm_cvtsi128_si64(two), p, len);
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
