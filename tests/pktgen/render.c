/* SPDX-License-Identifier: Apache-2.0 */
#include "render.h"

#include <string.h>

static const uint8_t hex_digits[16] = "0123456789abcdef";

uint8_t *render_decimal(uint8_t *to, uint64_t value)
{
	uint8_t digits[20];
	unsigned at = sizeof(digits);

	do {
		digits[--at] = (uint8_t)('0' + value % 10);
		value /= 10;
	} while (value != 0);
	for (unsigned i = at; i < sizeof(digits); i++)
		*to++ = digits[i];
	return to;
}

/* `value` with leading zeros to `width` digits. */
static uint8_t *render_padded(uint8_t *to, uint32_t value, unsigned width)
{
	for (unsigned i = width; i-- > 0; value /= 10)
		to[i] = (uint8_t)('0' + value % 10);
	return to + width;
}

uint8_t *render_hex(uint8_t *to, struct random *random, unsigned digits)
{
	uint64_t bits = 0;

	for (unsigned i = 0; i < digits; i++, bits >>= 4) {
		if (i % 16 == 0)
			bits = random_next(random);
		*to++ = hex_digits[bits & 15];
	}
	return to;
}

uint8_t *render_fraction(uint8_t *to, struct random *random, uint32_t limit)
{
	uint64_t bits = random_next(random);
	uint32_t value = random_scale((uint32_t)bits, limit);

	if ((bits >> 32) % 16 == 0)
		*to++ = '-', value /= 16;
	to = render_decimal(to, value / 1000);
	*to++ = '.';
	to = render_padded(to, value % 1000, 3);
	if ((bits >> 40) % 16 == 0) {
		*to++ = ((bits >> 44) & 1) != 0 ? 'E' : 'e';
		*to++ = ((bits >> 45) & 1) != 0 ? '-' : '+';
		*to++ = (uint8_t)('0' + (bits >> 46) % 8);
	}
	return to;
}

/* Year, month and day of a count of days since 1970: Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms". */
static uint8_t *render_date(uint8_t *to, int64_t days)
{
	int64_t shifted = days + 719468;
	int64_t era = (shifted >= 0 ? shifted : shifted - 146096) / 146097;
	uint32_t day_of_era = (uint32_t)(shifted - era * 146097);
	uint32_t year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
	uint32_t day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
	uint32_t month = (5 * day_of_year + 2) / 153;

	to = render_padded(to, (uint32_t)(year_of_era + (uint32_t)(era * 400) + (month >= 10)), 4);
	*to++ = '-';
	to = render_padded(to, month < 10 ? month + 3 : month - 9, 2);
	*to++ = '-';
	return render_padded(to, day_of_year - (153 * month + 2) / 5 + 1, 2);
}

/* Where people are, in minutes east of Greenwich. */
static const int16_t zones[] = {0, 60, -300, 540, 330, -480, 120, -210};

static uint8_t *render_zone(uint8_t *to, int minutes, int plain)
{
	uint32_t distance = (uint32_t)(minutes < 0 ? -minutes : minutes);

	if (minutes == 0 && plain) {
		*to++ = 'Z';
		return to;
	}
	*to++ = minutes < 0 ? '-' : '+';
	to = render_padded(to, distance / 60, 2);
	*to++ = ':';
	return render_padded(to, distance % 60, 2);
}

static uint8_t *render_rfc3339(uint8_t *to, int64_t time_us, uint32_t bits)
{
	int zone = (bits & 8) != 0 ? zones[(bits >> 4) & 7] : 0;
	int64_t local = time_us / 1000000 + zone * 60;
	uint32_t second = (uint32_t)(local % 86400), micro = (uint32_t)(time_us % 1000000);
	unsigned precision = bits % 3;

	*to++ = '"';
	to = render_date(to, local / 86400);
	*to++ = 'T';
	to = render_padded(to, second / 3600, 2);
	*to++ = ':';
	to = render_padded(to, second / 60 % 60, 2);
	*to++ = ':';
	to = render_padded(to, second % 60, 2);
	if (precision != 0) {
		*to++ = '.';
		to = precision == 1 ? render_padded(to, micro / 1000, 3) : render_padded(to, micro, 6);
	}
	to = render_zone(to, zone, (bits & 256) != 0 || (bits & 8) == 0);
	*to++ = '"';
	return to;
}

uint8_t *render_time(uint8_t *to, int64_t time_us, enum time_form form, uint32_t bits)
{
	switch (form) {
	case TIME_S:
		return render_decimal(to, (uint64_t)time_us / 1000000);
	case TIME_MS:
		return render_decimal(to, (uint64_t)time_us / 1000);
	case TIME_US:
		return render_decimal(to, (uint64_t)time_us);
	default:
		return render_rfc3339(to, time_us, bits);
	}
}

static uint8_t *render_ipv4(uint8_t *to, uint32_t bits, struct address *address)
{
	uint8_t first = (uint8_t)(1 + random_scale(bits, 222));

	address->family = ADDRESS_IPV4;
	address->bytes[0] = first == 10 || first == 127 ? (uint8_t)(first + 1) : first;
	for (int i = 1; i < 4; i++)
		address->bytes[i] = (uint8_t)(bits >> (8 * (i - 1)));
	for (int i = 0; i < 4; i++) {
		if (i != 0)
			*to++ = '.';
		to = render_decimal(to, address->bytes[i]);
	}
	return to;
}

static uint8_t *render_group(uint8_t *to, uint32_t group)
{
	for (int shift = group > 0xfff ? 12 : group > 0xff ? 8 : group > 0xf ? 4 : 0; shift >= 0; shift -= 4)
		*to++ = hex_digits[(group >> shift) & 15];
	return to;
}

static const uint16_t prefixes[8][2] = {
	{0x2001, 0x0db8},
	{0x2600, 0x1700},
	{0x2a02, 0x26f0},
	{0x2400, 0xcb00},
	{0x2804, 0x14c0},
	{0x2c0f, 0xf248},
	{0x2409, 0x4000},
	{0x2607, 0xfb90},
};

/* Half have a short interface part, written with "::". */
static uint8_t *render_ipv6(uint8_t *to, uint64_t bits, uint64_t more, struct address *address)
{
	uint16_t groups[8] = {
		prefixes[bits & 7][0], prefixes[bits & 7][1], (uint16_t)(bits >> 4), (uint16_t)(bits >> 20)};
	int shortened = (bits & 8) != 0;

	for (int i = 4; i < 8; i++)
		groups[i] = (uint16_t)(shortened && i < 7 ? 0 : more >> (16 * (i - 4)));
	address->family = ADDRESS_IPV6;
	for (int i = 0; i < 8; i++) {
		address->bytes[2 * i] = (uint8_t)(groups[i] >> 8);
		address->bytes[2 * i + 1] = (uint8_t)groups[i];
	}
	for (int i = 0; i < 8; i += shortened && i == 3 ? 4 : 1) {
		if (i != 0)
			*to++ = ':';
		if (shortened && i == 7)
			*to++ = ':';
		to = render_group(to, groups[i]);
	}
	return to;
}

uint8_t *render_client(uint8_t *to, struct random *random, struct address *address)
{
	uint64_t bits = random_next(random);

	memset(address, 0, sizeof(*address));
	if ((bits >> 56) >= 77)
		return render_ipv4(to, (uint32_t)bits, address);
	return render_ipv6(to, bits, random_next(random), address);
}

void render_crc(uint8_t *to, uint32_t crc)
{
	for (int i = 7; i >= 0; i--, crc >>= 4)
		to[i] = hex_digits[crc & 15];
}
