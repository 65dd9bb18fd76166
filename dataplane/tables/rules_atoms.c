/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "tables/rules_compile.h"

/* Equal questions become one atom, so that `a and not a` is seen for what it is and no search is done twice. */

static struct slice text_of(const struct rules_compile *c, uint32_t index)
{
	const struct rules_text *text = RULES_AT(c->texts, struct rules_text, index);

	return (struct slice){RULES_AT(c->bytes, uint8_t, text->offset), text->len};
}

static uint64_t hash_of(const struct rules_compile *c, const struct rules_atom *atom)
{
	uint64_t hash = (uint64_t)atom->aspect << 32 | (uint64_t)atom->kinds << 24 | atom->subject;

	for (uint32_t i = 0; i < atom->texts; i++)
		hash = rules_mix(hash + 1, rules_hash(text_of(c, atom->first_text + i)) | 1);
	for (uint32_t i = 0; i < atom->ranges; i++) {
		struct slice range = {(const uint8_t *)RULES_AT(c->ranges, struct rules_range, atom->first_range + i),
			sizeof(struct rules_range)};

		hash = rules_mix(hash + 1, rules_hash(range) | 1);
	}
	return rules_mix(hash + 1, UINT64_C(0x9E3779B97F4A7C15));
}

static int same(const struct rules_compile *c, const struct rules_atom *a, const struct rules_atom *b)
{
	if (a->hash != b->hash || a->aspect != b->aspect || a->kinds != b->kinds || a->subject != b->subject ||
		a->texts != b->texts || a->ranges != b->ranges)
		return 0;
	for (uint32_t i = 0; i < a->texts; i++) {
		struct slice left = text_of(c, a->first_text + i), right = text_of(c, b->first_text + i);

		if (left.len != right.len || memcmp(left.data, right.data, left.len) != 0)
			return 0;
	}
	return a->ranges == 0 || memcmp(RULES_AT(c->ranges, struct rules_range, a->first_range),
					 RULES_AT(c->ranges, struct rules_range, b->first_range),
					 a->ranges * sizeof(struct rules_range)) == 0;
}

/* The slot of an equal atom, or the free one where it would be. */
static uint32_t *find_slot(const struct rules_compile *c, const struct rules_atom *atom)
{
	uint32_t mask = c->atom_slots.count - 1, *slot;

	for (uint32_t i = (uint32_t)atom->hash & mask;; i = (i + 1) & mask) {
		slot = RULES_AT(c->atom_slots, uint32_t, i);
		if (*slot == 0 || same(c, RULES_AT(c->atoms, struct rules_atom, *slot - 1), atom))
			return slot;
	}
}

/* At least twice as many slots as atoms, with one more. */
static int make_room(struct rules_compile *c)
{
	uint32_t slots = c->atom_slots.count;

	if ((c->atoms.count + 1) * 2 <= slots)
		return 0;
	if (rules_vector_add(&c->atom_slots, sizeof(uint32_t), slots > 0 ? slots : 64) == NULL)
		return rules_fail_memory(c);
	memset(c->atom_slots.items, 0, c->atom_slots.count * sizeof(uint32_t));
	for (uint32_t i = 0; i < c->atoms.count; i++)
		*find_slot(c, RULES_AT(c->atoms, struct rules_atom, i)) = i + 1;
	return 0;
}

int64_t rules_intern(struct rules_compile *c, const struct rules_atom *atom)
{
	struct rules_atom hashed = *atom, *added;
	uint32_t *slot;

	hashed.hash = hash_of(c, atom);
	if (make_room(c) != 0)
		return c->result;
	slot = find_slot(c, &hashed);
	if (*slot != 0) {
		if (atom->texts > 0)
			c->bytes.count = RULES_AT(c->texts, struct rules_text, atom->first_text)->offset;
		c->texts.count = atom->first_text;
		c->ranges.count = atom->first_range;
		return *slot - 1;
	}
	added = rules_vector_add(&c->atoms, sizeof(*added), 1);
	if (added == NULL)
		return rules_fail_memory(c);
	*added = hashed;
	*slot = c->atoms.count;
	return c->atoms.count - 1;
}
