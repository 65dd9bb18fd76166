/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>
#include <sysexits.h>

#include "base/memory.h"
#include "control/cli/lookup.h"
#include "control/daemon/lookup.h"
#include "control/offline/offline.h"
#include "tables/category.h"
#include "tables/geo.h"

#define BUDGET_BYTES (UINT64_C(1) << 40) /* the machine's memory is the limit here */

/* One of the two. */
struct tables {
	struct geo *geo;
	struct category *category;
};

static int ask(void *context, json_t *keys, json_t **rows)
{
	const struct tables *tables = context;

	*rows = tables->geo != NULL ? lookup_addresses(tables->geo, keys) : lookup_items(tables->category, NULL, keys);
	return 0;
}

static int load(const struct offline *offline, struct tables *tables, struct error *error)
{
	const struct geo_config geo = {.paths = {offline->file},
		.path_count = 1,
		.fields = GEO_COUNTRY | GEO_CITY | GEO_ASN,
		.budget_bytes = BUDGET_BYTES,
		.node = MEMORY_ANY_NODE};
	const struct category_config category = {
		.path = offline->file, .name = "category", .budget_bytes = BUDGET_BYTES, .node = MEMORY_ANY_NODE};

	if (strcmp(offline->words[0], "ip") == 0)
		return geo_new(&tables->geo, &geo, error);
	return category_new(&tables->category, &category, error);
}

int offline_tables_lookup(const struct offline *offline)
{
	struct tables tables = {NULL, NULL};
	const struct lookup lookup = {.keys = offline->words + 1,
		.count = offline->count - 1,
		.json = offline->json,
		.in = stdin,
		.out = offline->out,
		.ask = ask,
		.context = &tables};
	struct error error = {""};
	int code;

	if (offline->file == NULL)
		return offline_fail(offline, EX_USAGE, "-f FILE is missing");
	code = load(offline, &tables, &error) == 0 ? lookup_run(&lookup)
						   : offline_fail(offline, EX_DATAERR, "%s", error.text);
	geo_free(tables.geo);
	category_free(tables.category);
	return code;
}
