/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * What the steps of the compiler hand on: text -> (lexer, parser, values) -> tree of literals -> (form) alternatives ->
 * (dimensions) the tables that judge reads. All of it is control's, and freed when the rules are made.
 *
 * A literal is an atom or its opposite. An atom is one question about one subject, and its aspect says which look-up
 * answers it; equal questions are one atom.
 */

#include <stddef.h>
#include <stdint.h>

#include "tables/rules_table.h"
#include "tables/rules_vector.h"

#define RULES_NODE_NONE UINT32_MAX
#define RULES_NESTING   64      /* parentheses and nots open at once */
#define RULES_LITERALS  262144u /* of one condition's alternatives together */

/* Members are subjects by their index in struct rules_paths; then come: */
enum { RULES_CLIENT = RULES_PATHS, RULES_SOURCE, RULES_AGE, RULES_SUBJECTS };

/* A place in `bytes`. */
struct rules_text {
	uint32_t offset, len;
};

struct rules_range {
	rules_key from, last; /* both included */
};

/* Holds when the value is one of the kinds, one of the texts or in one of the ranges. */
struct rules_atom {
	uint8_t aspect; /* enum rules_aspect */
	uint8_t kinds;  /* bits by enum json_kind: any value of that kind */
	uint16_t subject;
	uint32_t first_text, texts;
	uint32_t first_range, ranges;
	uint64_t hash; /* of the question; rules_intern sets it */
};

enum rules_op { RULES_LITERAL, RULES_AND, RULES_OR };

/* Negations are in the literals. */
struct rules_node {
	uint8_t op;       /* enum rules_op */
	uint32_t first;   /* child */
	uint32_t next;    /* sibling, or RULES_NODE_NONE */
	uint32_t literal; /* atom * 2, and 1 for its opposite */
	uint32_t offset;  /* in the condition */
};

struct rules_alternative {
	uint32_t first, count; /* of literals, rising; an atom is in at most one of them */
	uint32_t rule;
};

struct rules_compile {
	struct rules_paths *paths;
	struct rules_error *error;
	int result; /* 0 until something failed, then -EINVAL (*error filled) or -ENOMEM */
	/* The condition at hand. */
	unsigned rule;
	const char *text;
	uint32_t len, at;
	unsigned nesting;
	struct rules_vector nodes; /* struct rules_node */
	/* Of all conditions. */
	struct rules_vector bytes;        /* uint8_t: texts without escapes */
	struct rules_vector texts;        /* struct rules_text */
	struct rules_vector ranges;       /* struct rules_range */
	struct rules_vector atoms;        /* struct rules_atom */
	struct rules_vector atom_slots;   /* uint32_t: atoms by hash, + 1; 0 free */
	struct rules_vector literals;     /* uint32_t */
	struct rules_vector alternatives; /* struct rules_alternative */
	int closed;                       /* a rule that always holds was seen: no later one is ever reached */
};

/* Notes the first failure: that `offset` of the condition is wrong. Returns -EINVAL. */
__attribute__((format(printf, 3, 4))) int rules_fail(struct rules_compile *c, uint32_t offset, const char *format, ...);

/* Notes that memory ran out. Returns -ENOMEM. */
int rules_fail_memory(struct rules_compile *c);

/* --- lexer: each takes what it names from `at` on, white space before it left out --- */

void rules_skip_space(struct rules_compile *c);

/* Whether the keyword (or sign) comes next; takes it. */
int rules_take_word(struct rules_compile *c, const char *word);
int rules_take_sign(struct rules_compile *c, const char *sign);

/* A member's path; its index in `paths`, or negative. */
int rules_take_path(struct rules_compile *c);

/* A text in quotes, added to `bytes`. 0 or negative. */
int rules_take_text(struct rules_compile *c, struct rules_text *text);

/* The letters, digits and signs of a value without quotes, up to ".." at most; may be empty. */
struct slice rules_take_scalar(struct rules_compile *c);

/* What stands at the place, for an error: `the end`, or a quoted part of the text. */
const char *rules_found(const struct rules_compile *c, char out[40]);

/* --- values: what stands right of an operator, added to the atom's texts, ranges and kinds --- */

enum rules_order { RULES_EQUAL, RULES_BELOW, RULES_AT_MOST, RULES_ABOVE, RULES_AT_LEAST };

/* All three: 0 or negative. The atom's subject is set; its aspect will be. */
int rules_take_value(struct rules_compile *c, struct rules_atom *atom, enum rules_order order);
int rules_take_set(struct rules_compile *c, struct rules_atom *atom);
int rules_take_share(struct rules_compile *c, struct rules_atom *atom);

/* Adds a range; an empty one (last below from) is nothing. */
int rules_add_range(struct rules_compile *c, struct rules_atom *atom, rules_key from, rules_key last);

/* --- atoms, parser, form --- */

/* The atom's index in `atoms`, the same for the same question; its texts and ranges are the last in their arrays. Or
 * negative. */
int64_t rules_intern(struct rules_compile *c, const struct rules_atom *atom);

/* Index of the tree's root; RULES_NODE_NONE: result says why. An empty condition is an AND of nothing. */
uint32_t rules_parse(struct rules_compile *c);

/* Adds the tree's alternatives. 0 or negative. */
int rules_form(struct rules_compile *c, uint32_t root);

/* --- dimensions --- */

/* Fills the tables of zeroed rules. 0 or -ENOMEM. */
int rules_build(struct rules *rules, const struct rules_compile *c);
