/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/fault.h"
#include "spool/log_priv.h"
#include "spool/names.h"

int spool_segments_room(struct spool_log *log)
{
	unsigned room = log->room > 0 ? log->room * 2 : 16;
	struct spool_segment *larger;

	if (log->count < log->room)
		return 0;
	larger = reallocarray(log->segments, room, sizeof(*larger));
	if (larger == NULL)
		return -ENOMEM;
	log->segments = larger;
	log->room = room;
	return 0;
}

int spool_segments_find(const struct spool_log *log, uint64_t position)
{
	unsigned low = 0, high = log->count;

	while (low < high) {
		unsigned middle = low + (high - low) / 2;

		if (log->segments[middle].first <= position)
			low = middle + 1;
		else
			high = middle;
	}
	return (int)low - 1;
}

struct spool_point spool_segments_end(const struct spool_log *log, unsigned index)
{
	const struct spool_segment *next = &log->segments[index + 1];

	if (index + 1 == log->count)
		return log->end;
	return (struct spool_point){next->first, next->first_offset};
}

/* A file goes for good before a younger one does: were the younger one gone alone after a crash, the elder would seem
 * to be the log's end, with all that was ever written behind it. */
int spool_segments_remove(struct spool_log *log, unsigned index)
{
	const struct spool_disk_ops *ops = log->disk->ops;
	const struct spool_segment *segment = &log->segments[index];
	char name[SPOOL_NAME_MAX];
	int rc = log->removed_dirty ? ops->sync_names(log->disk) : 0;

	if (rc != 0)
		return rc;
	spool_segment_name(name, segment->first);
	if (log->reader.file >= 0 && log->reader.first == segment->first)
		spool_reader_close(&log->reader);
	FAULT_KILL("spool_unlink_begin");
	rc = segment->damaged ? spool_put_aside(log->disk, name) : ops->unlink(log->disk, name);
	FAULT_KILL("spool_unlink_done");
	if (rc != 0 && rc != -ENOENT)
		return rc;
	log->removed_dirty = 1;
	log->count--;
	memmove(log->segments + index, log->segments + index + 1, (log->count - index) * sizeof(*log->segments));
	return 0;
}

unsigned spool_segments_closed(const struct spool_log *log)
{
	int rewriting = log->end.position < log->rewrite_end;
	unsigned kept = log->tail.file >= 0 || rewriting;

	if (log->tail.aside == SPOOL_BESIDE)
		kept = 2;
	return log->count > kept ? log->count - kept : 0;
}

int spool_segments_retirable(const struct spool_log *log, uint64_t below)
{
	return spool_segments_closed(log) > 0 && spool_segments_end(log, 0).position <= below;
}

int spool_segments_retire(struct spool_log *log, uint64_t below)
{
	int rc = 0;

	while (rc == 0 && spool_segments_retirable(log, below))
		rc = spool_segments_remove(log, 0);
	return rc;
}
