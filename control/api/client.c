/* SPDX-License-Identifier: Apache-2.0 */
#include "control/api/client.h"

#include <errno.h>
#include <poll.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "control/api/protocol.h"

#define REQUEST_ID       1
#define READ_STEP        (64u * 1024)
#define CONNECT_RETRY_MS 10

struct call {
	const char *path;
	int fd;
	int64_t deadline_ms; /* CLOCK_MONOTONIC; 0: none */
	struct api_error *error;
};

__attribute__((format(printf, 3, 4))) static int fail(struct api_error *error, int rc, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(error->text, sizeof(error->text), fmt, ap);
	va_end(ap);
	return rc;
}

static int64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* Milliseconds that are left, for poll(2): -1 without a limit, 0 when time is up. */
static int time_left(const struct call *call)
{
	int64_t left;

	if (call->deadline_ms == 0)
		return -1;
	left = call->deadline_ms - now_ms();
	return left > 0 ? (int)left : 0;
}

static int fail_late(const struct call *call)
{
	return fail(call->error, -ETIMEDOUT,
		"%s: the daemon did not answer in time; it may be starting, or hang: look at its log", call->path);
}

static int wait_for(const struct call *call, short events)
{
	struct pollfd pfd = {.fd = call->fd, .events = events};
	int n;

	do {
		n = poll(&pfd, 1, time_left(call));
	} while (n < 0 && errno == EINTR);
	if (n < 0)
		return fail(call->error, -errno, "%s: cannot wait: %s", call->path, strerror(errno));
	return n == 0 ? fail_late(call) : 0;
}

/* connect(2) refuses files and folders as it does a socket that nobody listens on. */
static int is_other(const char *path)
{
	struct stat found;

	return stat(path, &found) == 0 && !S_ISSOCK(found.st_mode);
}

static const char *cure_of(const char *path, int code)
{
	switch (code) {
	case ENOENT:
		return "is the daemon running (systemctl start penstockd), and is this its control socket (-s)?";
	case ECONNREFUSED:
		if (is_other(path))
			return "this is no socket; give the daemon's control socket with -s";
		return "the socket is there but nobody listens: the daemon has died; start it again";
	case EACCES:
	case EPERM:
		return "this user may not talk to the daemon: use root or the socket's group";
	default:
		return "give the daemon's control socket with -s";
	}
}

static int fail_connect(const struct call *call, int code)
{
	return fail(
		call->error, -code, "%s: cannot reach the daemon: %s; %s", call->path, strerror(code), cure_of(call->path, code));
}

/* A Unix socket whose backlog is full says EAGAIN and nothing tells when it no longer is: unix(7). */
static int connect_retrying(struct call *call, const struct sockaddr_un *address)
{
	struct timespec pause = {.tv_nsec = CONNECT_RETRY_MS * 1000000L};

	while (connect(call->fd, (const struct sockaddr *)address, sizeof(*address)) != 0) {
		if (errno == EINTR)
			continue;
		if (errno != EAGAIN)
			return fail_connect(call, errno);
		if (time_left(call) == 0)
			return fail_late(call);
		(void)nanosleep(&pause, NULL);
	}
	return 0;
}

static int open_connection(struct call *call)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	size_t len = strlen(call->path);

	if (len >= sizeof(address.sun_path))
		return fail_connect(call, ENAMETOOLONG);
	memcpy(address.sun_path, call->path, len + 1);
	call->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (call->fd < 0)
		return fail(call->error, -errno, "cannot make a socket: %s", strerror(errno));
	return connect_retrying(call, &address);
}

/* A daemon that refuses a request early may close its end before all is sent: its reply is still there to be read. */
static int send_all(struct call *call, const char *data, size_t len)
{
	while (len > 0) {
		ssize_t n = send(call->fd, data, len, MSG_NOSIGNAL);
		int rc;

		if (n > 0) {
			data += n;
			len -= (size_t)n;
		} else if (n < 0 && (errno == EPIPE || errno == ECONNRESET)) {
			return 0;
		} else if (n < 0 && errno != EAGAIN && errno != EINTR) {
			return fail(call->error, -errno, "%s: cannot send: %s", call->path, strerror(errno));
		} else {
			rc = wait_for(call, POLLOUT);
			if (rc != 0)
				return rc;
		}
	}
	return 0;
}

/* Reads until a newline; `*line` is malloc'd, `*len` without the newline. */
static int receive_more(struct call *call, char *to, size_t size, size_t *got)
{
	ssize_t n;
	int rc;

	for (;;) {
		n = recv(call->fd, to, size, 0);
		if (n > 0) {
			*got = (size_t)n;
			return 0;
		}
		if (n == 0 || errno == ECONNRESET)
			return fail(call->error, -ECONNRESET,
				"%s: the daemon closed the connection without a reply; "
				"it may just have stopped: look at its log",
				call->path);
		if (errno != EAGAIN && errno != EINTR)
			return fail(call->error, -errno, "%s: cannot receive: %s", call->path, strerror(errno));
		rc = wait_for(call, POLLIN);
		if (rc != 0)
			return rc;
	}
}

static int receive_line(struct call *call, char **line, size_t *len)
{
	size_t used = 0, size = 0, got = 0;
	char *newline, *grown;
	int rc;

	*line = NULL;
	for (;;) {
		if (size - used < READ_STEP) {
			size = size * 2 + READ_STEP;
			grown = realloc(*line, size);
			if (grown == NULL)
				return fail(call->error, -ENOMEM, "no memory for a reply of %zu bytes", size);
			*line = grown;
		}
		rc = receive_more(call, *line + used, size - used, &got);
		if (rc != 0)
			return rc;
		newline = memchr(*line + used, '\n', got);
		used += got;
		if (newline != NULL) {
			*len = (size_t)(newline - *line);
			return 0;
		}
		if (used >= API_REPLY_MAX)
			return fail(call->error, -EMSGSIZE, "%s: the reply is larger than %u bytes", call->path,
				API_REPLY_MAX);
	}
}

static int take_error(const json_t *reply, struct api_error *error)
{
	const json_t *code = json_object_get(reply, "code"), *message = json_object_get(reply, "message");

	if (!json_is_integer(code) || !json_is_string(message))
		return fail(
			error, -EPROTO, "the reply's error has no code or no message: is this the daemon's socket?");
	error->code = (int)json_integer_value(code);
	return fail(error, -EREMOTEIO, "%s", json_string_value(message));
}

/* An error about a request whose id the server could not read carries a null id. */
static int take_reply(const json_t *reply, json_int_t id, json_t **result, struct api_error *error)
{
	const json_t *version = json_object_get(reply, "jsonrpc"), *refusal = json_object_get(reply, "error");
	const json_t *reply_id = json_object_get(reply, "id");
	json_t *value = json_object_get(reply, "result");
	bool ours = json_is_integer(reply_id) && json_integer_value(reply_id) == id;

	if (!json_is_string(version) || strcmp(json_string_value(version), "2.0") != 0 ||
		!(ours || (refusal != NULL && json_is_null(reply_id))))
		return fail(
			error, -EPROTO, "the reply is not JSON-RPC 2.0 to this request: is this the daemon's socket?");
	if (refusal != NULL)
		return take_error(refusal, error);
	if (!json_is_object(value))
		return fail(error, -EPROTO, "the reply has neither an error nor an object as result");
	*result = json_incref(value);
	return 0;
}

int api_reply_parse(const char *line, size_t len, json_int_t id, json_t **result, struct api_error *error)
{
	json_error_t why;
	json_t *reply = json_loadb(line, len, JSON_REJECT_DUPLICATES, &why);
	int rc;

	*result = NULL;
	*error = (struct api_error){0};
	if (reply == NULL)
		return fail(error, -EPROTO, "the reply is not JSON (%s): is this the daemon's socket?", why.text);
	rc = take_reply(reply, id, result, error);
	json_decref(reply);
	return rc;
}

/* The request's line, malloc'd, newline included; NULL when it cannot be written as JSON. */
static char *request_line(const char *method, const json_t *params)
{
	json_t *request = json_pack("{s:s,s:i,s:s}", "jsonrpc", "2.0", "id", REQUEST_ID, "method", method);
	char *text = NULL, *line = NULL;
	size_t len;

	if (request == NULL)
		return NULL;
	if (params == NULL || json_object_set_new(request, "params", json_deep_copy(params)) == 0)
		text = json_dumps(request, JSON_COMPACT | JSON_REAL_PRECISION(API_REAL_DIGITS));
	json_decref(request);
	if (text == NULL)
		return NULL;
	len = strlen(text);
	line = realloc(text, len + 2);
	if (line == NULL) {
		free(text);
		return NULL;
	}
	line[len] = '\n';
	line[len + 1] = '\0';
	return line;
}

static int exchange(struct call *call, const char *request, json_t **result)
{
	char *line = NULL;
	size_t len = 0;
	int rc;

	rc = open_connection(call);
	if (rc == 0)
		rc = send_all(call, request, strlen(request));
	if (rc == 0)
		rc = receive_line(call, &line, &len);
	if (rc == 0)
		rc = api_reply_parse(line, len, REQUEST_ID, result, call->error);
	free(line);
	if (call->fd >= 0)
		close(call->fd);
	return rc;
}

int api_call(const char *socket_path, const char *method, const json_t *params, int timeout_ms, json_t **result,
	struct api_error *error)
{
	struct call call = {.path = socket_path, .fd = -1, .error = error};
	char *request = request_line(method, params);
	int rc;

	*result = NULL;
	*error = (struct api_error){0};
	if (request == NULL)
		return fail(error, -EINVAL, "the request cannot be written as JSON");
	if (timeout_ms > 0)
		call.deadline_ms = now_ms() + timeout_ms;
	if (strlen(request) > API_REQUEST_MAX)
		rc = fail(error, -EMSGSIZE, "the request is larger than %u bytes", API_REQUEST_MAX);
	else
		rc = exchange(&call, request, result);
	free(request);
	return rc;
}
