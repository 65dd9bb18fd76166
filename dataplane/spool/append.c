/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <string.h>

#include "base/compiler.h"
#include "base/crc32c.h"
#include "base/fault.h"
#include "spool/log_priv.h"

/* Pieces on their way to the disk, some dozens a call. */
struct batch_write {
	struct spool_log *log;
	uint64_t at;
	struct iovec pieces[48];
	unsigned count;
	uint64_t bytes;
	int rc;
};

static void flush(struct batch_write *write)
{
	struct spool_log *log = write->log;

	if (write->rc == 0 && write->count > 0)
		write->rc = log->disk->ops->write(log->disk, log->tail.file, write->at, write->pieces, write->count);
	write->at += write->bytes;
	write->count = 0;
	write->bytes = 0;
}

static void put(struct batch_write *write, const uint8_t *data, uint64_t len)
{
	if (len == 0)
		return;
	if (write->count == ARRAY_LENGTH(write->pieces))
		flush(write);
	/* The vector has no const; the disk only reads. */
	write->pieces[write->count++] = (struct iovec){(void *)(uintptr_t)data, len};
	write->bytes += len;
}

static int write_entry(
	struct spool_log *log, const struct spool_found *found, const struct slice *pieces, unsigned count)
{
	static const uint8_t zeros[SPOOL_ALIGN];
	struct batch_write write = {.log = log, .at = found->at};
	uint8_t head[SPOOL_HEAD_MAX];
	uint32_t head_len = spool_entry_encode(head, found);

	put(&write, head, head_len);
	if (FAULT("spool_append_half") && count > 0) {
		put(&write, pieces[0].data, pieces[0].len / 2);
		flush(&write);
		FAULT_DIE();
	}
	for (unsigned i = 0; i < count; i++)
		put(&write, pieces[i].data, pieces[i].len);
	put(&write, zeros, found->next - found->at - head_len - found->entry.bytes);
	flush(&write);
	return write.rc;
}

/* The entry where the tail is. A disk that is full may have room later; after any other error a file is not written to
 * again. */
static int write_at_tail(struct spool_log *log, struct spool_found *found, const struct slice *pieces, unsigned count)
{
	uint32_t names = (uint32_t)(strlen(found->entry.topic) + strlen(found->entry.reason));
	uint64_t size = spool_entry_size(names, found->entry.bytes);
	struct spool_tail *tail = &log->tail;
	int rc = spool_tail_get(log, size);

	if (rc != 0)
		return rc;
	found->at = tail->at;
	found->next = tail->at + size;
	found->id = tail->id;
	found->synced = log->synced.position;
	rc = write_entry(log, found, pieces, count);
	tail->torn = rc != 0;
	if (rc != 0) {
		tail->full = rc != -ENOSPC && rc != -EDQUOT;
		tail->suspect |= tail->full && tail->aside != SPOOL_NAMED; /* all of it is written anew, or none */
		return rc;
	}
	FAULT_KILL("spool_append_done");
	tail->at = found->next;
	log->unsynced += size;
	log->segments[log->count - 1].bytes = tail->at > tail->reserved ? tail->at : tail->reserved;
	return 0;
}

/* A position that the log has had keeps its mark; a new one gets this. */
static int append(struct spool_log *log, struct spool_found *found, const struct slice *pieces, unsigned count,
	enum spool_mark mark)
{
	uint64_t position = log->end.position;
	int is_new = position >= log->window.end, rc = 0;

	if (is_new && position - spool_frontier_on_disk(log) >= SPOOL_UNSETTLED_MAX)
		return -ENOBUFS;
	if (position >= SPOOL_POSITION_LIMIT - 1 || log->end.offset >= SPOOL_POSITION_LIMIT - SPOOL_EVENTS_MAX)
		return -ENOBUFS; /* no log ever comes so far: its files were tampered with */
	if (is_new && log->tail.aside != SPOOL_NAMED) /* what is new is to survive the process at once */
		rc = spool_tail_sync(log);
	if (rc == 0)
		rc = spool_window_extend(&log->window, position + 1);
	if (rc != 0)
		return rc;
	found->entry.position = position;
	found->entry.offset = log->end.offset;
	rc = write_at_tail(log, found, pieces, count);
	if (rc != 0) {
		if (is_new)
			log->window.end = position;
		return rc;
	}
	log->end = (struct spool_point){position + 1, log->end.offset + found->entry.events};
	if (position >= log->frontier.position) {
		spool_window_know(&log->window, position, found->entry.events);
		if (is_new || mark == SPOOL_SETTLED)
			spool_window_set(&log->window, position, mark);
	}
	return 0;
}

static int check_and_sum(const struct spool_entry *entry, const struct slice *pieces, unsigned count, uint32_t *crc)
{
	uint64_t bytes = 0;

	*crc = 0;
	for (unsigned i = 0; i < count; i++) {
		bytes += pieces[i].len;
		*crc = crc32c(*crc, pieces[i].data, pieces[i].len);
	}
	if (bytes != entry->bytes || bytes > SPOOL_PAYLOAD_MAX || entry->events > SPOOL_EVENTS_MAX ||
		strnlen(entry->topic, sizeof(entry->topic)) > SPOOL_TOPIC_MAX ||
		strnlen(entry->reason, sizeof(entry->reason)) > SPOOL_REASON_MAX)
		return -EINVAL;
	return 0;
}

int spool_log_append(struct spool_log *log, struct spool_entry *entry, const struct slice *pieces, unsigned count)
{
	struct spool_found found = {.entry = *entry};
	int rc = check_and_sum(entry, pieces, count, &found.payload_crc);

	if (rc == 0)
		rc = append(log, &found, pieces, count, SPOOL_IN_MEMORY);
	if (rc == 0) {
		entry->position = found.entry.position;
		entry->offset = found.entry.offset;
	}
	return rc;
}

int spool_log_append_empty(struct spool_log *log, uint32_t events)
{
	struct spool_found found = {.entry.events = events, .flags = SPOOL_FLAG_EMPTY};
	int rc = events <= SPOOL_EVENTS_MAX ? append(log, &found, NULL, 0, SPOOL_SETTLED) : -EINVAL;

	if (rc == 0)
		spool_marks_advance(log);
	return rc;
}

uint64_t spool_log_unsynced(const struct spool_log *log)
{
	return log->unsynced;
}

int spool_log_sync(struct spool_log *log)
{
	int rc = spool_tail_sync(log);

	if (rc == 0 || rc == -EAGAIN)
		return rc;
	log->suspect++;
	log->rewrite_end = log->window.end;
	log->end = log->synced;
	log->unsynced = 0;
	spool_reader_close(&log->reader);
	spool_tail_close(log);
	return rc;
}
