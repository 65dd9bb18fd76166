/* SPDX-License-Identifier: Apache-2.0 */
#include "event.h"

#include <string.h>

#include "crc32.h"
#include "maker.h"

#define PIECES_MAX   40
#define RENDERED_MAX 128 /* of a member made for the event, text apart */
#define TEXTS_MAX    4
#define TEXT_LIMIT   600                       /* of one text member */
#define KNOTS        16                        /* of the distribution of sizes */
#define TIME_SPAN    ((UINT64_C(1) << 46) - 1) /* µs, 2.2 years: then times begin anew */

_Static_assert(7 + OPTIONAL_MAX + TEXTS_MAX <= PIECES_MAX, "required, frequent, optional and text members");

/* An event in the making: members in any order, to be written in one go. */
struct draft {
	const struct event_maker *maker;
	struct random random;
	struct {
		const uint8_t *bytes;
		uint32_t len;
	} pieces[PIECES_MAX];
	unsigned count;
	unsigned crc_piece;
	uint32_t used; /* bytes with braces and separators */
	uint32_t size; /* to reach */
	uint8_t *at;   /* free place in scratch */
	uint8_t scratch[EVENT_BODY_MAX + (PIECES_MAX + TEXTS_MAX) * RENDERED_MAX + TEXT_SLACK];
};

struct layout {
	uint32_t open_len, separator_len, close_len;
	char open[8], separator[8], close[8];
};

/* On one line, with spaces, and two ways of several lines. */
static const struct layout layouts[] = {
	{1, 1, 1, "{", ",", "}"},
	{2, 2, 2, "{ ", ", ", " }"},
	{4, 4, 2, "{\n  ", ",\n  ", "\n}"},
	{3, 3, 3, "{\n\t", ",\n\t", " \n}"},
};

/* Sizes of bodies: the quantiles 0/16 to 16/16, straight lines between them. */
static const uint16_t sizes[][KNOTS + 1] = {
	[PRESET_MIX512] = {116, 165, 204, 240, 275, 310, 346, 384, 424, 468, 518, 577, 652, 756, 910, 1165, 2000},
	[PRESET_MIX225] = {116, 130, 140, 149, 157, 165, 173, 181, 190, 200, 211, 224, 240, 259, 284, 330, 2000},
};

static uint32_t choose_type(const struct event_maker *maker, uint64_t bits)
{
	uint32_t i = random_scale((uint32_t)(bits >> 32), maker->settings.types);

	return (uint32_t)bits < maker->alias_limit[i] ? i : maker->alias[i];
}

static uint32_t choose_size(const struct event_maker *maker, uint32_t bits)
{
	const uint16_t *knots = sizes[maker->settings.preset];
	uint32_t place = bits >> 28, part = bits >> 12 & 0xffff;
	uint32_t size = knots[place] + ((uint32_t)(knots[place + 1] - knots[place]) * part >> 16);

	/* The last sixteenth is a tail that thins out with the cube of the distance, as real sizes do. */
	if (place == KNOTS - 1) {
		uint64_t cube = (uint64_t)part * part >> 16;

		cube = cube * part >> 16;
		size = knots[place] + (uint32_t)((uint64_t)(knots[KNOTS] - knots[place]) * cube >> 16);
	}
	return size < maker->settings.body_max ? size : maker->settings.body_max;
}

static void draft_add(struct draft *draft, const uint8_t *bytes, uint32_t len, const struct layout *layout)
{
	draft->pieces[draft->count].bytes = bytes;
	draft->pieces[draft->count].len = len;
	draft->count++;
	draft->used += len + layout->separator_len;
}

/* A name with its colon in scratch; the value is rendered behind it. */
static uint8_t *draft_name(struct draft *draft, const char *name, uint32_t len)
{
	memcpy(draft->at, name, len);
	return draft->at + len;
}

static void draft_rendered(struct draft *draft, uint8_t *end, const struct layout *layout)
{
	draft_add(draft, draft->at, (uint32_t)(end - draft->at), layout);
	draft->at = end;
}

#define NAME(text) text, sizeof(text) - 1

/* The members that readers look for. */
static void draft_required(struct draft *draft, const struct layout *layout, struct generated *event)
{
	static const uint8_t crc[] = "\"crc\":\"00000000\"                "; /* spaces for the copy in chunks */
	const struct type_template *template = &draft->maker->types[event->type];
	uint64_t bits = random_next(&draft->random);
	uint8_t *end;

	draft_add(draft, template->name[bits & 1].bytes, template->name[bits & 1].len, layout);
	end = (bits & 2) != 0 ? draft_name(draft, NAME("\"ts\":")) : draft_name(draft, NAME("\"ts\": "));
	draft_rendered(draft, render_time(end, event->time_us, template->time_form, (uint32_t)(bits >> 8)), layout);
	end = draft_name(draft, NAME("\"ip\":\""));
	end = render_client(end, &draft->random, &event->client);
	*end++ = '"';
	draft_rendered(draft, end, layout);
	draft_rendered(draft, render_decimal(draft_name(draft, NAME("\"eid\":")), event->number), layout);
	draft->crc_piece = draft->count;
	draft_add(draft, crc, 16, layout);
}

/* `item` and `user`, in most events that have room; few users and items are seen often, many seldom. */
static void draft_frequent(struct draft *draft, const struct layout *layout, struct generated *event)
{
	uint64_t bits = random_next(&draft->random);
	uint32_t room = layout->separator_len + 20;

	if ((bits & 15) != 0 && draft->used + room <= draft->size) {
		event->has_item = 1;
		event->item = random_next(&draft->random) >> (24 + (bits >> 8) % 32);
		draft_rendered(draft, render_decimal(draft_name(draft, NAME("\"item\":")), event->item), layout);
	}
	if ((bits & 0x70) != 0 && draft->used + room <= draft->size) {
		uint8_t *end = draft_name(draft, NAME("\"user\":\"u"));

		end = render_decimal(end, (bits >> 40) >> (bits >> 16) % 20);
		*end++ = '"';
		draft_rendered(draft, end, layout);
	}
}

static uint8_t *render_member(struct draft *draft, const struct optional *optional, const struct piece *form)
{
	uint8_t *end = draft->at + form->len;

	memcpy(draft->at, form->bytes, CHUNK);
	if (optional->kind == MEMBER_NUMBER)
		return render_decimal(end, random_below(&draft->random, optional->limit));
	if (optional->kind == MEMBER_DECIMAL)
		return render_fraction(end, &draft->random, optional->limit);
	*end++ = '"';
	end = render_hex(end, &draft->random, optional->limit);
	*end++ = '"';
	return end;
}

static void draft_optional_one(struct draft *draft, const struct optional *optional, const struct layout *layout)
{
	uint32_t room = draft->size - draft->used;
	const struct piece *form = &optional->form[random_below(&draft->random, optional->forms)];

	if (optional->kind == MEMBER_CHOICE) {
		if (form->len + layout->separator_len <= room)
			draft_add(draft, form->bytes, form->len, layout);
	} else {
		uint8_t *end = render_member(draft, optional, form);

		if ((uint32_t)(end - draft->at) + layout->separator_len <= room)
			draft_rendered(draft, end, layout);
	}
}

/* Walks the type's optional members from a random place and takes five in eight of those that fit. */
static void draft_optional(struct draft *draft, const struct layout *layout, uint32_t type)
{
	const struct type_template *template = &draft->maker->types[type];
	uint64_t bits = random_next(&draft->random);
	unsigned place = random_scale((uint32_t)(bits >> 32), template->optional_count);

	for (unsigned i = 0; i < template->optional_count && draft->used + 20 <= draft->size; i++) {
		if ((random_mix(bits + i) & 7) < 5)
			draft_optional_one(draft, &draft->maker->optional[template->optional[place]], layout);
		place = place + 1 == template->optional_count ? 0 : place + 1;
	}
}

/* Fills what is left with prose, so that the size is met exactly where at least a few bytes are left. */
static void draft_text(struct draft *draft, const struct layout *layout)
{
	static const char names[TEXTS_MAX][8] = {"\"text\":\"", "\"note\":\"", "\"body\":\"", "\"misc\":\""};

	for (unsigned i = 0; i < TEXTS_MAX; i++) {
		uint32_t overhead = 9 + layout->separator_len, room = draft->size - draft->used;
		uint8_t *end;

		if (draft->used + overhead + 1 > draft->size)
			return;
		room -= overhead;
		end = draft_name(draft, names[i], 8);
		end = text_copy(&draft->maker->text, end, (uint32_t)random_next(&draft->random),
			room < TEXT_LIMIT ? room : TEXT_LIMIT);
		*end++ = '"';
		draft_rendered(draft, end, layout);
	}
}

/* Shuffles (Fisher and Yates). */
static void draft_shuffle(struct draft *draft)
{
	uint64_t bits = 0;

	for (unsigned i = draft->count - 1; i > 0; i--) {
		unsigned j;

		bits = (i & 1) != 0 || bits == 0 ? random_next(&draft->random) : bits >> 32;
		j = random_scale((uint32_t)bits, i + 1);
		if (draft->crc_piece == i || draft->crc_piece == j)
			draft->crc_piece = i + j - draft->crc_piece;
		__typeof__(draft->pieces[0]) piece = draft->pieces[i];
		draft->pieces[i] = draft->pieces[j];
		draft->pieces[j] = piece;
	}
}

/* Copies in whole chunks: reads and writes up to CHUNK - 1 bytes beyond `len`, for which every buffer here has room. */
static inline void copy_chunks(uint8_t *to, const uint8_t *from, uint32_t len)
{
	memcpy(to, from, CHUNK);
	for (uint32_t at = CHUNK; at < len; at += CHUNK)
		memcpy(to + at, from + at, CHUNK);
}

/* Writes everything with line feeds as spaces, and the digits of `crc` as zeros. */
static void draft_write(struct draft *draft, const struct layout *layout, uint8_t *body, struct generated *event)
{
	uint8_t *to = body;

	memcpy(to, layout->open, sizeof(layout->open));
	to += layout->open_len;
	for (unsigned i = 0; i < draft->count; i++) {
		if (i != 0) {
			memcpy(to, layout->separator, sizeof(layout->separator));
			to += layout->separator_len;
		}
		if (i == draft->crc_piece)
			event->crc_at = (uint32_t)(to - body) + 7;
		copy_chunks(to, draft->pieces[i].bytes, draft->pieces[i].len);
		to += draft->pieces[i].len;
	}
	memcpy(to, layout->close, sizeof(layout->close));
	event->len = (uint32_t)(to - body) + layout->close_len;
}

static void flatten(uint8_t *body, uint32_t len)
{
	for (uint32_t i = 0; i < len; i++)
		body[i] = body[i] == '\n' ? ' ' : body[i];
}

/* Puts the checksum in; a body over several lines is flattened in a copy first. */
static void seal(struct generated *event, int one_line, uint8_t *body)
{
	if (!event->pretty) {
		render_crc(body + event->crc_at, crc32_of(body, event->len));
	} else if (one_line) {
		flatten(body, event->len);
		render_crc(body + event->crc_at, crc32_of(body, event->len));
	} else {
		render_crc(body + event->crc_at, event_crc(event, body));
	}
}

void event_make(const struct event_maker *maker, uint64_t number, int one_line, uint8_t *body, struct generated *event)
{
	const struct event_settings *settings = &maker->settings;
	const struct layout *layout;
	__attribute__((uninitialized)) struct draft draft; /* 9 KiB, written before it is read */
	uint64_t bits;

	draft.maker = maker;
	draft.random = random_stream(settings->seed, number);
	draft.count = 0;
	draft.at = draft.scratch;
	event->number = number;
	event->has_item = 0;
	event->item = 0;
	event->type = choose_type(maker, random_next(&draft.random));
	bits = random_next(&draft.random);
	event->time_us = settings->time_base_us + (int64_t)(number * settings->time_step_us & TIME_SPAN) -
			 (int64_t)(bits & 0xfffff);
	event->pretty = random_scale((uint32_t)(bits >> 20), 100) < settings->pretty_percent;
	layout = &layouts[(event->pretty ? 2u : 0u) + ((bits >> 52 & 7) == 0)];
	bits = random_next(&draft.random);
	draft.size = choose_size(maker, (uint32_t)bits);
	draft.used = layout->open_len + layout->close_len - layout->separator_len;
	draft_required(&draft, layout, event);
	draft_frequent(&draft, layout, event);
	draft_optional(&draft, layout, event->type);
	draft_text(&draft, layout);
	draft_shuffle(&draft);
	draft_write(&draft, layout, body, event);
	seal(event, one_line, body);
}

uint32_t event_crc(const struct generated *event, const uint8_t *body)
{
	__attribute__((uninitialized)) uint8_t flat[EVENT_BODY_MAX];

	if (!event->pretty)
		return crc32_of(body, event->len);
	memcpy(flat, body, event->len);
	flatten(flat, event->len);
	return crc32_of(flat, event->len);
}
