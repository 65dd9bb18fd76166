/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * A disk that shows another one and keeps it as it is: writes, syncs, renames and unlinks seem to go well, and nothing
 * of them happens. So a log is opened as a daemon would open it, to see what the daemon would make of it. What would
 * have been put aside is remembered.
 */

#include "spool/disk.h"

#define SPOOL_VIEW_ASIDE 16u

struct spool_view {
	struct spool_disk disk;
	struct spool_disk *under;
	unsigned aside; /* files that a start would rename to NAME.bad; the first ones by name */
	char names[SPOOL_VIEW_ASIDE][SPOOL_NAME_MAX];
};

/* `under` stays the caller's and must outlive the view. */
void spool_view_init(struct spool_view *view, struct spool_disk *under);
