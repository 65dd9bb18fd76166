/* SPDX-License-Identifier: Apache-2.0 */
#include "spool/log_priv.h"

/* The events of positions that their owner settled unread may be unknown; where a segment begins its header puts it
 * right. */
void spool_marks_advance(struct spool_log *log)
{
	struct spool_point at = log->frontier;
	unsigned next = (unsigned)(spool_segments_find(log, at.position) + 1);

	while (at.position < log->window.end && spool_window_mark(&log->window, at.position) == SPOOL_SETTLED) {
		int64_t events = spool_window_events(&log->window, at.position);

		at.position++;
		at.offset += events > 0 ? (uint64_t)events : 0;
		if (next < log->count && log->segments[next].first == at.position)
			at.offset = log->segments[next++].first_offset;
	}
	if (at.position == log->end.position)
		at.offset = log->end.offset;
	log->frontier = at;
	spool_window_advance(&log->window, at.position);
}

void spool_marks_jump(struct spool_log *log, struct spool_point to)
{
	log->frontier = to;
	spool_window_advance(&log->window, to.position);
	spool_marks_advance(log);
}

uint64_t spool_marks_on_disk(const struct spool_log *log, uint64_t from, uint64_t to, uint64_t events)
{
	for (uint64_t position = from; position < to; position++) {
		int64_t known = spool_window_events(&log->window, position);

		if (spool_window_mark(&log->window, position) == SPOOL_ON_DISK || known <= 0)
			continue;
		events -= (uint64_t)known < events ? (uint64_t)known : events;
	}
	return events;
}

void spool_log_mark(struct spool_log *log, uint64_t position, enum spool_mark mark)
{
	struct spool_point hole[2];
	struct spool_found found;

	/* What is settled stays so: the log itself may have given it up meanwhile. */
	if (position < log->frontier.position || position >= log->window.end ||
		spool_window_mark(&log->window, position) == SPOOL_SETTLED)
		return;
	if (mark == SPOOL_SETTLED && spool_window_events(&log->window, position) < 0 &&
		spool_find(log, position, &found, hole) == 1)
		spool_window_know(&log->window, position, found.entry.events);
	spool_window_set(&log->window, position, mark);
	if (mark == SPOOL_SETTLED && position == log->frontier.position)
		spool_marks_advance(log);
}

enum spool_mark spool_log_mark_of(const struct spool_log *log, uint64_t position)
{
	if (position < log->frontier.position)
		return SPOOL_SETTLED;
	return position < log->window.end ? spool_window_mark(&log->window, position) : SPOOL_ON_DISK;
}
