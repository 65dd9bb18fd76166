/* SPDX-License-Identifier: Apache-2.0 */
#include <immintrin.h>
#include <string.h>

#include "base/fault.h"
#include "batch/record.h"
#include "worker/worker_priv.h"

#define AHEAD_LINES 5 /* a record of usual length */

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

static inline size_t lesser(size_t a, size_t b)
{
	return a < b ? a : b;
}

/* The same four steps at a time, where those too many do the last again: lengths differ from event to event, and a
 * branch that is guessed wrong costs more than they do. */
__attribute__((target("avx2"))) static void put_blanked32(uint8_t *to, const uint8_t *from, size_t len)
{
	size_t last = len - 32;

	for (size_t at = 0; at < len; at += 128)
		for (size_t step = 0; step < 128; step += 32)
			blank32(to + lesser(at + step, last), from + lesser(at + step, last));
}

/* JSON allows line breaks only between tokens, so a blank in their place changes nothing but the number of lines.
 * Looking whether there are any would cost as much. */
static inline uint8_t *put_unbroken(uint8_t *to, const uint8_t *from, size_t len)
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

/* How the ingest member of an event ends: as is, with a time of 16 digits, or as rendered in burst.own_end. */
enum ending { END_BARE, END_TIME, END_OWN };

#define END_BARE_LEN 2u
#define END_TIME_LEN (1u + INGEST_DIGITS + END_BARE_LEN)

/* How it goes on behind its sequence: as the burst's events do, or rendered for this one. */
struct tail {
	const char *head;
	uint32_t head_len, end_len;
	enum ending ending;
	int late;
	int64_t hour; /* where the event lands */
};

/* An event of another hour than the present one. */
static __attribute__((noinline)) void choose_hour(struct worker *worker, const struct event *event, struct tail *tail)
{
	struct burst *burst = &worker->burst;
	int64_t hour = event->time_us / HOUR_US;

	tail->late = hour < burst->oldest_hour;
	if (tail->late || hour >= burst->hour)
		return;
	tail->hour = hour;
	tail->head_len = ingest_head(burst->own_head, burst->receive_us, hour, worker->generation->number);
	tail->head = burst->own_head;
}

static __attribute__((noinline)) void render_end(struct worker *worker, const struct event *event, struct tail *tail)
{
	tail->ending = END_OWN;
	tail->end_len = ingest_end_time(worker->burst.own_end, event->time_us, tail->late);
}

static inline void choose_tail(struct worker *worker, const struct event *event, struct tail *tail)
{
	const struct burst *burst = &worker->burst;
	int timeless = event->time_us == EVENT_NO_TIME;

	tail->late = 0;
	tail->hour = burst->hour;
	tail->head = burst->head;
	tail->head_len = burst->head_len;
	tail->ending = END_BARE;
	tail->end_len = END_BARE_LEN;
	if (UNLIKELY((uint64_t)event->time_us - (uint64_t)burst->hour_us >= HOUR_US && !timeless))
		choose_hour(worker, event, tail);
	if (UNLIKELY(tail->late)) {
		render_end(worker, event, tail);
	} else if (!event->time_in_us && !timeless) {
		tail->ending = END_TIME;
		tail->end_len = END_TIME_LEN;
		if (UNLIKELY(!ingest_time_is_usual(event->time_us)))
			render_end(worker, event, tail);
	}
}

/* Straight into the record: what is put together elsewhere from small pieces and then copied in a large one has to wait
 * until all stores before it, into batches that are in no near cache, are done. */
static inline uint8_t *put_end(
	const struct worker *worker, uint8_t *at, const struct tail *tail, const struct event *event)
{
	if (UNLIKELY(tail->ending == END_OWN)) {
		memcpy(at, worker->burst.own_end, sizeof(worker->burst.own_end));
		return at + tail->end_len;
	}
	if (tail->ending == END_TIME) {
		*at++ = ',';
		ingest_usual_time(at, event->time_us);
		at += INGEST_DIGITS;
	}
	memcpy(at, "]}", END_BARE_LEN);
	return at + END_BARE_LEN;
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
static __attribute__((noinline)) uint8_t *open_anew(
	struct worker *worker, unsigned topic, struct outlet *outlet, const struct event *event, uint32_t len)
{
	for (int fresh = 0; fresh < 2; fresh++) {
		uint8_t *at;

		if (UNLIKELY(outlet_batch(worker, topic, outlet, event->type) == NULL))
			return NULL;
		at = record_open(&outlet->writer, event->key, len);
		if (at != NULL)
			return at;
		if (outlet->writer.records == 0)
			break;
		outlet_seal(worker, outlet, 1);
	}
	event_drop(worker, EVENT_DROP_too_large);
	counter_add(&worker->counters->types[event->type].dropped, 1);
	return NULL;
}

/* Opens a record in the event's outlet, in a new batch when the open one is full. */
ALWAYS_INLINE uint8_t *open_record(
	struct worker *worker, unsigned topic, struct outlet *outlet, const struct event *event, uint32_t len)
{
	uint8_t *at = record_open(&outlet->writer, event->key, len);

	return LIKELY(at != NULL) ? at : open_anew(worker, topic, outlet, event, len);
}

/* Closes the record that ends at `end`. */
static inline void count_numbered(struct worker *worker, struct topic_out *out, struct outlet *outlet,
	const struct event *event, uint32_t len, uint8_t *end)
{
	struct worker_type_counters *type = &worker->counters->types[event->type];

	record_close(&outlet->writer, end);
	worker->burst.numbered++;
	counter_add(&out->next_seq, 1);
	counter_add(&type->bytes, len);
	counter_add(&type->events, 1);
}

static void emit_raw(struct worker *worker, unsigned topic, const struct event *event)
{
	struct outlet *outlet = outlet_of(worker, topic, event->key);
	uint32_t len = event->body.len;
	uint8_t *at = open_record(worker, topic, outlet, event, len);

	if (at == NULL)
		return;
	memcpy(at, event->body.data, len);
	count_numbered(worker, &worker->topics[topic], outlet, event, len, at + len);
}

/* The topic's next record goes here, and others come before it: without this most of its stores miss the near caches. */
static inline void fetch_ahead(const uint8_t *at)
{
	for (unsigned line = 1; line <= AHEAD_LINES; line++)
		__builtin_prefetch(at + line * CACHE_LINE, 1, 3);
}

static void emit_json(struct worker *worker, unsigned topic, const struct event *event)
{
	struct topic_out *out = &worker->topics[topic];
	struct outlet *outlet = outlet_of(worker, topic, event->key);
	const uint8_t *body = event->body.data, *end = body + event->body.len - 1, *cut_from = end, *cut_to = end;
	uint64_t seq = counter_read(&out->next_seq);
	uint32_t digits = ingest_hex_digits(seq), comma = event->empty ? 1 : 0, prefix_len = out->prefix_len - comma;
	__attribute__((uninitialized)) struct tail tail;
	uint32_t len;
	uint8_t *at;

	choose_tail(worker, event, &tail);
	if (UNLIKELY(event->reserved.data != NULL))
		widen_cut(event, &cut_from, &cut_to);
	len = (uint32_t)((cut_from - body) + (end - cut_to)) + prefix_len + digits + tail.head_len + tail.end_len;
	at = open_record(worker, topic, outlet, event, len);
	if (UNLIKELY(at == NULL))
		return;
	if (UNLIKELY(tail.hour != worker->burst.hour))
		hours_batch_reaches(worker, outlet->batch, tail.hour);
	at = put_unbroken(at, body, (size_t)(cut_from - body));
	if (UNLIKELY(cut_to < end))
		at = put_unbroken(at, cut_to, (size_t)(end - cut_to));
	at = put_short(at, out->prefix + comma, prefix_len);
	ingest_hex(at, seq, digits);
	at = put_short(at + digits, tail.head, tail.head_len);
	at = put_end(worker, at, &tail, event);
	fetch_ahead(at);
	count_oddities(worker->counters, event, tail.late);
	count_numbered(worker, out, outlet, event, len, at);
}

void worker_emit(struct worker *worker, const struct event *event)
{
	const struct event_type *type = &worker->generation->types.types[event->type];

	if (FAULT("worker_emit"))
		return;
	if (event->body_kind == BODY_RAW || type->raw)
		emit_raw(worker, type->topic, event);
	else
		emit_json(worker, type->topic, event);
}
