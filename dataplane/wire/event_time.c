/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/event_time.h"

#include <errno.h>
#include <string.h>

#define SECONDS_END      UINT64_C(100000000000)
#define MILLISECONDS_END UINT64_C(100000000000000)
#define MICROSECONDS_END UINT64_C(100000000000000000)
#define YEAR_10000       INT64_C(253402300800) /* seconds since 1970 at its start */

static int is_digit(uint8_t byte)
{
	return byte >= '0' && byte <= '9';
}

/* Whether all 8 bytes are digits: no byte below '0', none that adding 6 carries out of the row 0x30. */
static int all_digits(uint64_t word)
{
	return (((word & UINT64_C(0xF0F0F0F0F0F0F0F0)) |
			((word + UINT64_C(0x0606060606060606)) & UINT64_C(0xF0F0F0F0F0F0F0F0)) >> 4)) ==
		UINT64_C(0x3333333333333333);
}

/* The value of 8 digits, the first in the lowest byte: pairs, then fours, then all (SWAR; Wojciech Mula, "SWAR parsing"). */
static uint64_t eight_digits(uint64_t word)
{
	word = (word & UINT64_C(0x0F0F0F0F0F0F0F0F)) * 2561 >> 8;
	word = (word & UINT64_C(0x00FF00FF00FF00FF)) * 6553601 >> 16;
	return (word & UINT64_C(0x0000FFFF0000FFFF)) * UINT64_C(42949672960001) >> 32;
}

static const uint64_t powers[] = {1, 10, 100, 1000, 10000, 100000, 1000000, 10000000, 100000000};

/* The value of 8 to 16 bytes, when all are digits: the first 8, and the last 8 without those that are among the first. */
static int read_plain(struct slice text, uint64_t *value)
{
	uint64_t first, last;

	memcpy(&first, text.data, sizeof(first));
	memcpy(&last, text.data + text.len - sizeof(last), sizeof(last));
	if (!all_digits(first) || !all_digits(last))
		return 0;
	last = text.len == 8 ? 0 : last >> 8 * (16 - text.len) << 8 * (16 - text.len);
	*value = eight_digits(first) * powers[text.len - 8] + eight_digits(last);
	return 1;
}

/* Reads the digits at the start of the slice, at most 18; returns how many, 0 also when there are more. */
static uint32_t read_digits(struct slice text, uint64_t *value)
{
	uint32_t at = 0;
	uint64_t word;

	if (text.len >= 8 && text.len <= 16 && read_plain(text, value))
		return text.len;
	*value = 0;
	for (; text.len - at >= 8 && at < 16; at += 8) {
		memcpy(&word, text.data + at, sizeof(word));
		if (!all_digits(word))
			break;
		*value = *value * 100000000 + eight_digits(word);
	}
	for (; at < text.len && is_digit(text.data[at]); at++) {
		if (at == 18)
			return 0;
		*value = *value * 10 + (uint64_t)(text.data[at] - '0');
	}
	return at;
}

/* The first `places` digits of a fraction (all of which are digits) as a number; those missing are zeros. -1: no fraction. */
static int64_t read_fraction(struct slice text, uint32_t places)
{
	int64_t value = 0;

	if (text.len == 0)
		return -1;
	for (uint32_t i = 0; i < text.len; i++)
		if (!is_digit(text.data[i]))
			return -1;
	for (uint32_t i = 0; i < places; i++)
		value = value * 10 + (i < text.len ? text.data[i] - '0' : 0);
	return value;
}

static struct slice behind(struct slice text, uint32_t bytes)
{
	return (struct slice){text.data + bytes, text.len - bytes};
}

static int parse_number(struct slice text, int64_t *time_us, int *is_us)
{
	uint64_t whole;
	uint32_t digits = read_digits(text, &whole), places;
	int64_t fraction = 0;

	if (digits == 0 || whole >= MICROSECONDS_END || (digits > 1 && text.data[0] == '0'))
		return -EINVAL;
	places = whole < SECONDS_END ? 6 : whole < MILLISECONDS_END ? 3 : 0;
	*is_us = places == 0 && digits == text.len;
	if (digits < text.len) {
		if (text.data[digits] != '.')
			return -EINVAL;
		fraction = read_fraction(behind(text, digits + 1), places);
		if (fraction < 0)
			return -EINVAL;
	}
	*time_us = (int64_t)(whole * powers[places]) + fraction;
	return 0;
}

/* Two digits, or -1. */
static int two_digits(const uint8_t *text)
{
	return is_digit(text[0]) && is_digit(text[1]) ? (text[0] - '0') * 10 + text[1] - '0' : -1;
}

static int days_of_month(int year, int month)
{
	static const uint8_t days[13] = {0, 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
	int leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;

	return days[month] + (month == 2 && leap);
}

/* Days since 1970-01-01 in the Gregorian calendar, counted in years that begin in March (Howard Hinnant, "chrono-compatible
 * low-level date algorithms", days_from_civil; years from 0 on need no care for signs). */
static int64_t days_since_1970(int year, int month, int day)
{
	int y = month <= 2 ? year - 1 : year;
	int era = (y < 0 ? y - 399 : y) / 400, year_of_era = y - era * 400;
	int day_of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;

	return (int64_t)era * 146097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - 719468;
}

/* "Z" or "+hh:mm" as seconds east of UTC. */
static int parse_offset(struct slice text, int *seconds)
{
	int hours, minutes;

	*seconds = 0;
	if (text.len == 1 && (text.data[0] | 0x20) == 'z')
		return 0;
	if (text.len != 6 || (text.data[0] != '+' && text.data[0] != '-') || text.data[3] != ':')
		return -EINVAL;
	hours = two_digits(text.data + 1);
	minutes = two_digits(text.data + 4);
	if (hours < 0 || hours > 23 || minutes < 0 || minutes > 59)
		return -EINVAL;
	*seconds = (hours * 60 + minutes) * (text.data[0] == '-' ? -60 : 60);
	return 0;
}

/* "YYYY-MM-DD" as days since 1970. */
static int parse_date(const uint8_t *text, int64_t *days)
{
	int century = two_digits(text), year = two_digits(text + 2), month = two_digits(text + 5), day = two_digits(text + 8);

	if (century < 0 || year < 0 || month < 1 || month > 12 || text[4] != '-' || text[7] != '-')
		return -EINVAL;
	year += century * 100;
	if (day < 1 || day > days_of_month(year, month))
		return -EINVAL;
	*days = days_since_1970(year, month, day);
	return 0;
}

/* "hh:mm:ss" as seconds, 60 of which may be a leap second. */
static int parse_time(const uint8_t *text, int *seconds, int *leap)
{
	int hour = two_digits(text), minute = two_digits(text + 3), second = two_digits(text + 6);

	if (text[2] != ':' || text[5] != ':')
		return -EINVAL;
	if (hour < 0 || hour > 23 || minute < 0 || minute > 59 || second < 0 || second > 60)
		return -EINVAL;
	*seconds = (hour * 60 + minute) * 60 + second;
	*leap = second == 60;
	return 0;
}

static int parse_rfc3339(struct slice text, int64_t *time_us)
{
	int64_t days, seconds, fraction = 0;
	int time, leap, offset;
	uint32_t at = 19;

	if (text.len < 20 || (text.data[10] != ' ' && (text.data[10] | 0x20) != 't'))
		return -EINVAL;
	if (parse_date(text.data, &days) != 0 || parse_time(text.data + 11, &time, &leap) != 0)
		return -EINVAL;
	if (text.data[at] == '.') {
		uint32_t first = ++at;

		while (at < text.len && is_digit(text.data[at]))
			at++;
		fraction = at - first > 9 ? -1 : read_fraction((struct slice){text.data + first, at - first}, 6);
	}
	if (fraction < 0 || parse_offset(behind(text, at), &offset) != 0)
		return -EINVAL;
	seconds = days * 86400 + time - offset;
	if (seconds < 0 || seconds >= YEAR_10000 || (leap && seconds % 86400 != 0))
		return -EINVAL;
	*time_us = seconds * 1000000 + fraction;
	return 0;
}

int event_time_parse(struct slice text, int is_string, int64_t *time_us, int *is_us_integer)
{
	int is_us = 0;
	int result;

	if (is_string && text.len >= 20 && text.data[4] == '-')
		result = parse_rfc3339(text, time_us);
	else
		result = parse_number(text, time_us, &is_us);
	*is_us_integer = result == 0 && is_us && !is_string;
	return result;
}

unsigned event_time_digits(uint8_t *out, uint64_t value)
{
	static const char pairs[] = "00010203040506070809101112131415161718192021222324"
				    "25262728293031323334353637383940414243444546474849"
				    "50515253545556575859606162636465666768697071727374"
				    "75767778798081828384858687888990919293949596979899";
	uint8_t text[EVENT_TIME_DIGITS];
	unsigned at = sizeof(text);

	while (value >= 100) {
		at -= 2;
		memcpy(text + at, pairs + value % 100 * 2, 2);
		value /= 100;
	}
	if (value >= 10) {
		at -= 2;
		memcpy(text + at, pairs + value * 2, 2);
	} else {
		text[--at] = (uint8_t)('0' + value);
	}
	memcpy(out, text + at, sizeof(text) - at);
	return (unsigned)sizeof(text) - at;
}
