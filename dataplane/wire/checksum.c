/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/checksum.h"

#include <arpa/inet.h>
#include <string.h>

#ifdef __x86_64__
#include <immintrin.h>

#define WIDE_FROM 128 /* bytes from which the wide loop pays for its start */

/* Each 32-bit word is widened to 64 bits and added; four sums run side by side. */
__attribute__((target("avx2"))) static uint64_t add_wide(uint64_t sum, const uint8_t *p, size_t len)
{
	__m256i zero = _mm256_setzero_si256(), a = zero, b = zero, c = zero, d = zero;
	uint64_t lanes[4];

	for (; len >= 64; p += 64, len -= 64) {
		__m256i x = _mm256_loadu_si256((const __m256i *)(const void *)p);
		__m256i y = _mm256_loadu_si256((const __m256i *)(const void *)(p + 32));

		a = _mm256_add_epi64(a, _mm256_unpacklo_epi32(x, zero));
		b = _mm256_add_epi64(b, _mm256_unpackhi_epi32(x, zero));
		c = _mm256_add_epi64(c, _mm256_unpacklo_epi32(y, zero));
		d = _mm256_add_epi64(d, _mm256_unpackhi_epi32(y, zero));
	}
	a = _mm256_add_epi64(_mm256_add_epi64(a, b), _mm256_add_epi64(c, d));
	_mm256_storeu_si256((__m256i *)(void *)lanes, a);
	return sum + lanes[0] + lanes[1] + lanes[2] + lanes[3];
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
	return (void)p, (void)len, sum;
}
#endif

uint64_t checksum_add(uint64_t sum, const void *data, size_t len)
{
	const uint8_t *p = data;
	uint64_t word;
	uint32_t half;
	uint16_t quarter;

	if (wide_works(len)) {
		size_t whole = len & ~(size_t)63;

		sum = add_wide(sum, p, whole);
		p += whole;
		len -= whole;
	}
	for (; len >= 8; p += 8, len -= 8) {
		memcpy(&word, p, 8);
		sum += (word & 0xffffffff) + (word >> 32);
	}
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

uint64_t checksum_pseudo(
	const uint8_t *source, const uint8_t *destination, size_t address_len, uint8_t protocol, uint32_t len)
{
	uint64_t sum = checksum_add(0, source, address_len);

	sum = checksum_add(sum, destination, address_len);
	return sum + htonl(len) + htons(protocol);
}
