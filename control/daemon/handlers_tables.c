/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <string.h>

#include "control/api/protocol.h"
#include "control/daemon/handlers.h"
#include "control/daemon/lookup.h"
#include "tables/category.h"
#include "tables/geo.h"

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
		(void)error_set(error, -EINVAL, "expected kind, which is ip or item, and keys, an array of at most %d texts",
			API_LOOKUP_KEYS);
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
