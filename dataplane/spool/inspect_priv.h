/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* What the files of the inspection share; nobody else includes it. */

#include "spool/inspect.h"
#include "spool/log_priv.h"
#include "spool/view.h"

struct spool_slots {
	struct spool_state_record records[2]; /* all zero: none, or damaged */
	int rcs[2];                           /* 0: whole or never written; -EBADMSG, or -errno */
	int missing;                          /* the file */
};

struct spool_inspection {
	struct spool_view view;
	struct spool_log *log;
	struct spool_slots slots; /* as they were before the log was opened */
	struct spool_sight *sights;
	unsigned count, room;
};

void spool_slots_read(struct spool_disk *disk, struct spool_slots *slots);

/* The slot in force; all zero when there is none. */
static inline const struct spool_state_record *spool_slots_now(const struct spool_slots *slots)
{
	return &slots->records[slots->records[1].generation > slots->records[0].generation];
}

/* The unsettled events among those between two points of the log. */
uint64_t spool_inspect_unsettled(const struct spool_log *log, struct spool_point from, struct spool_point to);
