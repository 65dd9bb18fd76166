/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "spool/log_priv.h"

struct listing {
	struct spool_log *log;
	unsigned foreign;
	char example[SPOOL_NAME_MAX];
	char unfinished[SPOOL_NAME_MAX + 8]; /* what a former process left; "" */
	int rc;
};

static int ends_in(const char *name, const char *end)
{
	size_t len = strlen(name), end_len = strlen(end);

	return len > end_len && strcmp(name + len - end_len, end) == 0;
}

/* A segment that did not come to its name. */
static int is_unfinished(const char *name)
{
	char segment[SPOOL_NAME_MAX];
	uint64_t first;

	if (!ends_in(name, SPOOL_NEW) || strlen(name) >= sizeof(segment))
		return 0;
	(void)snprintf(segment, sizeof(segment), "%.*s", (int)(strlen(name) - strlen(SPOOL_NEW)), name);
	return spool_segment_first(segment, &first);
}

static int list_name(void *context, const char *name)
{
	struct listing *listing = context;
	struct spool_log *log = listing->log;
	uint64_t first;

	if (spool_segment_first(name, &first)) {
		listing->rc = spool_segments_room(log);
		if (listing->rc == 0)
			log->segments[log->count++] = (struct spool_segment){.first = first};
		return listing->rc;
	}
	if (is_unfinished(name))
		(void)snprintf(listing->unfinished, sizeof(listing->unfinished), "%s", name);
	else if (strcmp(name, SPOOL_STATE_NAME) != 0 && !ends_in(name, ".bad") && listing->foreign++ == 0)
		(void)snprintf(listing->example, sizeof(listing->example), "%s", name);
	return 0;
}

static int compare(const void *a, const void *b)
{
	const struct spool_segment *x = a, *y = b;

	return x->first < y->first ? -1 : x->first > y->first;
}

static int put_aside(struct spool_log *log, unsigned index, const char *why)
{
	char name[SPOOL_NAME_MAX];
	int rc;

	spool_segment_name(name, log->segments[index].first);
	log_write(LOG_WARNING, "%s: %s is %s: it is kept aside, as .bad", log->name, name, why);
	log->segments[index].damaged = 1;
	rc = spool_segments_remove(log, index);
	if (rc != 0)
		log_write(LOG_ERROR, "%s: %s cannot be renamed: %s", log->name, name, strerror(-rc));
	return rc;
}

/* One without a whole header says nothing of its first offset: spool_recover finds it. */
static int read_header(struct spool_log *log, unsigned index)
{
	struct spool_segment *segment = &log->segments[index];
	struct spool_reader *reader = &log->reader;
	int rc = spool_reader_open(reader, segment->first);
	int64_t size;

	if (rc != 0)
		return rc;
	size = log->disk->ops->size(log->disk, reader->file);
	if (size < 0)
		return (int)size;
	segment->bytes = (uint64_t)size;
	segment->headless = reader->header != 0;
	segment->first_offset = reader->offset;
	return reader->header == -ENOTSUP ? -ENOTSUP : 0;
}

static int refuse(const struct spool_log *log, unsigned index, int rc, struct error *error)
{
	char name[SPOOL_NAME_MAX];

	spool_segment_name(name, log->segments[index].first);
	if (rc == -ENOTSUP)
		return error_set(error, rc,
			"%s: %s is of a newer format than this program's %u: start the version that wrote it",
			log->name, name, SPOOL_VERSION);
	return error_set(error, rc, "%s: %s cannot be read: %s", log->name, name, strerror(-rc));
}

static int read_headers(struct spool_log *log, struct error *error)
{
	unsigned index = 0;

	while (index < log->count) {
		int rc = read_header(log, index);

		if (rc == -EISDIR || rc == -ELOOP || rc == -ENXIO)
			rc = put_aside(log, index, "no file");
		else if (rc == 0)
			index++;
		if (rc != 0)
			return refuse(log, index, rc, error);
	}
	spool_reader_close(&log->reader);
	return 0;
}

/* Positions that no log of this kind can reach: files that were put here by hand. */
static int drop_far(struct spool_log *log)
{
	uint64_t last = spool_frontier_on_disk(log) + 2 * SPOOL_UNSETTLED_MAX;
	int rc = 0;

	while (rc == 0 && log->count > 0 && log->segments[log->count - 1].first > last)
		rc = put_aside(log, log->count - 1, "too far from the others");
	return rc;
}

int spool_directory_read(struct spool_log *log, struct error *error)
{
	struct listing listing = {.log = log};
	int rc = log->disk->ops->list(log->disk, list_name, &listing);

	if (rc == 0)
		rc = listing.rc;
	if (rc != 0)
		return error_set(error, rc, "%s: its directory cannot be read: %s", log->name, strerror(-rc));
	if (listing.foreign > 0)
		log_write(LOG_NOTICE, "%s: %u files of others in its directory, %s for one, are left alone", log->name,
			listing.foreign, listing.example);
	if (listing.unfinished[0] != '\0')
		(void)log->disk->ops->unlink(log->disk, listing.unfinished);
	if (log->count > 0)
		qsort(log->segments, log->count, sizeof(*log->segments), compare);
	rc = drop_far(log);
	if (rc != 0)
		return error_set(error, rc, "%s: a file cannot be put aside: %s", log->name, strerror(-rc));
	return read_headers(log, error);
}
