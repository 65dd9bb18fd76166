/* SPDX-License-Identifier: Apache-2.0 */
#include "datagram.h"

#include <string.h>

const struct generated *event_stream_peek(struct event_stream *stream)
{
	if (!stream->ready) {
		if (stream->next == stream->end)
			return NULL;
		event_make(stream->maker, stream->next, 0, stream->body, &stream->event);
		stream->ready = 1;
	}
	return &stream->event;
}

void event_stream_take(struct event_stream *stream)
{
	stream->ready = 0;
	stream->next++;
}

/* White space between JSON events: mostly a line feed. */
static const struct {
	uint32_t len;
	char text[4];
} separators[16] = {
	{1, "\n"},
	{1, "\n"},
	{1, "\n"},
	{1, "\n"},
	{1, "\n"},
	{1, "\n"},
	{1, "\n"},
	{1, "\n"},
	{1, "\n"},
	{1, "\n"},
	{1, "\n"},
	{2, "\r\n"},
	{2, "\r\n"},
	{2, "\n\n"},
	{1, " "},
	{3, " \t\n"},
};

static uint32_t compose_json(
	struct event_stream *stream, const struct datagram_request *request, uint8_t *to, uint32_t *events)
{
	uint32_t len = 0, separator = request->bits & 15;
	const struct generated *event;

	for (*events = 0; *events < request->events && (event = event_stream_peek(stream)) != NULL; ++*events) {
		uint32_t before = *events == 0 ? 0 : separators[separator].len;

		if (*events != 0 && len + before + event->len > request->max)
			break;
		memcpy(to + len, separators[separator].text, before);
		memcpy(to + len + before, stream->body, event->len);
		len += before + event->len;
		request->taken(request->context, event, stream->body);
		event_stream_take(stream);
	}
	if ((request->bits & 0x30) == 0 && len < request->max)
		to[len++] = '\n';
	return len;
}

/* Three events in four have the client's address beside the body too, as senders do who know the reader wants it. */
static void frame_event_of(const struct event_stream *stream, struct frame_event *out)
{
	const struct generated *event = &stream->event;

	out->time_us = event->time_us;
	out->item = event->item;
	out->body = (struct slice){stream->body, event->len};
	out->type_id = event->type + 1;
	out->has_address = (random_mix(event->number) & 3) != 0;
	out->has_item = event->has_item;
	out->client = event->client;
}

static uint32_t compose_frame(
	struct event_stream *stream, const struct datagram_request *request, uint8_t *to, uint32_t *events)
{
	const struct generated *event = event_stream_peek(stream);
	uint32_t alone = FRAME_HEADER_LEN + FRAME_EVENT_LEN_MAX + event->len;
	struct frame_writer writer;
	struct frame_event entry;

	*events = 0;
	if (frame_begin(&writer, to, alone > request->max ? alone : request->max, request->header) != 0)
		return 0;
	for (; *events < request->events && (event = event_stream_peek(stream)) != NULL; ++*events) {
		frame_event_of(stream, &entry);
		if (frame_add(&writer, &entry) != 0)
			break;
		request->taken(request->context, event, stream->body);
		event_stream_take(stream);
	}
	return frame_end(&writer);
}

static uint32_t compose_raw(struct event_stream *stream, const struct datagram_request *request, uint8_t *to)
{
	const struct generated *event = event_stream_peek(stream);
	uint32_t len = event->len;

	memcpy(to, stream->body, len);
	request->taken(request->context, event, stream->body);
	event_stream_take(stream);
	return len;
}

uint32_t datagram_compose(
	struct event_stream *stream, const struct datagram_request *request, uint8_t *to, uint32_t *events)
{
	if (request->format == FORMAT_JSON)
		return compose_json(stream, request, to, events);
	if (request->format == FORMAT_FRAME)
		return compose_frame(stream, request, to, events);
	*events = 1;
	return compose_raw(stream, request, to);
}

uint32_t datagram_heartbeat(const struct frame_header *header, uint8_t *to)
{
	struct frame_writer writer;

	if (frame_begin(&writer, to, FRAME_HEADER_LEN, header) != 0)
		return 0;
	return frame_end(&writer);
}
