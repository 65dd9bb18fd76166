/* SPDX-License-Identifier: Apache-2.0 */
#include <immintrin.h>
#include <string.h>

#include "base/fault.h"
#include "batch/record.h"
#include "worker/worker_priv.h"

#define AHEAD_LINES 5 /* a record of usual length */

static inline uint8_t *put(uint8_t *to, const void *from, size_t len)
{
	memcpy(to, from, len);
	return to + len;
}

_Static_assert(INGEST_HEAD <= RECORD_SLACK && INGEST_PREFIX <= RECORD_SLACK && INGEST_END <= RECORD_SLACK,
	"what is copied in steps stays within a record's slack");

/* A piece of at most 64 bytes, copied by 32: its array is as long, and what is written too much is written over. */
static inline uint8_t *put_short(uint8_t *to, const char *from, uint32_t len)
{
	memcpy(to, from, 32);
	if (UNLIKELY(len > 32))
		memcpy(to + 32, from + 32, 32);
	return to + len;
}

/* 16 or 32 bytes with a blank for each line break. */
__attribute__((target("sse4.1"))) ALWAYS_INLINE void blank16(uint8_t *to, const uint8_t *from)
{
	const __m128i feed = _mm_set1_epi8('\n'), carriage = _mm_set1_epi8('\r'), blank = _mm_set1_epi8(' ');
	__m128i bytes = _mm_loadu_si128((const __m128i *)(const void *)from);
	__m128i breaks = _mm_or_si128(_mm_cmpeq_epi8(bytes, feed), _mm_cmpeq_epi8(bytes, carriage));

	_mm_storeu_si128((__m128i *)(void *)to, _mm_blendv_epi8(bytes, blank, breaks));
}

__attribute__((target("avx2"))) ALWAYS_INLINE void blank32(uint8_t *to, const uint8_t *from)
{
	const __m256i feed = _mm256_set1_epi8('\n'), carriage = _mm256_set1_epi8('\r'), blank = _mm256_set1_epi8(' ');
	__m256i bytes = _mm256_loadu_si256((const __m256i *)(const void *)from);
	__m256i breaks = _mm256_or_si256(_mm256_cmpeq_epi8(bytes, feed), _mm256_cmpeq_epi8(bytes, carriage));

	_mm256_storeu_si256((__m256i *)(void *)to, _mm256_blendv_epi8(bytes, blank, breaks));
}

/* The last step lies over some bytes of the one before. */
__attribute__((target("sse4.1"))) static void put_blanked16(uint8_t *to, const uint8_t *from, size_t len)
{
	for (size_t at = 0; at < len - 16; at += 16)
		blank16(to + at, from + at);
	blank16(to + len - 16, from + len - 16);
}

__attribute__((target("avx2"))) static void put_blanked32(uint8_t *to, const uint8_t *from, size_t len)
{
	for (size_t at = 0; at < len - 32; at += 32)
		blank32(to + at, from + at);
	blank32(to + len - 32, from + len - 32);
}

static uint8_t *put_blanked(uint8_t *to, const uint8_t *from, size_t len)
{
	if (LIKELY(len >= 32 && __builtin_cpu_supports("avx2")))
		put_blanked32(to, from, len);
	else if (len >= 16)
		put_blanked16(to, from, len);
	else
		for (size_t i = 0; i < len; i++)
			to[i] = from[i] == '\n' || from[i] == '\r' ? ' ' : from[i];
	return to + len;
}

/* JSON allows line breaks only between tokens, so a blank in their place changes nothing but the number of lines. */
static uint8_t *put_unbroken(uint8_t *to, const uint8_t *from, size_t len, int line_breaks)
{
	if (!line_breaks)
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

/* How the ingest member of an event goes on behind its sequence: as the burst's events do, or rendered for this one. */
struct tail {
	const char *head;
	uint32_t head_len, end_len;
	int late;
	int64_t hour; /* where the event lands */
	char end[INGEST_END];
	char own[INGEST_HEAD];
};

/* An event of another hour than the present one. */
static __attribute__((noinline)) void choose_hour(const struct worker *worker, const struct event *event, struct tail *tail)
{
	const struct burst *burst = &worker->burst;
	int64_t hour = event->time_us / HOUR_US;

	tail->late = hour < burst->oldest_hour;
	if (tail->late || hour >= burst->hour)
		return;
	tail->hour = hour;
	tail->head_len = ingest_head(tail->own, burst->receive_us, hour, worker->config.generation);
	tail->head = tail->own;
}

static inline void choose_tail(const struct worker *worker, const struct event *event, struct tail *tail)
{
	const struct burst *burst = &worker->burst;
	int timeless = event->time_us == EVENT_NO_TIME;

	tail->late = 0;
	tail->hour = burst->hour;
	tail->head = burst->head;
	tail->head_len = burst->head_len;
	if (UNLIKELY((uint64_t)event->time_us - (uint64_t)burst->hour_us >= HOUR_US && !timeless))
		choose_hour(worker, event, tail);
	memcpy(tail->end, "]}", 2);
	tail->end_len = 2;
	if (UNLIKELY(tail->late) || (!event->time_in_us && !timeless))
		tail->end_len = ingest_end_time(tail->end, event->time_us, tail->late);
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

/* The outlet has no batch, or a full one. */
static __attribute__((noinline)) uint8_t *open_anew(struct worker *worker, unsigned topic, struct outlet *outlet,
	const struct event *event, uint32_t len, struct batch **batch)
{
	for (int fresh = 0; fresh < 2; fresh++) {
		uint8_t *at;

		*batch = outlet_batch(worker, topic, outlet, event->type);
		if (UNLIKELY(*batch == NULL))
			return NULL;
		at = record_open(*batch, event->key, len);
		if (at != NULL)
			return at;
		if ((*batch)->records == 0)
			break;
		outlet_seal(worker, outlet, 1);
	}
	event_drop(worker, EVENT_DROP_too_large);
	counter_add(&worker->counters->types[event->type].dropped, 1);
	return NULL;
}

/* Opens a record in the event's outlet, in a new batch when the open one is full. */
static inline uint8_t *open_record(
	struct worker *worker, unsigned topic, const struct event *event, uint32_t len, struct batch **batch)
{
	struct outlet *outlet = outlet_of(worker, topic, event->key);

	*batch = outlet->batch;
	if (LIKELY(*batch != NULL)) {
		uint8_t *at = record_open(*batch, event->key, len);

		if (LIKELY(at != NULL))
			return at;
	}
	return open_anew(worker, topic, outlet, event, len, batch);
}

static inline void count_numbered(struct worker *worker, struct batch *batch, const struct event *event, uint32_t len)
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

/* The topic's next record goes here, and others come before it: without this most of its stores miss the near caches. */
static inline void fetch_ahead(const uint8_t *at)
{
	for (unsigned line = 1; line <= AHEAD_LINES; line++)
		__builtin_prefetch(at + line * CACHE_LINE, 1, 3);
}

static void emit_json(struct worker *worker, unsigned topic, const struct event *event)
{
	const struct topic_out *out = &worker->topics[topic];
	const uint8_t *body = event->body.data, *end = body + event->body.len - 1, *cut_from = end, *cut_to = end;
	uint64_t seq = counter_read(&out->next_seq);
	unsigned digits = ingest_hex_digits(seq), comma = event->empty ? 1 : 0;
	__attribute__((uninitialized)) struct tail tail;
	struct batch *batch;
	uint32_t len;
	uint8_t *at;

	choose_tail(worker, event, &tail);
	if (UNLIKELY(event->reserved.data != NULL))
		widen_cut(event, &cut_from, &cut_to);
	len = (uint32_t)((cut_from - body) + (end - cut_to)) + out->prefix_len - comma + digits + tail.head_len + tail.end_len;
	at = open_record(worker, topic, event, len, &batch);
	if (UNLIKELY(at == NULL))
		return;
	if (UNLIKELY(tail.hour < batch->hour))
		hours_batch_reaches(worker, batch, tail.hour);
	at = put_unbroken(at, body, (size_t)(cut_from - body), event->line_breaks);
	if (UNLIKELY(cut_to < end))
		at = put_unbroken(at, cut_to, (size_t)(end - cut_to), event->line_breaks);
	at = put_short(at, out->prefix + comma, out->prefix_len - comma);
	ingest_hex(at, seq, digits);
	at = put_short(at + digits, tail.head, tail.head_len);
	memcpy(at, tail.end, sizeof(tail.end));
	fetch_ahead(at);
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
