/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>

#include "spool/log_priv.h"
#include "spool/planted.h"

int spool_commit_state(struct spool_log *log, struct spool_point frontier, uint64_t given_up)
{
	struct spool_point synced = SPOOL_PLANTED(SPOOL_BUG_STATE_BEFORE_DATA) ? log->end : log->synced;
	struct spool_state_record record = {
		.frontier = frontier.position,
		.frontier_offset = frontier.offset,
		.synced = synced.position,
		.synced_offset = synced.offset,
		.given_up = given_up,
	};

	return spool_state_store(&log->state, &record);
}

/* Both slots say that what lies below the frontier is settled before any of it goes: with one of them damaged, the
 * other must not miss it. */
static int store_for_removal(struct spool_log *log, struct spool_point frontier, uint64_t given_up)
{
	int rc = spool_commit_state(log, frontier, given_up);

	return rc == 0 ? spool_commit_state(log, frontier, given_up) : rc;
}

/* A frontier beyond what is durable waits: what was settled before it was durable may have to be written anew. */
static struct spool_point durable_frontier(const struct spool_log *log)
{
	return log->frontier.position <= log->synced.position ? log->frontier : log->synced;
}

static int store(struct spool_log *log, struct spool_point frontier)
{
	const struct spool_state_record *now = spool_state_now(&log->state);

	if (spool_segments_retirable(log, frontier.position))
		return store_for_removal(log, frontier, log->given_up);
	if (now->frontier == frontier.position && now->given_up == log->given_up &&
		spool_state_is_certain(&log->state) && (!log->closing || now->synced == log->synced.position))
		return 0;
	return spool_commit_state(log, frontier, log->given_up);
}

int spool_log_rest(struct spool_log *log)
{
	if (log->synced.position != log->window.end || log->frontier.position != log->window.end)
		return 0;
	spool_tail_close(log);
	return 1;
}

int spool_log_retires(const struct spool_log *log)
{
	return spool_segments_retirable(log, log->frontier.position);
}

int spool_log_commit(struct spool_log *log)
{
	struct spool_point frontier;
	int rc = 0;

	if (SPOOL_PLANTED(SPOOL_BUG_UNLINK_BEFORE_STATE))
		(void)spool_segments_retire(log, log->frontier.position);
	if (log->frontier.position > log->synced.position && !SPOOL_PLANTED(SPOOL_BUG_STATE_BEFORE_DATA))
		rc = spool_tail_sync(log);
	if (rc == -EAGAIN)
		rc = 0;
	frontier = durable_frontier(log);
	if (rc == 0)
		rc = store(log, frontier);
	return rc == 0 ? spool_segments_retire(log, frontier.position) : rc;
}

/* What only the disk has between the frontier and the end of the segment `index`: in it, and lost before it. */
static uint64_t count_oldest(const struct spool_log *log, unsigned index, uint64_t *missing)
{
	const struct spool_segment *segment = &log->segments[index];
	struct spool_point begin = {segment->first, segment->first_offset};
	struct spool_point end = spool_segments_end(log, index), from = log->frontier;

	*missing = 0;
	if (from.position < begin.position) {
		*missing = spool_marks_on_disk(log, from.position, begin.position, spool_events_between(from, begin));
		from = begin;
	}
	return spool_marks_on_disk(log, from.position, end.position, spool_events_between(from, end));
}

/* Tells of the entry at the position. Returns where to go on: behind the hole there is, or nowhere, when the disk fails. */
static uint64_t tell_one(struct spool_log *log, uint64_t position, spool_told each, void *context)
{
	struct spool_point hole[2];
	struct spool_found found;
	int rc = spool_find(log, position, &found, hole);

	if (rc < 0)
		return UINT64_MAX;
	if (rc == 1 && (found.flags & SPOOL_FLAG_EMPTY) == 0)
		each(context, &found.entry);
	return rc == 0 && hole[1].position > position ? hole[1].position : position + 1;
}

static void tell_oldest(struct spool_log *log, unsigned index, spool_told each, void *context)
{
	uint64_t position = log->segments[index].first, end = spool_segments_end(log, index).position;

	if (position < log->frontier.position)
		position = log->frontier.position;
	while (position < end)
		if (spool_window_mark(&log->window, position) == SPOOL_ON_DISK)
			position = tell_one(log, position, each, context);
		else
			position++;
}

int64_t spool_log_drop_oldest(struct spool_log *log, spool_told each, void *context)
{
	unsigned usable = spool_segments_closed(log), index = 0;
	uint64_t given_up, missing;
	struct spool_point end;
	int rc;

	while (index < usable && spool_segments_end(log, index).position <= log->frontier.position)
		index++;
	if (index >= usable)
		return 0;
	end = spool_segments_end(log, index);
	given_up = count_oldest(log, index, &missing);
	if (each != NULL)
		tell_oldest(log, index, each, context);
	rc = spool_commit_state(log, end, log->given_up + given_up);
	if (rc != 0)
		return rc;
	log->given_up += given_up;
	log->damaged += missing;
	spool_marks_jump(log, end);
	rc = spool_commit_state(log, end, log->given_up);
	if (rc == 0)
		rc = spool_segments_retire(log, end.position);
	return rc == 0 || given_up > 0 ? (int64_t)given_up : rc; /* what failed is done by the next commit */
}
