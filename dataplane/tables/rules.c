/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "tables/rules_compile.h"

void *rules_take(struct rules *rules, size_t bytes)
{
	struct rules_block *block = calloc(1, sizeof(*block) + bytes);

	if (block == NULL)
		return NULL;
	*block = (struct rules_block){rules->blocks, sizeof(*block) + bytes};
	rules->blocks = block;
	rules->bytes += block->bytes;
	return block + 1;
}

static void compile_fini(struct rules_compile *c)
{
	rules_vector_free(&c->nodes);
	rules_vector_free(&c->bytes);
	rules_vector_free(&c->texts);
	rules_vector_free(&c->ranges);
	rules_vector_free(&c->atoms);
	rules_vector_free(&c->atom_slots);
	rules_vector_free(&c->literals);
	rules_vector_free(&c->alternatives);
}

static int compile_one(struct rules_compile *c, unsigned rule, const char *text)
{
	size_t len = strnlen(text, RULES_TEXT_MAX + 1);
	uint32_t root;

	c->rule = rule;
	if (rule >= RULES_MAX)
		return rules_fail(c, 0, "a type has at most %d rules", RULES_MAX);
	if (len > RULES_TEXT_MAX)
		return rules_fail(c, RULES_TEXT_MAX, "this condition is longer than %u bytes, expected a shorter list",
			RULES_TEXT_MAX);
	c->text = text;
	c->len = (uint32_t)len;
	root = rules_parse(c);
	return root == RULES_NODE_NONE ? c->result : rules_form(c, root);
}

static int compile(struct rules *rules, struct rules_compile *c, const char *const *conditions, unsigned count)
{
	for (unsigned i = 0; i < count; i++) {
		int result = compile_one(c, i, conditions[i]);

		if (result != 0)
			return result;
	}
	return rules_build(rules, c);
}

int rules_new(struct rules **rules, const char *const *conditions, unsigned count, struct rules_paths *paths,
	struct rules_error *error)
{
	struct rules_compile c = {.paths = paths, .error = error};
	unsigned paths_before = paths->count;
	int result = -ENOMEM;

	*rules = calloc(1, sizeof(**rules));
	if (*rules != NULL) {
		(*rules)->bytes = sizeof(**rules);
		result = compile(*rules, &c, conditions, count);
	}
	compile_fini(&c);
	if (result != 0) {
		paths->count = paths_before;
		rules_free(*rules);
		*rules = NULL;
	}
	return result;
}

void rules_free(struct rules *rules)
{
	if (rules == NULL)
		return;
	for (struct rules_block *block = rules->blocks, *next; block != NULL; block = next) {
		next = block->next;
		free(block);
	}
	free(rules);
}

size_t rules_bytes(const struct rules *rules)
{
	return rules->bytes;
}
