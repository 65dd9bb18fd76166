/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <string.h>

#include "base/clock.h"
#include "control/api/protocol.h"
#include "control/daemon/handlers.h"
#include "control/daemon/lookup.h"
#include "tables/category.h"
#include "tables/geo.h"

/* --- show --- */

static double age_of(int64_t built_us)
{
	return (double)(clock_utc_us(clock_tsc()) - built_us) / 1e6;
}

static json_t *geo_row(const struct geo *geo, const struct config *config)
{
	json_t *files = json_array();
	struct geo_info info;

	geo_describe(geo, &info);
	for (unsigned i = 0; i < config->geo_file_count; i++)
		json_array_append_new(files, json_string(config->geo_files[i]));
	return json_pack("{s:s,s:o,s:I,s:I,s:I,s:I,s:f,s:I,s:I,s:I,s:I}", "table", "geo", "files", files, "entries",
		(json_int_t)info.prefixes, "values", (json_int_t)info.places, "bytes", (json_int_t)info.bytes,
		"built_us", (json_int_t)info.built_us, "age_s", age_of(info.built_us), "loaded_us",
		(json_int_t)info.loaded_us, "load_ms", (json_int_t)info.build_ms, "changes", (json_int_t)0,
		"bad_lines", (json_int_t)0);
}

static json_t *category_row(const struct category *category, const struct category_overlay *overlay, uint64_t bad,
	const struct config *config)
{
	size_t changes = overlay != NULL ? category_overlay_count(overlay) : 0;
	json_t *files = json_pack("[s]", config->category_file);
	struct category_info info;

	if (config->category_changes != NULL)
		json_array_append_new(files, json_string(config->category_changes));
	category_describe(category, &info);
	return json_pack("{s:s,s:o,s:I,s:I,s:I,s:I,s:f,s:I,s:I,s:I,s:I}", "table", "category", "files", files, "entries",
		(json_int_t)info.entries, "values", (json_int_t)info.values, "bytes", (json_int_t)info.bytes,
		"built_us", (json_int_t)info.built_us, "age_s", age_of(info.built_us), "loaded_us",
		(json_int_t)info.loaded_us, "load_ms", (json_int_t)info.build_ms, "changes", (json_int_t)changes,
		"bad_lines", (json_int_t)bad);
}

json_t *handle_tables(void *context, const json_t *params, struct error *error, int *code)
{
	struct generations *generations = &((struct box *)context)->generations;
	json_t *tables = json_array(), *result;
	const struct generation *now;

	(void)params;
	(void)error;
	(void)code;
	pthread_mutex_lock(&generations->lock);
	now = generations->now;
	if (now->geo != NULL)
		json_array_append_new(tables, geo_row(now->geo, generations->config));
	if (now->category != NULL)
		json_array_append_new(tables, category_row(now->category, now->overlay, generations->bad_changes,
							  generations->config));
	result = json_pack("{s:I,s:I,s:o}", "generation", (json_int_t)now->number, "revision",
		(json_int_t)now->revision, "tables", tables);
	pthread_mutex_unlock(&generations->lock);
	return result;
}

/* --- lookup --- */

static json_t *no_table(const char *name, struct error *error)
{
	(void)error_set(error, -ENOENT, "no %s table is loaded; name its file in the configuration", name);
	return NULL;
}

static json_t *rows_of(const struct generation *now, int is_ip, const json_t *keys, struct error *error)
{
	if (is_ip)
		return now->geo != NULL ? lookup_addresses(now->geo, keys) : no_table("geo", error);
	return now->category != NULL ? lookup_items(now->category, now->overlay, keys) : no_table("category", error);
}

json_t *handle_lookup(void *context, const json_t *params, struct error *error, int *code)
{
	struct generations *generations = &((struct box *)context)->generations;
	const char *kind = json_string_value(json_object_get(params, "kind"));
	const json_t *keys = json_object_get(params, "keys");
	int is_ip = kind != NULL && strcmp(kind, "ip") == 0, is_item = kind != NULL && strcmp(kind, "item") == 0;
	json_t *rows, *result = NULL;

	if ((!is_ip && !is_item) || !json_is_array(keys) || json_array_size(keys) > API_LOOKUP_KEYS) {
		*code = API_INVALID_PARAMS;
		(void)error_set(error, -EINVAL,
			"expected kind, which is ip or item, and keys, an array of at most %d texts", API_LOOKUP_KEYS);
		return NULL;
	}
	pthread_mutex_lock(&generations->lock);
	rows = rows_of(generations->now, is_ip, keys, error);
	if (rows != NULL)
		result = json_pack("{s:I,s:I,s:o}", "generation", (json_int_t)generations->now->number, "revision",
			(json_int_t)generations->now->revision, "rows", rows);
	pthread_mutex_unlock(&generations->lock);
	return result;
}
