/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <string.h>

#include "tables/rules_rows.h"

static uint32_t *number_at(const struct rules_vector *vector, uint32_t index)
{
	return RULES_AT(*vector, uint32_t, index);
}

static const struct rules_alternative *alternative_at(const struct rules_rows *rows, uint32_t index)
{
	return RULES_AT(rows->c->alternatives, struct rules_alternative, index);
}

static void set_bit(struct rules_rows *rows, uint32_t alternative, int value)
{
	uint64_t bit = UINT64_C(1) << alternative % 64, *word = &rows->row[alternative / 64];

	*word = value ? *word | bit : *word & ~bit;
}

/* Atom -> uses, by counting sort. `first` is two longer than atoms while that goes on. */
static void list_uses(struct rules_rows *rows)
{
	const struct rules_compile *c = rows->c;

	for (uint32_t i = 0; i < c->literals.count; i++)
		*number_at(&rows->first, *number_at(&c->literals, i) / 2 + 2) += 1;
	for (uint32_t i = 2; i < rows->first.count; i++)
		*number_at(&rows->first, i) += *number_at(&rows->first, i - 1);
	for (uint32_t i = 0; i < c->alternatives.count; i++)
		for (uint32_t j = 0; j < alternative_at(rows, i)->count; j++) {
			uint32_t literal = *number_at(&c->literals, alternative_at(rows, i)->first + j);
			uint32_t place = (*number_at(&rows->first, literal / 2 + 1))++;

			*number_at(&rows->uses, place) = i * 2 + (literal & 1);
		}
}

int rules_rows_init(struct rules_rows *rows, const struct rules_compile *c)
{
	memset(rows, 0, sizeof(*rows));
	rows->c = c;
	rows->words = c->alternatives.count <= 64
			      ? 1
			      : (c->alternatives.count + 64 * RULES_STEP - 1) / (64 * RULES_STEP) * RULES_STEP;
	if (rules_vector_add(&rows->first, sizeof(uint32_t), c->atoms.count + 2) == NULL ||
		rules_vector_add(&rows->uses, sizeof(uint32_t), c->literals.count) == NULL ||
		rules_vector_add(&rows->unmet, sizeof(uint32_t), c->alternatives.count) == NULL ||
		rules_vector_add(&rows->depth, sizeof(uint32_t), c->atoms.count) == NULL ||
		rules_vector_add(&rows->slots, sizeof(uint32_t), 64) == NULL)
		return -ENOMEM;
	list_uses(rows);
	rules_rows_begin(rows, NULL, 0);
	(void)rules_rows_keep(rows);
	return rows->failed ? -ENOMEM : 0;
}

void rules_rows_fini(struct rules_rows *rows)
{
	rules_vector_free(&rows->first);
	rules_vector_free(&rows->uses);
	rules_vector_free(&rows->unmet);
	rules_vector_free(&rows->depth);
	rules_vector_free(&rows->kept);
	rules_vector_free(&rows->slots);
}

const uint32_t *rules_rows_uses(const struct rules_rows *rows, uint32_t atom, uint32_t *count)
{
	uint32_t first = *number_at(&rows->first, atom);

	*count = *number_at(&rows->first, atom + 1) - first;
	return number_at(&rows->uses, first);
}

/* An alternative has one literal more, or less, that is not met. */
static void change(struct rules_rows *rows, uint32_t alternative, int met)
{
	uint32_t *unmet = number_at(&rows->unmet, alternative);

	*unmet = met ? *unmet - 1 : *unmet + 1;
	set_bit(rows, alternative, *unmet == 0);
}

static void change_all(struct rules_rows *rows, uint32_t atom, int holds)
{
	uint32_t count;
	const uint32_t *uses = rules_rows_uses(rows, atom, &count);

	for (uint32_t i = 0; i < count; i++)
		change(rows, uses[i] / 2, holds == !(uses[i] & 1));
}

void rules_rows_begin(struct rules_rows *rows, const uint32_t *atoms, uint32_t count)
{
	memset(rows->row, 0, sizeof(rows->row));
	for (uint32_t i = 0; i < rows->c->alternatives.count; i++) {
		*number_at(&rows->unmet, i) = 0;
		set_bit(rows, i, 1);
	}
	for (uint32_t i = 0; i < count; i++) {
		uint32_t used;
		const uint32_t *uses = rules_rows_uses(rows, atoms[i], &used);

		*number_at(&rows->depth, atoms[i]) = 0;
		for (uint32_t j = 0; j < used; j++)
			if (!(uses[j] & 1))
				change(rows, uses[j] / 2, 0);
	}
}

void rules_rows_raise(struct rules_rows *rows, uint32_t atom)
{
	if ((*number_at(&rows->depth, atom))++ == 0)
		change_all(rows, atom, 1);
}

void rules_rows_lower(struct rules_rows *rows, uint32_t atom)
{
	if (--*number_at(&rows->depth, atom) == 0)
		change_all(rows, atom, 0);
}

/* --- equal rows once --- */

static uint64_t *row_at(const struct rules_rows *rows, uint32_t index)
{
	return RULES_AT(rows->kept, uint64_t, index * rows->words);
}

static uint32_t *find_slot(const struct rules_rows *rows, const uint64_t *row)
{
	struct slice bytes = {(const uint8_t *)row, rows->words * 8};
	uint32_t mask = rows->slots.count - 1, *slot;

	for (uint32_t i = (uint32_t)rules_hash(bytes) & mask;; i = (i + 1) & mask) {
		slot = number_at(&rows->slots, i);
		if (*slot == 0 || memcmp(row_at(rows, *slot - 1), row, bytes.len) == 0)
			return slot;
	}
}

static int make_room(struct rules_rows *rows)
{
	uint32_t count = rows->kept.count / rows->words;

	if ((count + 1) * 2 <= rows->slots.count)
		return 0;
	if (rules_vector_add(&rows->slots, sizeof(uint32_t), rows->slots.count) == NULL)
		return -ENOMEM;
	memset(rows->slots.items, 0, rows->slots.count * sizeof(uint32_t));
	for (uint32_t i = 0; i < count; i++)
		*find_slot(rows, row_at(rows, i)) = i + 1;
	return 0;
}

uint32_t rules_rows_keep(struct rules_rows *rows)
{
	uint32_t *slot;
	uint64_t *added;

	if (rows->failed || make_room(rows) != 0) {
		rows->failed = 1;
		return 0;
	}
	slot = find_slot(rows, rows->row);
	if (*slot != 0)
		return (*slot - 1) * rows->words;
	added = rules_vector_add(&rows->kept, sizeof(*added), rows->words);
	if (added == NULL) {
		rows->failed = 1;
		return 0;
	}
	memcpy(added, rows->row, rows->words * sizeof(*added));
	*slot = rows->kept.count / rows->words;
	return rows->kept.count - rows->words;
}
