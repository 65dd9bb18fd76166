/* SPDX-License-Identifier: Apache-2.0 */
#include "tables/category_overlay.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "tables/category_line.h"

/* What is being made of one table's lines. */
struct change {
	const struct category *category;
	struct category_overlay *overlay;
	size_t limit;
	struct category_tally tally;
	struct error *error;
};

/* A bad line: the first one is named. */
static int skip(struct change *change, const char *wrong)
{
	if (change->tally.bad++ == 0)
		(void)error_set(change->error, 0, "line %" PRIu64 ": %s", change->tally.line, wrong);
	return 0;
}

/* A category's value, which a new one gets; 0: none is left. 0 or -ENOMEM. */
static int value_of(struct change *change, struct slice name, uint32_t *value)
{
	struct category_overlay *overlay = change->overlay;
	int rc;

	*value = category_names_find(&change->category->names, name);
	if (*value != 0)
		return 0;
	rc = category_names_add(&overlay->names, name, CATEGORY_MAX - overlay->table_values, value);
	*value = rc == 0 ? *value + overlay->table_values : 0;
	return rc == -ENOSPC ? 0 : rc;
}

static int is_word(struct slice text, const char *word)
{
	return text.len == strlen(word) && memcmp(text.data, word, text.len) == 0;
}

/* The columns as they should be, or what is wrong with them. */
static const char *check(const struct category_columns *columns)
{
	const char *wrong;

	if (is_word(columns->column[0], "set") ? columns->count != 3
					       : !is_word(columns->column[0], "delete") || columns->count != 2)
		return "this is neither `set`, a key and a category nor `delete` and a key, with tabs between";
	wrong = category_line_check_key(columns->column[1]);
	if (wrong == NULL && columns->count == 3)
		wrong = category_line_check_name(columns->column[2]);
	return wrong;
}

static int apply_line(struct change *change, struct slice line)
{
	struct category_columns columns = {.room = NULL};
	struct category_slots *slots = &change->overlay->slots;
	uint32_t value = CATEGORY_DELETED;
	const char *wrong;
	int rc = 0;

	if (line.len > 0 && line.data[line.len - 1] == '\r')
		line.len--;
	(void)category_line_cut(line, '\t', &columns);
	wrong = check(&columns);
	if (wrong != NULL)
		return skip(change, wrong);
	if (columns.count == 3)
		rc = value_of(change, columns.column[2], &value);
	if (rc != 0)
		return rc;
	if (value == 0)
		return skip(change, "there are more than 65,534 different categories with this one");
	rc = category_slots_set(slots, category_hash(&change->category->secret, columns.column[1]), value);
	if (rc == 0 && slots->entries > change->limit)
		return error_set(change->error, -EFBIG,
			"line %" PRIu64 ": more than %zu keys have changed since the table was loaded; load it "
			"anew",
			change->tally.line, change->limit);
	return rc;
}

static int apply_lines(struct change *change, struct slice lines)
{
	for (uint32_t at = 0; at < lines.len;) {
		const uint8_t *begin = lines.data + at, *feed = memchr(begin, '\n', lines.len - at);
		int rc;

		change->tally.line++;
		if (feed == NULL)
			return skip(change, "it is not ended by a line feed");
		rc = apply_line(change, (struct slice){begin, (uint32_t)(feed - begin)});
		if (rc != 0)
			return rc;
		at += (uint32_t)(feed - begin) + 1;
	}
	return 0;
}

static size_t count_lines(struct slice lines)
{
	const uint8_t *at = lines.data, *end = lines.data + lines.len;
	size_t count = 0;

	while (at < end && (at = memchr(at, '\n', (size_t)(end - at))) != NULL) {
		at++;
		count++;
	}
	return count;
}

/* Buckets for what was there and what may come. */
static uint32_t choose_count(const struct category_overlay *before, size_t more, size_t limit)
{
	uint64_t entries = before != NULL ? before->slots.entries : 0;

	more = more <= limit ? more : limit;
	if (before != NULL && category_slots_fit(&before->slots, more))
		return before->slots.count;
	return category_slots_count(2 * entries + more); /* room to grow, so that most revisions are plain copies */
}

static int begin(struct category_overlay *overlay, const struct category *category,
	const struct category_overlay *before, uint32_t count)
{
	int node = category->slots.node, rc;

	*overlay = (struct category_overlay){.table_values = category->names.count};
	rc = category_names_init(&overlay->names, before != NULL ? &before->names : NULL, category->names.seed);
	if (rc != 0)
		return rc;
	return before != NULL ? category_slots_copy(&overlay->slots, &before->slots, count, node)
			      : category_slots_init(&overlay->slots, count, node);
}

static void end(struct category_overlay *overlay)
{
	category_slots_fini(&overlay->slots);
	category_names_fini(&overlay->names);
	category_fragments_fini(&overlay->fragments);
}

int category_overlay_new(struct category_overlay **overlay, const struct category *category,
	const struct category_overlay *before, struct slice lines, size_t limit,
	struct category_tally *tally, struct error *error)
{
	struct category_overlay *o = malloc(sizeof(*o));
	struct change change = {.category = category, .overlay = o, .limit = limit, .error = error};
	uint32_t count = choose_count(before, count_lines(lines), limit);
	int rc;

	if (o == NULL)
		return error_set(error, -ENOMEM, "out of memory");
	do {
		change.tally = (struct category_tally){.line = tally->line};
		rc = begin(o, category, before, count);
		if (rc == 0)
			rc = apply_lines(&change, lines);
		if (rc != 0)
			end(o);
		count += count / 4;
	} while (rc == -ENOSPC);
	if (rc == 0)
		rc = category_fragments_init(&o->fragments, &o->names, category->member, category->slots.node);
	if (rc == 0) {
		*tally = change.tally;
		*overlay = o;
		return 0;
	}
	category_overlay_free(o);
	return rc == -EFBIG ? rc : error_set(error, rc, "no memory for the changes of categories");
}

void category_overlay_free(struct category_overlay *overlay)
{
	if (overlay == NULL)
		return;
	end(overlay);
	free(overlay);
}

size_t category_overlay_count(const struct category_overlay *overlay)
{
	return overlay->slots.entries;
}

void category_view_prefetch(
	const struct category *category, const struct category_overlay *overlay, struct category_key key)
{
	if (overlay != NULL)
		category_slots_prefetch(&overlay->slots, key);
	category_slots_prefetch(&category->slots, key);
}

struct slice category_view_find(
	const struct category *category, const struct category_overlay *overlay, struct category_key key)
{
	uint32_t value = overlay != NULL ? category_slots_find(&overlay->slots, key) : CATEGORY_UNKNOWN;

	if (value == CATEGORY_UNKNOWN)
		value = category_slots_find(&category->slots, key);
	else if (value == CATEGORY_DELETED)
		value = CATEGORY_UNKNOWN;
	else if (value > category->fragments.count)
		return category_fragments_get(&overlay->fragments, value - category->fragments.count);
	return category_fragments_get(&category->fragments, value);
}
