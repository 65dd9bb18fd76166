/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Lines become a list of hashed entries, the list a table of the right size. An entry's place in the list is its line's
 * number, less one, which is how a duplicate's two lines are named.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "tables/category_file.h"
#include "tables/category_line.h"
#include "tables/category_priv.h"
#include "tables/category_source.h"

#define AHEAD         16u /* entries whose buckets are fetched ahead */
#define LOOK          65536u /* entries between two looks whether the table is still wanted */
#define ENTRIES_FIRST 4096u

struct entry {
	uint64_t check;
	uint32_t place;
	uint16_t value;
};

_Static_assert(sizeof(struct entry) == 16, "what category.h says that loading takes");

struct text {
	struct category *category;
	struct category_source *source;
	struct entry *entries;
	size_t count, room;
	size_t affordable; /* entries within the budget */
	char separator;
	uint8_t unquoted[CATEGORY_LINE];
};

static int fail_line(const struct text *text, struct error *error, int rc, const char *wrong)
{
	return error_set(error, rc, "%s:%zu: %s", category_source_path(text->source), text->count + 1, wrong);
}

static int name_ends(const char *path, size_t len, const char *end)
{
	size_t end_len = strlen(end);

	return len > end_len && memcmp(path + len - end_len, end, end_len) == 0;
}

static int choose_separator(struct text *text, struct error *error)
{
	const char *path = category_source_path(text->source);
	size_t len = strlen(path);
	int named_zstd = name_ends(path, len, ".zst");

	if (named_zstd && !category_source_is_zstd(text->source))
		return error_set(error, -EINVAL,
			"%s: it does not begin as zstd data do, although its name ends with .zst; "
			"compress it, or take .zst off its name",
			path);
	if (named_zstd)
		len -= strlen(".zst");
	if (name_ends(path, len, ".tsv") || name_ends(path, len, ".csv")) {
		text->separator = path[len - 3] == 't' ? '\t' : ',';
		return 0;
	}
	return error_set(error, -EINVAL,
		"%s: this is no prebuilt table, and the name does not tell how its columns are separated; "
		"name it .tsv or .csv, with .zst behind it if it is compressed",
		path);
}

static int make_room(struct text *text, struct error *error)
{
	size_t room = text->room != 0 ? 2 * text->room : ENTRIES_FIRST;
	struct entry *entries = reallocarray(text->entries, room, sizeof(*entries));

	if (entries == NULL)
		return fail_line(
			text, error, -ENOMEM, "out of memory; loading takes 16 bytes an entry beside the table");
	text->entries = entries;
	text->room = room;
	return 0;
}

/* The text of the first line: without the byte order mark that some programs write. */
static struct slice without_mark(struct slice line)
{
	if (line.len < 3 || memcmp(line.data, "\xef\xbb\xbf", 3) != 0)
		return line;
	return (struct slice){line.data + 3, line.len - 3};
}

static const char *read_columns(struct text *text, struct slice line, struct category_columns *columns)
{
	const char *wrong;

	columns->room = text->separator == ',' ? text->unquoted : NULL;
	wrong = category_line_cut(line, text->separator, columns);
	if (wrong != NULL)
		return wrong;
	if (line.len == 0)
		return "the line is empty; take it out";
	if (columns->count < 2)
		return text->separator == ','
			       ? "there is one column instead of two; a line is a key, a comma and a category"
			       : "there is one column instead of two; a line is a key, a tab and a category";
	if (columns->count > 2)
		return text->separator == ','
			       ? "there are more than two columns; quote what has a comma in it"
			       : "there are more than two columns; a line is a key, a tab and a category";
	wrong = category_line_check_key(columns->column[0]);
	return wrong != NULL ? wrong : category_line_check_name(columns->column[1]);
}

static int add_line(struct text *text, struct slice line, struct error *error)
{
	struct category *category = text->category;
	struct category_columns columns;
	struct category_key key;
	uint32_t value;
	const char *wrong = read_columns(text, text->count == 0 ? without_mark(line) : line, &columns);
	int rc;

	if (wrong != NULL)
		return fail_line(text, error, -EINVAL, wrong);
	if (text->count >= text->affordable)
		return fail_line(text, error, -EFBIG,
			"the table is beyond its budget here; raise the budget, or take entries out "
			"of the file");
	rc = category_names_add(&category->names, columns.column[1], CATEGORY_MAX, &value);
	if (rc == -ENOSPC)
		return fail_line(text, error, -EINVAL,
			"there are more than 65,534 different categories up to here; see that the "
			"columns are a key and then its category");
	if (rc != 0)
		return fail_line(text, error, rc, "out of memory");
	if (text->count == text->room) {
		rc = make_room(text, error);
		if (rc != 0)
			return rc;
	}
	key = category_hash(&category->secret, columns.column[0]);
	text->entries[text->count++] = (struct entry){key.check, key.place, (uint16_t)value};
	return 0;
}

static int read_lines(struct text *text, struct error *error)
{
	struct slice line;
	int rc;

	while ((rc = category_source_line(text->source, &line, error)) > 0) {
		rc = add_line(text, line, error);
		if (rc != 0)
			return rc;
	}
	return rc == 0 ? category_source_unchanged(text->source, error) : rc;
}

static int fail_twice(const struct text *text, struct error *error, size_t second)
{
	const struct entry *entries = text->entries;
	size_t first = 0;

	while (entries[first].check != entries[second].check)
		first++;
	return error_set(error, -EEXIST,
		"%s:%zu: this key is also in line %zu; a key has one category, so take one of the lines out",
		category_source_path(text->source), second + 1, first + 1);
}

static int put_all(struct text *text, struct error *error)
{
	struct category_slots *slots = &text->category->slots;

	for (size_t i = 0; i < text->count; i++) {
		const struct entry *entry = &text->entries[i], *ahead = entry + AHEAD;
		int rc;

		if (i + AHEAD < text->count)
			category_slots_prefetch(slots, (struct category_key){ahead->check, ahead->place});
		rc = category_slots_put(slots, (struct category_key){entry->check, entry->place}, entry->value);
		if (rc == -EEXIST)
			return fail_twice(text, error, i);
		if (rc == 0 && i % LOOK == 0)
			rc = category_source_left(text->source, error);
		if (rc != 0)
			return rc;
	}
	return 0;
}

static int build(struct text *text, int node, struct error *error)
{
	struct category_slots *slots = &text->category->slots;
	const char *path = category_source_path(text->source);
	uint32_t count = category_slots_count(text->count);
	int rc;

	if (count == 0)
		return error_set(error, -EFBIG, "%s: %zu entries are more than a table can have", path, text->count);
	do {
		category_slots_fini(slots);
		rc = category_slots_init(slots, count, node);
		if (rc != 0)
			return error_set(error, rc, "%s: no memory for a table of %zu entries", path, text->count);
		rc = put_all(text, error);
		count += count / 8 + 1;
	} while (rc == -ENOSPC); /* not seen yet */
	return rc;
}

int category_text_load(struct category *category, struct category_source *source, int node, struct error *error)
{
	struct text text = {.category = category, .source = source};
	int rc = choose_separator(&text, error);

	if (rc != 0)
		return rc;
	text.affordable = category->budget / category_slots_bytes(1) * CATEGORY_WAYS * CATEGORY_SPACIOUS / 100;
	category->built_us = category_source_modified_us(source);
	rc = category_secret_make(&category->secret);
	if (rc == 0)
		rc = category_names_init(&category->names, NULL, category->secret.number[3]);
	if (rc != 0)
		return error_set(error, rc, "%s: cannot begin: %s", category_source_path(source), strerror(-rc));
	rc = read_lines(&text, error);
	if (rc == 0)
		rc = build(&text, node, error);
	free(text.entries);
	return rc;
}
