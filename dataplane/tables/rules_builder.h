/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* The parts of the builder of tables, each for one sort of look-up. Control thread. */

#include "tables/rules_rows.h"

struct rules_builder {
	struct rules *rules;
	const struct rules_compile *c;
	struct rules_rows rows;
	struct rules_vector order; /* uint32_t: atoms in use, by subject and aspect */
	const uint8_t *bytes;      /* copy of the compiler's that lives as long as the rules */
};

/* Some atoms of `order`. */
struct rules_group {
	const uint32_t *atoms;
	uint32_t count;
};

static inline const struct rules_atom *rules_atom_at(const struct rules_builder *b, uint32_t index)
{
	return RULES_AT(b->c->atoms, struct rules_atom, index);
}

/* All: 0 or -ENOMEM. */

/* The rows of values in order. The dimension has begun; what holds already holds for all values. */
int rules_build_ranges(struct rules_builder *b, struct rules_group group, struct rules_ranges *ranges);

/* A dimension that has nothing but values in order. */
int rules_build_keys(struct rules_builder *b, struct rules_group group, struct rules_ranges *ranges);

/* Rows by kind, by whole text and by number. */
int rules_build_value(struct rules_builder *b, struct rules_group group, struct rules_member *member);

/* Tests, added to those that the member has. */
int rules_build_tests(struct rules_builder *b, struct rules_group group, struct rules_member *member);

/* One scan for all texts that `contains` looks for. 1 when it would be too large: they are to be tests. */
int rules_build_scan(struct rules_builder *b, struct rules_group group, struct rules_member *member);
