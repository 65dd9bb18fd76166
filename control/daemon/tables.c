/* SPDX-License-Identifier: Apache-2.0 */
#include "control/daemon/tables.h"

#include <inttypes.h>
#include <string.h>
#include <sys/stat.h>

#include "base/log.h"
#include "base/memory.h"
#include "tables/category.h"

#define MARK_BEGIN 0xcbf29ce484222325u

/* FNV-1a, 64 bits. */
static uint64_t mark_bytes(uint64_t mark, const void *bytes, size_t length)
{
	const uint8_t *at = bytes;

	for (size_t i = 0; i < length; i++)
		mark = (mark ^ at[i]) * 0x100000001b3u;
	return mark;
}

/* With the zero at its end, so that two texts in a row are not another two. */
static uint64_t mark_text(uint64_t mark, const char *text)
{
	return mark_bytes(mark, text, strlen(text) + 1);
}

/* A file that is not there has a mark too. */
static uint64_t mark_file(uint64_t mark, const char *path)
{
	struct stat st = {0};
	uint64_t words[5];

	(void)stat(path, &st);
	words[0] = (uint64_t)st.st_dev;
	words[1] = (uint64_t)st.st_ino;
	words[2] = (uint64_t)st.st_size;
	words[3] = (uint64_t)st.st_mtim.tv_sec;
	words[4] = (uint64_t)st.st_mtim.tv_nsec;
	return mark_bytes(mark_text(mark, path), words, sizeof(words));
}

uint64_t tables_mark_config(const char *path)
{
	return mark_file(MARK_BEGIN, path);
}

/* Not its size and time: lines that are added are the feed's. */
static uint64_t mark_changes(uint64_t mark, const char *path, const struct feed *feed)
{
	struct feed_file file;

	if (path == NULL)
		return mark_text(mark, "");
	feed_file_at(&file, path);
	mark = mark_bytes(mark_text(mark, path), &file, sizeof(file));
	return mark_bytes(mark, &feed->anew, sizeof(feed->anew));
}

void tables_mark(const struct config *config, const struct feed *feed, struct tables_marks *marks)
{
	const uint64_t geo[] = {config->geo_fields, config->geo_budget};

	marks->config = tables_mark_config(config->path);
	marks->geo = mark_bytes(MARK_BEGIN, geo, sizeof(geo));
	for (unsigned i = 0; i < config->geo_file_count; i++)
		marks->geo = mark_file(marks->geo, config->geo_files[i]);
	marks->category = mark_bytes(MARK_BEGIN, &config->category_budget, sizeof(config->category_budget));
	marks->category = mark_changes(marks->category, config->category_changes, feed);
	if (config->category_file != NULL)
		marks->category = mark_file(marks->category, config->category_file);
}

/* Where tables are built: other nodes get copies. */
static int first_node(void)
{
	return memory_nodes() > 1 ? 0 : MEMORY_ANY_NODE;
}

static int load_geo(struct generation *generation, const struct config *config, const atomic_int *leave, struct error *error)
{
	struct geo_config c = {.path_count = config->geo_file_count,
		.fields = config->geo_fields,
		.budget_bytes = config->geo_budget,
		.node = first_node(),
		.leave = leave};
	struct geo_info info;
	int rc;

	memcpy(c.paths, config->geo_files, sizeof(c.paths));
	rc = geo_new(&generation->geo, &c, error);
	if (rc != 0)
		return config_tables_fail(config, "geo", "files", rc, error);
	geo_describe(generation->geo, &info);
	if (info.prefixes == 0) {
		rc = error_set(error, -EINVAL, "geo databases: they know no network, so that the place of every event would be unknown; "
			"put whole ones in place");
		return config_tables_fail(config, "geo", "files", rc, error);
	}
	log_write(LOG_NOTICE, "geo: %" PRIu64 " prefixes, %u places, %" PRIu64 " MiB, built in %u ms", info.prefixes, info.places,
		info.bytes >> 20, info.build_ms);
	return 0;
}

static int load_category(struct generation *generation, const struct config *config, struct feed *feed, const atomic_int *leave,
	struct error *error)
{
	const struct category_config c = {.path = config->category_file,
		.name = "category",
		.budget_bytes = config->category_budget,
		.node = first_node(),
		.leave = leave};
	struct category_info info;
	int rc = category_new(&generation->category, &c, error);

	if (rc != 0)
		return config_tables_fail(config, "category", "file", rc, error);
	category_describe(generation->category, &info);
	if (info.entries == 0 && config->category_changes == NULL) {
		rc = error_set(error, -EINVAL, "%s: has no entry, so that the category of every item would be unknown; put a whole file in "
			"place, or name category.changes that fill it", config->category_file);
		return config_tables_fail(config, "category", "file", rc, error);
	}
	log_write(LOG_NOTICE, "category: %" PRIu64 " keys, %u categories, %" PRIu64 " MiB, built in %u ms", info.entries,
		info.values, info.bytes >> 20, info.build_ms);
	*feed = (struct feed){.anew = feed->anew};
	if (config->category_changes == NULL)
		return 0;
	rc = feed_load(feed, config->category_changes, &generation->category, &generation->overlay, leave, error);
	return rc < 0 ? config_tables_fail(config, "category", "changes", rc, error) : 0;
}

static int is_same(uint64_t now, uint64_t then, const void *table)
{
	return table != NULL && now == then;
}

int tables_load(struct generation *generation, const struct config *config, const struct generation *before,
	struct tables_marks *marks, struct feed *feed, const atomic_int *leave, struct error *error)
{
	struct tables_marks now;
	struct feed next = *feed;
	int rc = 0;

	tables_mark(config, feed, &now);
	if (config->geo_file_count > 0 && is_same(now.geo, marks->geo, before != NULL ? before->geo : NULL))
		generation->geo = before->geo;
	else if (config->geo_file_count > 0)
		rc = load_geo(generation, config, leave, error);
	if (rc != 0 || config->category_file == NULL)
		goto out;
	if (is_same(now.category, marks->category, before != NULL ? before->category : NULL)) {
		generation->category = before->category;
		generation->overlay = before->overlay;
		generation->revision = before->revision;
	} else {
		rc = load_category(generation, config, &next, leave, error);
	}
out:
	if (rc == 0) {
		*marks = now;
		*feed = next;
	}
	return rc;
}

int tables_changed(const struct config *config, const struct feed *feed, const struct tables_marks *marks)
{
	struct tables_marks now;

	tables_mark(config, feed, &now);
	return now.config != marks->config || now.geo != marks->geo || now.category != marks->category;
}
