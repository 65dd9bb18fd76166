/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* One line of a category table's text: its columns, and what may be in them; private to tables/category*.c. */

#include "base/slice.h"

#define CATEGORY_COLUMNS 3u

struct category_columns {
	struct slice column[CATEGORY_COLUMNS];
	unsigned count; /* more than CATEGORY_COLUMNS: there are more than fit */
	uint8_t *room;  /* for columns without their quotes, as long as the line; NULL: no quotes are looked for */
};

/* Cuts the line at a separator. With `room`, columns may be quoted as RFC 4180 says. NULL, or what is wrong and the
 * cure. */
const char *category_line_cut(struct slice line, char separator, struct category_columns *columns);

/* Whether a text may be a key, or the name of a category. NULL, or what is wrong and the cure. */
const char *category_line_check_key(struct slice key);
const char *category_line_check_name(struct slice name);
