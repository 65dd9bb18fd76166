/* SPDX-License-Identifier: Apache-2.0 */
#include "traffic.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "datagram.h"
#include "fault_plan.h"

/* A datagram that its successors overtake: they are forced to be of its source and format. */
struct held {
	uint32_t waits; /* successors still to come; 0 with `active`: it is its turn */
	uint32_t overtaken;
	int active;
	enum format format;
	uint32_t events;
	struct outgoing datagram;
	uint8_t *data;
};

struct traffic {
	const struct options *options;
	struct truth *truth;
	struct event_stream stream;
	struct fault_plan plan;
	struct random random;
	struct held held;
	struct source_life *sources;
	uint32_t next_source, next_flow;
	uint64_t next_heartbeat;
	uint32_t weight_sum;
	uint32_t slot_size;
	uint8_t *slots;
	char (*names)[48]; /* of types */
	enum fate fate;    /* of the datagram in the making */
	enum format format;
	uint32_t crc_at; /* of its last event */
};

static void life_begin(const struct options *options, struct source_life *life, uint64_t id, uint32_t epoch)
{
	memset(life, 0, sizeof(*life));
	life->id = id;
	life->epoch = epoch;
	life->first = life->next = options->start_sequence;
}

int traffic_new(
	struct traffic **out, const struct options *options, const struct event_maker *maker, struct truth *truth)
{
	struct traffic *traffic = calloc(1, sizeof(*traffic));

	if (traffic == NULL)
		return -ENOMEM;
	traffic->options = options;
	traffic->truth = truth;
	traffic->stream.maker = maker;
	traffic->stream.next = options->first;
	traffic->stream.end = options->count == 0 ? options->first - 1 : options->first + options->count;
	traffic->random = random_stream(options->events.seed, UINT64_MAX - 1);
	fault_plan_init(&traffic->plan, options);
	traffic->slot_size =
		(options->datagram_max > EVENT_BODY_MAX ? options->datagram_max : EVENT_BODY_MAX) + DATAGRAM_OVERHEAD;
	traffic->slots = malloc((OUTPUT_BURST + 1) * (size_t)traffic->slot_size);
	traffic->sources = calloc(options->sources, sizeof(*traffic->sources));
	traffic->names = calloc(options->events.types, sizeof(*traffic->names));
	truth->lives = calloc(options->faults[FAULT_restart] + 1, sizeof(*truth->lives));
	if (traffic->slots == NULL || traffic->sources == NULL || traffic->names == NULL || truth->lives == NULL) {
		traffic_free(traffic);
		return -ENOMEM;
	}
	traffic->held.data = traffic->slots + OUTPUT_BURST * (size_t)traffic->slot_size;
	for (uint32_t i = 0; i < options->sources; i++)
		life_begin(options, &traffic->sources[i], options->source_id + i, options->epoch);
	for (uint32_t i = 0; i < options->events.types; i++)
		type_name(i, traffic->names[i]);
	for (unsigned i = 0; i < FORMATS; i++)
		traffic->weight_sum += options->weights[i];
	*out = traffic;
	return 0;
}

void traffic_free(struct traffic *traffic)
{
	if (traffic == NULL)
		return;
	free(traffic->slots);
	free(traffic->sources);
	free(traffic->names);
	free(traffic);
}

/* Counts one event by the fate of its datagram. */
static void event_counted(void *context, const struct generated *event, const uint8_t *body)
{
	static const unsigned copies[] = {[FATE_LOST] = 0, [FATE_SENT] = 1, [FATE_TWICE] = 2, [FATE_CORRUPT] = 0};
	struct traffic *traffic = context;
	struct truth *truth = traffic->truth;
	int raw = traffic->format == FORMAT_RAW;

	truth->generated++;
	truth->bodies += event->len;
	traffic->crc_at = event->crc_at;
	if (copies[traffic->fate] != 0) {
		struct tally *tally = raw ? &truth->raw : &truth->types[event->type];

		tally->events++;
		tally->bytes += event->len;
	}
	if (truth->log != NULL)
		event_log_add(truth->log, event, body, raw ? traffic->options->raw_type : traffic->names[event->type],
			copies[traffic->fate]);
}

static void tally_add(struct tally *tally, uint32_t events, uint32_t bytes)
{
	tally->datagrams++;
	tally->events += events;
	tally->bytes += bytes;
}

static enum format choose_format(struct traffic *traffic, uint32_t bits)
{
	uint32_t ticket = random_scale(bits, traffic->weight_sum);
	unsigned format = 0;

	while (ticket >= traffic->options->weights[format])
		ticket -= traffic->options->weights[format++];
	return (enum format)format;
}

/* Whether the fault shows in a datagram of this format: sequences are in frames only, raw bytes cannot be wrong, and
 * what is missing before the first frame of a source, or after the last one of a life, nobody can miss. */
static int fault_shows(const struct traffic *traffic, enum fault_kind fault, const struct source_life *life)
{
	enum format format = traffic->format;

	if (fault == FAULT_duplicate)
		return 1;
	if (format == FORMAT_FRAME)
		return life->sent != 0 && (fault != FAULT_restart || !life->tail);
	if (fault == FAULT_corrupt)
		return format == FORMAT_JSON;
	return traffic->options->weights[FORMAT_FRAME] == 0;
}

/* The fault that befalls the datagram that comes now. */
static enum fault_kind choose_fault(struct traffic *traffic, const struct source_life *life)
{
	enum fault_kind fault;

	if (traffic->held.active)
		return FAULT_COUNT;
	fault = fault_plan_due(&traffic->plan, traffic->truth->generated);
	return fault != FAULT_COUNT && fault_shows(traffic, fault, life) ? fault : FAULT_COUNT;
}

static void restart(struct traffic *traffic, struct source_life *life)
{
	traffic->truth->lives[traffic->truth->life_count++] = *life;
	life_begin(traffic->options, life, life->id, life->epoch + 1);
	traffic->truth->faults[FAULT_restart].datagrams++;
}

static void damage(struct traffic *traffic, uint8_t *data)
{
	uint64_t bits = random_next(&traffic->random);
	enum damage kind =
		traffic->format == FORMAT_JSON ? damage_json(data, traffic->crc_at, bits) : damage_frame(data, bits);

	traffic->truth->damages[kind]++;
}

/* Counts a datagram that goes out whole for the first time. */
static void count_unique(struct traffic *traffic, enum format format, uint32_t events, uint32_t len)
{
	tally_add(&traffic->truth->unique, events, len);
	tally_add(&traffic->truth->formats[format], events, len);
}

static unsigned emit(struct traffic *traffic, struct outgoing *out, const struct outgoing *datagram, uint32_t events)
{
	const struct truth *truth = traffic->truth;
	double rate = traffic->options->rate;

	*out = *datagram;
	out->due_us = rate == 0 ? truth->sent.datagrams : (uint64_t)((double)truth->generated * 1e6 / rate);
	tally_add(&traffic->truth->sent, events, datagram->len);
	return 1;
}

static void hold(struct traffic *traffic, const struct outgoing *datagram, enum format format, uint32_t events)
{
	struct held *held = &traffic->held;

	held->active = 1;
	held->waits = traffic->options->reorder_depth;
	held->overtaken = 0;
	held->format = format;
	held->events = events;
	held->datagram = *datagram;
	held->datagram.data = held->data;
	memcpy(held->data, datagram->data, datagram->len);
}

/* Sends what was held. It counts as reordered only if a successor did overtake it. */
static unsigned held_release(struct traffic *traffic, struct outgoing *out, uint8_t *slot)
{
	struct held *held = &traffic->held;
	struct outgoing datagram = held->datagram;

	memcpy(slot, held->data, datagram.len);
	datagram.data = slot;
	held->active = 0;
	count_unique(traffic, held->format, held->events, datagram.len);
	if (held->overtaken != 0) {
		if (held->format == FORMAT_FRAME)
			traffic->sources[datagram.source].reordered++;
		tally_add(&traffic->truth->faults[FAULT_reorder], held->events, datagram.len);
		fault_plan_done(&traffic->plan);
	}
	return emit(traffic, out, &datagram, held->events);
}

/* Counts the frame in its source's books; other formats have no sequence. */
static void count_frame(struct traffic *traffic, enum fault_kind fault, struct source_life *life)
{
	if (traffic->format != FORMAT_FRAME)
		return;
	life->next++;
	life->tail = fault == FAULT_lose || fault == FAULT_corrupt;
	if (life->tail)
		life->skipped++;
	else
		life->sent++;
	if (fault == FAULT_duplicate)
		life->duplicated++;
}

/* What happens to a composed datagram. Returns how many places of `out` it takes. */
static unsigned apply(struct traffic *traffic, enum fault_kind fault, const struct outgoing *datagram, uint8_t *data,
	uint32_t events, struct outgoing *out)
{
	unsigned n = 0;

	count_frame(traffic, fault, &traffic->sources[datagram->source]);
	if (fault == FAULT_reorder) {
		hold(traffic, datagram, traffic->format, events);
		return 0;
	}
	if (fault == FAULT_lose || fault == FAULT_corrupt) {
		tally_add(&traffic->truth->faults[fault], events, datagram->len);
		if (fault == FAULT_lose)
			return 0;
		damage(traffic, data);
		return emit(traffic, out, datagram, 0);
	}
	count_unique(traffic, traffic->format, events, datagram->len);
	n += emit(traffic, out, datagram, events);
	if (fault == FAULT_duplicate) {
		tally_add(&traffic->truth->faults[FAULT_duplicate], events, datagram->len);
		n += emit(traffic, out + n, datagram, events);
	}
	return n;
}

static uint32_t choose_flow(struct traffic *traffic, uint32_t source)
{
	if (!traffic->options->spread)
		return source % traffic->options->sockets;
	traffic->next_flow = (traffic->next_flow + 1) % traffic->options->sockets;
	return traffic->next_flow;
}

static uint32_t choose_source(struct traffic *traffic)
{
	uint32_t source = traffic->next_source;

	if (traffic->held.active)
		return traffic->held.datagram.source;
	traffic->next_source = source + 1 == traffic->options->sources ? 0 : source + 1;
	return source;
}

static struct frame_header header_of(const struct source_life *life, uint8_t flags)
{
	return (struct frame_header){
		.source_id = life->id, .source_epoch = life->epoch, .sequence = life->next, .flags = flags};
}

/* Events for one datagram: one alone where the fault must hit exactly one. */
static uint32_t choose_events(const struct traffic *traffic, enum fault_kind fault, uint32_t bits)
{
	if (fault == FAULT_corrupt && traffic->format == FORMAT_JSON)
		return 1;
	return 1 + random_scale(bits, traffic->options->events_per_datagram);
}

/* Composes the datagram that `out` says and returns the number of its events. */
static uint32_t compose(
	struct traffic *traffic, enum fault_kind fault, uint64_t bits, struct outgoing *out, uint8_t *slot)
{
	static const enum fate fates[FAULT_COUNT + 1] = {
		[FAULT_lose] = FATE_LOST,
		[FAULT_duplicate] = FATE_TWICE,
		[FAULT_reorder] = FATE_SENT,
		[FAULT_corrupt] = FATE_CORRUPT,
		[FAULT_restart] = FATE_SENT,
		[FAULT_COUNT] = FATE_SENT,
	};
	struct frame_header header = header_of(&traffic->sources[out->source], 0);
	struct datagram_request request = {
		.format = traffic->format,
		.events = choose_events(traffic, fault, (uint32_t)bits),
		.max = traffic->options->datagram_max,
		.header = &header,
		.bits = bits,
		.taken = event_counted,
		.context = traffic,
	};
	uint32_t events;

	traffic->fate = fates[fault];
	out->data = slot;
	out->port = traffic->options->ports[traffic->format];
	out->len = datagram_compose(&traffic->stream, &request, slot, &events);
	return events;
}

/* Makes one datagram; takes up to two places of `out`. */
static unsigned make_one(struct traffic *traffic, struct outgoing *out, uint8_t *slot)
{
	uint64_t bits = random_next(&traffic->random);
	uint32_t source = choose_source(traffic), events;
	struct outgoing datagram = {.source = source, .flow = choose_flow(traffic, source)};
	struct held *held = &traffic->held;
	enum fault_kind fault;
	unsigned n;

	traffic->format = held->active ? held->format : choose_format(traffic, (uint32_t)(bits >> 32));
	fault = choose_fault(traffic, &traffic->sources[source]);
	if (fault == FAULT_restart)
		restart(traffic, &traffic->sources[source]);
	events = compose(traffic, fault, bits, &datagram, slot);
	if (held->active) {
		held->overtaken++;
		held->waits--;
	}
	n = apply(traffic, fault, &datagram, slot, events, out);
	if (fault != FAULT_COUNT && fault != FAULT_reorder)
		fault_plan_done(&traffic->plan);
	return n;
}

unsigned traffic_burst(struct traffic *traffic, uint32_t events, struct outgoing *out)
{
	uint64_t stop = traffic->truth->generated + events;
	unsigned n = 0;

	while (n + 2 <= OUTPUT_BURST) {
		uint8_t *slot = traffic->slots + n * (size_t)traffic->slot_size;

		if (traffic->held.active && traffic->held.waits == 0)
			n += held_release(traffic, out + n, slot);
		else if (traffic->truth->generated < stop && event_stream_peek(&traffic->stream) != NULL)
			n += make_one(traffic, out + n, slot);
		else
			break;
	}
	return n;
}

int traffic_ended(const struct traffic *traffic)
{
	return traffic->stream.next == traffic->stream.end;
}

/* Heartbeats say how far each sequence got, so that a loss at its end is seen. */
static unsigned heartbeat(struct traffic *traffic, struct outgoing *out, uint8_t *slot)
{
	uint32_t source = (uint32_t)(traffic->next_heartbeat++ % traffic->options->sources);
	struct source_life *life = &traffic->sources[source];
	struct frame_header header = header_of(life, FRAME_HEARTBEAT);
	struct outgoing datagram = {.data = slot, .source = source, .flow = choose_flow(traffic, source)};

	datagram.port = traffic->options->ports[FORMAT_FRAME];
	datagram.len = datagram_heartbeat(&header, slot);
	life->heartbeats++;
	traffic->truth->heartbeats++;
	return emit(traffic, out, &datagram, 0);
}

unsigned traffic_finish(struct traffic *traffic, struct outgoing *out)
{
	uint64_t heartbeats = (uint64_t)traffic->options->heartbeats * traffic->options->sources;
	unsigned n = 0;

	if (traffic->held.active)
		return held_release(traffic, out, traffic->slots);
	if (traffic->options->weights[FORMAT_FRAME] == 0)
		return 0;
	while (n < OUTPUT_BURST && traffic->next_heartbeat < heartbeats) {
		uint8_t *slot = traffic->slots + n * (size_t)traffic->slot_size;

		n += heartbeat(traffic, out + n, slot);
	}
	return n;
}

uint64_t traffic_made(const struct traffic *traffic)
{
	return traffic->truth->generated;
}

uint64_t traffic_faults_left(const struct traffic *traffic)
{
	return traffic->plan.total - traffic->plan.done;
}

const struct source_life *traffic_sources(const struct traffic *traffic)
{
	return traffic->sources;
}
