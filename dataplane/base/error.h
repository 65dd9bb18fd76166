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

/* Has a text that was cut end where a character (of UTF-8) ends; `length`: what it would have had without `size`, as snprintf
 * tells. Any thread, on its own text. */
static inline void error_cut(char *text, size_t size, int length)
{
	if (length < 0 || (size_t)length < size)
		return;
	for (size_t back = 1; back < 4 && back < size; back++) {
		unsigned char c = (unsigned char)text[size - 1 - back];

		if ((c & 0xC0) == 0x80)
			continue;
		if (c >= (back == 1 ? 0xC0 : back == 2 ? 0xE0 : 0xF0))
			text[size - 1 - back] = '\0';
		return;
	}
}

/* Writes the sentence (cut to fit, between characters) and returns `code` unchanged, so that
 * `return error_set(e, -EINVAL, ...)` reads well. `e` may be NULL. Any thread, on its own struct. */
__attribute__((format(printf, 3, 4))) static inline int error_set(struct error *e, int code, const char *fmt, ...)
{
	va_list ap;

	if (e == NULL)
		return code;
	va_start(ap, fmt);
	error_cut(e->text, sizeof(e->text), vsnprintf(e->text, sizeof(e->text), fmt, ap));
	va_end(ap);
	return code;
}
