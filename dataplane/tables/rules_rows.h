/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Rows of alternatives while tables are built. Of one dimension at a time it is noted which atoms hold, and the row
 * follows: an alternative's bit is set while none of its literals of that dimension is unmet. So a row costs what
 * changes. Equal rows are kept once. Control thread.
 */

#include "tables/rules_compile.h"

struct rules_rows {
	const struct rules_compile *c;
	uint32_t words;            /* of a row */
	struct rules_vector first; /* uint32_t: atom -> its first use; one more closes the list */
	struct rules_vector uses;  /* uint32_t: alternative * 2, and 1 for the atom's opposite */
	struct rules_vector unmet; /* uint32_t: alternative -> its unmet literals */
	struct rules_vector depth; /* uint32_t: atom -> how many reasons it has to hold */
	uint64_t row[RULES_WORDS];
	struct rules_vector kept;  /* uint64_t: all rows; the first is that of all alternatives */
	struct rules_vector slots; /* uint32_t: rows by hash, + 1; 0 free */
	int failed;                /* memory ran out */
};

/* 0 or -ENOMEM. */
int rules_rows_init(struct rules_rows *rows, const struct rules_compile *c);
void rules_rows_fini(struct rules_rows *rows);

/* The uses of an atom, from *count. */
const uint32_t *rules_rows_uses(const struct rules_rows *rows, uint32_t atom, uint32_t *count);

/* A dimension of these atoms, none of which holds. */
void rules_rows_begin(struct rules_rows *rows, const uint32_t *atoms, uint32_t count);

/* One more, or one less, reason for an atom to hold. */
void rules_rows_raise(struct rules_rows *rows, uint32_t atom);
void rules_rows_lower(struct rules_rows *rows, uint32_t atom);

/* The place of the row as it is now. */
uint32_t rules_rows_keep(struct rules_rows *rows);
