/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdio.h>

#include "spool/log_priv.h"

int spool_log_copy(struct spool_log *log, uint64_t position, const char *reason, struct spool_entry *entry, void *data,
	uint32_t size)
{
	struct spool_point hole[2];
	struct spool_found found;
	struct slice payload;

	if (spool_find(log, position, &found, hole) != 1 || found.entry.bytes > size ||
		spool_reader_payload(&log->reader, &found, data) != 1)
		return -ENODATA;
	*entry = found.entry;
	if (reason != NULL)
		(void)snprintf(entry->reason, sizeof(entry->reason), "%s", reason);
	payload = (struct slice){data, entry->bytes};
	return spool_log_append(log, entry, &payload, 1);
}
