/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Takes a segment out of a log that nobody has open, for whoever wants to look at it. One thread a log. */

#include "spool/disk.h"

struct error;

/*
 * Renames the segment `file` to NAME.bad. The log's end is made durable before, in its state, so that no position is
 * used again and a start counts what is missing as damaged. 0, or with a sentence and nothing renamed: -ENOENT: the log
 * has no such segment; -EEXIST: there is a NAME.bad; or another -errno.
 */
int spool_quarantine(struct spool_disk *disk, const char *name, const char *file, struct error *error);
