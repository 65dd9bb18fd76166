/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>

#include "base/compiler.h"
#include "wire/number.h"
#include "wire/word.h"

#define SIGN UINT64_C(0x8000000000000000)
/* Above the largest distance of a point from the first digit, which a text of 4 GiB and its exponent can make. */
#define BIAS  (INT64_C(1) << 33)
#define ZEROS UINT64_C(0x3030303030303030) /* eight digits 0 */

static const uint64_t powers[NUMBER_DIGITS + 1] = {1, 10, 100, 1000, 10000, 100000, 1000000, 10000000, 100000000,
	1000000000, 10000000000, 100000000000, 1000000000000, 10000000000000, 100000000000000, 1000000000000000,
	10000000000000000, 100000000000000000, 1000000000000000000, UINT64_C(10000000000000000000)};

struct reader {
	const uint8_t *at, *end;
	uint64_t digits; /* the significant ones so far, NUMBER_DIGITS at the most */
	unsigned count;  /* of them */
	int64_t point;   /* the number is 0.digits * 10^point */
};

static int is_digit(uint8_t byte)
{
	return (uint8_t)(byte - '0') <= 9;
}

static struct number make(int negative, uint64_t digits, unsigned count, int64_t point)
{
	uint64_t flip = negative ? ~UINT64_C(0) : 0;

	if (digits == 0)
		return (struct number){SIGN, 0};
	return (struct number){
		(SIGN | (uint64_t)(point + BIAS)) ^ flip, (digits * powers[NUMBER_DIGITS - count]) ^ flip};
}

/* Digits of the integer part (before_point) or of the fraction; at least one. */
static int read_digits(struct reader *reader, int before_point)
{
	const uint8_t *begin = reader->at;

	for (; reader->at < reader->end && is_digit(*reader->at); reader->at++) {
		unsigned digit = *reader->at - '0';
		int leading = reader->digits == 0 && digit == 0;

		if (before_point)
			reader->point += !leading;
		else
			reader->point -= leading;
		if (leading || reader->count == NUMBER_DIGITS)
			continue;
		reader->digits = reader->digits * 10 + digit;
		reader->count++;
	}
	return reader->at > begin ? 0 : -EINVAL;
}

static int read_exponent(struct reader *reader)
{
	int64_t exponent = 0;
	int negative = 0;

	if (reader->at < reader->end && (*reader->at == '+' || *reader->at == '-'))
		negative = *reader->at++ == '-';
	if (reader->at == reader->end)
		return -EINVAL;
	for (; reader->at < reader->end; reader->at++) {
		if (!is_digit(*reader->at))
			return -EINVAL;
		exponent = exponent * 10 + (*reader->at - '0');
		if (exponent > NUMBER_EXPONENT_MAX)
			exponent = NUMBER_EXPONENT_MAX;
	}
	reader->point += negative ? -exponent : exponent;
	return 0;
}

/* Any number, digit by digit. */
static __attribute__((noinline)) int parse_any(struct slice text, int negative, struct number *number)
{
	struct reader reader = {.at = text.data, .end = text.data + text.len};

	if (text.len > 1 && text.data[0] == '0' && is_digit(text.data[1]))
		return -EINVAL;
	if (read_digits(&reader, 1) != 0)
		return -EINVAL;
	if (reader.at < reader.end && *reader.at == '.') {
		reader.at++;
		if (read_digits(&reader, 0) != 0)
			return -EINVAL;
	}
	if (reader.at < reader.end && (*reader.at | 0x20) == 'e') {
		reader.at++;
		if (read_exponent(&reader) != 0)
			return -EINVAL;
	}
	if (reader.at != reader.end)
		return -EINVAL;
	*number = make(negative, reader.digits, reader.count, reader.point);
	return 0;
}

/* Whether all eight bytes are digits: none has a high half other than 3, nor gets one when 6 is added. */
static int all_digits(uint64_t word)
{
	const uint64_t high_halves = UINT64_C(0xF0F0F0F0F0F0F0F0);

	return (word & high_halves) == ZEROS && ((word + UINT64_C(0x0606060606060606)) & high_halves) == ZEROS;
}

/* Eight digits side by side: pairs, then fours, then all (Lemire's "Quickly parsing eight digits"). */
static uint64_t eight_digits(uint64_t word)
{
	word = (word & UINT64_C(0x0F0F0F0F0F0F0F0F)) * 2561 >> 8;
	word = (word & UINT64_C(0x00FF00FF00FF00FF)) * 6553601 >> 16;
	return (word & UINT64_C(0x0000FFFF0000FFFF)) * UINT64_C(42949672960001) >> 32;
}

/* The word of up to eight digits (1 to 8), with zeros before them. */
static uint64_t load_digits(const uint8_t *data, uint32_t len)
{
	unsigned shift = 64 - 8 * len;

	return word_load_short(data, len) << shift | (ZEROS & ((UINT64_C(1) << shift) - 1));
}

int number_parse(struct slice text, struct number *number)
{
	int negative;
	uint64_t high, low, digits;

	if (UNLIKELY(text.len == 0))
		return -EINVAL;
	negative = text.data[0] == '-';
	text.data += negative;
	text.len -= (uint32_t)negative;
	/* A whole number of 1 to 16 digits; zero, which has none that are significant, is left to the other. */
	if (UNLIKELY(text.len - 1 >= 16 || text.data[0] == '0'))
		return parse_any(text, negative, number);
	high = text.len > 8 ? load_digits(text.data, text.len - 8) : ZEROS;
	low = text.len > 8 ? word_load(text.data + text.len - 8) : load_digits(text.data, text.len);
	if (!all_digits(high) || !all_digits(low))
		return parse_any(text, negative, number);
	digits = eight_digits(high) * 100000000 + eight_digits(low);
	*number = make(negative, digits, text.len, text.len);
	return 0;
}
