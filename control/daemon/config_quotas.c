/* SPDX-License-Identifier: Apache-2.0 */
/* Quotas of senders: how much each may send. */
#include <string.h>

#include "control/daemon/config_parts.h"

#define PATH_SIZE 64

static int add_prefix(const struct reading *reading, const char *path, const struct tree_node *node, struct quota *quota)
{
	struct ip_address address;
	unsigned length;
	char full[PATH_SIZE + 32];

	if (node->kind == TREE_SCALAR &&
		address_parse_prefix((struct slice){(const uint8_t *)node->text, (uint32_t)node->length}, &address, &length) == 0) {
		quota_add_prefix(quota, address, length);
		return 0;
	}
	(void)snprintf(full, sizeof(full), "%s.from", path);
	return reading_fail_value(reading, config_key_find("quotas[]", "from"), full, node,
		"is no network, or has bits behind its prefix");
}

static int read_quota(const struct reading *reading, struct quotas *quotas, const struct tree_node *entry)
{
	struct quota *quota = &quotas->each[quotas->count];
	struct quota_draft draft = {0};
	char path[PATH_SIZE];
	int rc;

	(void)snprintf(path, sizeof(path), "quotas[%u]", quotas->count);
	if (quotas->count > 0 && quota[-1].prefix_count == 0)
		return reading_fail(reading, entry, "%s counts for nobody: the entry before it is for all senders; expected that one at "
						    "the end, or with `from`", path);
	rc = section_read(reading, "quotas[]", path, entry, entry, &draft);
	if (rc != 0)
		return rc;
	quota->datagrams = draft.datagrams;
	quota->bytes = draft.bytes;
	quota->burst_us = draft.burst_us;
	if (draft.from != NULL)
		for (const struct tree_node *n = draft.from->first; n != NULL && rc == 0; n = n->next)
			rc = add_prefix(reading, path, n, quota);
	quotas->count++;
	return rc;
}

int quotas_read(const struct reading *reading, struct config_file *file)
{
	int rc = 0;

	if (file->quotas == NULL)
		return 0;
	for (const struct tree_node *n = file->quotas->first; n != NULL && rc == 0; n = n->next)
		rc = read_quota(reading, &file->config.quotas, n);
	return rc;
}
