/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Records in Kafka's format v2, as they stand inside a record batch: length, attributes, timestamp delta, offset delta,
 * key, value, headers; lengths and deltas are zig-zag varints. Source: Kafka's documentation, "Message Format / Record".
 * The worker writes each record once; the Kafka client reads key and value out of it, and a spool stores it as it is.
 *
 *   length      varint  bytes that follow
 *   attributes  int8    0
 *   timestamp   varint  0 (the batch's own time)
 *   offset      varint  index of the record in its batch
 *   key         varint  length, -1: none; then the bytes
 *   value       varint  length; then the bytes
 *   headers     varint  count, 0 (1 with raw records that ask for their identity)
 */

#include <stdint.h>

#include "batch/batch.h"
#include "base/slice.h"

struct record {
	struct slice key; /* data NULL: none */
	struct slice value;
};

/* Bytes that framing adds to key and value at the most. */
#define RECORD_OVERHEAD 40u

/* Bytes behind a value that whoever writes it may overwrite, so that short pieces can be copied in steps of a fixed size. */
#define RECORD_SLACK 64u

/*
 * Opens a record of a known value length at the end of the batch: writes everything before the value and returns where the
 * value goes, or NULL when batch or record count is full (nothing is changed then). The caller writes exactly `value_len`
 * bytes (and may overwrite RECORD_SLACK behind them) and calls record_close. Owning worker only.
 */
uint8_t *record_open(struct batch *batch, struct slice key, uint32_t value_len);

static inline void record_close(struct batch *batch, uint32_t value_len)
{
	uint32_t end = batch->bytes + value_len;

	batch->data[end] = 0; /* headers */
	batch->bytes = end + 1;
	batch->records++;
}

/*
 * Reads the record at `*offset` of the batch and moves `*offset` behind it. Returns 1, or 0 at the end of the batch or when
 * the bytes there are no record (bounds-checked; never reads beyond batch->bytes). Whoever owns the batch.
 */
int record_next(const struct batch *batch, uint32_t *offset, struct record *out);
