/* SPDX-License-Identifier: Apache-2.0 */
#include "worker/ingest.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

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

static inline unsigned put_time(char *out, int64_t us)
{
	if (UNLIKELY(!ingest_time_is_usual(us)))
		return put_decimal(out, us);
	ingest_usual_time(out, us);
	return INGEST_DIGITS;
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
