/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include "tables/rules_compile.h"

/* More than so many steps are not spent to find alternatives that others make needless. */
#define ABSORB_STEPS (1u << 20)

/* Alternatives, each a rising list of literals. None: never; one without literals: always. */
struct form {
	struct rules_vector literals;     /* uint32_t */
	struct rules_vector alternatives; /* struct rules_alternative; `rule` is not used */
	uint32_t offset;                  /* of the node in the condition */
};

static int make(struct rules_compile *c, uint32_t index, struct form *form);

static void free_form(struct form *form)
{
	rules_vector_free(&form->literals);
	rules_vector_free(&form->alternatives);
}

static int fail_size(struct rules_compile *c, const struct form *form)
{
	return rules_fail(c, form->offset,
		"'or' within 'and' multiplies to more alternatives than the %d that the rules of a type may have "
		"together; "
		"ask for several values of one member with 'in [...]', or make several rules of this one",
		RULES_ALTERNATIVES);
}

/* One more alternative, with room for `count` literals. */
static uint32_t *add(struct rules_compile *c, struct form *form, uint32_t count)
{
	struct rules_alternative *alternative;
	uint32_t first = form->literals.count, *literals;

	if (form->alternatives.count == RULES_ALTERNATIVES || count > RULES_LITERALS - first) {
		(void)fail_size(c, form);
		return NULL;
	}
	alternative = rules_vector_add(&form->alternatives, sizeof(*alternative), 1);
	literals = rules_vector_add(&form->literals, sizeof(*literals), count);
	if (alternative == NULL || literals == NULL) {
		(void)rules_fail_memory(c);
		return NULL;
	}
	*alternative = (struct rules_alternative){.first = first, .count = count};
	return literals;
}

/* Takes literals, then the whole alternative when `keep` is 0, off the last one. */
static void cut_last(struct form *form, uint32_t count, int keep)
{
	struct rules_alternative *last =
		RULES_AT(form->alternatives, struct rules_alternative, form->alternatives.count - 1);

	if (!keep)
		count = 0;
	form->literals.count = last->first + count;
	last->count = count;
	form->alternatives.count -= !keep;
}

static const struct rules_alternative *alternative_at(const struct form *form, uint32_t index)
{
	return RULES_AT(form->alternatives, struct rules_alternative, index);
}

static const uint32_t *literals_of(const struct form *form, const struct rules_alternative *alternative)
{
	return RULES_AT(form->literals, uint32_t, alternative->first);
}

/* --- and --- */

static int compare_literals(const void *a, const void *b)
{
	uint32_t left = *(const uint32_t *)a, right = *(const uint32_t *)b;

	return (left > right) - (left < right);
}

/* Leaves one of equal literals; returns how many are left, or -1 when two are opposites. */
static int64_t unite(uint32_t *literals, uint32_t count)
{
	uint32_t kept = 0;

	for (uint32_t i = 0; i < count; i++) {
		if (kept > 0 && literals[kept - 1] == literals[i])
			continue;
		if (kept > 0 && (literals[kept - 1] ^ literals[i]) == 1)
			return -1;
		literals[kept++] = literals[i];
	}
	return kept;
}

static int add_both(struct rules_compile *c, struct form *out, const struct form *a,
	const struct rules_alternative *left, const struct form *b, const struct rules_alternative *right)
{
	uint32_t count = left->count + right->count, *literals = add(c, out, count);
	const uint32_t *from = literals_of(a, left), *other = literals_of(b, right);
	uint32_t i = 0, j = 0;
	int64_t kept;

	if (literals == NULL)
		return c->result;
	for (uint32_t k = 0; k < count; k++)
		literals[k] = j == right->count || (i < left->count && from[i] <= other[j]) ? from[i++] : other[j++];
	kept = unite(literals, count);
	cut_last(out, (uint32_t)kept, kept >= 0);
	return 0;
}

/* Whether `small` asks nothing that `large` does not. */
static int is_part(
	const struct form *form, const struct rules_alternative *small, const struct rules_alternative *large)
{
	const uint32_t *s = literals_of(form, small), *l = literals_of(form, large);
	uint32_t i = 0;

	for (uint32_t j = 0; i < small->count && j < large->count; j++)
		i += s[i] == l[j];
	return i == small->count;
}

static int is_needless(const struct form *form, uint32_t index)
{
	const struct rules_alternative *own = alternative_at(form, index);

	for (uint32_t i = 0; i < form->alternatives.count; i++) {
		const struct rules_alternative *other = alternative_at(form, i);

		if (i == index || other->count > own->count || !is_part(form, other, own))
			continue;
		if (other->count < own->count || i < index)
			return 1;
	}
	return 0;
}

/* Leaves out the alternatives that hold only where another one does. */
static int absorb(struct rules_compile *c, struct form *form)
{
	struct form kept = {.offset = form->offset};

	if (form->alternatives.count < 2 ||
		(uint64_t)form->alternatives.count * (form->literals.count + form->alternatives.count) > ABSORB_STEPS)
		return 0;
	for (uint32_t i = 0; i < form->alternatives.count; i++) {
		const struct rules_alternative *own = alternative_at(form, i);
		uint32_t *literals;

		if (is_needless(form, i))
			continue;
		literals = add(c, &kept, own->count);
		if (literals == NULL) {
			free_form(&kept);
			return c->result;
		}
		memcpy(literals, literals_of(form, own), own->count * sizeof(*literals));
	}
	free_form(form);
	*form = kept;
	return 0;
}

/* form = form and other */
static int multiply(struct rules_compile *c, struct form *form, const struct form *other)
{
	struct form product = {.offset = form->offset};

	for (uint32_t i = 0; i < form->alternatives.count; i++)
		for (uint32_t j = 0; j < other->alternatives.count; j++)
			if (add_both(c, &product, form, alternative_at(form, i), other, alternative_at(other, j)) !=
				0) {
				free_form(&product);
				return c->result;
			}
	free_form(form);
	*form = product;
	return absorb(c, form);
}

static const struct rules_node *node_at(const struct rules_compile *c, uint32_t index)
{
	return RULES_AT(c->nodes, struct rules_node, index);
}

/* The literals among the terms first, as one alternative: they multiply nothing. */
static int take_literals(struct rules_compile *c, uint32_t index, struct form *form)
{
	uint32_t count = 0, *literals;
	int64_t kept;

	for (uint32_t i = node_at(c, index)->first; i != RULES_NODE_NONE; i = node_at(c, i)->next)
		count += node_at(c, i)->op == RULES_LITERAL;
	literals = add(c, form, count);
	if (literals == NULL)
		return c->result;
	count = 0;
	for (uint32_t i = node_at(c, index)->first; i != RULES_NODE_NONE; i = node_at(c, i)->next)
		if (node_at(c, i)->op == RULES_LITERAL)
			literals[count++] = node_at(c, i)->literal;
	qsort(literals, count, sizeof(*literals), compare_literals);
	kept = unite(literals, count);
	cut_last(form, (uint32_t)kept, kept >= 0);
	return 0;
}

static int make_and(struct rules_compile *c, uint32_t index, struct form *form)
{
	if (take_literals(c, index, form) != 0)
		return c->result;
	for (uint32_t i = node_at(c, index)->first; i != RULES_NODE_NONE; i = node_at(c, i)->next) {
		struct form other = {.offset = 0};
		int result;

		if (node_at(c, i)->op == RULES_LITERAL)
			continue;
		result = make(c, i, &other);
		if (result == 0)
			result = multiply(c, form, &other);
		free_form(&other);
		if (result != 0)
			return result;
	}
	return 0;
}

/* --- or --- */

static int append(struct rules_compile *c, struct form *form, const struct form *other)
{
	for (uint32_t i = 0; i < other->alternatives.count; i++) {
		const struct rules_alternative *alternative = alternative_at(other, i);
		uint32_t *literals = add(c, form, alternative->count);

		if (literals == NULL)
			return c->result;
		memcpy(literals, literals_of(other, alternative), alternative->count * sizeof(*literals));
	}
	return 0;
}

static int make_or(struct rules_compile *c, uint32_t index, struct form *form)
{
	for (uint32_t i = node_at(c, index)->first; i != RULES_NODE_NONE; i = node_at(c, i)->next) {
		struct form other = {.offset = 0};
		int result = make(c, i, &other);

		if (result == 0)
			result = append(c, form, &other);
		free_form(&other);
		if (result != 0)
			return result;
	}
	return absorb(c, form);
}

/* The depth of calls is that of nesting. */
static int make(struct rules_compile *c, uint32_t index, struct form *form)
{
	const struct rules_node *node = node_at(c, index);
	uint32_t *literal;

	form->offset = node->offset;
	if (node->op == RULES_AND)
		return make_and(c, index, form);
	if (node->op == RULES_OR)
		return make_or(c, index, form);
	literal = add(c, form, 1);
	if (literal == NULL)
		return c->result;
	*literal = node->literal;
	return 0;
}

/* --- all rules together --- */

static int keep(struct rules_compile *c, const struct form *form, const struct rules_alternative *from)
{
	struct rules_alternative *alternative = rules_vector_add(&c->alternatives, sizeof(*alternative), 1);
	uint32_t *literals = rules_vector_add(&c->literals, sizeof(*literals), from->count);

	if (alternative == NULL || literals == NULL)
		return rules_fail_memory(c);
	*alternative = (struct rules_alternative){c->literals.count - from->count, from->count, c->rule};
	memcpy(literals, literals_of(form, from), from->count * sizeof(*literals));
	c->closed |= from->count == 0;
	return 0;
}

int rules_form(struct rules_compile *c, uint32_t root)
{
	struct form form = {.offset = 0};

	if (make(c, root, &form) != 0 || c->closed)
		goto out;
	if (form.alternatives.count > RULES_ALTERNATIVES - c->alternatives.count) {
		(void)rules_fail(c, 0,
			"with this one the rules of the type have more than %d alternatives joined by 'or'; "
			"ask for several values of one member with 'in [...]'",
			RULES_ALTERNATIVES);
		goto out;
	}
	for (uint32_t i = 0; i < form.alternatives.count; i++)
		if (keep(c, &form, alternative_at(&form, i)) != 0)
			break;
out:
	free_form(&form);
	return c->result;
}
