/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Changes to a category table as they lie in memory; private to tables/category*.c. */

#include "tables/category_priv.h"

struct category_overlay {
	struct category_slots slots; /* values: the table's, those of new names behind them, or CATEGORY_DELETED */
	struct category_fragments fragments; /* of the new names */
	struct category_names names;         /* new ones */
	uint32_t table_values;               /* the first new name's value, less one */
};
