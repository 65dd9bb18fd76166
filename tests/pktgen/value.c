/* SPDX-License-Identifier: Apache-2.0 */
#include "value.h"

#include <arpa/inet.h>
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

int value_bad(struct error *error, const char *option, const char *value, const char *expected)
{
	return error_set(error, -EINVAL, "--%s %s: expected %s", option, value, expected);
}

int value_plain(const char *text, uint64_t min, uint64_t max, uint64_t *out)
{
	uint64_t scale = 1;
	char *end;

	if (*text < '0' || *text > '9')
		return -EINVAL;
	errno = 0;
	*out = strtoull(text, &end, 10);
	if (errno != 0)
		return -EINVAL;
	if (*end != 0) {
		scale = *end == 'k' ? 1000 : *end == 'M' ? 1000000 : *end == 'G' ? 1000000000 : 0;
		if (scale == 0 || end[1] != 0)
			return -EINVAL;
	}
	if (__builtin_mul_overflow(*out, scale, out) || *out < min || *out > max)
		return -EINVAL;
	return 0;
}

int value_number(struct error *error, const char *option, const char *text, uint64_t min, uint64_t max, uint64_t *out)
{
	char expected[80];

	if (value_plain(text, min, max, out) == 0)
		return 0;
	snprintf(expected, sizeof(expected), "a whole number from %" PRIu64 " to %" PRIu64, min, max);
	return value_bad(error, option, text, expected);
}

int value_number32(struct error *error, const char *option, const char *text, uint32_t min, uint32_t max, uint32_t *out)
{
	uint64_t value = 0;
	int rc = value_number(error, option, text, min, max, &value);

	if (rc == 0)
		*out = (uint32_t)value;
	return rc;
}

int value_double(struct error *error, const char *option, const char *text, double min, double max, double *out)
{
	char expected[80], *end;
	uint64_t whole;
	int number = 1;

	if (value_plain(text, 0, UINT64_MAX, &whole) == 0) {
		*out = (double)whole;
	} else {
		*out = strtod(text, &end);
		number = end != text && *end == 0;
	}
	if (number && *out >= min && *out <= max)
		return 0;
	snprintf(expected, sizeof(expected), "a number from %g to %.0f", min, max);
	return value_bad(error, option, text, expected);
}

int value_address(struct error *error, const char *option, const char *text, struct address *list, unsigned *count)
{
	struct address address = {.family = ADDRESS_IPV4};

	if (inet_pton(AF_INET, text, address.bytes) != 1) {
		address.family = ADDRESS_IPV6;
		if (inet_pton(AF_INET6, text, address.bytes) != 1)
			return value_bad(error, option, text, "an IPv4 or IPv6 address");
	}
	if (*count == TARGETS_MAX)
		return error_set(error, -EINVAL, "--%s: at most %d addresses", option, TARGETS_MAX);
	list[(*count)++] = address;
	return 0;
}

int value_per_format(struct error *error, const char *option, const char *text, uint64_t max, uint64_t *values)
{
	char copy[96], *save = NULL;

	if (text[strspn(text, ",")] == 0 || snprintf(copy, sizeof(copy), "%s", text) >= (int)sizeof(copy))
		return value_bad(error, option, text, "FORMAT=NUMBER,...");
	for (char *item = strtok_r(copy, ",", &save); item != NULL; item = strtok_r(NULL, ",", &save)) {
		char *value = strchr(item, '=');
		unsigned format = 0;

		if (value == NULL)
			return value_bad(error, option, text, "FORMAT=NUMBER,...");
		*value++ = 0;
		while (format < FORMATS && strcmp(item, format_names[format]) != 0)
			format++;
		if (format == FORMATS || value_plain(value, 0, max, &values[format]) != 0)
			return value_bad(error, option, text, "json, frame or raw, = and a number");
	}
	return 0;
}

int value_mac(struct error *error, const char *option, const char *text, uint8_t *mac)
{
	unsigned bytes[6];
	char rest;

	if (sscanf(text, "%2x:%2x:%2x:%2x:%2x:%2x%c", &bytes[0], &bytes[1], &bytes[2], &bytes[3], &bytes[4], &bytes[5],
		    &rest) != 6)
		return value_bad(error, option, text, "a MAC address like 02:00:00:00:00:01");
	for (unsigned i = 0; i < 6; i++)
		mac[i] = (uint8_t)bytes[i];
	return 0;
}

int value_vlan(struct error *error, const char *option, const char *text, uint16_t *vlan)
{
	const char *dot = strchr(text, '.');
	uint64_t outer = 0, inner = 0;
	int len = dot == NULL ? (int)strlen(text) : (int)(dot - text);
	char first[24];

	if (snprintf(first, sizeof(first), "%.*s", len, text) >= (int)sizeof(first) ||
		value_plain(first, 1, 4094, &outer) != 0 || (dot != NULL && value_plain(dot + 1, 1, 4094, &inner) != 0))
		return value_bad(error, option, text, "a VLAN from 1 to 4094, or OUTER.INNER");
	vlan[0] = (uint16_t)outer;
	vlan[1] = (uint16_t)inner;
	return 0;
}
