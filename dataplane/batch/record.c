/* SPDX-License-Identifier: Apache-2.0 */
#include "batch/record.h"

static inline uint32_t zigzag(int32_t v)
{
	return ((uint32_t)v << 1) ^ (uint32_t)(v >> 31);
}

static inline uint8_t *varint_put(uint8_t *to, int32_t value)
{
	uint32_t v = zigzag(value);

	while (v >= 0x80) {
		*to++ = (uint8_t)(v | 0x80);
		v >>= 7;
	}
	*to++ = (uint8_t)v;
	return to;
}

static inline uint64_t zigzag_long(int64_t v)
{
	return ((uint64_t)v << 1) ^ (uint64_t)(v >> 63);
}

uint8_t *record_put_delta(uint8_t *at, int64_t delta_ms)
{
	uint64_t v = zigzag_long(delta_ms);

	while (v >= 0x80) {
		*at++ = (uint8_t)(v | 0x80);
		v >>= 7;
	}
	*at++ = (uint8_t)v;
	return at;
}

static inline uint32_t delta_size(int64_t delta_ms)
{
	return (uint32_t)(70 - __builtin_clzll(zigzag_long(delta_ms) | 1)) / 7;
}

static inline uint32_t varint_size(int32_t value)
{
	uint32_t v = zigzag(value), n = 1;

	while (v >= 0x80) {
		v >>= 7;
		n++;
	}
	return n;
}

/* Moves *at behind the varint; 0 when it does not end before `end` or is longer than five bytes. */
static inline int varint_get(const uint8_t **at, const uint8_t *end, int32_t *value)
{
	uint32_t v = 0;

	for (unsigned shift = 0; shift < 35 && *at < end; shift += 7) {
		uint8_t byte = *(*at)++;

		v |= (uint32_t)(byte & 0x7f) << shift;
		if ((byte & 0x80) == 0) {
			*value = (int32_t)(v >> 1) ^ -(int32_t)(v & 1);
			return 1;
		}
	}
	return 0;
}

/* As varint_get, of up to ten bytes. */
static inline int delta_get(const uint8_t **at, const uint8_t *end, int64_t *delta_ms)
{
	uint64_t v = 0;

	*delta_ms = 0;
	if (LIKELY(*at < end && **at == 0)) {
		(*at)++;
		return 1;
	}
	for (unsigned shift = 0; shift < 70 && *at < end; shift += 7) {
		uint8_t byte = *(*at)++;

		v |= (uint64_t)(byte & 0x7f) << shift;
		if ((byte & 0x80) == 0) {
			*delta_ms = (int64_t)(v >> 1) ^ -(int64_t)(v & 1);
			return 1;
		}
	}
	return 0;
}

uint8_t *record_open_any(uint8_t *at, uint32_t records, struct slice key, uint32_t value_len, int64_t delta_ms)
{
	uint32_t key_len = key.data != NULL ? key.len : 0;
	int32_t key_text = key.data != NULL ? (int32_t)key_len : -1;

	at = varint_put(at, (int32_t)(2 + delta_size(delta_ms) + varint_size((int32_t)records) + varint_size(key_text) +
				      key_len + varint_size((int32_t)value_len) + value_len));
	*at++ = 0; /* attributes */
	at = record_put_delta(at, delta_ms);
	at = varint_put(at, (int32_t)records);
	at = varint_put(at, key_text);
	if (key_len > 0)
		memcpy(at, key.data, key_len);
	return varint_put(at + key_len, (int32_t)value_len);
}

static int slice_get(const uint8_t **at, const uint8_t *end, struct slice *out)
{
	int32_t len;

	if (!varint_get(at, end, &len) || len < -1 || len > end - *at)
		return 0;
	out->data = len >= 0 ? *at : NULL;
	out->len = len >= 0 ? (uint32_t)len : 0;
	*at += out->len;
	return 1;
}

int record_next(const struct batch *batch, uint32_t *offset, struct record *out)
{
	const uint8_t *at, *end;
	int32_t length, index;
	int64_t delta_ms;

	if (*offset >= batch->bytes || batch->bytes > batch->capacity)
		return 0;
	at = batch->data + *offset;
	end = batch->data + batch->bytes;
	if (!varint_get(&at, end, &length) || length < 1 || length > end - at)
		return 0;
	end = at + length;
	at++; /* attributes */
	if (!delta_get(&at, end, &delta_ms) || !varint_get(&at, end, &index))
		return 0;
	if (!slice_get(&at, end, &out->key) || !slice_get(&at, end, &out->value))
		return 0;
	/* What is damaged may say anything: it wraps. */
	out->time_ms = batch->base_ms != 0 ? (int64_t)((uint64_t)batch->base_ms + (uint64_t)delta_ms) : 0;
	*offset = (uint32_t)(end - batch->data);
	return 1;
}
