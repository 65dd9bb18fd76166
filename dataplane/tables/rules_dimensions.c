/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "tables/rules_builder.h"

/* The atoms at the front of `rest` that `below` keeps together are taken off it. */
static struct rules_group take_group(const struct rules_builder *b, struct rules_group *rest,
	int (*together)(const struct rules_atom *, const struct rules_atom *))
{
	struct rules_group group = {rest->atoms, 0};

	while (group.count < rest->count &&
		together(rules_atom_at(b, rest->atoms[0]), rules_atom_at(b, rest->atoms[group.count])))
		group.count++;
	rest->atoms += group.count;
	rest->count -= group.count;
	return group;
}

static int same_subject(const struct rules_atom *a, const struct rules_atom *b)
{
	return a->subject == b->subject;
}

static int same_dimension(const struct rules_atom *a, const struct rules_atom *b)
{
	return a->subject == b->subject && a->aspect == b->aspect;
}

static int build_contains(struct rules_builder *b, struct rules_group group, struct rules_member *member)
{
	int result = group.count < RULES_SCAN_MIN ? 1 : rules_build_scan(b, group, member);

	return result > 0 ? rules_build_tests(b, group, member) : result;
}

static int build_aspect(struct rules_builder *b, struct rules_group group, struct rules_member *member)
{
	switch (rules_atom_at(b, group.atoms[0])->aspect) {
	case RULES_VALUE:
		return rules_build_value(b, group, member);
	case RULES_PREFIX:
		return rules_build_keys(b, group, &member->prefixes);
	case RULES_SUFFIX:
		return rules_build_keys(b, group, &member->suffixes);
	case RULES_ADDRESS:
		return rules_build_keys(b, group, &member->addresses);
	case RULES_SAMPLE:
		return rules_build_keys(b, group, &member->samples);
	case RULES_CONTAINS:
		return build_contains(b, group, member);
	default:
		return rules_build_tests(b, group, member);
	}
}

static int build_member(struct rules_builder *b, struct rules_group group, struct rules_member *member)
{
	member->index = rules_atom_at(b, group.atoms[0])->subject;
	while (group.count > 0) {
		int result = build_aspect(b, take_group(b, &group, same_dimension), member);

		if (result != 0)
			return result;
	}
	member->reads_text = member->texts.slots != NULL || member->prefixes.rows != NULL ||
			     member->suffixes.rows != NULL || member->addresses.rows != NULL ||
			     member->samples.rows != NULL || member->test_count > 0 || member->scan != NULL;
	return 0;
}

static int build_place(struct rules_builder *b, struct rules_group group)
{
	struct rules_ranges *places[] = {&b->rules->client, &b->rules->source, &b->rules->age};

	return rules_build_keys(b, group, places[rules_atom_at(b, group.atoms[0])->subject - RULES_CLIENT]);
}

static int has_tests(const struct rules_builder *b, struct rules_group group)
{
	return rules_atom_at(b, group.atoms[group.count - 1])->aspect >= RULES_STARTS;
}

/* Members with tests come last, when most alternatives have gone already. */
static int build_subjects(struct rules_builder *b)
{
	uint32_t most = b->order.count < RULES_PATHS ? b->order.count : RULES_PATHS;
	struct rules_member *members = rules_take(b->rules, most * sizeof(*members));

	if (members == NULL)
		return -ENOMEM;
	b->rules->members = members;
	for (int late = 0; late <= 1; late++) {
		struct rules_group rest = {b->order.items, b->order.count};

		while (rest.count > 0) {
			struct rules_group group = take_group(b, &rest, same_subject);
			int result = 0;

			if (has_tests(b, group) != late)
				continue;
			if (rules_atom_at(b, group.atoms[0])->subject >= RULES_PATHS)
				result = build_place(b, group);
			else
				result = build_member(b, group, &members[b->rules->member_count++]);
			if (result != 0)
				return result;
		}
	}
	return 0;
}

static int compare_atoms(const void *a, const void *b, void *context)
{
	const struct rules_builder *builder = context;
	const uint32_t *left = a, *right = b;
	const struct rules_atom *one = rules_atom_at(builder, *left), *other = rules_atom_at(builder, *right);

	if (one->subject != other->subject)
		return one->subject < other->subject ? -1 : 1;
	if (one->aspect != other->aspect)
		return one->aspect < other->aspect ? -1 : 1;
	return (*left > *right) - (*left < *right);
}

static int list_atoms(struct rules_builder *b)
{
	for (uint32_t i = 0; i < b->c->atoms.count; i++) {
		uint32_t uses, *added;

		(void)rules_rows_uses(&b->rows, i, &uses);
		if (uses == 0)
			continue;
		added = rules_vector_add(&b->order, sizeof(*added), 1);
		if (added == NULL)
			return -ENOMEM;
		*added = i;
	}
	if (b->order.count > 0)
		qsort_r(b->order.items, b->order.count, sizeof(uint32_t), compare_atoms, b);
	return 0;
}

/* --- what all dimensions share --- */

static void *copy(struct rules *rules, const void *from, size_t bytes)
{
	void *to = rules_take(rules, bytes);

	if (to != NULL && bytes > 0)
		memcpy(to, from, bytes);
	return to;
}

static int finish(struct rules_builder *b)
{
	struct rules *rules = b->rules;
	uint16_t *rule_of = rules_take(rules, (b->c->alternatives.count + 1) * sizeof(*rule_of));

	if (rule_of == NULL || b->rows.failed)
		return -ENOMEM;
	for (uint32_t i = 0; i < b->c->alternatives.count; i++)
		rule_of[i] = (uint16_t)RULES_AT(b->c->alternatives, struct rules_alternative, i)->rule;
	rules->rule_of = rule_of;
	rules->alternatives = b->c->alternatives.count;
	rules->words = b->rows.words;
	rules->rows = copy(rules, b->rows.kept.items, b->rows.kept.count * sizeof(uint64_t));
	return rules->rows == NULL ? -ENOMEM : 0;
}

int rules_build(struct rules *rules, const struct rules_compile *c)
{
	struct rules_builder b = {.rules = rules, .c = c};
	int result = rules_rows_init(&b.rows, c);

	b.bytes = copy(rules, c->bytes.items, c->bytes.count);
	if (b.bytes == NULL)
		result = -ENOMEM;
	if (result == 0)
		result = list_atoms(&b);
	if (result == 0)
		result = build_subjects(&b);
	if (result == 0)
		result = finish(&b);
	rules_vector_free(&b.order);
	rules_rows_fini(&b.rows);
	return result;
}
