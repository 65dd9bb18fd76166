/* SPDX-License-Identifier: Apache-2.0 */
#include "worker/ingest.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "wire/event.h"

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

static unsigned put_decimal(char *out, int64_t value)
{
	char digits[20];
	unsigned n = 0, at = 0;
	uint64_t v = value < 0 ? 0 - (uint64_t)value : (uint64_t)value;

	if (value < 0)
		out[at++] = '-';
	do {
		digits[n++] = (char)('0' + v % 10);
		v /= 10;
	} while (v != 0);
	while (n > 0)
		out[at++] = digits[--n];
	return at;
}

static unsigned put_common(char *out, int64_t receive_us, int64_t hour, uint32_t generation)
{
	unsigned n = put_text(out, "\",");

	n += put_decimal(out + n, receive_us);
	out[n++] = ',';
	n += put_decimal(out + n, hour);
	out[n++] = ',';
	n += put_decimal(out + n, generation);
	return n;
}

unsigned ingest_tail(char out[INGEST_TAIL], int64_t receive_us, int64_t hour, uint32_t generation)
{
	unsigned n = put_common(out, receive_us, hour, generation);

	return n + put_text(out + n, "]}");
}

unsigned ingest_tail_time(char out[INGEST_TAIL], int64_t receive_us, int64_t hour, uint32_t generation,
	int64_t event_us, int late)
{
	unsigned n = put_common(out, receive_us, hour, generation);

	out[n++] = ',';
	n += event_us == EVENT_NO_TIME ? put_text(out + n, "null") : put_decimal(out + n, event_us);
	if (late)
		n += put_text(out + n, ",\"late\"");
	return n + put_text(out + n, "]}");
}

unsigned ingest_hex_digits(uint64_t value)
{
	return value == 0 ? 1 : (unsigned)(67 - __builtin_clzll(value)) / 4;
}

void ingest_hex(uint8_t *out, uint64_t value, unsigned digits)
{
	static const uint8_t hex[] = "0123456789abcdef";

	while (digits-- > 0) {
		out[digits] = hex[value & 15];
		value >>= 4;
	}
}
