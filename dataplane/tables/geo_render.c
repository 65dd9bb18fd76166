/* SPDX-License-Identifier: Apache-2.0 */

/* Fragments: what records of several layers say together, as JSON. */

#include <string.h>

#include "tables/geo_places.h"
#include "wire/utf8.h"

struct text {
	uint8_t *bytes;
	unsigned size;
};

static void put(struct text *text, const void *bytes, size_t size)
{
	memcpy(text->bytes + text->size, bytes, size);
	text->size += (unsigned)size;
}

static void put_name(struct text *text, int *members, const char *name)
{
	if ((*members)++ > 0)
		put(text, ",", 1);
	put(text, name, strlen(name));
}

static void put_number(struct text *text, uint32_t number)
{
	uint8_t digits[10];
	unsigned at = sizeof(digits);

	do {
		digits[--at] = (uint8_t)('0' + number % 10);
		number /= 10;
	} while (number > 0);
	put(text, digits + at, sizeof(digits) - at);
}

/* One character of `size` bytes as a JSON string has it; returns its bytes. */
static unsigned escape(uint8_t out[6], const uint8_t *character, unsigned size)
{
	static const char hex[] = "0123456789abcdef";

	if (character[0] == '"' || character[0] == '\\') {
		out[0] = '\\';
		out[1] = character[0];
		return 2;
	}
	if (character[0] < 0x20) {
		memcpy(out, "\\u00", 4);
		out[4] = (uint8_t)hex[character[0] >> 4];
		out[5] = (uint8_t)hex[character[0] & 15];
		return 6;
	}
	memcpy(out, character, size);
	return size;
}

/* As many whole characters as fit into `room` bytes. */
static void put_escaped(struct text *text, const uint8_t *from, uint32_t size, unsigned room)
{
	uint32_t at = 0;

	while (at < size) {
		int bytes = utf8_sequence(from + at, size - at);
		uint8_t out[6];
		unsigned needed;

		if (bytes <= 0)
			return;
		needed = escape(out, from + at, (unsigned)bytes);
		if (needed > room)
			return;
		put(text, out, needed);
		room -= needed;
		at += (uint32_t)bytes;
	}
}

int geo_is_utf8(const uint8_t *text, uint32_t size)
{
	for (uint32_t at = 0; at < size;) {
		int bytes = utf8_sequence(text + at, size - at);

		if (bytes <= 0)
			return 0;
		at += (uint32_t)bytes;
	}
	return 1;
}

/* The first record that knows the field, or NULL. */
static const struct geo_record *first_to_know(
	const struct geo_record *const records[], unsigned count, enum geo_field field)
{
	for (unsigned i = 0; i < count; i++)
		if (records[i]->known & field)
			return records[i];
	return NULL;
}

unsigned geo_render(uint8_t *out, const struct geo_record *const records[], unsigned count, unsigned fields)
{
	static const char asn_member[] = ",\"asn\":4294967295}", end[] = "\"";
	const struct geo_record *country = first_to_know(records, count, GEO_COUNTRY);
	const struct geo_record *city = first_to_know(records, count, GEO_CITY),
				*asn = first_to_know(records, count, GEO_ASN);
	struct text text = {.bytes = out};
	int members = 0;

	put(&text, ",\"geo\":{", 8);
	if (fields & GEO_COUNTRY) {
		put_name(&text, &members, "\"country\":\"");
		put(&text, country == NULL ? "ZZ" : country->country, 2);
		put(&text, "\"", 1);
	}
	if ((fields & GEO_CITY) && city != NULL) {
		put_name(&text, &members, "\"city\":\"");
		put_escaped(&text, city->city, city->city_size,
			GEO_FRAGMENT_MAX - text.size - (unsigned)(sizeof(asn_member) - 1 + sizeof(end) - 1));
		put(&text, "\"", 1);
	}
	if ((fields & GEO_ASN) && asn != NULL) {
		put_name(&text, &members, "\"asn\":");
		put_number(&text, asn->asn);
	}
	put(&text, "}", 1);
	return text.size;
}
