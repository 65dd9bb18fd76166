/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* A table of texts, its columns as wide as their widest cell. One thread. */

#include <stdbool.h>
#include <stdio.h>

#define TABLE_COLUMNS 24

struct table_column {
	const char *title;
	bool right; /* aligned at its right end */
};

struct table;

/* `columns` ends with a NULL title (at most TABLE_COLUMNS) and must outlive the table. Never NULL. */
struct table *table_new(const struct table_column *columns);

/* Sets the next cell, left to right, row by row. Takes `text`, already escaped; NULL leaves the cell empty. */
void table_add(struct table *table, char *text);

/* Writes it, the titles first unless all are empty or there is no row, and frees it. */
void table_print(struct table *table, FILE *out);
