/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "base/compiler.h"
#include "control/daemon/config_parts.h"

#define PATH_MAX_BYTES 1024u

static int read_file(const struct reading *reading, struct config_file *file, const struct tree_node *node)
{
	if (node->kind != TREE_SCALAR || node_is_empty(node) || node->length > PATH_MAX_BYTES)
		return reading_fail(reading, node, "geo.files: is no path; expected one of up to %u bytes", PATH_MAX_BYTES);
	file->config.geo_files[file->config.geo_file_count++] = node->text;
	return 0;
}

static int read_field(const struct reading *reading, struct config_file *file, const struct tree_node *node)
{
	static const struct {
		const char *name;
		unsigned field;
	} fields[] = {{"country", GEO_COUNTRY}, {"city", GEO_CITY}, {"asn", GEO_ASN}};

	for (size_t i = 0; node->kind == TREE_SCALAR && i < ARRAY_LENGTH(fields); i++)
		if (strcmp(node->text, fields[i].name) == 0) {
			file->config.geo_fields |= fields[i].field;
			return 0;
		}
	return reading_fail_value(reading, config_key_find("geo", "fields"), "geo.fields", node, "is no field");
}

static int check_changes(const struct reading *reading, const struct config *config)
{
	if (config->category_changes == NULL || config->category_file != NULL)
		return 0;
	return reading_fail(reading, tree_find(tree_find(tree_root(reading->tree), "category"), "changes"),
		"category.changes: there is no table that they change; expected category.file, too");
}

int config_tables_fail(const struct config *config, const char *section, const char *key, int rc, struct error *error)
{
	const struct tree *tree = ((const struct config_file *)config)->tree;
	const struct tree_node *node = tree_find(tree_find(tree_root(tree), section), key);
	const struct error why = *error;

	return error_set(error, rc, "%s:%u:%u: %s.%s: %s", config->path, node->line, node->column, section, key, why.text);
}

int tables_read(const struct reading *reading, struct config_file *file)
{
	int rc = 0;

	file->config.geo_fields = GEO_COUNTRY;
	if (file->geo_files != NULL)
		for (const struct tree_node *n = file->geo_files->first; n != NULL && rc == 0; n = n->next)
			rc = read_file(reading, file, n);
	if (file->geo_fields != NULL)
		for (const struct tree_node *n = file->geo_fields->first; n != NULL && rc == 0; n = n->next)
			rc = read_field(reading, file, n);
	return rc == 0 ? check_changes(reading, &file->config) : rc;
}
