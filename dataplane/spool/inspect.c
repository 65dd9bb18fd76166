/* SPDX-License-Identifier: Apache-2.0 */
#include "spool/inspect.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "spool/inspect_priv.h"

#define TRIES  8 /* while a daemon changes what is read */
#define JUMPS  4 /* over damage, to the oldest entry */
#define SIGHTS 64u /* that there is room for at first */

static int read_slot(struct spool_disk *disk, int file, unsigned slot, struct spool_state_record *record)
{
	static const struct spool_state_record none;
	int64_t n = disk->ops->read(disk, file, (uint64_t)slot * SPOOL_STATE_BLOCK, record, sizeof(*record));
	int rc = n < 0 ? (int)n : spool_state_check(record);

	if (rc == 0)
		return 0;
	if (n == (int64_t)sizeof(*record) && memcmp(record, &none, sizeof(none)) == 0)
		rc = 0;
	*record = none;
	return rc;
}

void spool_slots_read(struct spool_disk *disk, struct spool_slots *slots)
{
	int file = disk->ops->open(disk, SPOOL_STATE_NAME, 0);

	*slots = (struct spool_slots){.missing = file == -ENOENT};
	for (unsigned i = 0; i < 2; i++)
		slots->rcs[i] = file >= 0 ? read_slot(disk, file, i, &slots->records[i]) : file;
	if (file >= 0)
		disk->ops->close(disk, file);
}

uint64_t spool_inspect_unsettled(const struct spool_log *log, struct spool_point from, struct spool_point to)
{
	if (to.position <= log->frontier.position)
		return 0;
	if (from.position < log->frontier.position)
		from = log->frontier;
	return spool_events_between(from, to);
}

/* Without memory for one more, the last one's place. */
static struct spool_sight *next_sight(struct spool_inspection *inspection)
{
	unsigned room = inspection->room * 2;
	struct spool_sight *more;

	if (inspection->count == inspection->room) {
		more = reallocarray(inspection->sights, room, sizeof(*more));
		if (more == NULL)
			return &inspection->sights[inspection->count - 1];
		inspection->sights = more;
		inspection->room = room;
	}
	return &inspection->sights[inspection->count++];
}

__attribute__((format(printf, 4, 5))) static struct spool_sight *add(
	struct spool_inspection *inspection, enum spool_sight_kind kind, const char *file, const char *fmt, ...)
{
	struct spool_sight *sight = next_sight(inspection);
	va_list ap;

	*sight = (struct spool_sight){.kind = kind};
	(void)snprintf(sight->file, sizeof(sight->file), "%s", file);
	va_start(ap, fmt);
	(void)vsnprintf(sight->what, sizeof(sight->what), fmt, ap);
	va_end(ap);
	return sight;
}

static void see_state(struct spool_inspection *inspection)
{
	const struct spool_slots *slots = &inspection->slots;
	int has = spool_slots_now(slots)->generation != 0;

	for (unsigned i = 0; i < 2 && !slots->missing; i++) {
		struct spool_sight *sight;

		if (slots->rcs[i] == 0)
			continue;
		sight = add(inspection, SPOOL_SIGHT_DAMAGE, SPOOL_STATE_NAME, "%s",
			has ? "one slot is damaged; the other one serves"
			    : "no slot is whole: what is settled and still here comes again");
		sight->at = (uint64_t)i * SPOOL_STATE_BLOCK;
		sight->length = sizeof(struct spool_state_record);
	}
}

static void see_headers(struct spool_inspection *inspection)
{
	const struct spool_log *log = inspection->log;
	char name[SPOOL_NAME_MAX];

	for (unsigned i = 0; i < log->count; i++) {
		if (!log->segments[i].headless)
			continue;
		spool_segment_name(name, log->segments[i].first);
		add(inspection, SPOOL_SIGHT_DAMAGE, name, "the file's header is damaged; its entries tell what it said")
			->length = sizeof(struct spool_segment_header);
	}
}

/* Entries that nobody has settled, and that no file is there for. */
static void see_missing(struct spool_inspection *inspection)
{
	const struct spool_log *log = inspection->log;
	struct spool_point to = log->end;
	struct spool_sight *sight;
	char name[SPOOL_NAME_MAX];

	if (log->count > 0)
		to = (struct spool_point){log->segments[0].first, log->segments[0].first_offset};
	if (log->frontier.position >= to.position)
		return;
	spool_segment_name(name, log->frontier.position);
	sight = add(inspection, SPOOL_SIGHT_DAMAGE, name, "this file, or one before it, is missing");
	sight->position = log->frontier.position;
	sight->count = to.position - log->frontier.position;
	sight->events = spool_inspect_unsettled(log, log->frontier, to);
}

static void see_aside(struct spool_inspection *inspection)
{
	for (unsigned i = 0; i < inspection->view.aside && i < SPOOL_VIEW_ASIDE; i++)
		if (strcmp(inspection->view.names[i], SPOOL_STATE_NAME) != 0)
			add(inspection, SPOOL_SIGHT_DAMAGE, inspection->view.names[i],
				"it is no segment of this log: a start would put it aside as .bad");
}

static int see_name(void *context, const char *name)
{
	size_t len = strlen(name);
	uint64_t first;

	if (spool_segment_first(name, &first) || strcmp(name, SPOOL_STATE_NAME) == 0)
		return 0;
	if (len > 4 && strcmp(name + len - 4, ".bad") == 0)
		add(context, SPOOL_SIGHT_NOTE, name, "put aside, never read again, and to be deleted by hand");
	else if (len > 4 && strcmp(name + len - 4, ".new") == 0)
		add(context, SPOOL_SIGHT_NOTE, name, "begun when the machine or the daemon ended; not read");
	else
		add(context, SPOOL_SIGHT_NOTE, name, "not the spool's");
	return 0;
}

static int open_once(
	struct spool_inspection *inspection, struct spool_disk *under, const char *name, struct error *error)
{
	struct spool_log_config config = {.disk = &inspection->view.disk, .name = name};
	struct spool_slots after;
	int rc;

	spool_view_init(&inspection->view, under);
	spool_slots_read(under, &inspection->slots);
	rc = spool_log_open(&inspection->log, &config, error);
	if (rc == -ENOENT)
		return -EAGAIN;
	if (rc != 0)
		return rc;
	spool_slots_read(under, &after);
	if (spool_slots_now(&after)->generation == spool_slots_now(&inspection->slots)->generation)
		return 0;
	spool_log_close(inspection->log);
	inspection->log = NULL;
	return -EAGAIN;
}

int spool_inspect_open(struct spool_inspection **out, struct spool_disk *under, const char *name, struct error *error)
{
	struct spool_inspection *inspection = calloc(1, sizeof(*inspection));
	int rc = inspection != NULL ? -EAGAIN : error_set(error, -ENOMEM, "%s: no memory", name);

	if (inspection != NULL) {
		inspection->room = SIGHTS;
		inspection->sights = calloc(SIGHTS, sizeof(*inspection->sights));
	}
	if (inspection != NULL && inspection->sights == NULL)
		rc = error_set(error, -ENOMEM, "%s: no memory", name);
	for (unsigned i = 0; rc == -EAGAIN && i < TRIES; i++)
		rc = open_once(inspection, under, name, error);
	if (rc == -EAGAIN)
		rc = error_set(error, rc, "%s: a daemon changes it too fast to be looked at: try again", name);
	if (rc != 0) {
		spool_inspect_close(inspection);
		return rc;
	}
	see_state(inspection);
	see_aside(inspection);
	see_headers(inspection);
	see_missing(inspection);
	(void)under->ops->list(under, see_name, inspection);
	*out = inspection;
	return 0;
}

void spool_inspect_close(struct spool_inspection *inspection)
{
	if (inspection == NULL)
		return;
	spool_log_close(inspection->log);
	free(inspection->sights);
	free(inspection);
}

void spool_inspect_info(const struct spool_inspection *inspection, struct spool_log_info *info)
{
	spool_log_info(inspection->log, info);
}

const struct spool_sight *spool_inspect_sights(const struct spool_inspection *inspection, unsigned *count)
{
	*count = inspection->count;
	return inspection->sights;
}

int spool_inspect_oldest(struct spool_inspection *inspection, struct spool_entry *entry)
{
	struct spool_log *log = inspection->log;
	uint64_t position = log->frontier.position;

	for (unsigned i = 0; i < JUMPS && position < log->end.position; i++) {
		struct spool_point hole[2];
		struct spool_found found;
		int rc = spool_find(log, position, &found, hole);

		if (rc == 1)
			*entry = found.entry;
		if (rc != 0)
			return rc;
		position = hole[1].position;
	}
	return 0;
}

int spool_inspect_segment(const struct spool_inspection *inspection, const char *name, struct spool_segment_info *info)
{
	const struct spool_log *log = inspection->log;
	uint64_t first;
	int index = spool_segment_first(name, &first) ? spool_segments_find(log, first) : -1;
	struct spool_point from, to;

	if (index < 0 || log->segments[index].first != first)
		return 0;
	from = (struct spool_point){log->segments[index].first, log->segments[index].first_offset};
	to = spool_segments_end(log, (unsigned)index);
	*info = (struct spool_segment_info){.first = first,
		.end = to.position,
		.unsettled = spool_inspect_unsettled(log, from, to),
		.bytes = log->segments[index].bytes};
	return 1;
}

void spool_inspect_last(const struct spool_inspection *inspection, char name[SPOOL_NAME_MAX])
{
	const struct spool_log *log = inspection->log;

	name[0] = '\0';
	if (log->count > 0)
		spool_segment_name(name, log->segments[log->count - 1].first);
}
