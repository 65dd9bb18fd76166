/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "tables/rules_builder.h"

struct entry {
	struct slice text;
	uint32_t atom;
};

static int compare_entries(const void *a, const void *b)
{
	const struct entry *left = a, *right = b;
	int order;

	if (left->text.len != right->text.len)
		return left->text.len < right->text.len ? -1 : 1;
	order = memcmp(left->text.data, right->text.data, left->text.len);
	return order != 0 ? order : (left->atom > right->atom) - (left->atom < right->atom);
}

static int same_text(struct slice a, struct slice b)
{
	return a.len == b.len && memcmp(a.data, b.data, a.len) == 0;
}

static int list_entries(const struct rules_builder *b, struct rules_group group, struct rules_vector *entries)
{
	for (uint32_t i = 0; i < group.count; i++) {
		const struct rules_atom *atom = rules_atom_at(b, group.atoms[i]);

		for (uint32_t j = 0; j < atom->texts; j++) {
			const struct rules_text *text = RULES_AT(b->c->texts, struct rules_text, atom->first_text + j);
			struct entry *entry = rules_vector_add(entries, sizeof(*entry), 1);

			if (entry == NULL)
				return -ENOMEM;
			*entry = (struct entry){{b->bytes + text->offset, text->len}, group.atoms[i]};
		}
	}
	if (entries->count > 0)
		qsort(entries->items, entries->count, sizeof(struct entry), compare_entries);
	return 0;
}

static void insert(struct rules_slot *slots, const struct rules_builder *b, struct rules_texts *texts,
	struct slice text, uint32_t row)
{
	uint64_t hash = rules_hash(text);
	uint32_t place = (uint32_t)hash & texts->mask;

	while (slots[place].row != RULES_ROW_NONE)
		place = (place + 1) & texts->mask;
	slots[place] = (struct rules_slot){(uint32_t)(hash >> 32), row, (uint32_t)(text.data - b->bytes), text.len};
	texts->lengths |= UINT64_C(1) << (text.len < 63 ? text.len : 63);
}

/* Entries of one text stand together; each atom counts once. */
static void fill_texts(struct rules_builder *b, const struct rules_vector *entries, struct rules_texts *texts,
	struct rules_slot *slots)
{
	const struct entry *all = entries->items;

	for (uint32_t i = 0, end; i < entries->count; i = end) {
		for (end = i; end < entries->count && same_text(all[end].text, all[i].text); end++)
			rules_rows_raise(&b->rows, all[end].atom);
		insert(slots, b, texts, all[i].text, rules_rows_keep(&b->rows));
		for (uint32_t j = i; j < end; j++)
			rules_rows_lower(&b->rows, all[j].atom);
	}
}

static int build_texts(struct rules_builder *b, struct rules_group group, struct rules_texts *texts)
{
	struct rules_vector entries = {0};
	uint32_t slot_count = 4;
	struct rules_slot *slots;
	int result = list_entries(b, group, &entries);

	if (result != 0 || entries.count == 0)
		goto out;
	while (slot_count < entries.count * 2)
		slot_count *= 2;
	slots = rules_take(b->rules, slot_count * sizeof(*slots));
	if (slots == NULL) {
		result = -ENOMEM;
		goto out;
	}
	for (uint32_t i = 0; i < slot_count; i++)
		slots[i].row = RULES_ROW_NONE;
	*texts = (struct rules_texts){.slots = slots, .bytes = b->bytes, .mask = slot_count - 1};
	fill_texts(b, &entries, texts, slots);
out:
	rules_vector_free(&entries);
	return result;
}

/* Those that hold for any value of the kind begin, or end, to hold. */
static void set_kind(struct rules_builder *b, struct rules_group group, unsigned kind, int holds)
{
	for (uint32_t i = 0; i < group.count; i++) {
		if ((rules_atom_at(b, group.atoms[i])->kinds >> kind & 1) == 0)
			continue;
		if (holds)
			rules_rows_raise(&b->rows, group.atoms[i]);
		else
			rules_rows_lower(&b->rows, group.atoms[i]);
	}
}

int rules_build_value(struct rules_builder *b, struct rules_group group, struct rules_member *member)
{
	int result;

	rules_rows_begin(&b->rows, group.atoms, group.count);
	for (unsigned kind = JSON_ABSENT; kind <= JSON_ARRAY; kind++) {
		set_kind(b, group, kind, 1);
		member->kind_rows[kind] = rules_rows_keep(&b->rows);
		set_kind(b, group, kind, 0);
	}
	member->has_value = 1;
	set_kind(b, group, JSON_STRING, 1);
	result = build_texts(b, group, &member->texts);
	set_kind(b, group, JSON_STRING, 0);
	if (result != 0)
		return result;
	set_kind(b, group, JSON_NUMBER, 1);
	return rules_build_ranges(b, group, &member->numbers);
}
