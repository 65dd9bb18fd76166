/* SPDX-License-Identifier: Apache-2.0 */
#include "control/cli/table.h"

#include <stdlib.h>
#include <string.h>

#define GAP 2

struct table {
	const struct table_column *columns;
	size_t column_count;
	char **cells;
	size_t count, size;
};

static void *or_end(void *memory)
{
	if (memory != NULL)
		return memory;
	(void)fputs("penstock: no memory\n", stderr);
	exit(EXIT_FAILURE);
}

struct table *table_new(const struct table_column *columns)
{
	struct table *table = or_end(calloc(1, sizeof(*table)));

	table->columns = columns;
	while (columns[table->column_count].title != NULL)
		table->column_count++;
	return table;
}

void table_add(struct table *table, char *text)
{
	if (table->count == table->size) {
		table->size = table->size == 0 ? 64 : table->size * 2;
		table->cells = or_end(reallocarray(table->cells, table->size, sizeof(*table->cells)));
	}
	table->cells[table->count++] = text;
}

/* Characters, not bytes: one for each byte that does not continue another. */
static size_t width_of(const char *text)
{
	size_t width = 0;

	for (; text != NULL && *text != '\0'; text++)
		width += ((unsigned char)*text & 0xc0) != 0x80;
	return width;
}

static const char *cell_at(const struct table *table, size_t row, size_t column)
{
	size_t at = row * table->column_count + column;

	return at < table->count && table->cells[at] != NULL ? table->cells[at] : "";
}

static void measure(const struct table *table, size_t rows, size_t *widths)
{
	for (size_t column = 0; column < table->column_count; column++) {
		widths[column] = width_of(table->columns[column].title);
		for (size_t row = 0; row < rows; row++) {
			size_t width = width_of(cell_at(table, row, column));

			if (width > widths[column])
				widths[column] = width;
		}
	}
}

/* Blanks are owed until something follows them, so that no line ends with any. */
static size_t print_cell(FILE *out, const char *text, size_t width, bool right, size_t owed)
{
	size_t own = width_of(text), pad = width - own;

	if (own == 0)
		return owed + width;
	(void)fprintf(out, "%*s%s", (int)(owed + (right ? pad : 0)), "", text);
	return right ? 0 : pad;
}

static void print_row(const struct table *table, FILE *out, const size_t *widths, size_t row, bool title)
{
	size_t owed = 0;

	for (size_t column = 0; column < table->column_count; column++) {
		const struct table_column *c = &table->columns[column];

		owed = print_cell(out, title ? c->title : cell_at(table, row, column), widths[column], c->right, owed) +
		       GAP;
	}
	(void)fputc('\n', out);
}

static bool has_titles(const struct table *table)
{
	for (size_t column = 0; column < table->column_count; column++)
		if (table->columns[column].title[0] != '\0')
			return true;
	return false;
}

void table_print(struct table *table, FILE *out)
{
	size_t rows = (table->count + table->column_count - 1) / table->column_count;
	size_t widths[TABLE_COLUMNS];

	measure(table, rows, widths);
	if (rows > 0 && has_titles(table))
		print_row(table, out, widths, 0, true);
	for (size_t row = 0; row < rows; row++)
		print_row(table, out, widths, row, false);
	while (table->count > 0)
		free(table->cells[--table->count]);
	free(table->cells);
	free(table);
}
