/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "tables/rules_compile.h"
#include "wire/json_paths.h"

int rules_fail(struct rules_compile *c, uint32_t offset, const char *format, ...)
{
	va_list arguments;

	if (c->result != 0)
		return c->result;
	c->result = -EINVAL;
	c->error->rule = c->rule;
	c->error->offset = offset;
	va_start(arguments, format);
	error_cut(c->error->text, sizeof(c->error->text),
		vsnprintf(c->error->text, sizeof(c->error->text), format, arguments));
	va_end(arguments);
	return c->result;
}

int rules_fail_memory(struct rules_compile *c)
{
	if (c->result == 0)
		c->result = -ENOMEM;
	return c->result;
}

static uint8_t byte_at(const struct rules_compile *c, uint32_t at)
{
	return at < c->len ? (uint8_t)c->text[at] : 0;
}

static int is_letter(uint8_t byte)
{
	return (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z');
}

static int is_digit(uint8_t byte)
{
	return byte >= '0' && byte <= '9';
}

static int in_name(uint8_t byte)
{
	return is_letter(byte) || is_digit(byte) || byte == '_' || byte == '-';
}

void rules_skip_space(struct rules_compile *c)
{
	while (c->at < c->len && strchr(" \t\r\n", c->text[c->at]) != NULL)
		c->at++;
}

static int comes_next(const struct rules_compile *c, const char *text, size_t len)
{
	return c->len - c->at >= len && memcmp(c->text + c->at, text, len) == 0;
}

int rules_take_word(struct rules_compile *c, const char *word)
{
	size_t len = strlen(word);

	rules_skip_space(c);
	if (!comes_next(c, word, len) || in_name(byte_at(c, c->at + (uint32_t)len)))
		return 0;
	c->at += (uint32_t)len;
	return 1;
}

int rules_take_sign(struct rules_compile *c, const char *sign)
{
	size_t len = strlen(sign);

	rules_skip_space(c);
	if (!comes_next(c, sign, len))
		return 0;
	c->at += (uint32_t)len;
	return 1;
}

const char *rules_found(const struct rules_compile *c, char out[40])
{
	uint32_t shown = 0;

	if (c->at >= c->len)
		return "the end";
	out[shown++] = '\'';
	do {
		uint8_t byte = byte_at(c, c->at + shown - 1);

		out[shown++] = byte >= 0x20 && byte < 0x7f ? (char)byte : '?';
	} while (shown < 24 && in_name(byte_at(c, c->at + shown - 2)) && in_name(byte_at(c, c->at + shown - 1)));
	out[shown++] = '\'';
	out[shown] = '\0';
	return out;
}

/* --- paths --- */

static int is_reserved(const char *name, uint32_t len)
{
	static const char *const words[] = {"and", "or", "not", "in", "exists", "true", "false", "null"};

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (strlen(words[i]) == len && memcmp(words[i], name, len) == 0)
			return 1;
	return 0;
}

struct path {
	char text[RULES_PATH_MAX + 1];
	uint32_t len;
	unsigned parts;
};

static int add_byte(struct rules_compile *c, uint32_t begin, struct path *path, char byte)
{
	if (path->len == RULES_PATH_MAX)
		return rules_fail(c, begin, "this path is longer than %d bytes", RULES_PATH_MAX);
	path->text[path->len++] = byte;
	path->text[path->len] = '\0';
	return 0;
}

static int add_part(struct rules_compile *c, struct path *path, uint32_t begin, uint32_t end)
{
	if (end - begin > JSON_NAME_MAX)
		return rules_fail(c, begin, "this name is longer than %d bytes", JSON_NAME_MAX);
	if (++path->parts > JSON_PATH_PARTS)
		return rules_fail(c, begin, "this is one more than the %d names that a path may have", JSON_PATH_PARTS);
	if (path->parts > 1 && add_byte(c, begin, path, '.') != 0)
		return c->result;
	for (uint32_t i = begin; i < end; i++) {
		if ((c->text[i] == '.' || c->text[i] == '\\') && add_byte(c, begin, path, '\\') != 0)
			return c->result;
		if (add_byte(c, begin, path, c->text[i]) != 0)
			return c->result;
	}
	return 0;
}

static int take_quoted_part(struct rules_compile *c, struct path *path)
{
	uint32_t open = c->at++, begin = c->at;

	while (c->at < c->len && c->text[c->at] != '`')
		c->at++;
	if (c->at == c->len)
		return rules_fail(c, open, "this name has no end, expected a back quote");
	if (c->at == begin)
		return rules_fail(c, open, "a name between back quotes has at least one character");
	c->at++;
	return add_part(c, path, begin, c->at - 1);
}

static int take_part(struct rules_compile *c, struct path *path)
{
	uint32_t begin = c->at;
	char found[40];

	if (byte_at(c, c->at) == '`')
		return take_quoted_part(c, path);
	while (in_name(byte_at(c, c->at)))
		c->at++;
	if (c->at == begin || is_digit((uint8_t)c->text[begin]) || c->text[begin] == '-') {
		c->at = begin;
		return rules_fail(c, begin,
			"found %s, expected a member's name such as user.country (with other characters than letters, "
			"digits, _ and -, or beginning with a digit: in back quotes)",
			rules_found(c, found));
	}
	if (path->parts == 0 && is_reserved(c->text + begin, c->at - begin))
		return rules_fail(c, begin,
			"%.*s is a word of the language; as a member's name it stands in back quotes",
			(int)(c->at - begin), c->text + begin);
	return add_part(c, path, begin, c->at);
}

int rules_take_path(struct rules_compile *c)
{
	struct path path = {.len = 0};
	uint32_t begin;
	int index;

	rules_skip_space(c);
	begin = c->at;
	for (;; c->at++) {
		if (take_part(c, &path) != 0)
			return c->result;
		if (byte_at(c, c->at) != '.')
			break;
	}
	index = rules_path_add(c->paths, path.text);
	if (index < 0)
		return rules_fail(c, begin, "%.100s is one member too many: the rules of a type may name %d", path.text,
			RULES_PATHS);
	return index;
}

/* --- values --- */

int rules_take_text(struct rules_compile *c, struct rules_text *text)
{
	uint32_t open, len;
	uint8_t *out;
	int written;

	rules_skip_space(c);
	open = c->at++;
	for (; c->at < c->len && c->text[c->at] != '"'; c->at++) {
		if ((uint8_t)c->text[c->at] < 0x20)
			return rules_fail(
				c, c->at, "a control character in a text, expected an escape such as \\n or \\u0001");
		if (c->text[c->at] == '\\' && c->at + 1 < c->len)
			c->at++;
	}
	if (c->at >= c->len)
		return rules_fail(c, open, "this text has no end, expected a closing quote");
	len = c->at++ - open - 1;
	out = rules_vector_add(&c->bytes, 1, len);
	if (out == NULL)
		return rules_fail_memory(c);
	written = json_unescape((struct slice){(const uint8_t *)c->text + open + 1, len}, out, len);
	if (written < 0)
		return rules_fail(c, open,
			"an escape in this text is not one of JSON's: \\\" \\\\ \\/ \\b \\f \\n \\r \\t \\uXXXX");
	c->bytes.count -= len - (uint32_t)written;
	*text = (struct rules_text){c->bytes.count - (uint32_t)written, (uint32_t)written};
	return 0;
}

struct slice rules_take_scalar(struct rules_compile *c)
{
	uint32_t begin;

	rules_skip_space(c);
	begin = c->at;
	while (c->at < c->len && (in_name(byte_at(c, c->at)) || strchr(".:/+%", c->text[c->at]) != NULL) &&
		!(c->text[c->at] == '.' && byte_at(c, c->at + 1) == '.'))
		c->at++;
	return (struct slice){(const uint8_t *)c->text + begin, c->at - begin};
}
