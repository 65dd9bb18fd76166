/* SPDX-License-Identifier: Apache-2.0 */
/* Reads any bytes as a frame; what is a good frame throughout must be written back byte for byte. */
#include <stdlib.h>

#include "wire/frame.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(int truth)
{
	if (!truth)
		abort();
}

static int is_named(int rc)
{
	return rc < 0 && rc > -(int)FRAME_ERRORS;
}

/* Reads the events and gives the good ones to `writer`; true when all were good. */
static int copy_events(const uint8_t *data, const struct frame_header *header, uint32_t offset,
	struct frame_writer *writer)
{
	int good = 1;

	for (unsigned i = 0; i < header->event_count; i++) {
		struct frame_event event;
		uint32_t before = offset;
		int rc = frame_event_get(data, header->end, &offset, &event);

		require(rc == 0 || is_named(rc));
		require(offset >= before && offset <= header->end);
		if (rc != 0) {
			good = 0;
			if (offset == before)
				break;
			continue;
		}
		require(event.body.data > data && event.body.data + event.body.len == data + offset);
		require(frame_add(writer, &event) == 0);
	}
	return frame_finish(header, offset) == 0 && good;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static uint8_t again[FRAME_LEN_MAX];
	struct frame_writer writer;
	struct frame_header header;
	uint32_t offset;
	int rc;

	if (size > FRAME_LEN_MAX)
		return 0;
	rc = frame_header_get(data, (uint32_t)size, &header, &offset);
	require(rc == 0 || is_named(rc));
	if (rc != 0)
		return 0;
	require(frame_begin(&writer, again, sizeof(again), &header) == 0);
	if (copy_events(data, &header, offset, &writer)) {
		require(frame_end(&writer) == size);
		memcpy(again + header.end, data + header.end, header.trailer_len);
		again[11] = data[11]; /* reserved: not looked at */
		require(memcmp(again, data, size) == 0);
	}
	return 0;
}
