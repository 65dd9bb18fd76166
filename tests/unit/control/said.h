/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* What is said on standard error between two calls: the log. */

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <unistd.h>

#include <cmocka.h>

struct said {
	int saved, pipe[2];
	char text[4096];
};

static inline void said_begin(struct said *said)
{
	said->saved = dup(STDERR_FILENO);
	assert_int_equal(pipe2(said->pipe, O_NONBLOCK), 0);
	assert_true(dup2(said->pipe[1], STDERR_FILENO) >= 0);
}

/* Lives as long as `said`. */
static inline const char *said_end(struct said *said)
{
	ssize_t n;

	assert_true(dup2(said->saved, STDERR_FILENO) >= 0);
	n = read(said->pipe[0], said->text, sizeof(said->text) - 1);
	said->text[n > 0 ? n : 0] = '\0';
	close(said->saved);
	close(said->pipe[0]);
	close(said->pipe[1]);
	return said->text;
}
