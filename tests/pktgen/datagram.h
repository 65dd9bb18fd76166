/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Datagrams out of events, in each of the formats. Events come from a stream that looks one event ahead, since only
 * then is it known whether the next one still fits.
 */

#include "event.h"
#include "options.h"
#include "random.h"
#include "wire/frame.h"

/* Bytes that one event alone may need beyond the largest body, in any format. */
#define DATAGRAM_OVERHEAD 128

struct event_stream {
	const struct event_maker *maker;
	uint64_t next, end; /* numbers; `end` is not made any more */
	int ready;          /* `event` and `body` are event `next` */
	struct generated event;
	uint8_t body[EVENT_BODY_MAX + EVENT_SLACK];
};

/* The next event without taking it; NULL at the end. Valid until the next call. */
const struct generated *event_stream_peek(struct event_stream *stream);

/* Takes it. */
void event_stream_take(struct event_stream *stream);

/* Called for every event that goes into a datagram, while its body is valid. */
typedef void (*event_taken)(void *context, const struct generated *event, const uint8_t *body);

struct datagram_request {
	enum format format;
	uint32_t events;                   /* at most, at least 1 */
	uint32_t max;                      /* bytes, unless the first event alone needs more */
	const struct frame_header *header; /* of a frame: source, epoch and sequence */
	uint64_t bits;                     /* random: separators */
	event_taken taken;
	void *context;
};

/*
 * Composes one datagram at `to`, which has room for the larger of request->max and EVENT_BODY_MAX, plus
 * DATAGRAM_OVERHEAD. Takes at least one event, so the stream must not be at its end. Returns the length and sets
 * `events`.
 */
uint32_t datagram_compose(
	struct event_stream *stream, const struct datagram_request *request, uint8_t *to, uint32_t *events);

/* Writes a heartbeat frame with this header at `to`, which has FRAME_HEADER_LEN places, and returns its length. */
uint32_t datagram_heartbeat(const struct frame_header *header, uint8_t *to);
