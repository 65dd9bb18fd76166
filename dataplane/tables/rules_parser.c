/* SPDX-License-Identifier: Apache-2.0 */
#include "tables/rules_compile.h"

#include "base/compiler.h"

static uint32_t parse_or(struct rules_compile *c, int negated);

static uint32_t add_node(struct rules_compile *c, enum rules_op op, uint32_t offset)
{
	struct rules_node *node = rules_vector_add(&c->nodes, sizeof(*node), 1);

	if (node == NULL) {
		(void)rules_fail_memory(c);
		return RULES_NODE_NONE;
	}
	node->op = (uint8_t)op;
	node->first = node->next = RULES_NODE_NONE;
	node->offset = offset;
	return c->nodes.count - 1;
}

/* --- comparisons --- */

/* @client, @source or @age; negative when it is none of them. */
static int take_name(struct rules_compile *c)
{
	static const char *const names[] = {"@client", "@source", "@age"};
	uint32_t begin = c->at;
	char found[40];

	for (unsigned i = 0; i < ARRAY_LENGTH(names); i++)
		if (rules_take_word(c, names[i]))
			return RULES_CLIENT + (int)i;
	c->at++;
	return rules_fail(
		c, begin, "@ and %s is no name known here, expected @age, @client or @source", rules_found(c, found));
}

static int take_subject(struct rules_compile *c)
{
	rules_skip_space(c);
	return c->at < c->len && c->text[c->at] == '@' ? take_name(c) : rules_take_path(c);
}

static int take_exists(struct rules_compile *c, struct rules_atom *atom)
{
	int subject = take_subject(c);

	if (subject < 0)
		return subject;
	atom->subject = (uint16_t)subject;
	if (subject < RULES_PATHS) {
		atom->aspect = RULES_VALUE;
		atom->kinds = (uint8_t) ~(1u << JSON_ABSENT);
		return 0;
	}
	atom->aspect = subject == RULES_AGE ? RULES_TIME : RULES_ADDRESS;
	return rules_add_range(c, atom, 0, RULES_KEY_MAX);
}

/* Behind `sample`. */
static int take_sample(struct rules_compile *c, struct rules_atom *atom)
{
	char found[40];
	int path;

	if (!rules_take_sign(c, "("))
		return rules_fail(c, c->at, "found %s, expected '('", rules_found(c, found));
	path = rules_take_path(c);
	if (path < 0)
		return path;
	atom->subject = (uint16_t)path;
	atom->aspect = RULES_SAMPLE;
	if (!rules_take_sign(c, ","))
		return rules_fail(c, c->at, "found %s, expected ',' and a share such as 10%%", rules_found(c, found));
	if (rules_take_share(c, atom) != 0)
		return c->result;
	if (!rules_take_sign(c, ")"))
		return rules_fail(c, c->at, "found %s, expected ')'", rules_found(c, found));
	return 0;
}

/* The keys of all texts that begin with these bytes, first byte highest. */
static int add_head(struct rules_compile *c, struct rules_atom *atom, struct rules_text text)
{
	const uint8_t *bytes = RULES_AT(c->bytes, uint8_t, text.offset);
	rules_key from = 0;

	for (uint32_t i = 0; i < text.len; i++) {
		uint8_t byte = bytes[atom->aspect == RULES_PREFIX ? i : text.len - 1 - i];

		from |= (rules_key)byte << (8 * (RULES_HEAD - 1 - i));
	}
	return rules_add_range(c, atom, from, text.len == RULES_HEAD ? from : from | RULES_KEY_MAX >> (8 * text.len));
}

static int has_zero_byte(const struct rules_compile *c, struct rules_text text)
{
	for (uint32_t i = 0; i < text.len; i++)
		if (*RULES_AT(c->bytes, uint8_t, text.offset + i) == 0)
			return 1;
	return 0;
}

/* Short starts and ends become ranges of one key, so that any number of them is one search; a zero byte would look like
 * the end. */
static int take_part(struct rules_compile *c, struct rules_atom *atom, enum rules_aspect aspect)
{
	struct rules_text text, *added;
	char found[40];

	rules_skip_space(c);
	if (atom->subject >= RULES_PATHS)
		return rules_fail(c, c->at, "only members are texts, expected an operator such as 'in'");
	if (c->at == c->len || c->text[c->at] != '"')
		return rules_fail(c, c->at, "found %s, expected a text in quotes", rules_found(c, found));
	if (rules_take_text(c, &text) != 0)
		return c->result;
	atom->aspect = (uint8_t)aspect;
	if (text.len == 0 || (aspect != RULES_CONTAINS && text.len <= RULES_HEAD && !has_zero_byte(c, text))) {
		atom->aspect = aspect == RULES_ENDS ? RULES_SUFFIX : RULES_PREFIX;
		return add_head(c, atom, text);
	}
	added = rules_vector_add(&c->texts, sizeof(*added), 1);
	if (added == NULL)
		return rules_fail_memory(c);
	*added = text;
	atom->texts = 1;
	return 0;
}

static int take_with(struct rules_compile *c)
{
	char found[40];

	if (rules_take_word(c, "with"))
		return 0;
	return rules_fail(c, c->at, "found %s, expected 'with'", rules_found(c, found));
}

/* What stands behind the subject. *opposite is flipped by != and not in. */
static int take_operator(struct rules_compile *c, struct rules_atom *atom, int *opposite)
{
	static const struct sign {
		const char *text;
		enum rules_order order;
		int opposite;
	} signs[] = {{"==", RULES_EQUAL, 0}, {"!=", RULES_EQUAL, 1}, {"<=", RULES_AT_MOST, 0}, {"<", RULES_BELOW, 0},
		{">=", RULES_AT_LEAST, 0}, {">", RULES_ABOVE, 0}};
	char found[40];

	for (unsigned i = 0; i < ARRAY_LENGTH(signs); i++) {
		if (!rules_take_sign(c, signs[i].text))
			continue;
		*opposite ^= signs[i].opposite;
		return rules_take_value(c, atom, signs[i].order);
	}
	if (rules_take_word(c, "in"))
		return rules_take_set(c, atom);
	if (rules_take_word(c, "not")) {
		*opposite ^= 1;
		if (rules_take_word(c, "in"))
			return rules_take_set(c, atom);
		return rules_fail(c, c->at, "found %s, expected 'in' behind 'not'", rules_found(c, found));
	}
	if (rules_take_word(c, "starts"))
		return take_with(c) != 0 ? c->result : take_part(c, atom, RULES_STARTS);
	if (rules_take_word(c, "ends"))
		return take_with(c) != 0 ? c->result : take_part(c, atom, RULES_ENDS);
	if (rules_take_word(c, "contains"))
		return take_part(c, atom, RULES_CONTAINS);
	return rules_fail(c, c->at,
		"found %s, expected an operator: == != < <= > >= in, not in, starts with, ends with or contains",
		rules_found(c, found));
}

static int take_atom(struct rules_compile *c, struct rules_atom *atom, int *opposite)
{
	uint32_t begin;
	int subject;

	if (rules_take_word(c, "exists"))
		return take_exists(c, atom);
	begin = c->at;
	if (rules_take_word(c, "sample") && rules_take_sign(c, "(")) {
		c->at--;
		return take_sample(c, atom);
	}
	c->at = begin;
	subject = take_subject(c);
	if (subject < 0)
		return subject;
	atom->subject = (uint16_t)subject;
	return take_operator(c, atom, opposite);
}

static uint32_t parse_literal(struct rules_compile *c, int negated)
{
	struct rules_atom atom = {
		.aspect = RULES_UNDECIDED, .first_text = c->texts.count, .first_range = c->ranges.count};
	uint32_t node;
	int64_t index;

	rules_skip_space(c);
	node = add_node(c, RULES_LITERAL, c->at);
	if (node == RULES_NODE_NONE || take_atom(c, &atom, &negated) != 0)
		return RULES_NODE_NONE;
	index = rules_intern(c, &atom);
	if (index < 0)
		return RULES_NODE_NONE;
	RULES_AT(c->nodes, struct rules_node, node)->literal = (uint32_t)index * 2 + (unsigned)negated;
	return node;
}

/* --- not, and, or: a negation goes down to the literals, and turns `and` and `or` round on its way --- */

static uint32_t parse_parentheses(struct rules_compile *c, int negated)
{
	uint32_t node = parse_or(c, negated);
	char found[40];

	if (node != RULES_NODE_NONE && !rules_take_sign(c, ")")) {
		(void)rules_fail(c, c->at, "found %s, expected 'and', 'or' or ')'", rules_found(c, found));
		return RULES_NODE_NONE;
	}
	return node;
}

static uint32_t parse_term(struct rules_compile *c, int negated)
{
	uint32_t node, begin;
	int denied;

	rules_skip_space(c);
	begin = c->at;
	denied = rules_take_word(c, "not");
	if (!denied && !rules_take_sign(c, "("))
		return parse_literal(c, negated);
	if (c->nesting == RULES_NESTING) {
		(void)rules_fail(c, begin, "nested deeper than %d, expected a simpler condition", RULES_NESTING);
		return RULES_NODE_NONE;
	}
	c->nesting++;
	node = denied ? parse_term(c, !negated) : parse_parentheses(c, negated);
	c->nesting--;
	return node;
}

/* Terms that `word` joins. One alone is itself. */
static uint32_t parse_joined(struct rules_compile *c, const char *word, enum rules_op op, int negated,
	uint32_t (*parse)(struct rules_compile *, int))
{
	uint32_t first = parse(c, negated), last = first, node = RULES_NODE_NONE;

	while (last != RULES_NODE_NONE && rules_take_word(c, word)) {
		if (node == RULES_NODE_NONE) {
			node = add_node(c, op, RULES_AT(c->nodes, struct rules_node, first)->offset);
			if (node == RULES_NODE_NONE)
				return RULES_NODE_NONE;
			RULES_AT(c->nodes, struct rules_node, node)->first = first;
		}
		first = parse(c, negated);
		RULES_AT(c->nodes, struct rules_node, last)->next = first;
		last = first;
	}
	return last == RULES_NODE_NONE || node == RULES_NODE_NONE ? last : node;
}

static uint32_t parse_and(struct rules_compile *c, int negated)
{
	return parse_joined(c, "and", negated ? RULES_OR : RULES_AND, negated, parse_term);
}

static uint32_t parse_or(struct rules_compile *c, int negated)
{
	return parse_joined(c, "or", negated ? RULES_AND : RULES_OR, negated, parse_and);
}

uint32_t rules_parse(struct rules_compile *c)
{
	uint32_t root;
	char found[40];

	c->nodes.count = 0;
	c->at = 0;
	c->nesting = 0;
	rules_skip_space(c);
	if (c->at == c->len)
		return add_node(c, RULES_AND, 0);
	root = parse_or(c, 0);
	rules_skip_space(c);
	if (root != RULES_NODE_NONE && c->at < c->len) {
		(void)rules_fail(c, c->at, "found %s, expected 'and', 'or' or the end", rules_found(c, found));
		return RULES_NODE_NONE;
	}
	return root;
}
