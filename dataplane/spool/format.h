/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * The bytes of the spool's files; docs/spool-format.md says what each is for. Little-endian. Nothing here does I/O, and
 * nothing believes a number before its checksum was right.
 */

#include <stdint.h>

#include "spool/log.h"

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "the structures are the files' bytes");

#define SPOOL_VERSION        1u
#define SPOOL_SEGMENT_MAGIC  0x4c505350u /* "PSPL" */
#define SPOOL_ENTRY_MAGIC    0x45505350u /* "PSPE" */
#define SPOOL_STATE_MAGIC    0x53505350u /* "PSPS" */
#define SPOOL_ALIGN          8u          /* entries begin at multiples of it */
#define SPOOL_GROUP_ALIGN    4096u       /* the first one behind a sync at a multiple of this */
#define SPOOL_STATE_BLOCK    4096u       /* each of the state's two slots has one of its own */
#define SPOOL_POSITION_LIMIT (UINT64_C(1) << 62) /* of positions and event offsets */
#define SPOOL_EVENTS_MAX     (1u << 29)          /* of one entry */

/* Positions of a log from the frontier of its state to its end: 128 MiB of marks. A reader may have to go by the slot that was in
 * force before, and believes in twice as many. */
#ifndef SPOOL_UNSETTLED_MAX /* a test has a small one */
#define SPOOL_UNSETTLED_MAX (UINT64_C(1) << 25)
#endif

#define SPOOL_FLAG_EMPTY 1u /* stands for an entry that was settled before it was durable */

struct spool_segment_header {
	uint32_t magic, version;
	uint64_t id; /* random: entries of another file never pass for this one's */
	uint64_t first, first_offset;
	int64_t created_us;
	uint8_t zero[20];
	uint32_t crc; /* of what stands before it */
};

struct spool_entry_header {
	uint32_t magic;
	uint32_t header_crc;  /* of the header behind this field, the topic and the reason */
	uint32_t payload_crc;
	uint16_t flags;
	uint8_t topic_len;
	uint8_t reason_len;
	uint64_t id; /* the segment's */
	uint64_t position, offset;
	uint64_t synced; /* what was known to be durable when it was written */
	int32_t partition;
	uint32_t lane, records, events, pack, bytes;
	uint64_t first_seq;
	int32_t hour;
	uint32_t skipped;
	int64_t opened_us, base_ms;
};

struct spool_state_record {
	uint32_t magic, version;
	uint64_t generation;
	uint64_t frontier, frontier_offset;
	uint64_t synced, synced_offset;
	uint64_t given_up;
	uint32_t zero;
	uint32_t crc; /* of what stands before it */
};

_Static_assert(sizeof(struct spool_segment_header) == 64, "as documented");
_Static_assert(sizeof(struct spool_entry_header) == 104, "as documented");
_Static_assert(sizeof(struct spool_state_record) == 64, "as documented");

#define SPOOL_HEAD_MAX (sizeof(struct spool_entry_header) + SPOOL_TOPIC_MAX + SPOOL_REASON_MAX)

/* An entry as a reader met it. */
struct spool_found {
	struct spool_entry entry;
	uint64_t at, payload_at, next; /* bytes in the file; next: behind its padding */
	uint64_t id, synced;
	uint32_t payload_crc;
	uint16_t flags;
};

/* Fill in magic, version and checksum. */
void spool_segment_seal(struct spool_segment_header *header);
void spool_state_seal(struct spool_state_record *record);

/* 0, -EBADMSG: not what it should be, -ENOTSUP: whole, and of a newer version. */
int spool_segment_check(const struct spool_segment_header *header);
int spool_state_check(const struct spool_state_record *record);

/* Writes header, topic and reason of an entry to `head`, which has room for SPOOL_HEAD_MAX bytes. Returns how many they are. */
uint32_t spool_entry_encode(uint8_t *head, const struct spool_found *found);

/* Bytes from an entry's begin to the next one's; `names` are those of topic and reason. */
static inline uint64_t spool_entry_size(uint32_t names, uint32_t bytes)
{
	uint64_t size = sizeof(struct spool_entry_header) + names + bytes;

	return (size + SPOOL_ALIGN - 1) & ~(uint64_t)(SPOOL_ALIGN - 1);
}

/* True when the `len` bytes at `data`, which stand at `at` in the file, begin with an entry's header and names, whole and of
 * the segment `id` (0: of any), and fills `found`. Its payload is not looked at. */
int spool_entry_decode(struct spool_found *found, const uint8_t *data, uint64_t len, uint64_t at, uint64_t id);

/* Behind the name of a segment that is not whole yet. */
#define SPOOL_NEW ".new"

/* "NNNNNNNNNNNNNNNNNNNN.log" of a segment that begins with this position. */
void spool_segment_name(char name[SPOOL_NAME_MAX], uint64_t first);
/* The other way round; false when the name is not a segment's. */
int spool_segment_first(const char *name, uint64_t *first);
