/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * The log of control, producer and start-up code: one line an entry on standard error, prefixed with the journal's
 * priority (<3> ...) under systemd and with the level's name elsewhere. A poll core never logs: it counts.
 */

enum log_level { LOG_ERROR, LOG_WARNING, LOG_NOTICE, LOG_INFO, LOG_DEBUG };

/* Entries above `level` are not written. Any thread; takes effect at once. Default LOG_INFO. */
void log_set_level(enum log_level level);

/* Writes one line in a single write(2), without a newline in `fmt`, cut at 1,023 bytes. What a terminal would obey is spelled
 * out (base/terminal.h), since text from the network may be in it. Any thread but a poll core inside a burst. */
__attribute__((format(printf, 2, 3))) void log_write(enum log_level level, const char *fmt, ...);

/* True when a line of this call site may be written now: at most one per `seconds`, the rest are counted and the count is
 * told by the next line. `state` is the call site's own static. One thread per call site. */
struct log_limit {
	long next;
	unsigned suppressed;
};
int log_allowed(struct log_limit *state, unsigned seconds, unsigned *suppressed);
