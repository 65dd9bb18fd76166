/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/compiler.h"
#include "base/memory.h"
#include "tables/category.h"
#include "tables/category_names.h"

#define READABLE 64u /* bytes behind the last fragment's end that may be read */

/* A byte as it stands in a JSON string. */
static uint8_t *render_byte(uint8_t *out, uint8_t byte)
{
	static const char letters[] = "\"\\\b\f\n\r\t", escapes[] = "\"\\bfnrt", digits[] = "0123456789abcdef";
	const char *letter = byte != '\0' ? strchr(letters, byte) : NULL;

	if (letter == NULL && byte >= 0x20) {
		*out++ = byte;
		return out;
	}
	*out++ = '\\';
	if (letter != NULL) {
		*out++ = (uint8_t)escapes[letter - letters];
		return out;
	}
	memcpy(out, "u00", 3);
	out[3] = (uint8_t)digits[byte >> 4];
	out[4] = (uint8_t)digits[byte & 15];
	return out + 5;
}

static uint8_t *render_text(uint8_t *out, struct slice text)
{
	for (uint32_t i = 0; i < text.len; i++)
		out = render_byte(out, text.data[i]);
	return out;
}

static uint8_t *render_plain(uint8_t *out, const char *text)
{
	return mempcpy(out, text, strlen(text));
}

/* `,"member":"name"`; of no name `,"member":null`. */
static uint8_t *render(uint8_t *out, const char *member, const struct slice *name)
{
	struct slice key = {(const uint8_t *)member, (uint32_t)strlen(member)};

	out = render_plain(out, ",\"");
	out = render_text(out, key);
	if (name == NULL)
		return render_plain(out, "\":null");
	out = render_plain(out, "\":\"");
	out = render_text(out, *name);
	return render_plain(out, "\"");
}

/* All of them to `text` and their places to `pieces`; returns the bytes of the text. */
static size_t render_all(
	uint8_t *text, struct category_piece *pieces, const struct category_names *names, const char *member)
{
	uint8_t *out = render(text, member, NULL);

	pieces[0] = (struct category_piece){0, (uint32_t)(out - text)};
	for (uint32_t value = 1; value <= names->count; value++) {
		struct slice name = category_names_get(names, value);
		uint8_t *begin = out;

		out = render(out, member, &name);
		pieces[value] = (struct category_piece){(uint32_t)(begin - text), (uint32_t)(out - begin)};
	}
	return (size_t)(out - text);
}

int category_fragments_init(
	struct category_fragments *fragments, const struct category_names *names, const char *member, int node)
{
	size_t count = (size_t)names->count + 1, head = count * sizeof(struct category_piece);
	/* What it would be if every byte were escaped. */
	uint8_t *draft = malloc(head + count * (6 * strlen(member) + 16) + (size_t)6 * names->text_len), *memory;
	size_t bytes;

	if (draft == NULL)
		return -ENOMEM;
	bytes = head + render_all(draft + head, (void *)draft, names, member);
	memory = memory_map(bytes + READABLE, CACHE_LINE, node);
	if (memory != NULL)
		memcpy(memory, draft, bytes);
	free(draft);
	if (memory == NULL)
		return -errno;
	*fragments = (struct category_fragments){(void *)memory, memory + head, names->count, bytes + READABLE};
	return 0;
}

int category_fragments_copy(struct category_fragments *copy, const struct category_fragments *fragments, int node)
{
	uint8_t *memory = memory_map(fragments->bytes, CACHE_LINE, node);

	if (memory == NULL)
		return -errno;
	memcpy(memory, fragments->pieces, fragments->bytes);
	*copy = *fragments;
	copy->pieces = (void *)memory;
	copy->text = memory + (fragments->text - (const uint8_t *)fragments->pieces);
	return 0;
}

void category_fragments_fini(struct category_fragments *fragments)
{
	memory_unmap(fragments->pieces, fragments->bytes);
	fragments->pieces = NULL;
}
