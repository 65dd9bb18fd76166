/* SPDX-License-Identifier: Apache-2.0 */
#include "spool/quarantine.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "spool/inspect.h"
#include "spool/reader.h"
#include "spool/state.h"

/* What a former process wrote to the last segment, written again as it is since a sync of it may have failed; and what
 * names there are. */
static int prove(struct spool_disk *disk, const char *last)
{
	struct spool_reader reader;
	uint64_t first = 0;
	int64_t size = 0;
	int rc = spool_reader_init(&reader, disk);

	if (rc == 0)
		rc = spool_segment_first(last, &first) ? spool_reader_open(&reader, first) : -ENOENT;
	if (rc == 0)
		size = disk->ops->size(disk, reader.file);
	if (rc == 0)
		rc = size < 0 ? (int)size : spool_reader_rewrite(&reader, 0, (uint64_t)size);
	if (rc == 0)
		rc = disk->ops->sync(disk, reader.file);
	spool_reader_fini(&reader);
	return rc == 0 ? disk->ops->sync_names(disk) : rc;
}

static int store_end(struct spool_disk *disk, const char *name, const struct spool_log_info *info)
{
	const struct spool_state_record record = {.frontier = info->frontier,
		.frontier_offset = info->frontier_offset,
		.synced = info->end,
		.synced_offset = info->end_offset,
		.given_up = info->given_up};
	struct spool_state state;
	int rc = spool_state_open(&state, disk, name);

	if (rc != 0)
		return rc;
	rc = spool_state_store(&state, &record);
	spool_state_close(&state);
	return rc;
}

static int put_aside(struct spool_disk *disk, const char *file)
{
	char aside[SPOOL_NAME_MAX + 8];
	int there, rc;

	(void)snprintf(aside, sizeof(aside), "%s.bad", file);
	there = disk->ops->open(disk, aside, 0);
	if (there >= 0)
		disk->ops->close(disk, there);
	if (there != -ENOENT)
		return -EEXIST;
	rc = disk->ops->rename(disk, file, aside);
	return rc == 0 ? disk->ops->sync_names(disk) : rc;
}

/* What there is to know of the log, and that the segment is one of it; and the log's last one. */
static int look(struct spool_disk *disk, const char *name, const char *file, struct spool_log_info *info, char *last,
	struct error *error)
{
	struct spool_segment_info segment;
	struct spool_inspection *inspection;
	int rc = spool_inspect_open(&inspection, disk, name, error);

	if (rc != 0)
		return rc;
	spool_inspect_info(inspection, info);
	spool_inspect_last(inspection, last);
	if (!spool_inspect_segment(inspection, file, &segment))
		rc = error_set(error, -ENOENT, "%s/%s: the log has no such segment", name, file);
	spool_inspect_close(inspection);
	return rc;
}

int spool_quarantine(struct spool_disk *disk, const char *name, const char *file, struct error *error)
{
	struct spool_log_info info;
	char last[SPOOL_NAME_MAX];
	int rc = look(disk, name, file, &info, last, error);

	if (rc != 0)
		return rc;
	rc = prove(disk, last);
	if (rc == 0)
		rc = store_end(disk, name, &info);
	if (rc != 0)
		return error_set(error, rc, "%s: its state cannot be kept: %s; nothing was moved", name, strerror(-rc));
	rc = put_aside(disk, file);
	if (rc == -EEXIST)
		return error_set(error, rc, "%s/%s.bad is there already: move it to another place first", name, file);
	return rc == 0 ? 0 : error_set(error, rc, "%s/%s: cannot be moved: %s", name, file, strerror(-rc));
}
