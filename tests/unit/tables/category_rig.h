/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* A folder for files, tables out of texts, and look-ups that say what they found. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/memory.h"
#include "tables/category.h"

#define RIG_BUDGET ((uint64_t)1 << 30)

static char rig_folder[64];

static inline int rig_begin(void **state)
{
	(void)state;
	(void)snprintf(rig_folder, sizeof(rig_folder), "%s/penstock-category-XXXXXX", P_tmpdir);
	return mkdtemp(rig_folder) == NULL;
}

static inline int rig_end(void **state)
{
	char command[128];

	(void)state;
	(void)snprintf(command, sizeof(command), "rm -r %s", rig_folder);
	return system(command);
}

/* A path in the folder; good until the call after next. */
static inline const char *rig_path(const char *name)
{
	static char paths[2][256];
	static unsigned turn;

	turn ^= 1;
	(void)snprintf(paths[turn], sizeof(paths[turn]), "%s/%s", rig_folder, name);
	return paths[turn];
}

static inline const char *rig_write(const char *name, const void *data, size_t len)
{
	const char *path = rig_path(name);
	FILE *file;

	(void)unlink(path); /* some file systems write a file through when it takes the place of what it held */
	file = fopen(path, "wb");
	assert_non_null(file);
	assert_int_equal(fwrite(data, 1, len, file), len);
	assert_int_equal(fclose(file), 0);
	return path;
}

static inline int rig_load(struct category **category, const char *path, struct error *error)
{
	struct category_config config = {
		.path = path, .name = "category", .budget_bytes = RIG_BUDGET, .node = MEMORY_ANY_NODE};

	error->text[0] = '\0';
	return category_new(category, &config, error);
}

/* A table of a text, which must be good. */
static inline struct category *rig_table(const char *name, const char *text)
{
	struct category *category = NULL;
	struct error error;
	int rc = rig_load(&category, rig_write(name, text, strlen(text)), &error);

	if (rc != 0)
		fail_msg("%s", error.text);
	return category;
}

static inline struct slice rig_slice(const char *text)
{
	return (struct slice){(const uint8_t *)text, (uint32_t)strlen(text)};
}

/* What a key's event gets. */
static inline const char *rig_text(struct slice fragment)
{
	static char text[1024];

	(void)snprintf(text, sizeof(text), "%.*s", (int)fragment.len, (const char *)fragment.data);
	return text;
}

static inline const char *rig_view(
	const struct category *category, const struct category_overlay *overlay, const char *key)
{
	struct category_key hashed = category_key_text(category, rig_slice(key));

	category_view_prefetch(category, overlay, hashed);
	return rig_text(category_view_find(category, overlay, hashed));
}

static inline const char *rig_find(const struct category *category, const char *key)
{
	struct category_key hashed = category_key_text(category, rig_slice(key));

	category_prefetch(category, hashed);
	return rig_text(category_fragment(category, category_find(category, hashed)));
}

#define assert_category(table, key, name)      assert_string_equal(rig_find(table, key), ",\"category\":" name)
#define assert_view(table, overlay, key, name) assert_string_equal(rig_view(table, overlay, key), ",\"category\":" name)
