/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Bugs that a test plants to see that the crash model finds them; compiled in only with -Dfaults=true. In a build that serves
 * SPOOL_PLANTED() is the constant 0.
 */

enum spool_bug {
	SPOOL_BUG_NONE,
	SPOOL_BUG_SYNC_SKIPPED,
	SPOOL_BUG_CRC_IGNORED,
	SPOOL_BUG_STATE_BEFORE_DATA,
	SPOOL_BUG_UNLINK_BEFORE_STATE,
};

#ifdef PENSTOCK_FAULTS
extern enum spool_bug spool_planted_bug; /* the test's: set before it opens a log */
#define SPOOL_PLANTED(bug) (spool_planted_bug == (bug))
#else
#define SPOOL_PLANTED(bug) 0
#endif
