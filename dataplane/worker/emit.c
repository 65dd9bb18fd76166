/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "base/fault.h"
#include "batch/record.h"
#include "worker/put.h"
#include "worker/worker_priv.h"

#define AHEAD_LINES    5 /* a record of usual length */
#define PIECES         (EVENT_CUTS + 1)
#define CATEGORY_BYTES (sizeof(",\"category\":\"\"") + 6 * CATEGORY_TEXT) /* a name of control characters only */

_Static_assert(INGEST_HEAD <= RECORD_SLACK && INGEST_PREFIX <= RECORD_SLACK && INGEST_END <= RECORD_SLACK,
	"what is copied in steps stays within a record's slack");
_Static_assert(GEO_FRAGMENT_MAX + CATEGORY_BYTES <= WORKER_EXTRAS_MAX, "geo and category are what a record may get");
_Static_assert(RECORD_OVERHEAD + RECORD_SLACK + WORKER_KEY_MAX + INGEST_PREFIX + INGEST_DIGITS + INGEST_HEAD + INGEST_END +
			       WORKER_EXTRAS_MAX <= WORKER_RECORD_ROOM,
	"a batch that has room for a datagram and this has room for any record of it");

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

static inline int is_late(const struct worker *worker, const struct event *event)
{
	return event->time_us / HOUR_US < worker->burst.oldest_hour;
}

/* An event of another hour than the present one. */
static __attribute__((noinline)) void choose_hour(struct worker *worker, const struct event *event, struct tail *tail)
{
	struct burst *burst = &worker->burst;
	int64_t hour = event->time_us / HOUR_US;

	tail->late = is_late(worker, event);
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

/* Once for an event, whatever copies it has. */
static __attribute__((noinline)) void count_oddities(
	const struct worker *worker, struct worker_type_counters *type, const struct event *event)
{
	if ((event->way.form & FORM_RAW) != 0)
		return;
	if (event->time_us == EVENT_NO_TIME)
		counter_add(&type->time_missing, 1);
	else if (is_late(worker, event))
		counter_add(&type->late, 1);
	if (event->cut_count > 0)
		counter_add(&type->reserved, 1);
}

/* `time_ms`: 0 unless the topic is timed (tables/timed.h). */
ALWAYS_INLINE uint8_t *open_here(const struct outlet *outlet, struct slice key, uint32_t len, int64_t time_ms)
{
	if (time_ms == 0)
		return record_open(&outlet->writer, key, len);
	return record_open_timed(&outlet->writer, outlet->batch, key, len, time_ms);
}

/* Whether no batch has room for so many bytes of key and value: asked before one is taken, or the open one handed over. */
static int is_too_large(const struct worker *worker, uint64_t len, enum worker_event_drop *reason)
{
	*reason = EVENT_DROP_too_large;
	return len + RECORD_OVERHEAD + RECORD_SLACK > worker->config.batch_bytes - sizeof(struct batch);
}

/* The outlet has no batch, or a full one. */
static __attribute__((noinline)) uint8_t *open_anew(struct worker *worker, unsigned topic, struct outlet *outlet,
	const struct event *event, uint32_t len, int64_t time_ms, enum worker_event_drop *reason)
{
	uint64_t key_len = event->key.data != NULL ? event->key.len : 0;

	if (UNLIKELY(is_too_large(worker, key_len + len, reason)))
		return NULL;
	if (outlet->batch != NULL)
		outlet_seal(worker, outlet, 1);
	if (UNLIKELY(outlet_batch(worker, topic, outlet, reason) == NULL))
		return NULL;
	return open_here(outlet, event->key, len, time_ms);
}

/* Opens a record in the event's outlet, in a new batch when the open one is full. */
ALWAYS_INLINE uint8_t *open_record(struct worker *worker, unsigned topic, struct outlet *outlet,
	const struct event *event, uint32_t len, int64_t time_ms, enum worker_event_drop *reason)
{
	uint8_t *at = open_here(outlet, event->key, len, time_ms);

	return LIKELY(at != NULL) ? at : open_anew(worker, topic, outlet, event, len, time_ms, reason);
}

/* Closes the record that ends at `end`. */
ALWAYS_INLINE void close_record(struct topic_out *out, struct outlet *outlet, uint8_t *end)
{
	record_close(&outlet->writer, end);
	outlet->writer.last_seq = (uint32_t)counter_read(&out->next_seq);
	counter_add(&out->next_seq, 1);
}

/* An event that is not packed, and a topic whose open batch may be: by another type, or from another input. */
static __attribute__((noinline)) void end_packing(struct worker *worker, struct outlet *outlet)
{
	if (outlet->batch != NULL && outlet->batch->pack > 1)
		outlet_seal(worker, outlet, 1);
}

/* The length of the record's value; 0: none was written, and *reason says why. */
static uint32_t emit_raw(
	struct worker *worker, unsigned topic, const struct event *event, int64_t time_ms, enum worker_event_drop *reason)
{
	struct outlet *outlet = outlet_of(worker, topic, event->key);
	uint32_t len = event->body.len;
	uint8_t *at;

	if (UNLIKELY(worker->topics[topic].packing != 0))
		end_packing(worker, outlet);
	at = open_record(worker, topic, outlet, event, len, time_ms, reason);
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

/* How an event's value is put together. */
struct value {
	struct pieces pieces; /* when the event has cuts */
	struct tail tail;
	uint64_t seq;
	uint32_t body_len, digits, comma, prefix_comma, extra;
};

/* Lays out the value of the topic's next record; returns its length. */
ALWAYS_INLINE uint32_t lay_out(struct worker *worker, const struct topic_out *out, struct event *event, struct value *v)
{
	choose_tail(worker, event, &v->tail);
	v->seq = counter_read(&out->next_seq);
	v->digits = ingest_hex_digits(v->seq);
	v->comma = v->prefix_comma = event->empty ? 1 : 0;
	v->body_len = event->body.len - 1;
	v->extra = 0;
	if (UNLIKELY(event->cut_count > 0)) {
		cut_up(event, &v->pieces);
		v->body_len = v->pieces.len;
	}
	if (event->way.extra_count > 0) {
		v->extra = extras_len(event) - v->comma;
		v->prefix_comma = 0;
	}
	return v->body_len + v->extra + out->prefix_len - v->prefix_comma + v->digits + v->tail.head_len + v->tail.end_len;
}

ALWAYS_INLINE uint8_t *put_value(
	struct worker *worker, const struct topic_out *out, const struct event *event, const struct value *v, uint8_t *at)
{
	if (LIKELY(event->cut_count == 0))
		at = put_unbroken(at, event->body.data, v->body_len);
	else
		at = put_pieces(at, &v->pieces);
	if (v->extra > 0)
		at = put_extras(at, event, v->comma);
	at = put_short(at, out->prefix + v->prefix_comma, out->prefix_len - v->prefix_comma);
	ingest_hex(at, v->seq, v->digits);
	at = put_short(at + v->digits, v->tail.head, v->tail.head_len);
	return put_end(worker, at, &v->tail, event);
}

/* As emit_raw. */
ALWAYS_INLINE uint32_t emit_one(
	struct worker *worker, unsigned topic, struct event *event, int64_t time_ms, enum worker_event_drop *reason)
{
	struct topic_out *out = &worker->topics[topic];
	struct outlet *outlet = outlet_of(worker, topic, event->key);
	__attribute__((uninitialized)) struct value v;
	uint32_t len = lay_out(worker, out, event, &v);
	uint8_t *at = open_record(worker, topic, outlet, event, len, time_ms, reason);

	if (UNLIKELY(at == NULL))
		return 0;
	if (UNLIKELY(v.tail.hour != worker->burst.hour))
		hours_batch_reaches(worker, outlet->batch, v.tail.hour);
	at = put_value(worker, out, event, &v, at);
	fetch_ahead(at);
	close_record(out, outlet, at);
	return len;
}

/* Of a batch without records. */
static void set_packing(struct topic_out *out, struct outlet *outlet, unsigned pack)
{
	outlet->batch->pack = pack;
	out->packing = (uint8_t)(pack > 1 ? pack : 0);
	out->packed = (uint8_t)pack; /* a record is to be begun */
	out->packed_events = 0;
}

/* Whether the open batch is of such records, and `len` bytes more fit into it. */
static int packs_on(const struct topic_out *out, const struct outlet *outlet, unsigned pack, uint32_t len)
{
	const struct record_writer *writer = &outlet->writer;
	uint64_t room = (uint64_t)len + RECORD_OVERHEAD + RECORD_SLACK;

	return outlet->batch->pack == pack && room <= (uint64_t)(writer->limit - writer->at) &&
	       (out->packed < pack ? writer->at - out->packed_at + len < RECORD_PACKED_MAX : writer->records < BATCH_RECORDS);
}

/* The batch that the next event of a packed topic goes to, with room for `len` bytes more; NULL with *reason. */
static struct batch *packed_batch(
	struct worker *worker, unsigned topic, struct outlet *outlet, unsigned pack, uint32_t len, enum worker_event_drop *reason)
{
	struct topic_out *out = &worker->topics[topic];

	if (outlet->batch != NULL && packs_on(out, outlet, pack, len))
		return outlet->batch;
	if (is_too_large(worker, len, reason))
		return NULL;
	if (outlet->batch != NULL)
		outlet_seal(worker, outlet, 1);
	if (outlet_batch(worker, topic, outlet, reason) == NULL)
		return NULL;
	set_packing(out, outlet, pack);
	return outlet->batch;
}

/*
 * Several events in one record, a line each; only the last record of a batch may have fewer than the others. Lengths are
 * mended with each event, so a batch is whole at any time. The record's time is that of its first event.
 */
static __attribute__((noinline)) uint32_t emit_packed(
	struct worker *worker, unsigned topic, struct event *event, int64_t time_ms, enum worker_event_drop *reason)
{
	unsigned pack = event->way.pack;
	struct topic_out *out = &worker->topics[topic];
	struct outlet *outlet = &worker->unkeyed[topic];
	__attribute__((uninitialized)) struct value v;
	uint32_t len = lay_out(worker, out, event, &v);
	struct batch *batch = packed_batch(worker, topic, outlet, pack, len, reason);
	uint8_t *at;

	if (batch == NULL)
		return 0;
	if (UNLIKELY(v.tail.hour != worker->burst.hour))
		hours_batch_reaches(worker, batch, v.tail.hour);
	if (out->packed < pack) {
		at = outlet->writer.at - 1;
		*at++ = '\n';
		outlet->writer.records--; /* closed once more below */
	} else {
		out->packed_at = outlet->writer.at;
		out->packed = 0;
		at = record_open_packed(outlet->writer.at, outlet->writer.records, time_ms != 0 ? time_ms - batch->base_ms : 0);
	}
	at = put_value(worker, out, event, &v, at);
	close_record(out, outlet, at);
	record_mend_packed(out->packed_at, outlet->writer.records - 1, outlet->writer.at);
	out->packed++;
	out->packed_events++;
	return len;
}

/* In line, though thrice: a call costs as much as a tenth of it. */
ALWAYS_INLINE uint32_t emit_json(
	struct worker *worker, unsigned topic, struct event *event, int64_t time_ms, enum worker_event_drop *reason)
{
	struct topic_out *out = &worker->topics[topic];

	if (UNLIKELY((out->packing | event->way.pack) != 0)) {
		if (event->way.pack > 1 && event->key.data == NULL)
			return emit_packed(worker, topic, event, time_ms, reason);
		end_packing(worker, outlet_of(worker, topic, event->key));
	}
	return emit_one(worker, topic, event, time_ms, reason);
}

/* An event that is not as most are. */
static __attribute__((noinline)) uint32_t emit_formed(
	struct worker *worker, unsigned topic, struct event *event, enum worker_event_drop *reason)
{
	int64_t time_ms = 0;
	int clamped = 0;
	uint32_t len;

	if ((event->way.form & FORM_TIMED) != 0)
		time_ms = timed_ms(worker, topic, event, &clamped);
	if ((event->way.form & FORM_RAW) != 0)
		len = emit_raw(worker, topic, event, time_ms, reason);
	else
		len = emit_json(worker, topic, event, time_ms, reason);
	if (UNLIKELY(clamped) && len > 0)
		counter_add(&worker->counters->types[event->type].clamped, 1);
	if (UNLIKELY((event->way.form & FORM_ASIDE) != 0) && len > 0)
		counter_add(&worker->counters->types[event->type].quarantined, 1);
	if (UNLIKELY((event->way.form & FORM_LONG_KEY) != 0) && len > 0)
		counter_add(&worker->counters->types[event->type].key_too_long, 1);
	return len;
}

ALWAYS_INLINE uint32_t emit_to(
	struct worker *worker, unsigned topic, struct event *event, enum worker_event_drop *reason)
{
	if (UNLIKELY(event->way.form != 0))
		return emit_formed(worker, topic, event, reason);
	return emit_json(worker, topic, event, 0, reason);
}

/* A copy is a record like any other, with an identity of its own; one that cannot be written takes nothing from the event. */
static __attribute__((noinline)) void emit_copy(struct worker *worker, struct event *event)
{
	enum worker_event_drop reason;

	worker->burst.copies_asked++;
	event->way.form &= (uint8_t)~FORM_LONG_KEY; /* counted */
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
		if (UNLIKELY(event->time_us < worker->burst.hour_us || event->cut_count > 0))
			count_oddities(worker, type, event);
	} else {
		event_drop(worker, reason);
		counter_add(&type->dropped, 1);
	}
	if (UNLIKELY(event->way.copy != 0))
		emit_copy(worker, event);
}
