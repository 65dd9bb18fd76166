/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/address.h"

#include <errno.h>
#include <string.h>
#if defined(__x86_64__) && !defined(ADDRESS_PLAIN)
#define ADDRESS_VECTORS
#include <tmmintrin.h>
#endif

#include "base/compiler.h"

#define V4_TEXT_MIN    7u /* 0.0.0.0 */
#define V4_TEXT_MAX    15u
#define V6_GROUPS      8u
#define V4_MAPPED_BITS 96u

#ifdef ADDRESS_VECTORS
#define SSSE3 __attribute__((target("ssse3"))) /* DPDK's own least is above it */

/* 7 to 15 bytes and zeros behind them: two loads that overlap, none is outside. */
SSSE3 ALWAYS_INLINE __m128i load_text(struct slice text)
{
	uint32_t first, last;
	__m128i tail;

	if (UNLIKELY(text.len == V4_TEXT_MIN)) {
		memcpy(&first, text.data, sizeof(first));
		memcpy(&last, text.data + 3, sizeof(last));
		return _mm_cvtsi64_si128((int64_t)(first | (uint64_t)last << 24));
	}
	tail = _mm_srl_epi64(_mm_loadu_si64(text.data + text.len - 8), _mm_cvtsi32_si128(128 - 8 * (int)text.len));
	return _mm_unpacklo_epi64(_mm_loadu_si64(text.data), tail);
}

/* A bit for each byte that is a dot, and one behind the last; 0 when some byte is neither dot nor digit. */
SSSE3 ALWAYS_INLINE uint32_t find_dots(__m128i values, uint32_t len)
{
	__m128i dots = _mm_cmpeq_epi8(values, _mm_set1_epi8('.' - '0'));
	__m128i digits = _mm_cmpeq_epi8(_mm_min_epu8(values, _mm_set1_epi8(9)), values);
	uint32_t behind = 1u << len;

	if (UNLIKELY(((uint32_t)_mm_movemask_epi8(_mm_or_si128(dots, digits)) & (behind - 1)) != behind - 1))
		return 0;
	return (uint32_t)_mm_movemask_epi8(dots) | behind;
}

/* Takes the place of the lowest bit; one above all bytes when there is none. */
ALWAYS_INLINE uint32_t next_dot(uint32_t *dots)
{
	uint32_t place = (uint32_t)__builtin_ctz(*dots | 1u << 16);

	*dots &= *dots - 1;
	return place;
}

/*
 * Dotted decimal without a branch on where the dots are, which differs from event to event. Each number's digits are
 * shuffled to the last bytes of a lane of four, by places reckoned from the dots (after Daniel Lemire, "Parsing IP
 * addresses quickly", which has the shuffles in a table).
 */
SSSE3 static int parse_v4(struct slice text, uint32_t *v4)
{
	const __m128i spread = _mm_setr_epi8(0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3);
	const __m128i back = _mm_set1_epi32((int)0xFFFEFDFC); /* 4, 3, 2 and 1 before the end */
	const __m128i weights = _mm_set1_epi32(1 << 24 | 10 << 16 | 100 << 8);
	__m128i values, places, firsts, outside, wrong;
	uint32_t dots, ends;

	if (text.len - V4_TEXT_MIN > V4_TEXT_MAX - V4_TEXT_MIN)
		return -EINVAL;
	values = _mm_sub_epi8(load_text(text), _mm_set1_epi8('0'));
	dots = find_dots(values, text.len);
	ends = next_dot(&dots);
	ends |= next_dot(&dots) << 8;
	ends |= next_dot(&dots) << 16;
	if (UNLIKELY(dots != 1u << text.len))
		return -EINVAL;
	ends |= text.len << 24;
	places = _mm_add_epi8(_mm_shuffle_epi8(_mm_cvtsi32_si128((int)ends), spread), back);
	firsts = _mm_shuffle_epi8(_mm_cvtsi32_si128((int)((ends << 8) + 0x01010100)), spread);
	outside = _mm_cmpgt_epi8(firsts, places);
	values = _mm_shuffle_epi8(values, _mm_or_si128(places, outside));
	/* A fourth digit; no digit at all; a zero that others follow; above 255. */
	wrong = _mm_andnot_si128(outside, _mm_set1_epi32(0x000000FF));
	wrong = _mm_or_si128(wrong, _mm_and_si128(outside, _mm_set1_epi32((int)0xFF000000)));
	wrong = _mm_or_si128(
		wrong, _mm_and_si128(_mm_and_si128(_mm_cmpeq_epi8(firsts, places), _mm_set1_epi32(0x00FFFF00)),
			       _mm_cmpeq_epi8(values, _mm_setzero_si128())));
	values = _mm_madd_epi16(_mm_maddubs_epi16(weights, values), _mm_set1_epi16(1));
	wrong = _mm_or_si128(wrong, _mm_cmpgt_epi32(values, _mm_set1_epi32(255)));
	*v4 = (uint32_t)_mm_cvtsi128_si32(_mm_shuffle_epi8(values, _mm_set1_epi32(0x0004080C)));
	return UNLIKELY(_mm_movemask_epi8(wrong) != 0) ? -EINVAL : 0;
}

#define V6_TEXT_PLAIN 39u /* longest without an IPv4 address in it */
#define V6_AHEAD      4u  /* zeros before the text, so that four digits can be read before any place */

typedef unsigned __int128 v6_number;

/* What is read of an address: its groups as one number, in which "::" is a group too. */
struct v6_groups {
	v6_number number;
	unsigned count, gaps, before; /* groups, how many of them are "::", groups before it */
};

/* The text's bytes, 2 to 39, in steps that overlap. */
SSSE3 ALWAYS_INLINE void copy_text(uint8_t *to, struct slice text)
{
	uint16_t first, last;

	if (LIKELY(text.len >= 16)) {
		_mm_storeu_si128((__m128i *)(void *)to, _mm_loadu_si128((const __m128i *)(const void *)text.data));
		if (text.len > 32)
			_mm_storeu_si128((__m128i *)(void *)(to + 16),
				_mm_loadu_si128((const __m128i *)(const void *)(text.data + 16)));
		_mm_storeu_si128((__m128i *)(void *)(to + text.len - 16),
			_mm_loadu_si128((const __m128i *)(const void *)(text.data + text.len - 16)));
	} else if (text.len >= 8) {
		_mm_storeu_si64(to, _mm_loadu_si64(text.data));
		_mm_storeu_si64(to + text.len - 8, _mm_loadu_si64(text.data + text.len - 8));
	} else {
		memcpy(&first, text.data, sizeof(first));
		memcpy(&last, text.data + text.len - 2, sizeof(last));
		memcpy(to, &first, sizeof(first));
		for (uint32_t i = 2; i + 2 < text.len; i++)
			to[i] = text.data[i];
		memcpy(to + text.len - 2, &last, sizeof(last));
	}
}

/* Makes digits of 16 bytes; bits for those that are none, and for colons. */
SSSE3 ALWAYS_INLINE uint64_t read_digits(uint8_t *at, uint64_t *colons)
{
	__m128i bytes = _mm_loadu_si128((const __m128i *)(const void *)at);
	__m128i letters = _mm_sub_epi8(_mm_or_si128(bytes, _mm_set1_epi8(0x20)), _mm_set1_epi8('a'));
	__m128i numbers = _mm_sub_epi8(bytes, _mm_set1_epi8('0'));
	__m128i is_letter = _mm_cmpeq_epi8(_mm_min_epu8(letters, _mm_set1_epi8(5)), letters);
	__m128i is_number = _mm_cmpeq_epi8(_mm_min_epu8(numbers, _mm_set1_epi8(9)), numbers);
	__m128i values = _mm_or_si128(
		_mm_and_si128(is_number, numbers), _mm_and_si128(is_letter, _mm_add_epi8(letters, _mm_set1_epi8(10))));

	_mm_storeu_si128((__m128i *)(void *)at, values);
	*colons = (uint32_t)_mm_movemask_epi8(_mm_cmpeq_epi8(bytes, _mm_set1_epi8(':')));
	return (uint32_t)_mm_movemask_epi8(_mm_or_si128(is_letter, is_number)) ^ 0xFFFFu;
}

/* The number of the last `len` digits, up to four, before `end`. */
ALWAYS_INLINE uint32_t read_four(const uint8_t *end, uint32_t len)
{
	uint32_t digits;

	memcpy(&digits, end - 4, sizeof(digits));
	digits = (uint32_t)(__builtin_bswap32(digits) & ((UINT64_C(1) << 8 * len) - 1));
	digits = (digits | digits >> 4) & 0x00FF00FF;
	return (digits | digits >> 8) & 0xFFFF;
}

/* The groups in [at, end) of the digits, with a colon at each bit; -EINVAL: one is too long. */
ALWAYS_INLINE int read_plain_groups(
	const uint8_t *digits, uint64_t colons, uint32_t at, uint32_t end, struct v6_groups *groups)
{
	colons = (colons | UINT64_C(1) << end) & UINT64_MAX << at;
	*groups = (struct v6_groups){0, 0, 0, V6_GROUPS};
	do {
		uint32_t place = (uint32_t)__builtin_ctzll(colons), len = place - at, is_gap = len == 0;

		if (UNLIKELY(len > 4))
			return -EINVAL;
		groups->number = groups->number << 16 | read_four(digits + place, len);
		groups->before = is_gap ? groups->count : groups->before;
		groups->gaps += is_gap;
		groups->count++;
		at = place + 1;
		colons &= colons - 1;
	} while (colons != 0);
	return 0;
}

/* In place of "::" as many zeros as are missing. Shifts in halves: one of all bits is none. */
ALWAYS_INLINE v6_number fill_gap(const struct v6_groups *groups)
{
	unsigned behind = groups->gaps == 0 ? 0 : groups->count - groups->before - 1;
	unsigned right = 8 * (behind + groups->gaps), left = 8 * (V6_GROUPS - groups->before);

	return groups->number >> right >> right << left << left |
	       (groups->number & (((v6_number)1 << 16 * behind) - 1));
}

/* Hexadecimal groups and colons: by places reckoned from the colons, since lengths differ from event to event. */
SSSE3 static int parse_v6_plain(struct slice text, struct ip_address *address)
{
	uint8_t room[V6_AHEAD + 64] = {0}, *digits = room + V6_AHEAD;
	uint64_t colons[3], others, all = (UINT64_C(1) << text.len) - 1;
	uint32_t at, end = text.len;
	struct v6_groups groups;
	v6_number number;

	copy_text(digits, text);
	others = read_digits(digits, &colons[0]) | read_digits(digits + 16, &colons[1]) << 16 |
		 read_digits(digits + 32, &colons[2]) << 32;
	colons[0] |= colons[1] << 16 | colons[2] << 32;
	if (UNLIKELY((others & all) != colons[0]))
		return -EINVAL;
	/* A "::" at either end has no group on its other side. */
	at = (uint32_t)(colons[0] & 1);
	end -= (uint32_t)(colons[0] >> (end - 1));
	if (UNLIKELY((at == 1 && (colons[0] & 2) == 0) || (end < text.len && (colons[0] >> (end - 1) & 1) == 0)))
		return -EINVAL;
	if (UNLIKELY(read_plain_groups(digits, colons[0], at, end, &groups) != 0))
		return -EINVAL;
	if (UNLIKELY(groups.gaps > 1 || groups.count > V6_GROUPS || (groups.gaps == 0 && groups.count < V6_GROUPS)))
		return -EINVAL;
	number = fill_gap(&groups);
	*address = (struct ip_address){(uint64_t)(number >> 64), (uint64_t)number};
	return 0;
}
#else
/* A decimal number up to 255 without leading zeros at `*at`, or -1. */
static int read_octet(struct slice text, uint32_t *at)
{
	uint32_t begin = *at;
	int value = 0;

	for (; *at < text.len && *at - begin < 3 && text.data[*at] - (unsigned)'0' <= 9; (*at)++)
		value = value * 10 + text.data[*at] - '0';
	return *at == begin || value > 255 || (*at - begin > 1 && text.data[begin] == '0') ? -1 : value;
}

static int parse_v4(struct slice text, uint32_t *v4)
{
	uint32_t at = 0, address = 0;

	for (unsigned i = 0; i < 4; i++) {
		int value;

		if (i > 0 && (at == text.len || text.data[at++] != '.'))
			return -EINVAL;
		value = read_octet(text, &at);
		if (value < 0)
			return -EINVAL;
		address = address << 8 | (uint32_t)value;
	}
	*v4 = address;
	return at == text.len ? 0 : -EINVAL;
}
#endif

/* 0 to 15, or above for what is no hexadecimal digit. */
static unsigned hex_digit(uint8_t byte)
{
	unsigned digit = byte - (unsigned)'0', letter = (byte | 0x20u) - 'a';

	return digit <= 9 ? digit : letter <= 5 ? letter + 10 : 16;
}

/* 1 to 4 hexadecimal digits at `*at`. */
static int read_group(struct slice text, uint32_t *at, uint16_t *group)
{
	uint32_t value = 0, digits = 0;

	for (; *at < text.len && hex_digit(text.data[*at]) < 16; (*at)++, digits++)
		value = value << 4 | hex_digit(text.data[*at]);
	*group = (uint16_t)value;
	return digits >= 1 && digits <= 4 ? 0 : -EINVAL;
}

struct groups {
	uint16_t values[V6_GROUPS];
	unsigned count, gap; /* those read; how many of them stand before "::", V6_GROUPS + 1 when there is none */
};

/* Whether an IPv4 address can begin here: digits up to a dot. */
static int at_dotted(struct slice text, uint32_t at)
{
	while (at < text.len && text.data[at] - (unsigned)'0' <= 9)
		at++;
	return at < text.len && text.data[at] == '.';
}

static int read_dotted(struct slice text, uint32_t at, struct groups *groups)
{
	uint32_t v4;

	if (groups->count > V6_GROUPS - 2 || parse_v4((struct slice){text.data + at, text.len - at}, &v4) != 0)
		return -EINVAL;
	groups->values[groups->count++] = (uint16_t)(v4 >> 16);
	groups->values[groups->count++] = (uint16_t)v4;
	return 0;
}

/* Groups, colons between them, at most one "::"; an IPv4 address may be the last two. */
static int read_groups(struct slice text, struct groups *groups)
{
	uint32_t at = 0;

	groups->gap = V6_GROUPS + 1;
	groups->count = 0;
	if (text.len >= 2 && text.data[0] == ':' && text.data[1] == ':') {
		groups->gap = 0;
		at = 2;
	}
	while (at < text.len) {
		if (groups->count == V6_GROUPS)
			return -EINVAL;
		if (at_dotted(text, at))
			return read_dotted(text, at, groups);
		if (read_group(text, &at, &groups->values[groups->count]) != 0)
			return -EINVAL;
		groups->count++;
		if (at == text.len)
			return 0;
		if (text.data[at++] != ':' || at == text.len)
			return -EINVAL;
		if (text.data[at] == ':') {
			if (groups->gap <= V6_GROUPS)
				return -EINVAL;
			groups->gap = groups->count;
			at++;
		}
	}
	return groups->count == 0 && groups->gap > V6_GROUPS ? -EINVAL : 0;
}

/* Out of line, so that IPv4 does not pay for its registers. */
__attribute__((noinline)) static int parse_v6(struct slice text, struct ip_address *address)
{
	struct groups groups;
	uint64_t halves[2] = {0, 0};

	if (text.len < 2 || text.len > ADDRESS_TEXT_MAX)
		return -EINVAL;
#ifdef ADDRESS_VECTORS
	if (LIKELY(text.len <= V6_TEXT_PLAIN && parse_v6_plain(text, address) == 0))
		return 0;
#endif
	/* One with an IPv4 address in it, or none at all. */
	if (read_groups(text, &groups) != 0)
		return -EINVAL;
	/* "::" stands for at least one group. */
	if (groups.gap > V6_GROUPS ? groups.count != V6_GROUPS : groups.count == V6_GROUPS)
		return -EINVAL;
	for (unsigned i = 0; i < groups.count; i++) {
		unsigned place = i < groups.gap ? i : i + V6_GROUPS - groups.count;

		halves[place / 4] |= (uint64_t)groups.values[i] << 16 * (3 - place % 4);
	}
	*address = (struct ip_address){halves[0], halves[1]};
	return 0;
}

int address_parse(struct slice text, struct ip_address *address)
{
	uint32_t v4;

	if (LIKELY(parse_v4(text, &v4) == 0)) {
		*address = address_of_v4(v4);
		return 0;
	}
	return parse_v6(text, address);
}

/* Decimal, at most `max`, without leading zeros. */
static int read_length(struct slice text, unsigned max, unsigned *length)
{
	unsigned value = 0;

	if (text.len == 0 || text.len > 3 || (text.len > 1 && text.data[0] == '0'))
		return -EINVAL;
	for (uint32_t i = 0; i < text.len; i++) {
		if (text.data[i] - (unsigned)'0' > 9)
			return -EINVAL;
		value = value * 10 + (text.data[i] - (unsigned)'0');
	}
	*length = value;
	return value <= max ? 0 : -EINVAL;
}

/* Whether all bits behind the first `length` are zeros. */
static int is_prefix(struct ip_address address, unsigned length)
{
	uint64_t high = length >= 64 ? 0 : UINT64_MAX >> length;
	uint64_t low = length <= 64 ? UINT64_MAX : length == 128 ? 0 : UINT64_MAX >> (length - 64);

	return (address.high & high) == 0 && (address.low & low) == 0;
}

int address_parse_prefix(struct slice text, struct ip_address *address, unsigned *length)
{
	const uint8_t *slash = text.len == 0 ? NULL : memchr(text.data, '/', text.len);
	struct slice head = {text.data, slash == NULL ? text.len : (uint32_t)(slash - text.data)};
	struct ip_address found;
	unsigned bits = 128, before;

	if (address_parse(head, &found) != 0)
		return -EINVAL;
	if (slash != NULL) {
		before = memchr(head.data, ':', head.len) == NULL ? V4_MAPPED_BITS : 0;
		if (read_length((struct slice){slash + 1, text.len - head.len - 1}, 128 - before, &bits) != 0)
			return -EINVAL;
		bits += before;
	}
	if (!is_prefix(found, bits))
		return -EINVAL;
	*address = found;
	*length = bits;
	return 0;
}
