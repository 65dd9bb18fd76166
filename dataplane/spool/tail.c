/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>

#include "base/clock.h"
#include "base/fault.h"
#include "spool/log_priv.h"
#include "spool/names.h"
#include "spool/planted.h"

void spool_tail_close(struct spool_log *log)
{
	if (log->tail.file >= 0)
		log->disk->ops->close(log->disk, log->tail.file);
	log->count -= log->tail.aside == SPOOL_BESIDE;
	if (log->tail.aside != SPOOL_NAMED)
		spool_reader_close(&log->reader);
	log->tail = (struct spool_tail){.file = -1};
}

/* Gives the file its name. It is whole then, for the name ends the file before, which holds the same entries or (a failed write,
 * a crash) what is to be forgotten. */
static int give_name(struct spool_log *log)
{
	char name[SPOOL_NAME_MAX], aside[SPOOL_NAME_MAX + 8];
	int rc;

	spool_segment_name(name, log->segments[log->count - 1].first);
	(void)snprintf(aside, sizeof(aside), "%s" SPOOL_NEW, name);
	FAULT_KILL("spool_replace_begin");
	rc = log->disk->ops->rename(log->disk, aside, name);
	FAULT_KILL("spool_replace_done");
	if (rc != 0)
		return rc;
	log->tail.aside = SPOOL_NAMED;
	log->names_dirty = 1;
	return 0;
}

static int sync_data(struct spool_log *log)
{
	int rc;

	FAULT_KILL("spool_sync_begin");
	rc = SPOOL_PLANTED(SPOOL_BUG_SYNC_SKIPPED) ? 0 : log->disk->ops->sync(log->disk, log->tail.file);
	if (rc == 0)
		FAULT_KILL("spool_sync_done");
	if (rc == 0 && log->tail.aside != SPOOL_NAMED)
		rc = give_name(log);
	if (rc == 0 && log->names_dirty) {
		rc = log->disk->ops->sync_names(log->disk);
		FAULT_KILL("spool_names_done");
	}
	return rc;
}

/* What is written next begins a block of its own, so that no write to come touches what is durable now. */
int spool_tail_sync(struct spool_log *log)
{
	struct spool_tail *tail = &log->tail;
	int rc;

	if (tail->suspect)
		return -EIO;
	if (tail->file < 0 || log->unsynced == 0)
		return 0;
	if (tail->aside != SPOOL_NAMED && log->end.position < log->rewrite_end)
		return -EAGAIN;
	rc = sync_data(log);
	if (rc != 0) {
		tail->suspect = 1;
		return rc;
	}
	log->names_dirty = 0;
	log->synced = log->end;
	log->unsynced = 0;
	if (!tail->torn)
		tail->at = (tail->at + SPOOL_GROUP_ALIGN - 1) & ~(uint64_t)(SPOOL_GROUP_ALIGN - 1);
	return 0;
}

static uint64_t random_id(void)
{
	uint64_t id = 0;

	while (id == 0)
		if (getrandom(&id, sizeof(id), 0) != (ssize_t)sizeof(id))
			id = (uint64_t)clock_wall_us();
	return id;
}

/* Room that the disk keeps for us; when it does not, writes say so. */
static void reserve(struct spool_log *log, uint64_t size)
{
	struct spool_tail *tail = &log->tail;
	uint64_t step = log->segment_bytes < SPOOL_RESERVE ? log->segment_bytes : SPOOL_RESERVE, want = tail->reserved;
	int rc;

	if (log->no_reserve || size <= want)
		return;
	while (want < size)
		want += step;
	rc = log->disk->ops->reserve(log->disk, tail->file, want);
	if (rc == 0)
		tail->reserved = want;
	else if (rc == -EOPNOTSUPP)
		log->no_reserve = 1;
}

static int open_new(struct spool_log *log, const char *name)
{
	const struct spool_disk_ops *ops = log->disk->ops;
	int file = ops->open(log->disk, name, 1);

	if (file != -EEXIST)
		return file;
	log_write(LOG_WARNING, "%s: %s is in the way: it is kept aside, as .bad", log->name, name);
	file = spool_put_aside(log->disk, name);
	return file == 0 ? ops->open(log->disk, name, 1) : file;
}

static int write_header(struct spool_log *log)
{
	struct spool_segment_header header = {.id = log->tail.id,
		.first = log->end.position,
		.first_offset = log->end.offset,
		.created_us = clock_wall_us()};
	struct iovec piece = {&header, sizeof(header)};

	spool_segment_seal(&header);
	return log->disk->ops->write(log->disk, log->tail.file, 0, &piece, 1);
}

static int open_tail(struct spool_log *log, const char *name, uint64_t size)
{
	int rc = open_new(log, name);

	if (rc < 0)
		return rc;
	log->tail = (struct spool_tail){.file = rc, .id = random_id(), .at = sizeof(struct spool_segment_header)};
	reserve(log, log->tail.at + size);
	return 0;
}

static int add(struct spool_log *log, const char *name, uint64_t size)
{
	int rc = open_tail(log, name, size);

	if (rc != 0)
		return rc;
	FAULT_KILL("spool_create_empty");
	return write_header(log);
}

/* Under a name of its own until all is in it that is to be written anew. */
static int add_aside(struct spool_log *log, const char *name, uint64_t size)
{
	char aside[SPOOL_NAME_MAX + 8];
	int rc;

	(void)snprintf(aside, sizeof(aside), "%s" SPOOL_NEW, name);
	rc = log->disk->ops->unlink(log->disk, aside);
	if (rc == 0 || rc == -ENOENT)
		rc = open_tail(log, aside, size);
	return rc == 0 ? write_header(log) : rc;
}

static int take_away(struct spool_log *log, const char *name, int rc)
{
	if (log->tail.file >= 0 && name != NULL)
		(void)log->disk->ops->unlink(log->disk, name);
	spool_tail_close(log);
	return rc;
}

static int create(struct spool_log *log, uint64_t size)
{
	uint64_t first = log->end.position;
	int again = log->count > 0 && log->segments[log->count - 1].first == first, rewriting = first < log->rewrite_end;
	char name[SPOOL_NAME_MAX];
	int rc = spool_state_make(&log->state);

	if (rc == 0)
		rc = spool_segments_room(log);
	if (rc != 0)
		return rc;
	spool_reader_close(&log->reader);
	spool_segment_name(name, first);
	FAULT_KILL("spool_create_begin");
	rc = again || rewriting ? add_aside(log, name, size) : add(log, name, size);
	if (rc != 0)
		return take_away(log, again || rewriting ? NULL : name, rc);
	FAULT_KILL("spool_create_done");
	log->names_dirty = 1;
	log->count += !again;
	log->segments[log->count - 1] = (struct spool_segment){.first = first, .first_offset = log->end.offset};
	if (again)
		log->tail.aside = SPOOL_REPLACING;
	else if (rewriting)
		log->tail.aside = SPOOL_BESIDE;
	if (!again || rewriting)
		return 0;
	/* A crash, or a write that failed, has left nothing whole in the file of this name. */
	rc = log->disk->ops->sync(log->disk, log->tail.file);
	if (rc == 0)
		rc = give_name(log);
	return rc == 0 ? 0 : take_away(log, NULL, rc);
}

static int fits(const struct spool_log *log, uint64_t size)
{
	const struct spool_tail *tail = &log->tail;

	if (tail->aside != SPOOL_NAMED)
		return 1;
	if (tail->full)
		return 0;
	return tail->at + size <= log->segment_bytes || tail->at == sizeof(struct spool_segment_header);
}

/* A segment is durable before there is a next one: so only the last can be torn. */
int spool_tail_get(struct spool_log *log, uint64_t size)
{
	struct spool_tail *tail = &log->tail;
	int rc = 0;

	if (tail->file >= 0 && !fits(log, size)) {
		rc = spool_tail_sync(log);
		if (rc == 0)
			spool_tail_close(log);
	}
	if (rc == 0 && tail->suspect)
		rc = -EIO;
	if (rc == 0 && tail->file < 0)
		rc = create(log, size);
	if (rc != 0)
		return rc;
	reserve(log, tail->at + size);
	return 0;
}
