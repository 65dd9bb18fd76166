/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * A server in a folder of its own, and clients made of bare sockets. One thread: a test writes as a client, gives the
 * server its turns, and reads as a client, so that what happens does not depend on time.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/error.h"
#include "control/api/protocol.h"
#include "control/daemon/server.h"

#define RIG_TURNS 1000

struct rig {
	char folder[64], path[80];
	struct server *server;
	unsigned calls; /* of the method `echo` */
};

static inline json_t *rig_echo(void *context, const json_t *params, struct error *error, int *code)
{
	struct rig *rig = context;

	(void)error, (void)code;
	rig->calls++;
	return params == NULL ? json_object() : json_deep_copy(params);
}

/* {"bytes": n}: a result with a string of n bytes. */
static inline json_t *rig_large(void *context, const json_t *params, struct error *error, int *code)
{
	size_t bytes = (size_t)json_integer_value(json_object_get(params, "bytes"));
	char *text = malloc(bytes + 1);
	json_t *result;

	(void)context, (void)error, (void)code;
	memset(text, 'x', bytes);
	text[bytes] = '\0';
	result = json_pack("{s:s}", "text", text);
	free(text);
	return result;
}

static inline void rig_folder(struct rig *rig)
{
	*rig = (struct rig){.folder = "/tmp/penstock-test-XXXXXX"};
	assert_non_null(mkdtemp(rig->folder));
	(void)snprintf(rig->path, sizeof(rig->path), "%s/socket", rig->folder);
}

static inline void rig_open(struct rig *rig)
{
	struct error error;

	rig_folder(rig);
	assert_int_equal(server_open(&rig->server, rig->path, 0600, &error), 0);
	assert_int_equal(server_register(rig->server, "echo", rig_echo, rig, 0), 0);
	assert_int_equal(server_register(rig->server, "large", rig_large, rig, 0), 0);
}

static inline void rig_close(struct rig *rig)
{
	server_close(rig->server);
	(void)unlink(rig->path);
	assert_int_equal(rmdir(rig->folder), 0);
}

/* 0 or -errno; *fd is the connection. */
static inline int rig_try_connect(const char *path, int *fd)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};

	(void)snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
	*fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	assert_true(*fd >= 0);
	if (connect(*fd, (const struct sockaddr *)&address, sizeof(address)) == 0)
		return 0;
	close(*fd);
	return -errno;
}

static inline int rig_connect(struct rig *rig)
{
	int fd;

	assert_int_equal(rig_try_connect(rig->path, &fd), 0);
	return fd;
}

/* A connection that the server has accepted. */
static inline int rig_client(struct rig *rig)
{
	int fd = rig_connect(rig);

	assert_true(server_poll(rig->server, 0) >= 0);
	return fd;
}

static inline void rig_write(int fd, const char *text)
{
	assert_int_equal(send(fd, text, strlen(text), MSG_NOSIGNAL), strlen(text));
}

static inline void rig_turns(struct rig *rig, unsigned turns)
{
	while (turns-- > 0)
		assert_true(server_poll(rig->server, 0) >= 0);
}

/* The next line without its newline, in `line`; "" when the server has closed. */
static inline const char *rig_line(struct rig *rig, int fd, char *line, size_t size)
{
	size_t used = 0;

	for (unsigned turn = 0; turn < RIG_TURNS;) {
		ssize_t n = recv(fd, line + used, 1, 0);

		if (n == 0 || (n < 0 && errno == ECONNRESET)) {
			line[used] = '\0';
			return line;
		}
		if (n < 0) {
			assert_int_equal(errno, EAGAIN);
			assert_true(server_poll(rig->server, 1) >= 0);
			turn++;
			continue;
		}
		if (line[used] == '\n') {
			line[used] = '\0';
			return line;
		}
		used++;
		assert_true(used < size);
	}
	fail_msg("the server sends no line");
	return NULL;
}

/* The error code of the next line; 0 for a result. */
static inline int rig_code(struct rig *rig, int fd)
{
	char line[4096];
	json_t *reply = json_loads(rig_line(rig, fd, line, sizeof(line)), 0, NULL);
	int code;

	assert_non_null(reply);
	code = (int)json_integer_value(json_object_get(json_object_get(reply, "error"), "code"));
	assert_true((code != 0) != (json_object_get(reply, "result") != NULL));
	json_decref(reply);
	return code;
}

/* Gives turns until the server has closed this client, which must come. */
static inline void rig_wait_closed(struct rig *rig, int fd)
{
	char buffer[65536];

	for (unsigned turn = 0; turn < RIG_TURNS; turn++) {
		ssize_t n = recv(fd, buffer, sizeof(buffer), 0);

		if (n == 0 || (n < 0 && errno == ECONNRESET))
			return;
		assert_true(server_poll(rig->server, 10) >= 0);
	}
	fail_msg("the server does not close");
}
