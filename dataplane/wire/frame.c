/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/frame.h"

#include <errno.h>

static const char *const names[FRAME_ERRORS] = {
	[FRAME_OK] = "ok",
#define X(NAME, name, meaning, cure) [FRAME_BAD_##NAME] = #name,
	FRAME_HEADER_ERRORS(X) FRAME_EVENT_ERRORS(X)
#undef X
};

static const char *const meanings[FRAME_ERRORS] = {
	[FRAME_OK] = "a good frame",
#define X(NAME, name, meaning, cure) [FRAME_BAD_##NAME] = meaning,
	FRAME_HEADER_ERRORS(X) FRAME_EVENT_ERRORS(X)
#undef X
};

static const char *look_up(const char *const *table, int error)
{
	unsigned index = error < 0 ? 0u - (unsigned)error : (unsigned)error;

	return index < FRAME_ERRORS ? table[index] : "not an error of a frame";
}

const char *frame_error_name(int error)
{
	return look_up(names, error);
}

const char *frame_error_meaning(int error)
{
	return look_up(meanings, error);
}

int frame_header_check(const uint8_t *data, uint32_t len, struct frame_header *out)
{
	uint32_t room;

	if (len < FRAME_HEADER_LEN)
		return -FRAME_BAD_SHORT;
	if (frame_get32(data) != FRAME_MAGIC)
		return -FRAME_BAD_MAGIC;
	if (data[4] != FRAME_VERSION)
		return -FRAME_BAD_VERSION;
	out->flags = data[5];
	if ((out->flags & FRAME_FLAGS_CRITICAL & ~(FRAME_HEARTBEAT | FRAME_TRAILER)) != 0)
		return -FRAME_BAD_FLAGS;
	if (frame_get16(data + 6) != len)
		return -FRAME_BAD_LENGTH;
	out->event_count = frame_get16(data + 8);
	out->trailer_len = data[10];
	room = len - FRAME_HEADER_LEN;
	if ((out->trailer_len != 0) != ((out->flags & FRAME_TRAILER) != 0) || out->trailer_len > room)
		return -FRAME_BAD_TRAILER_LENGTH;
	room -= out->trailer_len;
	if ((out->flags & FRAME_HEARTBEAT) != 0 && (out->event_count != 0 || room != 0))
		return -FRAME_BAD_HEARTBEAT_EVENTS;
	if ((uint32_t)out->event_count * FRAME_EVENT_LEN > room)
		return -FRAME_BAD_COUNT;
	return 0;
}

static void put16(uint8_t *at, uint16_t value)
{
	value = htole16(value);
	memcpy(at, &value, sizeof(value));
}

static void put32(uint8_t *at, uint32_t value)
{
	value = htole32(value);
	memcpy(at, &value, sizeof(value));
}

static void put64(uint8_t *at, uint64_t value)
{
	value = htole64(value);
	memcpy(at, &value, sizeof(value));
}

int frame_begin(struct frame_writer *writer, uint8_t *data, uint32_t capacity, const struct frame_header *header)
{
	uint8_t flags = header->flags & (uint8_t)~FRAME_TRAILER;

	if ((flags & FRAME_FLAGS_CRITICAL & ~FRAME_HEARTBEAT) != 0)
		return -EINVAL;
	if (capacity > FRAME_LEN_MAX)
		capacity = FRAME_LEN_MAX;
	if (capacity < FRAME_HEADER_LEN + header->trailer_len)
		return -ENOSPC;
	if (header->trailer_len != 0)
		flags |= FRAME_TRAILER;
	*writer = (struct frame_writer){
		.data = data,
		.capacity = capacity - header->trailer_len,
		.used = FRAME_HEADER_LEN,
		.flags = flags,
		.trailer_len = header->trailer_len,
	};
	put32(data, FRAME_MAGIC);
	data[4] = FRAME_VERSION;
	data[5] = flags;
	data[10] = header->trailer_len;
	data[11] = 0;
	put32(data + 12, header->source_epoch);
	put64(data + 16, header->source_id);
	put64(data + 24, header->sequence);
	return 0;
}

/* Bytes of the address in an event's header and its flag; -EINVAL for a family that is none. */
static int address_size(const struct frame_event *event, uint8_t *flags)
{
	if (!event->has_address)
		return 0;
	if (event->client.family == ADDRESS_IPV4) {
		*flags |= FRAME_EVENT_IPV4;
		return 4;
	}
	if (event->client.family == ADDRESS_IPV6) {
		*flags |= FRAME_EVENT_IPV6;
		return 16;
	}
	return -EINVAL;
}

int frame_add(struct frame_writer *writer, const struct frame_event *event)
{
	uint8_t *at = writer->data + writer->used;
	uint8_t flags = event->has_item ? FRAME_EVENT_ITEM : 0;
	int address_len = address_size(event, &flags);
	uint32_t header_len;

	if (address_len < 0 || event->body.len == 0 || event->body.len > UINT16_MAX ||
		(writer->flags & FRAME_HEARTBEAT) != 0)
		return -EINVAL;
	header_len = FRAME_EVENT_LEN + (uint32_t)address_len + (event->has_item ? 8 : 0);
	if (header_len + event->body.len > writer->capacity - writer->used)
		return -ENOSPC;
	put32(at, event->type_id);
	put16(at + 4, (uint16_t)event->body.len);
	at[6] = flags;
	at[7] = (uint8_t)header_len;
	put64(at + 8, (uint64_t)event->time_us);
	memcpy(at + FRAME_EVENT_LEN, event->client.bytes, (size_t)address_len);
	if (event->has_item)
		put64(at + header_len - 8, event->item);
	memcpy(at + header_len, event->body.data, event->body.len);
	writer->used += header_len + event->body.len;
	writer->events++;
	return 0;
}

uint32_t frame_end(struct frame_writer *writer)
{
	uint32_t len = writer->used + writer->trailer_len;

	memset(writer->data + writer->used, 0, writer->trailer_len);
	put16(writer->data + 6, (uint16_t)len);
	put16(writer->data + 8, writer->events);
	return len;
}
