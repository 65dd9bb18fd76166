/* SPDX-License-Identifier: Apache-2.0 */
#include "worker/ingest.h"

#include <endian.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <tmmintrin.h>

#include "base/compiler.h"

unsigned ingest_prefix(char out[INGEST_PREFIX], const char *node, uint32_t epoch, unsigned lane, unsigned topic)
{
	return (unsigned)snprintf(out, INGEST_PREFIX, ",\"ingest\":[\"%.16s-%" PRIx32 "-%x-%x-", node, epoch, lane, topic);
}

static unsigned put_text(char *out, const char *text)
{
	size_t n = strlen(text);

	memcpy(out, text, n);
	return (unsigned)n;
}

/* Two digits at a time, from the last to the first: half the divisions, and the pairs come from a table. */
static unsigned put_decimal(char *out, int64_t value)
{
	static const char pairs[] = "00010203040506070809101112131415161718192021222324252627282930313233343536373839"
				    "40414243444546474849505152535455565758596061626364656667686970717273747576777879"
				    "8081828384858687888990919293949596979899";
	char digits[20];
	unsigned at = sizeof(digits), sign = value < 0;
	uint64_t v = sign ? 0 - (uint64_t)value : (uint64_t)value;

	for (; v >= 10; v /= 100) {
		digits[--at] = pairs[2 * (v % 100) + 1];
		digits[--at] = pairs[2 * (v % 100)];
	}
	if (v > 0 || at == sizeof(digits))
		digits[--at] = (char)('0' + v);
	if (sign)
		*out++ = '-';
	memcpy(out, digits + at, sizeof(digits) - at);
	return sign + (unsigned)sizeof(digits) - at;
}

/* Eight decimal digits, leading zeros included, the first in the lowest byte: pairs, then digits, all lanes at once. */
static inline uint64_t eight_digits(uint32_t value)
{
	uint64_t fours = value / 10000 | (uint64_t)(value % 10000) << 32;
	uint64_t high = (fours * 10486 >> 20) & UINT64_C(0x0000007f0000007f);
	uint64_t twos = high | (fours - 100 * high) << 16;
	uint64_t tens = (twos * 103 >> 10) & UINT64_C(0x000f000f000f000f);

	return (tens | (twos - 10 * tens) << 8) + UINT64_C(0x3030303030303030);
}

/* Microseconds since 1970: from 2001 to 2286 they have 16 digits. */
static inline unsigned put_time(char *out, int64_t us)
{
	uint64_t digits[2];

	if (UNLIKELY(us < INT64_C(1000000000000000) || us >= INT64_C(10000000000000000)))
		return put_decimal(out, us);
	digits[0] = htole64(eight_digits((uint32_t)(us / 100000000)));
	digits[1] = htole64(eight_digits((uint32_t)(us % 100000000)));
	memcpy(out, digits, sizeof(digits));
	return sizeof(digits);
}

unsigned ingest_head(char out[INGEST_HEAD], int64_t receive_us, int64_t hour, uint32_t generation)
{
	unsigned n = put_text(out, "\",");

	n += put_time(out + n, receive_us);
	out[n++] = ',';
	n += put_decimal(out + n, hour);
	out[n++] = ',';
	return n + put_decimal(out + n, generation);
}

unsigned ingest_end_time(char out[INGEST_END], int64_t event_us, int late)
{
	unsigned n = 1;

	out[0] = ',';
	n += put_time(out + n, event_us);
	if (UNLIKELY(late))
		n += put_text(out + n, ",\"late\"");
	return n + put_text(out + n, "]}");
}

unsigned ingest_hex_digits(uint64_t value)
{
	return value == 0 ? 1 : (unsigned)(67 - __builtin_clzll(value)) / 4;
}

__attribute__((target("ssse3"))) void ingest_hex(uint8_t out[INGEST_DIGITS], uint64_t value, unsigned digits)
{
	const __m128i low = _mm_set1_epi8(15);
	const __m128i table = _mm_loadu_si128((const __m128i *)(const void *)"0123456789abcdef");
	uint64_t first = __builtin_bswap64(value << (64 - 4 * digits));
	__m128i bytes = _mm_cvtsi64_si128((int64_t)first);
	__m128i nibbles = _mm_unpacklo_epi8(_mm_and_si128(_mm_srli_epi64(bytes, 4), low), _mm_and_si128(bytes, low));

	_mm_storeu_si128((__m128i *)(void *)out, _mm_shuffle_epi8(table, nibbles));
}
