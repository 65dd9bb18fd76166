/* SPDX-License-Identifier: Apache-2.0 */
#include <emmintrin.h>
#include <string.h>

#include "base/fault.h"
#include "batch/record.h"
#include "worker/worker_priv.h"

static inline uint8_t *put(uint8_t *to, const void *from, size_t len)
{
	memcpy(to, from, len);
	return to + len;
}

/* Copies with a blank for each line break, 16 bytes at a time. */
static uint8_t *put_blanked(uint8_t *to, const uint8_t *from, size_t len)
{
	const __m128i feed = _mm_set1_epi8('\n'), carriage = _mm_set1_epi8('\r'), blank = _mm_set1_epi8(' ');

	for (; len >= 16; len -= 16, from += 16, to += 16) {
		__m128i bytes = _mm_loadu_si128((const __m128i *)(const void *)from);
		__m128i breaks = _mm_or_si128(_mm_cmpeq_epi8(bytes, feed), _mm_cmpeq_epi8(bytes, carriage));

		bytes = _mm_or_si128(_mm_andnot_si128(breaks, bytes), _mm_and_si128(breaks, blank));
		_mm_storeu_si128((__m128i *)(void *)to, bytes);
	}
	for (; len > 0; len--, from++)
		*to++ = *from == '\n' || *from == '\r' ? ' ' : *from;
	return to;
}

/* JSON allows line breaks only between tokens, so a blank in their place changes nothing but the number of lines. */
static uint8_t *put_unbroken(uint8_t *to, const uint8_t *from, size_t len, int line_breaks)
{
	if (LIKELY(!line_breaks))
		return put(to, from, len);
	return put_blanked(to, from, len);
}

static int is_space(uint8_t c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

/* Widens the sender's member of our name by the comma that goes with it: the one behind, or else the one before. */
static void widen_cut(const struct event *event, const uint8_t **from, const uint8_t **to)
{
	const uint8_t *begin = event->body.data + 1, *end = event->body.data + event->body.len - 1;

	*from = event->reserved.data;
	*to = *from + event->reserved.len;
	while (*to < end && is_space(**to))
		(*to)++;
	if (*to < end && **to == ',') {
		(*to)++;
		return;
	}
	while (*from > begin && is_space((*from)[-1]))
		(*from)--;
	if (*from > begin && (*from)[-1] == ',')
		(*from)--;
}

/* How the ingest member of an event ends: as the burst's events do, or rendered for this one. */
struct tail {
	const char *text;
	uint32_t len;
	int late;
	char own[INGEST_TAIL];
};

static void tail_choose(const struct worker *worker, const struct event *event, struct tail *tail)
{
	const struct burst *burst = &worker->burst;
	uint32_t generation = worker->config.generation;
	int64_t hour = burst->hour;

	tail->late = 0;
	if (event->time_us != EVENT_NO_TIME) {
		hour = event->time_us / HOUR_US;
		tail->late = hour < burst->oldest_hour;
		if (tail->late || hour > burst->hour)
			hour = burst->hour;
	}
	tail->text = burst->tail;
	tail->len = burst->tail_len;
	if (LIKELY(hour == burst->hour && !tail->late && (event->time_in_us || event->time_us == EVENT_NO_TIME)))
		return;
	if (UNLIKELY(hour != burst->hour)) {
		tail->len = ingest_tail(tail->own, burst->receive_us, hour, generation);
		tail->text = tail->own;
	}
	if (tail->late || !event->time_in_us) {
		tail->len = ingest_tail_time(tail->own, tail->text, tail->len, event->time_us, tail->late);
		tail->text = tail->own;
	}
}

static void count_oddities(struct worker_counters *counters, const struct event *event, int late)
{
	if (UNLIKELY(event->time_us == EVENT_NO_TIME))
		counter_add(&counters->time_missing, 1);
	if (UNLIKELY(late))
		counter_add(&counters->late, 1);
	if (UNLIKELY(event->reserved.data != NULL))
		counter_add(&counters->reserved, 1);
}

/* Opens a record in the event's outlet, in a new batch when the open one is full. */
static uint8_t *open_record(struct worker *worker, unsigned topic, const struct event *event, uint32_t len,
	struct batch **batch)
{
	struct outlet *outlet = outlet_of(worker, topic, event->key);
	uint8_t *at;

	for (int fresh = 0; fresh < 2; fresh++) {
		*batch = outlet_batch(worker, topic, outlet, event->type);
		if (UNLIKELY(*batch == NULL))
			return NULL;
		at = record_open(*batch, event->key, len);
		if (LIKELY(at != NULL))
			return at;
		if ((*batch)->records == 0)
			break;
		outlet_seal(worker, outlet, 1);
	}
	event_drop(worker, EVENT_DROP_too_large);
	counter_add(&worker->counters->types[event->type].dropped, 1);
	return NULL;
}

static void count_numbered(struct worker *worker, struct batch *batch, const struct event *event, uint32_t len)
{
	struct worker_type_counters *type = &worker->counters->types[event->type];

	record_close(batch, len);
	batch->events++;
	worker->open_events++;
	worker->burst.numbered++;
	counter_add(&worker->topics[batch->topic].next_seq, 1);
	counter_add(&type->bytes, len);
	counter_add(&type->events, 1);
}

static void emit_raw(struct worker *worker, unsigned topic, const struct event *event)
{
	struct batch *batch;
	uint8_t *at = open_record(worker, topic, event, event->body.len, &batch);

	if (at == NULL)
		return;
	memcpy(at, event->body.data, event->body.len);
	count_numbered(worker, batch, event, event->body.len);
}

static void emit_json(struct worker *worker, unsigned topic, const struct event *event)
{
	const struct topic_out *out = &worker->topics[topic];
	const uint8_t *body = event->body.data, *end = body + event->body.len - 1, *cut_from = end, *cut_to = end;
	uint64_t seq = counter_read(&out->next_seq);
	unsigned digits = ingest_hex_digits(seq), comma = event->empty ? 1 : 0;
	struct batch *batch;
	struct tail tail;
	uint32_t len;
	uint8_t *at;

	tail_choose(worker, event, &tail);
	if (UNLIKELY(event->reserved.data != NULL))
		widen_cut(event, &cut_from, &cut_to);
	len = (uint32_t)((cut_from - body) + (end - cut_to)) + out->prefix_len - comma + digits + tail.len;
	at = open_record(worker, topic, event, len, &batch);
	if (UNLIKELY(at == NULL))
		return;
	at = put_unbroken(at, body, (size_t)(cut_from - body), event->line_breaks);
	at = put_unbroken(at, cut_to, (size_t)(end - cut_to), event->line_breaks);
	at = put(at, out->prefix + comma, out->prefix_len - comma);
	ingest_hex(at, seq, digits);
	(void)put(at + digits, tail.text, tail.len);
	count_oddities(worker->counters, event, tail.late);
	count_numbered(worker, batch, event, len);
}

void worker_emit(struct worker *worker, const struct event *event)
{
	const struct event_type *type = &worker->config.types->types[event->type];

	if (FAULT("worker_emit"))
		return;
	if (event->body_kind == BODY_RAW || type->raw)
		emit_raw(worker, type->topic, event);
	else
		emit_json(worker, type->topic, event);
}
