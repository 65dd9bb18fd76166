/* SPDX-License-Identifier: Apache-2.0 */
#include "spool/window.h"

#include <errno.h>
#include <stdlib.h>

#define ROOM_MIN 64u

int spool_window_init(struct spool_window *window, uint64_t begin)
{
	*window = (struct spool_window){
		.cells = calloc(ROOM_MIN, sizeof(uint32_t)), .room = ROOM_MIN, .begin = begin, .end = begin};
	return window->cells != NULL ? 0 : -ENOMEM;
}

void spool_window_fini(struct spool_window *window)
{
	free(window->cells);
	window->cells = NULL;
}

/* Cells that say nothing are not copied, so that they stay without memory. */
static int grow(struct spool_window *window, uint64_t positions)
{
	struct spool_window larger = *window;

	while (larger.room < positions)
		larger.room *= 2;
	larger.cells = calloc(larger.room, sizeof(uint32_t));
	if (larger.cells == NULL)
		return -ENOMEM;
	for (uint64_t position = window->begin; position < window->end; position++)
		if (*spool_window_cell(window, position) != 0)
			*spool_window_cell(&larger, position) = *spool_window_cell(window, position);
	free(window->cells);
	*window = larger;
	return 0;
}

int spool_window_extend(struct spool_window *window, uint64_t end)
{
	int rc = 0;

	if (end <= window->end)
		return 0;
	if (end - window->begin > SPOOL_WINDOW_MAX)
		return -ENOBUFS;
	if (end - window->begin > window->room)
		rc = grow(window, end - window->begin);
	if (rc == 0)
		window->end = end;
	return rc;
}

void spool_window_advance(struct spool_window *window, uint64_t begin)
{
	for (uint64_t position = window->begin; position < begin && position < window->end; position++)
		*spool_window_cell(window, position) = 0;
	window->begin = begin;
	if (window->end < begin)
		window->end = begin;
}
