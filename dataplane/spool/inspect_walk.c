/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "spool/inspect_priv.h"

struct walk {
	struct spool_inspection *inspection;
	struct spool_log *log;
	uint64_t from;
	uint8_t *payload;
	spool_visit *visit;
	void *context;
	unsigned segment;
	struct spool_point end; /* of the segment */
	uint64_t at;            /* bytes in it: where the next entry should begin */
	struct spool_point here;
	uint64_t done; /* bytes of the segments before */
};

static struct spool_sight sight_of(const struct walk *walk, enum spool_sight_kind kind, uint64_t at, const char *what)
{
	struct spool_sight sight = {.kind = kind, .at = at, .done = walk->done + at};

	spool_segment_name(sight.file, walk->log->segments[walk->segment].first);
	(void)snprintf(sight.what, sizeof(sight.what), "%s", what);
	return sight;
}

static int see(const struct walk *walk, const struct spool_sight *sight)
{
	return walk->visit(walk->context, sight);
}

/* From here to `to` nothing can be read; `until` is where reading goes on, `next` the same or 0. */
static int see_lost(struct walk *walk, struct spool_sight *sight, struct spool_point to, uint64_t until, uint64_t next)
{
	struct spool_point from = walk->here;

	walk->here = to;
	if (to.position <= walk->from)
		return 0;
	sight->length = until > walk->at ? until - walk->at : 0;
	sight->position = from.position;
	sight->count = to.position - from.position;
	sight->events = spool_inspect_unsettled(walk->log, from, to);
	sight->next = next;
	return see(walk, sight);
}

static int see_hole(struct walk *walk, struct spool_point to, uint64_t until, uint64_t next, const char *what)
{
	struct spool_sight sight = sight_of(walk, SPOOL_SIGHT_DAMAGE, walk->at, what);

	return see_lost(walk, &sight, to, until, next);
}

static int see_damaged_payload(const struct walk *walk, const struct spool_found *found)
{
	struct spool_sight sight =
		sight_of(walk, SPOOL_SIGHT_DAMAGE, found->payload_at, "an entry's payload is damaged");
	struct spool_point from = {found->entry.position, found->entry.offset};
	struct spool_point to = {from.position + 1, from.offset + found->entry.events};

	sight.length = found->entry.bytes;
	sight.position = from.position;
	sight.count = 1;
	sight.events = spool_inspect_unsettled(walk->log, from, to);
	sight.next = found->next;
	sight.entry = &found->entry;
	return see(walk, &sight);
}

static int see_entry(struct walk *walk, const struct spool_found *found)
{
	struct spool_sight sight = sight_of(walk, SPOOL_SIGHT_ENTRY, found->at, "");
	int rc = 1;

	walk->at = found->next;
	walk->here = (struct spool_point){found->entry.position + 1, found->entry.offset + found->entry.events};
	if (found->entry.position < walk->from)
		return 0;
	sight.is_empty = (found->flags & SPOOL_FLAG_EMPTY) != 0;
	if (!sight.is_empty)
		rc = spool_reader_payload(&walk->log->reader, found, walk->payload);
	if (rc < 0)
		return rc;
	if (rc == 0)
		return see_damaged_payload(walk, found);
	sight.length = found->next - found->at;
	sight.position = found->entry.position;
	sight.count = 1;
	sight.entry = &found->entry;
	sight.payload = walk->payload;
	return see(walk, &sight);
}

/* The last byte of the open file that is not zero, plus one; `from` when there is none behind it. -errno. */
static int64_t end_of_bytes(struct spool_reader *reader, uint64_t from)
{
	uint64_t end = from;
	uint8_t block[4096];

	for (uint64_t at = from;; at += sizeof(block)) {
		int64_t n = reader->disk->ops->read(reader->disk, reader->file, at, block, sizeof(block));

		if (n < 0)
			return n;
		for (int64_t i = n; i > 0; i--)
			if (block[i - 1] != 0) {
				end = at + (uint64_t)i;
				break;
			}
		if (n < (int64_t)sizeof(block))
			return (int64_t)end;
	}
}

/* Behind the segment's last entry stands nothing, or room that was reserved: what should follow had a file of its own. */
static int see_missing(struct walk *walk)
{
	struct spool_sight sight = sight_of(walk, SPOOL_SIGHT_DAMAGE, walk->at,
		"this file is missing, or the one before it has lost its end");

	spool_segment_name(sight.file, walk->here.position);
	return see_lost(walk, &sight, walk->end, 0, 0);
}

/* The segment has no entry from here on, and should. */
static int see_end(struct walk *walk)
{
	const struct spool_segment *segment = &walk->log->segments[walk->segment];
	int is_begun = walk->here.position > segment->first;
	int64_t end;

	if (walk->at > segment->bytes || (walk->at == segment->bytes && !is_begun))
		return see_hole(walk, walk->end, 0, 0, "the file is cut short");
	end = end_of_bytes(&walk->log->reader, walk->at);
	if (end < 0)
		return (int)end;
	if (end == (int64_t)walk->at && is_begun)
		return see_missing(walk);
	return see_hole(walk, walk->end, segment->bytes, 0, "no entry can be read to the file's end");
}

/* An entry that is the segment's, or with found NULL its end. */
static int step(struct walk *walk, const struct spool_found *found)
{
	struct spool_point to;
	int rc = 0;

	if (found == NULL)
		return see_end(walk);
	to = (struct spool_point){found->entry.position, found->entry.offset};
	if (to.position > walk->here.position)
		rc = see_hole(walk, to, found->at, found->at, "no entry can be read here");
	else if (to.offset != walk->here.offset)
		rc = see_hole(
			walk, to, found->at, found->at, "the count of events does not go on from the entry before");
	return rc == 0 ? see_entry(walk, found) : rc;
}

/* A daemon that is at work takes away what is settled. */
static int see_vanished(struct walk *walk)
{
	struct spool_slots slots;

	spool_slots_read(walk->inspection->view.under, &slots);
	if (spool_slots_now(&slots)->frontier >= walk->end.position)
		return 0;
	return see_hole(walk, walk->end, 0, 0, "the file has gone");
}

static int walk_entries(struct walk *walk)
{
	struct spool_reader *reader = &walk->log->reader;
	int rc = 0;

	while (rc == 0 && walk->here.position < walk->end.position) {
		struct spool_found found;

		rc = spool_reader_next(reader, walk->at, walk->here.position, &found);
		if (rc < 0)
			return rc;
		rc = step(walk, rc == 1 && found.entry.position < walk->end.position ? &found : NULL);
	}
	return rc;
}

static int walk_segment(struct walk *walk)
{
	const struct spool_segment *segment = &walk->log->segments[walk->segment];
	int rc;

	walk->here = (struct spool_point){segment->first, segment->first_offset};
	walk->end = spool_segments_end(walk->log, walk->segment);
	walk->at = sizeof(struct spool_segment_header);
	if (walk->end.position <= walk->from && walk->segment + 1 < walk->log->count)
		return 0;
	rc = spool_reader_open(&walk->log->reader, segment->first);
	if (rc == -ENOENT)
		return see_vanished(walk);
	return rc == 0 ? walk_entries(walk) : rc;
}

static int see_torn(struct walk *walk)
{
	struct spool_sight sight;
	int64_t end;

	if (walk->log->count == 0 || walk->log->reader.file < 0)
		return 0;
	end = end_of_bytes(&walk->log->reader, walk->at);
	if (end <= (int64_t)walk->at)
		return end < 0 ? (int)end : 0;
	sight = sight_of(
		walk, SPOOL_SIGHT_TORN, walk->at, "a write that a crash or an error cut off; it was never promised");
	sight.length = (uint64_t)end - walk->at;
	return see(walk, &sight);
}

int spool_inspect_walk(struct spool_inspection *inspection, uint64_t from, uint8_t *payload, spool_visit *visit,
	void *context, struct error *error)
{
	struct walk walk = {.inspection = inspection,
		.log = inspection->log,
		.from = from,
		.payload = payload,
		.visit = visit,
		.context = context};
	char name[SPOOL_NAME_MAX];
	int rc = 0;

	for (; rc == 0 && walk.segment < walk.log->count; walk.segment++) {
		rc = walk_segment(&walk);
		if (rc == 0 && walk.segment + 1 == walk.log->count)
			rc = see_torn(&walk);
		if (rc < 0) {
			spool_segment_name(name, walk.log->segments[walk.segment].first);
			(void)error_set(error, rc, "%s/%s: cannot be read: %s", walk.log->name, name, strerror(-rc));
		}
		walk.done += walk.log->segments[walk.segment].bytes;
	}
	spool_reader_close(&walk.log->reader);
	return rc;
}
