/* SPDX-License-Identifier: Apache-2.0 */
#include "control/daemon/config_value.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

#include "base/compiler.h"

#define CPU_HIGHEST 1023u
#define QUOTED_MAX  48u
#define WORD_MAX    32u

struct unit {
	const char *name;
	uint64_t factor;
};

/* Smallest first. */
static const struct unit sizes[] = {{"B", 1}, {"KiB", 1024}, {"MiB", 1u << 20}, {"GiB", 1u << 30}, {"TiB", UINT64_C(1) << 40}};
static const struct unit durations[] = {
	{"us", 1}, {"ms", 1000}, {"s", 1000000}, {"m", 60000000}, {"h", UINT64_C(3600000000)}, {"d", UINT64_C(86400000000)}};
static const struct unit percents[] = {{"%", 1}};

/* Reads digits from the front; moves *text behind them. */
static const char *read_digits(const char **text, uint64_t *value)
{
	const char *at = *text;
	uint64_t v = 0;

	if (*at < '0' || *at > '9')
		return *at == '-' ? "is negative" : "is no number";
	if (at[0] == '0' && at[1] >= '0' && at[1] <= '9')
		return "has a leading zero";
	for (; *at >= '0' && *at <= '9'; at++)
		if (__builtin_mul_overflow(v, 10, &v) || __builtin_add_overflow(v, (uint64_t)(*at - '0'), &v))
			return "is too large";
	*text = at;
	*value = v;
	return NULL;
}

const char *value_number(const char *text, uint64_t *value)
{
	const char *why = read_digits(&text, value);

	if (why != NULL)
		return why;
	return *text == '\0' ? NULL : "is no whole number";
}

static const char *read_scaled(const char *text, const struct unit *units, size_t count, uint64_t *value)
{
	const char *why = read_digits(&text, value);

	if (why != NULL)
		return why;
	if (*text == '\0')
		return "has no unit";
	if (*text == '.')
		return "is no whole number";
	for (size_t i = 0; i < count; i++)
		if (strcmp(text, units[i].name) == 0)
			return __builtin_mul_overflow(*value, units[i].factor, value) ? "is too large" : NULL;
	return "has an unknown unit";
}

const char *value_size(const char *text, uint64_t *bytes)
{
	return read_scaled(text, sizes, ARRAY_LENGTH(sizes), bytes);
}

const char *value_duration(const char *text, uint64_t *us)
{
	return read_scaled(text, durations, ARRAY_LENGTH(durations), us);
}

const char *value_percent(const char *text, uint64_t *percent)
{
	return read_scaled(text, percents, ARRAY_LENGTH(percents), percent);
}

const char *value_mode(const char *text, uint64_t *mode)
{
	size_t length = strlen(text);
	uint64_t v = 0;

	if (length < 3 || length > 4 || strspn(text, "01234567") != length)
		return "is no octal mode";
	for (; *text != '\0'; text++)
		v = v * 8 + (uint64_t)(*text - '0');
	if ((v & ~0666u) != 0)
		return "sets bits that a socket does not have";
	if ((v & 0600) != 0600)
		return "shuts the owner out";
	*mode = v;
	return NULL;
}

static const char *check_ipv4(const uint8_t *bytes, unsigned prefix)
{
	uint32_t address = (uint32_t)bytes[0] << 24 | (uint32_t)bytes[1] << 16 | (uint32_t)bytes[2] << 8 | bytes[3];
	uint32_t host = (uint32_t)((UINT64_C(1) << (32 - prefix)) - 1);

	if (address == 0)
		return "is the unspecified address";
	if (bytes[0] >= 224)
		return "is a multicast or reserved address";
	if (prefix < 31 && (address & host) == 0)
		return "is the number of the subnet itself";
	if (prefix < 31 && (address & host) == host)
		return "is the subnet's broadcast address";
	return NULL;
}

static const char *check_ipv6(const uint8_t *bytes)
{
	static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff}, unspecified[16];

	if (memcmp(bytes, unspecified, 16) == 0)
		return "is the unspecified address";
	if (bytes[0] == 0xff)
		return "is a multicast address";
	if (memcmp(bytes, mapped, sizeof(mapped)) == 0)
		return "is an IPv4 address written as IPv6";
	return NULL;
}

const char *value_address(const char *text, struct source_address *address)
{
	char host[INET6_ADDRSTRLEN];
	const char *slash = strchr(text, '/');
	size_t length = slash != NULL ? (size_t)(slash - text) : strlen(text);
	uint64_t prefix;
	unsigned bits;

	memset(address, 0, sizeof(*address));
	if (length == 0 || length >= sizeof(host))
		return "is no IP address";
	memcpy(host, text, length);
	host[length] = '\0';
	if (inet_pton(AF_INET, host, address->address.bytes) == 1)
		address->address.family = ADDRESS_IPV4;
	else if (inet_pton(AF_INET6, host, address->address.bytes) == 1)
		address->address.family = ADDRESS_IPV6;
	else
		return "is no IP address";
	bits = address->address.family == ADDRESS_IPV4 ? 32 : 128;
	prefix = bits;
	if (slash != NULL && (value_number(slash + 1, &prefix) != NULL || prefix == 0 || prefix > bits))
		return bits == 32 ? "has no prefix length from 1 to 32" : "has no prefix length from 1 to 128";
	address->prefix = (uint8_t)prefix;
	if (bits == 32)
		return check_ipv4(address->address.bytes, (unsigned)prefix);
	return check_ipv6(address->address.bytes);
}

const char *value_cpus(const char *text, unsigned *first, unsigned *last)
{
	uint64_t a, b;
	const char *why = read_digits(&text, &a);

	if (why != NULL)
		return why;
	b = a;
	if (*text == '-') {
		text++;
		why = read_digits(&text, &b);
		if (why != NULL)
			return "is no range of CPUs";
	}
	if (*text != '\0')
		return "is no CPU number";
	if (b < a)
		return "is a range that runs backwards";
	if (b > CPU_HIGHEST)
		return "is above CPU 1023";
	*first = (unsigned)a;
	*last = (unsigned)b;
	return NULL;
}

static const char *print_scaled(char *out, size_t size, const struct unit *units, size_t count, uint64_t value)
{
	size_t i = count - 1;

	while (i > 0 && (value == 0 || value % units[i].factor != 0))
		i--;
	(void)snprintf(out, size, "%llu%s", (unsigned long long)(value / units[i].factor), units[i].name);
	return out;
}

const char *value_print_size(char *out, size_t size, uint64_t bytes)
{
	return print_scaled(out, size, sizes, ARRAY_LENGTH(sizes), bytes);
}

const char *value_print_duration(char *out, size_t size, uint64_t us)
{
	if (us == 0) {
		(void)snprintf(out, size, "0s");
		return out;
	}
	return print_scaled(out, size, durations, ARRAY_LENGTH(durations), us);
}

const char *value_quote(char *out, size_t size, const char *text)
{
	size_t n = 0;

	out[n++] = '"';
	for (size_t i = 0; text[i] != '\0' && n + 9 < size; i++) {
		unsigned char c = (unsigned char)text[i];

		/* A cut is made only where a character begins. */
		if (i >= QUOTED_MAX && (c & 0xc0) != 0x80) {
			memcpy(out + n, "...", 3);
			n += 3;
			break;
		}
		if (c < 0x20 || c == 0x7f || c == '"' || c == '\\')
			n += (size_t)snprintf(out + n, size - n, "\\x%02x", c);
		else
			out[n++] = (char)c;
	}
	out[n++] = '"';
	out[n] = '\0';
	return out;
}

static unsigned least(unsigned a, unsigned b)
{
	return a < b ? a : b;
}

unsigned value_distance(const char *a, const char *b)
{
	unsigned rows[3][WORD_MAX + 1], *before = rows[0], *above = rows[1], *row = rows[2];
	size_t na = strlen(a), nb = strlen(b);

	if (na > WORD_MAX || nb > WORD_MAX)
		return WORD_MAX;
	for (unsigned j = 0; j <= nb; j++)
		above[j] = j;
	for (unsigned i = 1; i <= na; i++) {
		unsigned *spare = before;

		row[0] = i;
		for (unsigned j = 1; j <= nb; j++) {
			row[j] = least(least(above[j], row[j - 1]) + 1, above[j - 1] + (a[i - 1] != b[j - 1]));
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
				row[j] = least(row[j], before[j - 2] + 1);
		}
		before = above;
		above = row;
		row = spare;
	}
	return above[nb];
}
