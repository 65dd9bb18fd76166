/* SPDX-License-Identifier: Apache-2.0 */
#include "tables/category_line.h"

#include <stddef.h>
#include <string.h>

#include "tables/category.h"
#include "wire/utf8.h"

_Static_assert(CATEGORY_KEY == 255 && CATEGORY_TEXT == 96, "the sentences below say so");

/* The quoted column at *at, which moves behind its closing quote. */
static const char *take_quoted(struct slice line, uint32_t *at, struct category_columns *columns, struct slice *column)
{
	uint8_t *out = columns->room;
	uint32_t i = *at + 1;

	for (; i < line.len; i++) {
		if (line.data[i] == '"') {
			if (i + 1 == line.len || line.data[i + 1] != '"')
				break;
			i++;
		}
		*out++ = line.data[i];
	}
	if (i == line.len)
		return "a quoted column is not closed; double the quotes inside it, and leave line breaks out of it";
	*column = (struct slice){columns->room, (uint32_t)(out - columns->room)};
	columns->room = out;
	*at = i + 1;
	return NULL;
}

/* The plain column at *at, which moves to the separator behind it. */
static const char *take_plain(struct slice line, uint32_t *at, char separator, int quotes, struct slice *column)
{
	const uint8_t *begin = line.data + *at, *end = memchr(begin, separator, line.len - *at);
	uint32_t len = end != NULL ? (uint32_t)(end - begin) : line.len - *at;

	*column = (struct slice){begin, len};
	*at += len;
	if (quotes && memchr(begin, '"', len) != NULL)
		return "there is a quote inside a column that does not begin with one; quote the whole column and "
		       "double the "
		       "quotes inside it";
	return NULL;
}

const char *category_line_cut(struct slice line, char separator, struct category_columns *columns)
{
	int quotes = columns->room != NULL;

	columns->count = 0;
	for (uint32_t at = 0;; at++) { /* over the separator */
		struct slice column;
		const char *wrong;

		if (quotes && at < line.len && line.data[at] == '"')
			wrong = take_quoted(line, &at, columns, &column);
		else
			wrong = take_plain(line, &at, separator, quotes, &column);
		if (wrong != NULL)
			return wrong;
		if (at < line.len && line.data[at] != (uint8_t)separator)
			return "there is something between a closing quote and the separator; quote the whole column "
			       "and double "
			       "the quotes inside it";
		if (columns->count < CATEGORY_COLUMNS)
			columns->column[columns->count] = column;
		columns->count++;
		if (at >= line.len || columns->count > CATEGORY_COLUMNS)
			return NULL;
	}
}

static uint64_t load_word(const uint8_t *data)
{
	uint64_t word;

	memcpy(&word, data, sizeof(word));
	return word;
}

static int is_ascii(struct slice text)
{
	uint64_t all = 0;

	if (text.len < sizeof(all)) {
		for (uint32_t i = 0; i < text.len; i++)
			all |= text.data[i];
		return all < 0x80;
	}
	for (uint32_t i = 0; i + sizeof(all) < text.len; i += (uint32_t)sizeof(all))
		all |= load_word(text.data + i);
	all |= load_word(text.data + text.len - sizeof(all));
	return (all & UINT64_C(0x8080808080808080)) == 0;
}

static int is_utf8(struct slice text)
{
	if (is_ascii(text))
		return 1;
	for (uint32_t i = 0; i < text.len;) {
		int size = utf8_sequence(text.data + i, text.len - i);

		if (size <= 0)
			return 0;
		i += (uint32_t)size;
	}
	return 1;
}

const char *category_line_check_key(struct slice key)
{
	if (key.len == 0)
		return "the key is empty; give each line a key";
	if (key.len > CATEGORY_KEY)
		return "the key is longer than 255 bytes; shorten it, or leave the line out";
	return is_utf8(key) ? NULL : "the key is not valid UTF-8; write the file in UTF-8";
}

const char *category_line_check_name(struct slice name)
{
	if (name.len == 0)
		return "the category is empty; name one, or leave the line out";
	if (name.len > CATEGORY_TEXT)
		return "the category is longer than 96 bytes; shorten it";
	if (memchr(name.data, '\0', name.len) != NULL)
		return "the category has a zero byte, which many a reader takes for its end; take it out";
	return is_utf8(name) ? NULL : "the category is not valid UTF-8; write the file in UTF-8";
}
