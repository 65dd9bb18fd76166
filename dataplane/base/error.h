/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Errors that a person reads: one line that says what was tried, on what, and the cure. Functions return 0 or -errno;
 * where a sentence is worth more than a number they fill a struct error that the caller owns and shows once.
 */

#include <stdarg.h>
#include <stdio.h>

struct error {
	char text[512]; /* one line, no newline at its end; empty when there was no error */
};

/* Writes the sentence (cut to fit) and returns `code` unchanged, so that `return error_set(e, -EINVAL, ...)` reads well.
 * `e` may be NULL. Any thread, on its own struct. */
__attribute__((format(printf, 3, 4))) static inline int error_set(struct error *e, int code, const char *fmt, ...)
{
	va_list ap;

	if (e == NULL)
		return code;
	va_start(ap, fmt);
	(void)vsnprintf(e->text, sizeof(e->text), fmt, ap);
	va_end(ap);
	return code;
}
