/* SPDX-License-Identifier: Apache-2.0 */
#include "control/cli/lookup.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "control/api/protocol.h"
#include "control/cli/cli.h"
#include "control/cli/display.h"

#define KEY_MAX      255 /* bytes of a key; addresses are shorter */
#define REQUEST_ROOM 4096
#define KEY_WIDTH    24
#define SHOWN_MAX    40 /* bytes of a key that is none */

struct asking {
	const struct lookup *lookup;
	json_t *keys; /* not asked about yet */
	size_t cost;  /* bytes that they take in a request at the most */
	bool unknown; /* some */
};

static void print_known(FILE *out, const json_t *row)
{
	const json_t *geo = json_object_get(row, "geo"), *value;
	const char *name, *before = "";
	char *text;

	if (geo == NULL) {
		text = display_member(SHOW_TEXT, row, "category");
		(void)fputs(text, out);
		free(text);
		return;
	}
	json_object_foreach((json_t *)(uintptr_t)geo, name, value) {
		text = display_value(strcmp(name, "asn") == 0 ? SHOW_ADDRESS : SHOW_TEXT, value);
		(void)fputs(before, out);
		display_escaped(out, name);
		(void)fprintf(out, " %s", text);
		free(text);
		before = ", ";
	}
}

static void print_line(FILE *out, const json_t *row)
{
	char *key = display_member(SHOW_TEXT, row, "key"), *why = display_member(SHOW_TEXT, row, "error");

	(void)fprintf(out, "%-*s  ", KEY_WIDTH, key);
	if (json_is_true(json_object_get(row, "found")))
		print_known(out, row);
	else
		(void)fputs(json_object_get(row, "error") != NULL ? why : "unknown", out);
	(void)fputc('\n', out);
	free(why);
	free(key);
}

static void print(struct asking *asking, const json_t *row)
{
	FILE *out = asking->lookup->out;

	asking->unknown |= !json_is_true(json_object_get(row, "found"));
	if (!asking->lookup->json) {
		print_line(out, row);
		return;
	}
	(void)json_dumpf(row, out, JSON_COMPACT | JSON_ENSURE_ASCII | JSON_ENCODE_ANY);
	(void)fputc('\n', out);
}

static int ask(struct asking *asking)
{
	json_t *rows = NULL, *row;
	size_t i;
	int code = 0;

	if (json_array_size(asking->keys) > 0)
		code = asking->lookup->ask(asking->lookup->context, asking->keys, &rows);
	json_array_foreach(rows, i, row)
		print(asking, row);
	asking->unknown |= json_array_size(rows) != json_array_size(asking->keys);
	json_decref(rows);
	json_array_clear(asking->keys);
	asking->cost = 0;
	return code;
}

/* What is not plain is escaped in requests. */
static size_t cost_of(const char *key, size_t len)
{
	size_t cost = sizeof("\"\",");

	for (size_t i = 0; i < len; i++)
		cost += key[i] >= ' ' && key[i] < 0x7f && key[i] != '"' && key[i] != '\\' ? 1 : 6;
	return cost;
}

/* A key that cannot be asked about gets its row at once, behind those of the keys before it. */
static int refuse(struct asking *asking, const char *key, size_t len, const char *why)
{
	char shown[SHOWN_MAX + 1] = "";
	int code = ask(asking);
	json_t *row;

	if (code != 0)
		return code;
	for (size_t i = 0; i < len && i < SHOWN_MAX; i++)
		shown[i] = key[i] >= ' ' && key[i] < 0x7f ? key[i] : '?';
	row = json_pack("{s:s,s:b,s:s}", "key", shown, "found", 0, "error", why);
	print(asking, row);
	json_decref(row);
	return 0;
}

static int add(struct asking *asking, const char *key, size_t len)
{
	size_t cost = cost_of(key, len);
	json_t *text;
	int code = 0;

	if (len > KEY_MAX)
		return refuse(asking, key, len, "is no key: it is longer than 255 bytes");
	text = memchr(key, '\0', len) == NULL ? json_stringn(key, len) : NULL;
	if (text == NULL)
		return refuse(asking, key, len, "is no key: it is no text in UTF-8");
	if (json_array_size(asking->keys) == API_LOOKUP_KEYS || asking->cost + cost > API_REQUEST_MAX - REQUEST_ROOM)
		code = ask(asking);
	json_array_append_new(asking->keys, text);
	asking->cost += cost;
	return code;
}

static int add_lines(struct asking *asking)
{
	char *line = NULL;
	size_t size = 0;
	ssize_t len;
	int code = 0;

	while (code == 0 && (len = getline(&line, &size, asking->lookup->in)) >= 0) {
		while (len > 0 && (line[len - 1] == '\n' || line[len - 1] == '\r'))
			len--;
		if (len > 0)
			code = add(asking, line, (size_t)len);
	}
	free(line);
	return code;
}

int lookup_run(const struct lookup *lookup)
{
	struct asking asking = {.lookup = lookup, .keys = json_array()};
	int code = 0;

	for (int i = 0; i < lookup->count && code == 0; i++)
		code = strcmp(lookup->keys[i], "-") == 0 ? add_lines(&asking)
							 : add(&asking, lookup->keys[i], strlen(lookup->keys[i]));
	if (code == 0)
		code = ask(&asking);
	json_decref(asking.keys);
	if (code != 0)
		return code;
	return asking.unknown ? EXIT_ALARM : 0;
}
