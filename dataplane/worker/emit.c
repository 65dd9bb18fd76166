/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "base/fault.h"
#include "batch/record.h"
#include "worker/put.h"
#include "worker/worker_priv.h"

#define AHEAD_LINES 5 /* a record of usual length */
#define PIECES      (EVENT_CUTS + 1)

_Static_assert(INGEST_HEAD <= RECORD_SLACK && INGEST_PREFIX <= RECORD_SLACK && INGEST_END <= RECORD_SLACK,
	"what is copied in steps stays within a record's slack");

/* What stays of an event's body, in order: members, between which a comma goes. */
struct pieces {
	unsigned count;
	uint32_t len; /* with the brace before them and the commas */
	struct slice each[PIECES];
};

static int is_space_or_comma(uint8_t c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == ',';
}

/* The members in [from, to), without what stood between them and those that are cut. */
static void add_piece(struct pieces *pieces, const uint8_t *from, const uint8_t *to)
{
	while (from < to && is_space_or_comma(*from))
		from++;
	while (from < to && is_space_or_comma(to[-1]))
		to--;
	if (from == to)
		return;
	pieces->len += (uint32_t)(to - from) + (pieces->count > 0);
	pieces->each[pieces->count++] = (struct slice){from, (uint32_t)(to - from)};
}

static void sort_cuts(struct event *event)
{
	for (unsigned i = 1; i < event->cut_count; i++)
		for (unsigned k = i; k > 0 && event->cuts[k].data < event->cuts[k - 1].data; k--) {
			struct slice cut = event->cuts[k];

			event->cuts[k] = event->cuts[k - 1];
			event->cuts[k - 1] = cut;
		}
}

/* Members of the sender's under names that we append give way, with the commas that go with them. */
static __attribute__((noinline)) void cut_up(struct event *event, struct pieces *pieces)
{
	const uint8_t *from = event->body.data + 1, *end = event->body.data + event->body.len - 1;

	pieces->count = 0;
	pieces->len = 1;
	sort_cuts(event);
	for (unsigned i = 0; i < event->cut_count; i++) {
		add_piece(pieces, from, event->cuts[i].data);
		from = event->cuts[i].data + event->cuts[i].len;
	}
	add_piece(pieces, from, end);
}

static __attribute__((noinline)) uint8_t *put_pieces(uint8_t *at, const struct pieces *pieces)
{
	*at++ = '{';
	for (unsigned i = 0; i < pieces->count; i++) {
		if (i > 0)
			*at++ = ',';
		at = put_unbroken(at, pieces->each[i].data, pieces->each[i].len);
	}
	return at;
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
	if (UNLIKELY(event->cut_count > 0))
		counter_add(&counters->reserved, 1);
}

/* The outlet has no batch, or a full one. */
static __attribute__((noinline)) uint8_t *open_anew(struct worker *worker, unsigned topic, struct outlet *outlet,
	const struct event *event, uint32_t len, enum worker_event_drop *reason)
{
	for (int fresh = 0; fresh < 2; fresh++) {
		uint8_t *at;

		if (UNLIKELY(outlet_batch(worker, topic, outlet, reason) == NULL))
			return NULL;
		at = record_open(&outlet->writer, event->key, len);
		if (at != NULL)
			return at;
		if (outlet->writer.records == 0)
			break;
		outlet_seal(worker, outlet, 1);
	}
	*reason = EVENT_DROP_too_large;
	return NULL;
}

/* Opens a record in the event's outlet, in a new batch when the open one is full. */
ALWAYS_INLINE uint8_t *open_record(struct worker *worker, unsigned topic, struct outlet *outlet,
	const struct event *event, uint32_t len, enum worker_event_drop *reason)
{
	uint8_t *at = record_open(&outlet->writer, event->key, len);

	return LIKELY(at != NULL) ? at : open_anew(worker, topic, outlet, event, len, reason);
}

/* Closes the record that ends at `end`. */
ALWAYS_INLINE void close_record(struct topic_out *out, struct outlet *outlet, uint8_t *end)
{
	record_close(&outlet->writer, end);
	counter_add(&out->next_seq, 1);
}

/* The length of the record's value; 0: none was written, and *reason says why. */
static uint32_t emit_raw(
	struct worker *worker, unsigned topic, const struct event *event, enum worker_event_drop *reason)
{
	struct outlet *outlet = outlet_of(worker, topic, event->key);
	uint32_t len = event->body.len;
	uint8_t *at = open_record(worker, topic, outlet, event, len, reason);

	if (at == NULL)
		return 0;
	memcpy(at, event->body.data, len);
	close_record(&worker->topics[topic], outlet, at + len);
	return len;
}

/* The topic's next record goes here, and others come before it: without this most of its stores miss the near caches. */
static inline void fetch_ahead(const uint8_t *at)
{
	for (unsigned line = 1; line <= AHEAD_LINES; line++)
		__builtin_prefetch(at + line * CACHE_LINE, 1, 3);
}

static __attribute__((noinline)) uint32_t extras_len(const struct event *event)
{
	uint32_t len = 0;

	for (unsigned i = 0; i < event->way.extra_count; i++)
		len += event->extras[i].len;
	return len;
}

/* Fragments have a comma before them, of which the first of an empty object does without. */
static __attribute__((noinline)) uint8_t *put_extras(uint8_t *at, const struct event *event, uint32_t comma)
{
	for (unsigned i = 0; i < event->way.extra_count; i++) {
		at = put_fragment(at, event->extras[i].data + comma, event->extras[i].len - comma);
		comma = 0;
	}
	return at;
}

/* As emit_raw. */
static inline uint32_t emit_json(
	struct worker *worker, unsigned topic, struct event *event, enum worker_event_drop *reason)
{
	struct topic_out *out = &worker->topics[topic];
	struct outlet *outlet = outlet_of(worker, topic, event->key);
	uint64_t seq = counter_read(&out->next_seq);
	uint32_t digits = ingest_hex_digits(seq), comma = event->empty ? 1 : 0, body_len = event->body.len - 1, len;
	uint32_t prefix_comma = comma, extra = 0;
	__attribute__((uninitialized)) struct pieces pieces;
	__attribute__((uninitialized)) struct tail tail;
	uint8_t *at;

	choose_tail(worker, event, &tail);
	if (UNLIKELY(event->cut_count > 0)) {
		cut_up(event, &pieces);
		body_len = pieces.len;
	}
	if (event->way.extra_count > 0) {
		extra = extras_len(event) - comma;
		prefix_comma = 0;
	}
	len = body_len + extra + out->prefix_len - prefix_comma + digits + tail.head_len + tail.end_len;
	at = open_record(worker, topic, outlet, event, len, reason);
	if (UNLIKELY(at == NULL))
		return 0;
	if (UNLIKELY(tail.hour != worker->burst.hour))
		hours_batch_reaches(worker, outlet->batch, tail.hour);
	if (LIKELY(event->cut_count == 0))
		at = put_unbroken(at, event->body.data, body_len);
	else
		at = put_pieces(at, &pieces);
	if (extra > 0)
		at = put_extras(at, event, comma);
	at = put_short(at, out->prefix + prefix_comma, out->prefix_len - prefix_comma);
	ingest_hex(at, seq, digits);
	at = put_short(at + digits, tail.head, tail.head_len);
	at = put_end(worker, at, &tail, event);
	fetch_ahead(at);
	count_oddities(worker->counters, event, tail.late);
	close_record(out, outlet, at);
	return len;
}

ALWAYS_INLINE uint32_t emit_to(
	struct worker *worker, unsigned topic, struct event *event, enum worker_event_drop *reason)
{
	if (event->way.raw)
		return emit_raw(worker, topic, event, reason);
	return emit_json(worker, topic, event, reason);
}

/* A copy is a record like any other, with an identity of its own; one that cannot be written takes nothing from the event. */
static __attribute__((noinline)) void emit_copy(struct worker *worker, struct event *event)
{
	enum worker_event_drop reason;

	worker->burst.copies_asked++;
	if (emit_to(worker, event->way.copy - 1u, event, &reason) > 0)
		worker->burst.copies++;
	else
		counter_add(&worker->counters->copy_drops[reason], 1);
}

void worker_emit(struct worker *worker, struct event *event)
{
	struct worker_type_counters *type = &worker->counters->types[event->type];
	enum worker_event_drop reason;
	uint32_t len;

	if (FAULT("worker_emit"))
		return;
	len = emit_to(worker, event->way.topic, event, &reason);
	if (LIKELY(len > 0)) {
		worker->burst.numbered++;
		counter_add(&type->bytes, len);
		counter_add(&type->events, 1);
	} else {
		event_drop(worker, reason);
		counter_add(&type->dropped, 1);
	}
	if (UNLIKELY(event->way.copy != 0))
		emit_copy(worker, event);
}
