/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * What is known of each position from the frontier on: its mark, and its events once they were seen. Four bytes a position, in a
 * ring that grows with the log's backlog; positions that were never touched cost address space only. All zero is what a position
 * is after an open: on disk, its events not known.
 */

#include <stdint.h>

#include "spool/format.h"

/* What a reader believes in, and room for the last file, which may have been tampered with. */
#define SPOOL_WINDOW_MAX (4 * SPOOL_UNSETTLED_MAX)

struct spool_window {
	uint32_t *cells;
	uint64_t room; /* a power of two */
	uint64_t begin, end;
};

/* An empty window that begins with this position. 0 or -ENOMEM. */
int spool_window_init(struct spool_window *window, uint64_t begin);
void spool_window_fini(struct spool_window *window);

/* Makes it reach to `end` at least. 0, -ENOBUFS: more than SPOOL_WINDOW_MAX positions, or -ENOMEM. */
int spool_window_extend(struct spool_window *window, uint64_t end);

/* Forgets what lies before `begin`. */
void spool_window_advance(struct spool_window *window, uint64_t begin);

static inline uint32_t *spool_window_cell(const struct spool_window *window, uint64_t position)
{
	return &window->cells[position & (window->room - 1)];
}

static inline enum spool_mark spool_window_mark(const struct spool_window *window, uint64_t position)
{
	return (enum spool_mark)(*spool_window_cell(window, position) & 3);
}

static inline void spool_window_set(struct spool_window *window, uint64_t position, enum spool_mark mark)
{
	uint32_t *cell = spool_window_cell(window, position);

	*cell = (*cell & ~3u) | (uint32_t)mark;
}

/* The events of a position; -1 when they are not known. */
static inline int64_t spool_window_events(const struct spool_window *window, uint64_t position)
{
	return (int64_t)(*spool_window_cell(window, position) >> 2) - 1;
}

/* At most SPOOL_EVENTS_MAX. */
static inline void spool_window_know(struct spool_window *window, uint64_t position, uint32_t events)
{
	uint32_t *cell = spool_window_cell(window, position);

	*cell = (*cell & 3u) | (events + 1) << 2;
}
