/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>

#include "spool/log_priv.h"

static int open_at(struct spool_log *log, const struct spool_segment *segment, uint64_t position)
{
	struct spool_reader *reader = &log->reader;
	int rc;

	if (reader->file >= 0 && reader->first == segment->first && reader->position <= position)
		return 0;
	if (log->tail.aside != SPOOL_NAMED && segment == &log->segments[log->count - 1])
		rc = spool_reader_open_as(reader, segment->first, SPOOL_NEW);
	else
		rc = spool_reader_open(reader, segment->first);
	if (rc == 0)
		reader->offset = segment->first_offset;
	return rc;
}

/* Walks the open segment, whose positions end at `end`, to the position. */
static int walk(struct spool_reader *reader, uint64_t position, struct spool_point end, struct spool_found *found,
	struct spool_point hole[2])
{
	for (;;) {
		int rc = spool_reader_next(reader, reader->at, reader->position, found);

		if (rc < 0)
			return rc;
		hole[0] = (struct spool_point){reader->position, reader->offset};
		if (rc == 0 || found->entry.position >= end.position) {
			hole[1] = end;
			return 0;
		}
		if (found->entry.position > position) {
			hole[1] = (struct spool_point){found->entry.position, found->entry.offset};
			return 0;
		}
		if (found->entry.position == position)
			return 1;
		reader->at = found->next;
		reader->position = found->entry.position + 1;
		reader->offset = found->entry.offset + found->entry.events;
	}
}

int spool_find(struct spool_log *log, uint64_t position, struct spool_found *found, struct spool_point hole[2])
{
	int index = spool_segments_find(log, position), rc;
	struct spool_segment *segment;

	if (index < 0) {
		hole[0] = log->frontier;
		hole[1] = log->count > 0 ? (struct spool_point){log->segments[0].first, log->segments[0].first_offset}
					 : log->end;
		return 0;
	}
	segment = &log->segments[index];
	rc = open_at(log, segment, position);
	if (rc == 0) {
		rc = walk(&log->reader, position, spool_segments_end(log, (unsigned)index), found, hole);
	} else if (rc == -ENOENT) { /* somebody took the file away */
		hole[0] = (struct spool_point){segment->first, segment->first_offset};
		hole[1] = spool_segments_end(log, (unsigned)index);
		rc = 0;
	}
	if (rc == 0)
		segment->damaged = 1;
	return rc;
}

static void say_damage(struct spool_log *log, uint64_t position, uint64_t events)
{
	unsigned suppressed;

	if (log_allowed(&log->said, 10, &suppressed))
		log_write(LOG_ERROR, "%s: %llu events at position %llu cannot be read (%u more such places before)",
			log->name, (unsigned long long)events, (unsigned long long)position, suppressed);
}

/* Settles what only the disk had of [from, to); all positions there hold `events` together. */
static void settle_damaged(struct spool_log *log, struct spool_point from, struct spool_point to)
{
	uint64_t events = spool_events_between(from, to), lost, left;

	lost = left = spool_marks_on_disk(log, from.position, to.position, events);
	for (uint64_t position = from.position; position < to.position; position++) {
		uint32_t share = left < SPOOL_EVENTS_MAX ? (uint32_t)left : SPOOL_EVENTS_MAX;

		if (spool_window_mark(&log->window, position) != SPOOL_ON_DISK)
			continue;
		spool_window_know(&log->window, position, share);
		spool_window_set(&log->window, position, SPOOL_SETTLED);
		left -= share;
	}
	log->damaged += lost;
	say_damage(log, from.position, lost);
	spool_marks_advance(log);
}

static void settle_hole(struct spool_log *log, const struct spool_point hole[2])
{
	struct spool_point from = hole[0].position > log->frontier.position ? hole[0] : log->frontier;

	settle_damaged(log, from, hole[1]);
}

static void settle_empty(struct spool_log *log, const struct spool_entry *entry)
{
	spool_window_know(&log->window, entry->position, entry->events);
	spool_window_set(&log->window, entry->position, SPOOL_SETTLED);
	log->empty += entry->events;
	spool_marks_advance(log);
}

static void settle_bad(struct spool_log *log, const struct spool_entry *entry)
{
	struct spool_point from = {entry->position, 0}, to = {entry->position + 1, entry->events};

	log->segments[spool_segments_find(log, entry->position)].damaged = 1;
	settle_damaged(log, from, to);
}

void spool_log_reject(struct spool_log *log, const struct spool_entry *entry)
{
	spool_log_mark(log, entry->position, SPOOL_ON_DISK);
	settle_bad(log, entry);
}

/* 1 with the payload, 0: nothing here, go on; -errno. */
static int take(
	struct spool_log *log, const struct spool_found *found, struct spool_entry *entry, void *data, uint32_t size)
{
	int rc;

	if ((found->flags & SPOOL_FLAG_EMPTY) != 0) {
		settle_empty(log, &found->entry);
		return 0;
	}
	*entry = found->entry;
	if (entry->bytes > size)
		return -EMSGSIZE;
	rc = spool_reader_payload(&log->reader, found, data);
	if (rc < 0)
		return rc;
	if (rc == 0) {
		settle_bad(log, entry);
		return 0;
	}
	spool_window_know(&log->window, entry->position, entry->events);
	spool_window_set(&log->window, entry->position, SPOOL_IN_MEMORY);
	return 1;
}

int spool_log_read(struct spool_log *log, uint64_t from, struct spool_entry *entry, void *data, uint32_t size)
{
	uint64_t position = from;

	for (;; position++) {
		struct spool_point hole[2];
		struct spool_found found;
		int rc;

		if (position < log->frontier.position)
			position = log->frontier.position;
		while (position < log->end.position && spool_window_mark(&log->window, position) != SPOOL_ON_DISK)
			position++;
		if (position >= log->end.position)
			return 0;
		rc = spool_find(log, position, &found, hole);
		if (rc == 0)
			settle_hole(log, hole);
		else if (rc == 1)
			rc = take(log, &found, entry, data, size);
		if (rc != 0)
			return rc;
	}
}

int spool_log_each(struct spool_log *log, uint64_t from, spool_told each, void *context)
{
	struct spool_point hole[2];
	struct spool_found found;
	int rc = 1, holes = 0;

	if (log->count > 0 && from < log->segments[0].first)
		from = log->segments[0].first;
	for (; rc >= 0 && log->count > 0 && from < log->end.position; from = rc == 1 ? from + 1 : hole[1].position) {
		rc = spool_find(log, from, &found, hole);
		if (rc == 1 && (found.flags & SPOOL_FLAG_EMPTY) == 0)
			each(context, &found.entry);
		holes |= rc == 0;
		if (rc == 0 && hole[1].position <= from)
			break;
	}
	spool_reader_close(&log->reader);
	return rc < 0 ? rc : holes;
}
