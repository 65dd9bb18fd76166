/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Spools that this box wrote to before and that it does not open now, since spool.mode is off or spool.directory names another:
 * what they hold is delivered by nobody until a start opens them. The state directory keeps in `spools` which there were, a
 * directory a line, for as long as they hold something. A start looks into them; the log and `status` tell what is there, and no
 * more landing hours are complete as long as this daemon lives.
 */

#define FORMER_MAX      16u /* spools that are known; of more, the eldest are forgotten */
#define FORMER_PATH_MAX 1024u

struct box;

/* Fixed once the box has started. */
struct former {
	unsigned count; /* spools that hold something, or may */
};

/* Between the start of the producers and that of reception. Main thread. */
void former_look(struct box *box);
