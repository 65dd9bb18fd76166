/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <string.h>

#include "base/fault.h"
#include "spool/log_priv.h"

/*
 * All segments but the last were durable before the next one was made, so only the last can hold the traces of a crash:
 * entries that were written and not synced, of which any may be whole, torn or gone. What is known to have been
 * durable, by the state or by an entry that was written later, is kept, and counted as damaged if it cannot be read.
 * Behind it the log ends with the first entry that is not whole.
 */

/* Walks the last segment to its end for what its entries know to be durable. 0 or -errno. */
static int read_evidence(struct spool_log *log, uint64_t *durable)
{
	struct spool_reader *reader = &log->reader;
	struct spool_found found;
	int rc;

	while ((rc = spool_reader_next(reader, reader->at, reader->position, &found)) == 1) {
		reader->at = found.next;
		reader->position = found.entry.position + 1;
		if (found.synced > *durable && found.synced <= found.entry.position)
			*durable = found.synced;
	}
	return rc;
}

/* Where to end at a hole that begins at `from` and reaches to `to`; false: it is damage, and the log goes on behind it.
 */
static int ends_at(struct spool_point from, struct spool_point to, struct spool_point synced, uint64_t durable,
	struct spool_point *end)
{
	if (from.position >= durable) {
		*end = from;
		return 1;
	}
	if (to.position > durable && durable == synced.position) {
		*end = synced;
		return 1;
	}
	return 0;
}

/* Positions from `durable` on must be whole, payload included; 1, 0: this one is not, -errno. */
static int is_whole(struct spool_log *log, const struct spool_found *found, uint64_t durable)
{
	return found->entry.position < durable ? 1 : spool_reader_payload(&log->reader, found, NULL);
}

/* The end of the last segment, which is open, by its entries. 0 or -errno. */
static int scan(struct spool_log *log, const struct spool_segment *segment, struct spool_point synced, uint64_t durable,
	struct spool_point *end)
{
	struct spool_reader *reader = &log->reader;
	struct spool_point at = {segment->first, segment->first_offset};
	struct spool_found found;
	int rc;

	while ((rc = spool_reader_next(reader, reader->at, at.position, &found)) == 1) {
		struct spool_point from = {found.entry.position, found.entry.offset};
		struct spool_point to = {from.position + 1, from.offset + found.entry.events};

		/* An offset that does not follow: the entry before is the one of a write that failed, and its successor
		 * is lost. */
		if ((from.position > at.position || from.offset != at.offset) &&
			ends_at(at, from, synced, durable, end))
			return 0;
		rc = is_whole(log, &found, durable);
		if (rc < 0)
			return rc;
		if (rc == 0 && ends_at(from, to, synced, durable, end))
			return 0;
		at = to;
		reader->at = found.next;
	}
	*end = at.position >= synced.position ? at : synced;
	return rc;
}

/* Raises `offset` to where the last whole entry of the segment ends, as long as it lies before the position. 0 or
 * -errno. */
static int raise_to_end(struct spool_log *log, const struct spool_segment *segment, uint64_t before, uint64_t *offset)
{
	struct spool_reader *reader = &log->reader;
	struct spool_found found;
	int rc = spool_reader_open(reader, segment->first);

	if (rc != 0)
		return rc;
	while ((rc = spool_reader_next(reader, reader->at, reader->position, &found)) == 1 &&
		found.entry.position < before) {
		reader->at = found.next;
		reader->position = found.entry.position + 1;
		if (found.entry.offset + found.entry.events > *offset)
			*offset = found.entry.offset + found.entry.events;
	}
	return rc < 0 ? rc : 0;
}

/* The offset that a header would have told: that of the first entry, or else the last that is known before it. */
static int find_first_offset(struct spool_log *log, unsigned index)
{
	struct spool_segment *segment = &log->segments[index];
	const struct spool_state_record *state = spool_state_now(&log->state);
	struct spool_found found;
	int rc = spool_reader_open(&log->reader, segment->first);

	if (rc == 0)
		rc = spool_reader_next(&log->reader, log->reader.at, segment->first, &found);
	if (rc < 0)
		return rc;
	segment->damaged = 1;
	if (rc == 1 && found.entry.position == segment->first) {
		segment->first_offset = found.entry.offset;
		return 0;
	}
	segment->first_offset = 0;
	if (state->frontier <= segment->first)
		segment->first_offset = state->frontier_offset;
	if (index == 0)
		return 0;
	return raise_to_end(log, &log->segments[index - 1], segment->first, &segment->first_offset);
}

static int find_first_offsets(struct spool_log *log)
{
	for (unsigned i = 0; i < log->count; i++) {
		int rc = log->segments[i].headless ? find_first_offset(log, i) : 0;

		if (rc != 0)
			return rc;
		if (i > 0 && log->segments[i].first_offset < log->segments[i - 1].first_offset)
			log->segments[i].first_offset = log->segments[i - 1].first_offset;
	}
	return 0;
}

/* A file that was made just before a crash has neither a header nor an entry, and says nothing. */
static int drop_last_unwritten(struct spool_log *log)
{
	while (log->count > 0 && log->segments[log->count - 1].headless) {
		struct spool_segment *segment = &log->segments[log->count - 1];
		struct spool_found found;
		int rc = spool_reader_open(&log->reader, segment->first);

		if (rc == 0)
			rc = spool_reader_next(&log->reader, log->reader.at, segment->first, &found);
		if (rc != 0)
			return rc < 0 ? rc : 0;
		rc = spool_reader_blank(&log->reader);
		if (rc < 0)
			return rc;
		if (rc == 0)
			log_write(LOG_WARNING, "%s: the file that begins with %llu has no entry: it is kept as .bad",
				log->name, (unsigned long long)segment->first);
		segment->damaged = rc == 0;
		rc = spool_segments_remove(log, log->count - 1);
		if (rc != 0)
			return rc;
		FAULT_KILL("spool_recover_unwritten");
	}
	return 0;
}

/* Where in the last segment, which was scanned, the first byte stands that may not be durable. */
static int find_unproven(struct spool_log *log, const struct spool_segment *segment, uint64_t durable, uint64_t *from)
{
	struct spool_reader *reader = &log->reader;
	uint64_t at = sizeof(struct spool_segment_header);
	struct spool_found found;
	int rc;

	*from = 0;
	if (durable <= segment->first)
		return 0;
	rc = spool_reader_next(reader, at, durable, &found);
	*from = rc == 1 && found.at < reader->at ? found.at : reader->at;
	return rc < 0 ? rc : 0;
}

/* What a former process wrote may not be durable yet, and a sync of it may have failed, after which the kernel holds
 * for clean what it did not write: so it is written again as it is, and synced. 0 or -errno. */
static int prove_last(struct spool_log *log, const struct spool_segment *segment, uint64_t durable)
{
	struct spool_reader *reader = &log->reader;
	uint64_t from;
	int rc = find_unproven(log, segment, durable, &from);

	if (rc == 0)
		rc = spool_reader_rewrite(reader, from, reader->at);
	return rc == 0 ? log->disk->ops->sync(log->disk, reader->file) : rc;
}

/* Synced is also that a file is gone: were it back after a crash, what a failed write left at its end would be as well.
 * A disk that fails here says nothing of what is durable; it is said, and gone on. */
static void prove_names(struct spool_log *log, int rc)
{
	if (rc == 0)
		rc = log->disk->ops->sync_names(log->disk);
	if (rc == 0)
		return;
	log->suspect++;
	log_write(LOG_ERROR, "%s: %s while syncing what was found: it may not survive the machine's end", log->name,
		strerror(-rc));
}

static int recover_last(struct spool_log *log)
{
	const struct spool_segment *segment = &log->segments[log->count - 1];
	struct spool_point synced = log->synced;
	uint64_t durable = synced.position;
	int rc = spool_reader_open(&log->reader, segment->first);

	if (rc == 0)
		rc = read_evidence(log, &durable);
	if (rc != 0)
		return rc;
	log->reader.at = sizeof(struct spool_segment_header);
	rc = scan(log, segment, synced, durable, &log->end);
	if (rc != 0)
		return rc;
	if (log->end.offset < segment->first_offset) /* offsets never fall, or the next segment's would not follow */
		log->end.offset = segment->first_offset;
	FAULT_KILL("spool_recover_begin");
	prove_names(log, prove_last(log, segment, durable));
	FAULT_KILL("spool_recover_done");
	spool_reader_close(&log->reader);
	return 0;
}

int spool_recover(struct spool_log *log)
{
	const struct spool_state_record *state = spool_state_now(&log->state);
	int rc = drop_last_unwritten(log);

	if (rc == 0)
		rc = find_first_offsets(log);
	if (rc != 0)
		return rc;
	log->given_up = state->given_up;
	log->frontier = (struct spool_point){state->frontier, state->frontier_offset};
	log->synced = (struct spool_point){state->synced, state->synced_offset};
	if (state->generation == 0 && log->count > 0)
		log->frontier = (struct spool_point){log->segments[0].first, log->segments[0].first_offset};
	if (log->synced.position < log->frontier.position)
		log->synced = log->frontier;
	log->end = log->synced;
	if (log->count > 0)
		rc = recover_last(log);
	else
		prove_names(log, 0);
	log->synced = log->end;
	return rc;
}
