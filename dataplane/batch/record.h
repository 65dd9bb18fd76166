/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Records in Kafka's format v2, as they stand inside a record batch: length, attributes, timestamp delta, offset delta,
 * key, value, headers; lengths and deltas are zig-zag varints. Source: Kafka's documentation, "Message Format / Record".
 * The worker writes each record once; the Kafka client reads key and value out of it, and a spool stores it as it is.
 *
 *   length      varint  bytes that follow
 *   attributes  int8    0
 *   timestamp   varint  the record's time less batch->base_ms; 0 where that is 0
 *   offset      varint  index of the record in its batch
 *   key         varint  length, -1: none; then the bytes
 *   value       varint  length; then the bytes
 *   headers     varint  count, 0 (1 with raw records that ask for their identity)
 */

#include <endian.h>
#include <stdint.h>
#include <string.h>

#include "batch/batch.h"
#include "base/slice.h"

struct record {
	struct slice key; /* data NULL: none */
	struct slice value;
	int64_t time_ms; /* UTC ms; 0: none of its own */
};

/* Bytes that framing adds to key and value at the most. */
#define RECORD_OVERHEAD 40u

/* Bytes behind a value that whoever writes it may overwrite, so that short pieces can be copied in steps of a fixed size. */
#define RECORD_SLACK 64u

/*
 * Where the next record of a batch goes. Whoever fills the batch keeps this beside what else it touches for an event,
 * and the batch's own fields stand still meanwhile: batches begin at multiples of BATCH_ALIGN, so the first lines of
 * all of them want the same few places in the near caches. All zero: no batch, and no room.
 */
struct record_writer {
	uint8_t *at;      /* behind the last record */
	uint8_t *limit;   /* what a record may need at the most ends here */
	uint32_t records; /* in the batch */
	uint32_t last_seq; /* whoever numbers them: the lowest bits of the last one's sequence */
};

static inline void record_writer_begin(struct record_writer *writer, struct batch *batch)
{
	writer->at = batch->data + batch->bytes;
	writer->limit = batch->data + batch->capacity;
	writer->records = batch->records;
	writer->last_seq = 0;
}

/* Tells the batch what was written to it. */
static inline void record_writer_end(struct record_writer *writer, struct batch *batch)
{
	batch->bytes = (uint32_t)(writer->at - batch->data);
	batch->records = writer->records;
	*writer = (struct record_writer){NULL, NULL, 0, 0};
}

/* What precedes a value in all cases; see record_open. */
uint8_t *record_open_any(uint8_t *at, uint32_t records, struct slice key, uint32_t value_len, int64_t delta_ms);

/* A varint of one or two bytes; of two. */
ALWAYS_INLINE uint64_t record_two_bytes(uint32_t number)
{
	uint32_t v = number << 1;

	return (v & 0x7f) | 0x80 | v >> 7 << 8;
}

#define RECORD_ONE_BYTE  63u   /* the largest number whose varint takes one byte ... */
#define RECORD_TWO_BYTES 8191u /* ... and two */

_Static_assert(BATCH_RECORDS <= RECORD_TWO_BYTES, "an index takes two bytes at the most");

/* What precedes the value of most records: no key, lengths of two bytes, an index of one or two. One store of eight
 * bytes and one more. */
ALWAYS_INLINE uint8_t *record_open_usual(uint8_t *at, uint32_t records, uint32_t value_len)
{
	uint32_t wide = records > RECORD_ONE_BYTE;
	uint64_t value = record_two_bytes(value_len), index = wide ? record_two_bytes(records) : records << 1;
	uint64_t first = record_two_bytes(7 + wide + value_len) | index << 32 | (1 | value << 8) << (40 + 8 * wide);

	first = htole64(first);
	memcpy(at, &first, sizeof(first));
	at[8] = (uint8_t)(value >> 8);
	return at + 8 + wide;
}

ALWAYS_INLINE int record_fits(const struct record_writer *writer, uint32_t key_len, uint32_t value_len)
{
	return (uint64_t)key_len + value_len + RECORD_OVERHEAD + RECORD_SLACK <= (uint64_t)(writer->limit - writer->at) &&
	       writer->records < BATCH_RECORDS;
}

/*
 * Opens a record of a known value length at the end of the batch: writes everything before the value and returns where
 * the value goes, or NULL when batch or record count is full (nothing is changed then). The caller writes exactly
 * `value_len` bytes (and may overwrite RECORD_SLACK behind them) and calls record_close with their end. Owning worker
 * only.
 */
ALWAYS_INLINE uint8_t *record_open(const struct record_writer *writer, struct slice key, uint32_t value_len)
{
	uint32_t records = writer->records;

	if (UNLIKELY(!record_fits(writer, key.data != NULL ? key.len : 0, value_len)))
		return NULL;
	if (LIKELY(key.data == NULL && value_len > RECORD_ONE_BYTE && value_len <= RECORD_TWO_BYTES - 8))
		return record_open_usual(writer->at, records, value_len);
	return record_open_any(writer->at, records, key, value_len, 0);
}

/* The same of a batch whose records have times (base_ms). `batch` is not looked at unless there is room. */
static inline uint8_t *record_open_timed(const struct record_writer *writer, const struct batch *batch, struct slice key,
	uint32_t value_len, int64_t time_ms)
{
	if (!record_fits(writer, key.data != NULL ? key.len : 0, value_len))
		return NULL;
	return record_open_any(writer->at, writer->records, key, value_len, time_ms - batch->base_ms);
}

/*
 * A record without a key whose value is still to grow: its two lengths take three bytes each, whatever they are (varints may
 * be longer than need be), and are written by record_mend_packed. Returns where the value begins.
 */
#define RECORD_PACKED_MAX (1u << 19) /* bytes of a whole one */

/* A timestamp delta, one to ten bytes; returns where it ends. */
uint8_t *record_put_delta(uint8_t *at, int64_t delta_ms);

static inline uint8_t *record_open_packed(uint8_t *at, uint32_t records, int64_t delta_ms)
{
	at += 3;
	*at++ = 0; /* attributes */
	at = record_put_delta(at, delta_ms);
	if (records > RECORD_ONE_BYTE) {
		*at++ = (uint8_t)record_two_bytes(records);
		*at++ = (uint8_t)(record_two_bytes(records) >> 8);
	} else {
		*at++ = (uint8_t)(records << 1);
	}
	*at++ = 1; /* no key */
	return at + 3;
}

static inline void record_put_three(uint8_t *at, uint32_t number)
{
	uint32_t v = number << 1;

	at[0] = (uint8_t)(v | 0x80);
	at[1] = (uint8_t)(v >> 7 | 0x80);
	at[2] = (uint8_t)(v >> 14);
}

/* Writes the lengths of the record that begins at `at` as number `index` of its batch, and ends (headers and all) at `end`. */
static inline void record_mend_packed(uint8_t *at, uint32_t index, const uint8_t *end)
{
	uint8_t *value = at + 3 + 1;

	while ((*value++ & 0x80) != 0) /* the timestamp delta */
		continue;
	value += (index > RECORD_ONE_BYTE ? 2 : 1) + 1;
	record_put_three(at, (uint32_t)(end - at) - 3);
	record_put_three(value, (uint32_t)(end - value) - 3 - 1);
}

/* Closes the record whose value ends at `end`. */
static inline void record_close(struct record_writer *writer, uint8_t *end)
{
	*end = 0; /* headers */
	writer->at = end + 1;
	writer->records++;
}

/*
 * Reads the record at `*offset` of the batch and moves `*offset` behind it. Returns 1, or 0 at the end of the batch or when
 * the bytes there are no record (bounds-checked; never reads beyond batch->bytes). Whoever owns the batch.
 */
int record_next(const struct batch *batch, uint32_t *offset, struct record *out);
