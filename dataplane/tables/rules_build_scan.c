/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "tables/rules_builder.h"

/*
 * All texts that `contains` looks for in a member, as one automaton that reads each byte once (Aho and Corasick,
 * "Efficient string matching: an aid to bibliographic search", CACM 1975). Bytes that occur in none of them are one
 * class.
 */

#define MOVES_MAX (1u << 20) /* 4 MiB */

struct maker {
	const struct rules_builder *b;
	struct rules_group group;
	uint8_t classes[256];
	uint32_t width; /* of a state: classes, that of all other bytes among them */
	uint32_t most;  /* states at the most; the first is the beginning */
	uint32_t states;
	uint32_t *moves; /* state * width + class -> state; 0 before it is known */
	uint32_t *found; /* state -> atom's place in the group + 1 */
	uint32_t *links; /* state -> the longest shorter one at which a text ends, or 0 */
	uint32_t *fails; /* state -> the longest state that is a proper end of it */
	uint32_t *queue;
};

static struct slice text_of(const struct maker *m, uint32_t index)
{
	const struct rules_atom *atom = rules_atom_at(m->b, m->group.atoms[index]);
	const struct rules_text *text = RULES_AT(m->b->c->texts, struct rules_text, atom->first_text);

	return (struct slice){m->b->bytes + text->offset, text->len};
}

/* 1: too large. */
static int measure(struct maker *m)
{
	uint64_t bytes = 1;

	m->width = 1;
	for (uint32_t i = 0; i < m->group.count; i++) {
		struct slice text = text_of(m, i);

		for (uint32_t j = 0; j < text.len; j++)
			if (m->classes[text.data[j]] == 0 && m->width < 256)
				m->classes[text.data[j]] = (uint8_t)m->width++;
		bytes += text.len;
	}
	if (m->width == 256 || bytes * m->width > MOVES_MAX)
		return 1;
	m->most = (uint32_t)bytes;
	return 0;
}

static int take_memory(struct maker *m)
{
	struct rules *rules = m->b->rules;

	m->moves = rules_take(rules, m->most * m->width * sizeof(uint32_t));
	m->found = rules_take(rules, m->most * sizeof(uint32_t));
	m->links = rules_take(rules, m->most * sizeof(uint32_t));
	m->fails = calloc(m->most, sizeof(uint32_t));
	m->queue = calloc(m->most, sizeof(uint32_t));
	return m->moves == NULL || m->found == NULL || m->links == NULL || m->fails == NULL || m->queue == NULL
		       ? -ENOMEM
		       : 0;
}

static void plant(struct maker *m)
{
	m->states = 1;
	for (uint32_t i = 0; i < m->group.count; i++) {
		struct slice text = text_of(m, i);
		uint32_t state = 0;

		for (uint32_t j = 0; j < text.len; j++) {
			uint32_t *move = &m->moves[state * m->width + m->classes[text.data[j]]];

			if (*move == 0)
				*move = m->states++;
			state = *move;
		}
		m->found[state] = i + 1;
	}
}

/* A child of `state` by `class`, or, where there is none, where the longest end goes that can go on. */
static void connect(struct maker *m, uint32_t state, uint32_t class, uint32_t *queued)
{
	uint32_t *move = &m->moves[state * m->width + class];
	uint32_t other = state == 0 ? 0 : m->moves[m->fails[state] * m->width + class];

	if (*move == 0) {
		*move = other;
		return;
	}
	m->fails[*move] = other;
	m->links[*move] = m->found[other] != 0 ? other : m->links[other];
	m->queue[(*queued)++] = *move;
}

/* In the order of their depth, so that what a state falls back on is done before it. */
static void connect_all(struct maker *m)
{
	uint32_t queued = 1;

	for (uint32_t i = 0; i < queued; i++)
		for (uint32_t class = 1; class < m->width; class ++)
			connect(m, m->queue[i], class, &queued);
	for (uint32_t i = 0; i < m->states * m->width; i++) {
		uint32_t state = m->moves[i];

		m->moves[i] = state * m->width | (m->found[state] != 0 || m->links[state] != 0 ? RULES_SCAN_FOUND : 0);
	}
}

/* The rows where none is found and where one alone is; for more the tests are gone through. */
static int fill_rows(
	struct rules_builder *b, struct rules_group group, struct rules_member *member, struct rules_scan *scan)
{
	struct rules_member tests = {.test_count = 0};
	uint32_t *rows = rules_take(b->rules, group.count * sizeof(*rows));

	if (rows == NULL || rules_build_tests(b, group, &tests) != 0)
		return -ENOMEM;
	rules_rows_begin(&b->rows, group.atoms, group.count);
	scan->none = rules_rows_keep(&b->rows);
	for (uint32_t i = 0; i < group.count; i++) {
		rules_rows_raise(&b->rows, group.atoms[i]);
		rows[i] = rules_rows_keep(&b->rows);
		rules_rows_lower(&b->rows, group.atoms[i]);
	}
	scan->rows = rows;
	scan->tests = tests.tests;
	scan->test_count = group.count;
	member->scan = scan;
	return 0;
}

int rules_build_scan(struct rules_builder *b, struct rules_group group, struct rules_member *member)
{
	struct maker m = {.b = b, .group = group};
	struct rules_scan *scan;
	int result;

	if (group.count > RULES_SCAN_MAX || measure(&m) != 0)
		return 1;
	scan = rules_take(b->rules, sizeof(*scan));
	result = scan == NULL ? -ENOMEM : take_memory(&m);
	if (result == 0) {
		plant(&m);
		connect_all(&m);
		memcpy(scan->classes, m.classes, sizeof(scan->classes));
		scan->width = m.width;
		scan->moves = m.moves;
		scan->found = m.found;
		scan->links = m.links;
		result = fill_rows(b, group, member, scan);
	}
	free(m.fails);
	free(m.queue);
	return result;
}
