/* SPDX-License-Identifier: Apache-2.0 */
#include "base/log.h"

#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "base/terminal.h"

static const char *const level_names[] = {"error", "warning", "notice", "info", "debug"};
static const char level_priority[] = {'3', '4', '5', '6', '7'};
static atomic_int log_level = LOG_INFO;

void log_set_level(enum log_level level)
{
	atomic_store(&log_level, (int)level);
}

/* What does not fit is left out. */
static size_t escape(char *out, size_t size, const char *text)
{
	size_t n = 0;

	while (*text != '\0') {
		unsigned bytes = terminal_control(text);

		if (n + 4 * (bytes + 1) >= size)
			break;
		if (bytes == 0)
			out[n++] = *text++;
		for (; bytes > 0; bytes--)
			n += (size_t)snprintf(out + n, size - n, "\\x%02x", (unsigned char)*text++);
	}
	return n;
}

void log_write(enum log_level level, const char *fmt, ...)
{
	char text[1024], line[1400];
	size_t n;
	va_list ap;

	if ((int)level > atomic_load_explicit(&log_level, memory_order_relaxed))
		return;
	va_start(ap, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	if (getenv("JOURNAL_STREAM") != NULL)
		n = (size_t)snprintf(line, sizeof(line), "<%c>", level_priority[level]);
	else
		n = (size_t)snprintf(line, sizeof(line), "penstockd: %s: ", level_names[level]);
	n += escape(line + n, sizeof(line) - n - 1, text);
	line[n++] = '\n';
	(void)!write(STDERR_FILENO, line, n);
}

int log_allowed(struct log_limit *state, unsigned seconds, unsigned *suppressed)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	if (state->next != 0 && now.tv_sec < state->next) {
		state->suppressed++;
		return 0;
	}
	state->next = now.tv_sec + (long)seconds;
	*suppressed = state->suppressed;
	state->suppressed = 0;
	return 1;
}
