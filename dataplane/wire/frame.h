/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * `frame` version 1: Penstock's own datagram, for senders that want speed and loss accounting. docs/frame-format.md has it
 * byte by byte. A header of 32 bytes, then `event_count` events (a header of 16 to 40 bytes and a JSON body each), then,
 * where its flag says so, a trailer. Every number is little-endian and nothing is aligned.
 *
 * The reader trusts nothing: it never reads outside data[0, len), whatever the lengths in it say, and names what is wrong.
 * Slices that it gives point into the datagram. It keeps no state: any thread.
 */

#include <endian.h>
#include <stdint.h>
#include <string.h>

#include "base/compiler.h"
#include "base/slice.h"
#include "wire/datagram.h"

#define FRAME_MAGIC         0x4b545350u /* "PSTK" */
#define FRAME_VERSION       1u
#define FRAME_HEADER_LEN    32u
#define FRAME_EVENT_LEN     16u /* of an event's header, without address and item */
#define FRAME_EVENT_LEN_MAX 40u
#define FRAME_LEN_MAX       65507u /* the largest UDP payload over IPv4 */

/* Flags of a frame. A reader refuses bits 0 to 3 that it does not know and ignores bits 4 to 7 that it does not know. */
#define FRAME_HEARTBEAT      0x01u
#define FRAME_TRAILER        0x02u
#define FRAME_FLAGS_CRITICAL 0x0fu

/* Flags of an event. A reader refuses the event when it does not know one. */
#define FRAME_EVENT_IPV4 0x01u
#define FRAME_EVENT_IPV6 0x02u
#define FRAME_EVENT_ITEM 0x04u

/* Why a whole frame is refused. X(NAME, name, meaning, cure) */
#define FRAME_HEADER_ERRORS(X)                                                                                        \
	X(SHORT, short, "shorter than a frame's header", "another protocol sends to this port, or a cut capture")     \
	X(MAGIC, magic, "does not begin as a frame does", "another protocol sends to this port")                      \
	X(VERSION, version, "a version of the format that is not known here", "bring the appliance up to date")       \
	X(FLAGS, flags, "a critical flag that is not known here", "bring the appliance up to date")                   \
	X(LENGTH, length, "the length in the header is not the datagram's", "cut on its way, or a broken sender")     \
	X(TRAILER_LENGTH, trailer_length, "a trailer without its flag, or one longer than the frame",                 \
		"a broken sender")                                                                                    \
	X(COUNT, count, "more events announced than the datagram has room for", "a broken sender")                    \
	X(HEARTBEAT_EVENTS, heartbeat_events, "a heartbeat that carries events", "a broken sender")

/* Why an event of a good frame is refused. X(NAME, name, meaning, cure) */
#define FRAME_EVENT_ERRORS(X)                                                                                         \
	X(EVENT_TRUNCATED, event_truncated, "an event's lengths reach beyond the frame's end", "a broken sender")     \
	X(EVENT_HEADER, event_header, "an event's header length contradicts its flags", "a broken sender")            \
	X(EVENT_FLAGS, event_flags, "an event's flags are not known here or exclude each other",                      \
		"bring the appliance up to date, or a broken sender")                                                 \
	X(EVENT_EMPTY, event_empty, "an event without a body", "a broken sender")                                     \
	X(SURPLUS, surplus, "bytes behind the last event that the count announces", "a broken sender")

enum frame_error {
	FRAME_OK,
#define X(NAME, ...) FRAME_BAD_##NAME,
	FRAME_HEADER_ERRORS(X) FRAME_EVENT_ERRORS(X)
#undef X
	FRAME_ERRORS /* their number, with FRAME_OK */
};

struct frame_header {
	uint64_t source_id;    /* the sender's own choice; with its address and epoch it names a sequence */
	uint64_t sequence;     /* of this datagram; heartbeat: that of the next datagram to be sent */
	uint32_t source_epoch; /* rises whenever the sequence starts anew */
	uint16_t event_count;
	uint16_t end;        /* where the events end: `len` for frame_event_get. Reader: out, writer: not looked at */
	uint8_t flags;       /* FRAME_HEARTBEAT ...; FRAME_TRAILER follows trailer_len when writing */
	uint8_t trailer_len; /* bytes behind the events, 0: none */
};

struct frame_event {
	int64_t time_us; /* event time, UTC µs since 1970 */
	uint64_t item;   /* item key, when has_item */
	struct slice body;
	uint32_t type_id; /* as the configuration's `id` of an event type */
	uint8_t has_address, has_item;
	struct address client; /* when has_address */
};

/* What an error is called ("short", "event_flags" ...) and means. Any number is fine. */
const char *frame_error_name(int error);
const char *frame_error_meaning(int error);

ALWAYS_INLINE uint16_t frame_get16(const uint8_t *at)
{
	uint16_t v;

	memcpy(&v, at, sizeof(v));
	return le16toh(v);
}

ALWAYS_INLINE uint32_t frame_get32(const uint8_t *at)
{
	uint32_t v;

	memcpy(&v, at, sizeof(v));
	return le32toh(v);
}

ALWAYS_INLINE uint64_t frame_get64(const uint8_t *at)
{
	uint64_t v;

	memcpy(&v, at, sizeof(v));
	return le64toh(v);
}

/* frame_header_get for the start of a header that is not the usual one: sets event_count, flags and trailer_len. */
int frame_header_check(const uint8_t *data, uint32_t len, struct frame_header *out);

/*
 * Reads the header of the datagram data[0, len). Returns 0 and sets `*offset` to the first event, or -(enum frame_error) out
 * of FRAME_HEADER_ERRORS: the whole datagram is refused. A heartbeat has no events and takes no number.
 */
ALWAYS_INLINE int frame_header_get(const uint8_t *data, uint32_t len, struct frame_header *out, uint32_t *offset)
{
	uint64_t usual = FRAME_MAGIC | (uint64_t)FRAME_VERSION << 32 | (uint64_t)len << 48; /* without flags */

	out->flags = 0;
	out->trailer_len = 0;
	if (LIKELY(len >= FRAME_HEADER_LEN && len <= UINT16_MAX && frame_get64(data) == usual && data[10] == 0 &&
		    frame_get16(data + 8) * FRAME_EVENT_LEN <= len - FRAME_HEADER_LEN)) {
		out->event_count = frame_get16(data + 8);
	} else {
		int error = frame_header_check(data, len, out);

		if (error != 0)
			return error;
	}
	out->source_epoch = frame_get32(data + 12);
	out->source_id = frame_get64(data + 16);
	out->sequence = frame_get64(data + 24);
	out->end = (uint16_t)(len - out->trailer_len);
	*offset = FRAME_HEADER_LEN;
	return 0;
}

/*
 * Reads the event at `*offset` of a frame that ends at `len` (its header's `end`). Returns 0 and moves `*offset` behind the
 * event, or -(enum frame_error) out of FRAME_EVENT_ERRORS. When `*offset` has moved all the same, only this event is bad
 * and the next can be read; when it has not, the lengths cannot be believed and the rest of the frame is lost. frame_event_find
 * is for callers that want type, time and body alone: address and item are not set.
 */
ALWAYS_INLINE int frame_event_find(const uint8_t *data, uint32_t len, uint32_t *offset, struct frame_event *out)
{
	/* By flags, a byte each: length of the event's header; 0: IPv4 and IPv6 exclude each other. */
	const uint64_t sizes = UINT64_C(0x00281c1800201410);
	const uint8_t *at;
	uint32_t room, header_len, body_len, flags, size;

	if (UNLIKELY(*offset > len || len - *offset < FRAME_EVENT_LEN))
		return -FRAME_BAD_EVENT_TRUNCATED;
	at = data + *offset;
	room = len - *offset;
	body_len = frame_get16(at + 4);
	flags = at[6];
	header_len = at[7];
	size = flags < 8 ? (uint32_t)(sizes >> 8 * flags) & 0xff : 0;
	if (UNLIKELY(header_len < FRAME_EVENT_LEN))
		return -FRAME_BAD_EVENT_HEADER;
	if (UNLIKELY(header_len + body_len > room))
		return -FRAME_BAD_EVENT_TRUNCATED;
	*offset += header_len + body_len;
	if (UNLIKELY(size != header_len))
		return size == 0 ? -FRAME_BAD_EVENT_FLAGS : -FRAME_BAD_EVENT_HEADER;
	if (UNLIKELY(body_len == 0))
		return -FRAME_BAD_EVENT_EMPTY;
	out->type_id = frame_get32(at);
	out->time_us = (int64_t)frame_get64(at + 8);
	out->body.data = at + header_len;
	out->body.len = body_len;
	return 0;
}

/* Of an event that frame_event_find found at `at`: its client address and item key. */
static inline void frame_event_keys(const uint8_t *at, struct frame_event *out)
{
	uint8_t flags = at[6];

	out->has_item = (flags & FRAME_EVENT_ITEM) != 0;
	out->item = out->has_item ? frame_get64(out->body.data - 8) : 0;
	out->has_address = (flags & (FRAME_EVENT_IPV4 | FRAME_EVENT_IPV6)) != 0;
	memset(&out->client, 0, sizeof(out->client));
	if ((flags & FRAME_EVENT_IPV4) != 0) {
		out->client.family = ADDRESS_IPV4;
		memcpy(out->client.bytes, at + FRAME_EVENT_LEN, 4);
	} else if ((flags & FRAME_EVENT_IPV6) != 0) {
		out->client.family = ADDRESS_IPV6;
		memcpy(out->client.bytes, at + FRAME_EVENT_LEN, 16);
	}
}

static inline int frame_event_get(const uint8_t *data, uint32_t len, uint32_t *offset, struct frame_event *out)
{
	const uint8_t *at = data + *offset;
	int error = frame_event_find(data, len, offset, out);

	if (LIKELY(error == 0))
		frame_event_keys(at, out);
	return error;
}

/* After the last announced event was read up to `offset`: 0, or -FRAME_BAD_SURPLUS when bytes follow that no event owns.
 * Something was sent that nobody will see, so the caller counts it as one more event found and dropped. */
static inline int frame_finish(const struct frame_header *header, uint32_t offset)
{
	return offset == header->end ? 0 : -FRAME_BAD_SURPLUS;
}

/* A frame that is being written into the caller's memory. Fields are private. One thread. */
struct frame_writer {
	uint8_t *data;
	uint32_t capacity; /* without the trailer */
	uint32_t used;
	uint16_t events;
	uint8_t flags;
	uint8_t trailer_len;
};

/* Begins a frame in data[0, capacity); capacity above FRAME_LEN_MAX is not used. header->event_count and ->end are not
 * looked at. Returns 0, -EINVAL (flags unknown here) or -ENOSPC (no room for header and trailer). */
int frame_begin(struct frame_writer *writer, uint8_t *data, uint32_t capacity, const struct frame_header *header);

/* Adds an event. Returns 0, -ENOSPC (it does not fit; the frame is as before: end it and begin another) or -EINVAL
 * (heartbeat, body empty or above 65,535 bytes, address of no known family). */
int frame_add(struct frame_writer *writer, const struct frame_event *event);

/* Completes the frame and returns its length; the trailer, if any, is its last trailer_len bytes, zeroed: fill it then. */
uint32_t frame_end(struct frame_writer *writer);
