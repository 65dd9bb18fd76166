/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * A blocking client of the control socket: one connection, one request, one reply. Any thread; no state is shared.
 */

#include <stddef.h>

#include <jansson.h>

struct api_error {
	int code;       /* JSON-RPC error code when the daemon refused, else 0 */
	char text[768]; /* one line, with the cure where one is known; empty when there was no error */
};

/*
 * Calls `method` of the daemon at `socket_path` and waits at most `timeout_ms` (0: no limit) for the whole exchange.
 * `params` is borrowed: an object, or NULL. Returns 0 with the result's new reference in `*result` (json_decref), or
 * -EREMOTEIO the daemon answered with an error: its code and sentence are in `error`;
 * -ENOENT, -ECONNREFUSED, -EACCES, -ENAMETOOLONG, ... the daemon cannot be reached;
 * -ETIMEDOUT it did not answer in time; -ECONNRESET it closed the connection first;
 * -EMSGSIZE the request or the reply is larger than the protocol allows; -EPROTO the reply is not one of this protocol.
 * `error` is never NULL.
 */
int api_call(const char *socket_path, const char *method, const json_t *params, int timeout_ms, json_t **result,
	struct api_error *error);

/* What api_call makes of the reply line of `len` bytes to request number `id`: 0, -EREMOTEIO or -EPROTO as above. */
int api_reply_parse(const char *line, size_t len, json_int_t id, json_t **result, struct api_error *error);
