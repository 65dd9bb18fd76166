/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sysexits.h>

#include <jansson.h>

#include "base/memory.h"
#include "control/api/protocol.h"
#include "control/cli/display.h"
#include "control/daemon/json_text.h"
#include "control/offline/offline.h"
#include "tables/category.h"

#define BUDGET_BYTES (UINT64_C(1) << 40) /* the machine's memory is the limit here */

static void print(const struct offline *offline, const struct category_info *info)
{
	struct stat st = {0};
	json_t *result;

	(void)stat(offline->words[1], &st);
	result = json_pack("{s:i,s:o,s:I,s:I,s:I,s:I,s:I}", "schema_version", API_SCHEMA_VERSION, "file",
		json_text(offline->words[1]), "keys", (json_int_t)info->entries, "categories", (json_int_t)info->values, "file_bytes",
		(json_int_t)st.st_size, "table_bytes", (json_int_t)info->bytes, "build_ms", (json_int_t)info->build_ms);
	if (offline->json) {
		(void)json_dumpf(result, offline->out, JSON_COMPACT | JSON_ENSURE_ASCII);
		(void)fputc('\n', offline->out);
	} else {
		static const struct display_column columns[] = {
			{"file", "FILE", SHOW_TEXT},
			{"keys", "KEYS", SHOW_COUNT},
			{"categories", "CATEGORIES", SHOW_COUNT},
			{"file_bytes", "SIZE", SHOW_BYTES},
			{"table_bytes", "IN MEMORY", SHOW_BYTES},
			{"build_ms", "BUILT IN MS", SHOW_COUNT},
			{0},
		};
		json_t *rows = json_pack("[O]", result);

		display_rows(offline->out, columns, rows);
		json_decref(rows);
	}
	json_decref(result);
}

static int is_same_file(const struct stat *source, const char *path)
{
	struct stat st;

	return lstat(path, &st) == 0 && st.st_dev == source->st_dev && st.st_ino == source->st_ino;
}

/* Whether FILE is OUT, or OUT.new, which is written first and takes its place. */
static int is_own_source(const struct offline *offline)
{
	char *temporary;
	struct stat source;
	int is;

	if (stat(offline->words[0], &source) != 0 || asprintf(&temporary, "%s.new", offline->words[1]) < 0)
		return 0;
	is = is_same_file(&source, offline->words[1]) || is_same_file(&source, temporary);
	free(temporary);
	return is;
}

int offline_tables_build(const struct offline *offline)
{
	const struct category_config config = {
		.path = offline->words[0], .name = "category", .budget_bytes = BUDGET_BYTES, .node = MEMORY_ANY_NODE};
	struct category *category = NULL;
	struct error error = {""};
	struct category_info info;
	int code = 0;

	if (is_own_source(offline))
		return offline_fail(offline, EX_CANTCREAT, "%s: would take the place of %s, which it is made of; name another file",
			offline->words[1], offline->words[0]);
	if (category_new(&category, &config, &error) != 0)
		return offline_fail(offline, EX_DATAERR, "%s", error.text);
	category_describe(category, &info);
	if (category_save(category, offline->words[1], &error) != 0)
		code = offline_fail(offline, EX_CANTCREAT, "%s", error.text);
	else
		print(offline, &info);
	category_free(category);
	return code;
}
