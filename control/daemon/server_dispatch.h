/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * From a request's line to its reply's line: the part of the server that reads what a client wrote. No sockets here, so
 * that fuzzers and tests drive it directly. Server's thread, and dispatch_line also the one that it carries a request out in.
 */

#include <stddef.h>
#include <sys/types.h>

#include "control/daemon/server.h"

struct dispatch;

/* Who asks: the process that connected, as the kernel tells (SO_PEERCRED). */
struct dispatch_peer {
	pid_t pid;
	uid_t uid;
};

/* A reply's line, newline included. Free `data`. */
struct dispatch_reply {
	char *data; /* NULL: nothing to send, since the request had no id, or memory was short */
	size_t len;
};

/* A table with API_VERSION and API_HELP in it, or NULL. */
struct dispatch *dispatch_new(void);
void dispatch_free(struct dispatch *dispatch);

/* As server_register. */
int dispatch_add(struct dispatch *dispatch, const char *method, server_handler *handler, void *context, unsigned flags);

/* A reply larger than this becomes an error. Default API_REPLY_MAX. */
void dispatch_set_reply_max(struct dispatch *dispatch, size_t bytes);

/* As server_drain. */
void dispatch_drain(struct dispatch *dispatch);

/* Carries out the request in `line` (without its newline; any bytes) for `peer`. */
struct dispatch_reply dispatch_line(
	struct dispatch *dispatch, const char *line, size_t len, const struct dispatch_peer *peer);

/* The flags of the method that `line` asks for; 0 when it asks for none that there is. */
unsigned dispatch_flags(const struct dispatch *dispatch, const char *line, size_t len);

/* The reply that refuses the request in `line`, under its id; nothing for one without. */
struct dispatch_reply dispatch_refuse(const char *line, size_t len, int code, const char *text);

/* The reply that is an error about a request that has no id that one could read. */
struct dispatch_reply dispatch_refusal(int code, const char *text);
