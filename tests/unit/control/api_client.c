/* SPDX-License-Identifier: Apache-2.0 */
#include "control/api/client.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "control/api/protocol.h"

#define LONG_MS     60000 /* never reached */
#define REPLY(rest) "{\"jsonrpc\":\"2.0\",\"id\":1," rest "}\n"

/* A peer that takes one connection and does as told; it need not be a good one. */
struct peer {
	char folder[64], path[80];
	int listener;
	pthread_t thread;
	size_t reads;      /* bytes of the request to read before it answers; 0: to the newline */
	const char *reply; /* NULL: none */
	size_t reply_len;  /* 0: that of the string */
	bool in_pieces;    /* one byte at a time */
	bool holds;        /* keeps the connection until the client goes */
	char request[API_REQUEST_MAX + 1];
};

static void read_request(struct peer *peer, int fd)
{
	size_t used = 0;
	ssize_t n;

	do {
		n = recv(fd, peer->request + used, sizeof(peer->request) - 1 - used, 0);
		used += n > 0 ? (size_t)n : 0;
	} while (n > 0 && (peer->reads > 0 ? used < peer->reads : peer->request[used - 1] != '\n'));
	peer->request[used] = '\0';
}

static void write_reply(const struct peer *peer, int fd)
{
	size_t len = peer->reply_len > 0 ? peer->reply_len : strlen(peer->reply), sent = 0;
	ssize_t n = 1;

	while (sent < len && n > 0) {
		n = send(fd, peer->reply + sent, peer->in_pieces ? 1 : len - sent, MSG_NOSIGNAL);
		sent += n > 0 ? (size_t)n : 0;
	}
}

static void *serve(void *context)
{
	struct peer *peer = context;
	int fd = accept(peer->listener, NULL, NULL);
	char byte;

	if (fd < 0)
		return NULL;
	read_request(peer, fd);
	if (peer->reply != NULL)
		write_reply(peer, fd);
	while (peer->holds && recv(fd, &byte, 1, 0) > 0)
		;
	close(fd);
	return NULL;
}

static void listen_at(struct peer *peer, int backlog)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};

	(void)snprintf(peer->folder, sizeof(peer->folder), "/tmp/penstock-test-XXXXXX");
	assert_non_null(mkdtemp(peer->folder));
	(void)snprintf(peer->path, sizeof(peer->path), "%s/socket", peer->folder);
	(void)snprintf(address.sun_path, sizeof(address.sun_path), "%s", peer->path);
	peer->listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(bind(peer->listener, (const struct sockaddr *)&address, sizeof(address)), 0);
	assert_int_equal(listen(peer->listener, backlog), 0);
}

static void unlisten(struct peer *peer)
{
	if (peer->listener >= 0)
		close(peer->listener);
	assert_int_equal(unlink(peer->path), 0);
	assert_int_equal(rmdir(peer->folder), 0);
}

/* One call of `echo` to such a peer. */
static int call(struct peer *peer, const json_t *params, int timeout_ms, json_t **result, struct api_error *error)
{
	int rc;

	listen_at(peer, 4);
	assert_int_equal(pthread_create(&peer->thread, NULL, serve, peer), 0);
	rc = api_call(peer->path, "echo", params, timeout_ms, result, error);
	(void)shutdown(peer->listener, SHUT_RDWR);
	assert_int_equal(pthread_join(peer->thread, NULL), 0);
	unlisten(peer);
	assert_true((rc == 0) == (*result != NULL));
	assert_true((rc == 0) == (error->text[0] == '\0'));
	return rc;
}

static int call_for(const char *reply, struct api_error *error)
{
	struct peer *peer = calloc(1, sizeof(*peer));
	json_t *result;
	int rc;

	peer->reply = reply;
	rc = call(peer, NULL, LONG_MS, &result, error);
	json_decref(result);
	free(peer);
	return rc;
}

static void a_call_sends_a_request_and_returns_its_result(void **state)
{
	struct peer *peer = calloc(1, sizeof(*peer));
	json_t *params = json_pack("{s:i}", "limit", 3), *result;
	struct api_error error;

	(void)state;
	peer->reply = REPLY("\"result\":{\"a\":1}");
	assert_int_equal(call(peer, params, LONG_MS, &result, &error), 0);
	assert_int_equal(json_integer_value(json_object_get(result, "a")), 1);
	assert_string_equal(
		peer->request, "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"echo\",\"params\":{\"limit\":3}}\n");
	assert_int_equal(error.code, 0);
	json_decref(result);
	json_decref(params);
	free(peer);
}

static void a_reply_may_arrive_in_pieces(void **state)
{
	struct peer *peer = calloc(1, sizeof(*peer));
	struct api_error error;
	json_t *result;

	(void)state;
	peer->reply = REPLY("\"result\":{}");
	peer->in_pieces = true;
	assert_int_equal(call(peer, NULL, 0, &result, &error), 0);
	json_decref(result);
	free(peer);
}

static void a_refusal_has_its_code_and_sentence(void **state)
{
	struct api_error error;

	(void)state;
	assert_int_equal(
		call_for(REPLY("\"error\":{\"code\":-32001,\"message\":\"Kafka is away\"}"), &error), -EREMOTEIO);
	assert_int_equal(error.code, API_UNAVAILABLE);
	assert_string_equal(error.text, "Kafka is away");
	assert_int_equal(
		call_for("{\"jsonrpc\":\"2.0\",\"id\":null,\"error\":{\"code\":-32003,\"message\":\"too many\"}}\n",
			&error),
		-EREMOTEIO);
	assert_int_equal(error.code, API_BUSY);
}

static void a_reply_of_another_protocol_is_not_believed(void **state)
{
	static const char *const replies[] = {"hello\n", "\n", "[]\n", "{}\n", REPLY("\"result\":[]"),
		REPLY("\"result\":null"), REPLY("\"error\":{}"), REPLY("\"error\":{\"code\":1}"),
		REPLY("\"error\":\"x\""), REPLY("\"x\":1"), "{\"jsonrpc\":\"2.0\",\"id\":2,\"result\":{}}\n",
		"{\"jsonrpc\":\"2.0\",\"id\":null,\"result\":{}}\n", "{\"jsonrpc\":\"1.0\",\"id\":1,\"result\":{}}\n",
		"{\"id\":1,\"result\":{}}\n", "\xff\xfe\n"};
	struct api_error error;

	(void)state;
	for (size_t i = 0; i < sizeof(replies) / sizeof(replies[0]); i++)
		assert_int_equal(call_for(replies[i], &error), -EPROTO);
}

static void a_connection_that_ends_early_is_told(void **state)
{
	struct api_error error;

	(void)state;
	assert_int_equal(call_for(NULL, &error), -ECONNRESET);
	assert_int_equal(call_for("{\"jsonrpc\":\"2.0\",\"id\":1,\"resu", &error), -ECONNRESET);
}

static void a_daemon_that_does_not_answer_is_given_up(void **state)
{
	static const char *const replies[] = {NULL, "{\"jsonrpc\":"};
	struct api_error error;
	json_t *result;

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		struct peer *peer = calloc(1, sizeof(*peer));

		peer->holds = true;
		peer->reply = replies[i];
		assert_int_equal(call(peer, NULL, 50, &result, &error), -ETIMEDOUT);
		free(peer);
	}
}

static void a_daemon_that_does_not_accept_is_given_up(void **state)
{
	struct peer *peer = calloc(1, sizeof(*peer));
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fds[64], count = 0;
	struct api_error error;
	json_t *result;

	(void)state;
	listen_at(peer, 1);
	(void)snprintf(address.sun_path, sizeof(address.sun_path), "%s", peer->path);
	do {
		fds[count] = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	} while (connect(fds[count++], (const struct sockaddr *)&address, sizeof(address)) == 0 && count < 64);
	assert_int_equal(api_call(peer->path, "echo", NULL, 50, &result, &error), -ETIMEDOUT);
	while (count > 0)
		close(fds[--count]);
	unlisten(peer);
	free(peer);
}

static void a_refusal_before_the_request_is_read_whole_is_heard(void **state)
{
	struct peer *peer = calloc(1, sizeof(*peer));
	char *text = malloc(60001);
	struct api_error error;
	json_t *params, *result;

	(void)state;
	memset(text, 'x', 60000);
	text[60000] = '\0';
	params = json_pack("{s:s}", "text", text);
	peer->reads = 1;
	peer->reply = "{\"jsonrpc\":\"2.0\",\"id\":null,\"error\":{\"code\":-32600,\"message\":\"too large\"}}\n";
	assert_int_equal(call(peer, params, LONG_MS, &result, &error), -EREMOTEIO);
	json_decref(params);
	free(text);
	free(peer);
}

static void what_exceeds_the_protocol_is_refused(void **state)
{
	struct peer *peer = calloc(1, sizeof(*peer));
	char *text = malloc(API_REPLY_MAX + 1);
	struct api_error error;
	json_t *params, *result;

	(void)state;
	assert_non_null(text);
	memset(text, ' ', API_REPLY_MAX);
	text[API_REQUEST_MAX] = '\0';
	params = json_pack("{s:s}", "text", text);
	assert_int_equal(api_call("/nonexistent/socket", "echo", params, 0, &result, &error), -EMSGSIZE);
	text[API_REQUEST_MAX] = ' ';
	peer->reply = text;
	peer->reply_len = API_REPLY_MAX;
	assert_int_equal(call(peer, NULL, LONG_MS, &result, &error), -EMSGSIZE);
	json_decref(params);
	free(text);
	free(peer);
}

static void a_daemon_that_is_not_there_is_told_with_a_cure(void **state)
{
	struct peer *peer = calloc(1, sizeof(*peer));
	struct api_error error;
	char path[200];
	json_t *result;

	(void)state;
	assert_int_equal(api_call("/nonexistent/socket", "echo", NULL, 0, &result, &error), -ENOENT);
	assert_non_null(strstr(error.text, "systemctl start"));
	listen_at(peer, 1);
	close(peer->listener);
	peer->listener = -1;
	assert_int_equal(api_call(peer->path, "echo", NULL, 0, &result, &error), -ECONNREFUSED);
	assert_non_null(strstr(error.text, "has died"));
	unlisten(peer);
	memset(path, 'a', sizeof(path) - 1);
	path[sizeof(path) - 1] = '\0';
	assert_int_equal(api_call(path, "echo", NULL, 0, &result, &error), -ENAMETOOLONG);
	free(peer);
}

static void what_is_no_socket_is_told_apart_from_a_daemon_that_died(void **state)
{
	char folder[] = "/tmp/penstock-test-XXXXXX", file[64];
	const char *const paths[] = {file, folder};
	struct api_error error;
	json_t *result;
	int fd;

	(void)state;
	assert_non_null(mkdtemp(folder));
	(void)snprintf(file, sizeof(file), "%s/file", folder);
	fd = open(file, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	assert_true(fd >= 0);
	close(fd);
	for (size_t i = 0; i < 2; i++) {
		assert_int_equal(api_call(paths[i], "echo", NULL, 0, &result, &error), -ECONNREFUSED);
		assert_null(strstr(error.text, "has died"));
		assert_non_null(strstr(error.text, paths[i]));
		assert_non_null(strstr(error.text, "this is no socket; give the daemon's control socket with -s"));
	}
	assert_int_equal(unlink(file), 0);
	assert_int_equal(rmdir(folder), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_call_sends_a_request_and_returns_its_result),
		cmocka_unit_test(a_reply_may_arrive_in_pieces),
		cmocka_unit_test(a_refusal_has_its_code_and_sentence),
		cmocka_unit_test(a_reply_of_another_protocol_is_not_believed),
		cmocka_unit_test(a_connection_that_ends_early_is_told),
		cmocka_unit_test(a_daemon_that_does_not_answer_is_given_up),
		cmocka_unit_test(a_daemon_that_does_not_accept_is_given_up),
		cmocka_unit_test(a_refusal_before_the_request_is_read_whole_is_heard),
		cmocka_unit_test(what_exceeds_the_protocol_is_refused),
		cmocka_unit_test(a_daemon_that_is_not_there_is_told_with_a_cure),
		cmocka_unit_test(what_is_no_socket_is_told_apart_from_a_daemon_that_died),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
