/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * The daemon's end of the control socket (control/api/protocol.h), driven by the daemon's own loop: one thread opens,
 * polls and closes a server and runs its handlers, but for those that take long (SERVER_APART). Workers never come near it.
 *
 * What a client can do to it is bounded: clients, bytes of a request and of a reply, time for a line to arrive whole,
 * for a reply to be taken and between requests. A client that exceeds a time is cut off; when all places are taken, the
 * client that has idled longest gives way. Each turn serves at most one request of each client, beginning with another
 * one each time. Memory: at most API_REQUEST_MAX a client, and SERVER_PENDING_MAX plus one reply for all replies not
 * yet taken.
 */

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>

#include <jansson.h>

#include "base/error.h"

/* Replies not yet taken may hold this much before requests of others wait. Bytes. */
#define SERVER_PENDING_MAX (32u * 1024 * 1024)

struct server;

/*
 * Answers one request. `params` is an object or NULL, borrowed. Returns a new object, which the server takes (it adds
 * "schema_version" where that is missing); or NULL with a sentence in `error` and, if API_FAILED does not say it well,
 * an error code of protocol.h in `*code`. Runs in the server's thread and holds up its other clients meanwhile, unless its
 * method is SERVER_APART.
 */
typedef json_t *server_handler(void *context, const json_t *params, struct error *error, int *code);

/* The method changes something: who called it is logged. */
#define SERVER_CHANGES 1u

/* It may be asked for during the drain too, although it changes something. */
#define SERVER_STOPS 2u

/* It takes long: its handler runs in a thread of its own. One such request at a time, others get API_BUSY; none during the
 * drain. */
#define SERVER_APART 4u

/* All above 0, but yield_ms. The defaults are for service; tests take absurdly small ones. */
struct server_limits {
	unsigned clients;     /* default 32 */
	size_t request_bytes; /* default API_REQUEST_MAX, with the newline */
	size_t reply_bytes;   /* default API_REPLY_MAX, with the newline */
	unsigned line_ms;     /* from a line's first byte to its newline; default 5,000 */
	unsigned reply_ms;    /* from a reply's start until it is taken whole; default 10,000 */
	unsigned idle_ms;     /* from one request to the next; default 60,000 */
	unsigned yield_ms;    /* who idled this long gives way when all places are taken; default 1,000 */
};

/*
 * Listens at `path` with the permission bits `mode`; nobody can connect before they are set. A socket that nobody
 * listens to is replaced; a live one, or a file of another kind, is left alone. Returns 0 with `*server`, or -errno
 * with a sentence: -EADDRINUSE another daemon listens there, -EEXIST it is no socket, -ENAMETOOLONG (107 bytes at
 * most), ...
 */
int server_open(struct server **server, const char *path, unsigned mode, struct error *error);

/* Before the first server_poll. */
void server_set_limits(struct server *server, const struct server_limits *limits);

/* Adds a method; `method` must outlive the server. 0, -EEXIST or -ENOMEM. Before the first server_poll. */
int server_register(struct server *server, const char *method, server_handler *handler, void *context, unsigned flags);

/*
 * One turn: waits at most `timeout_ms` (-1: without limit) for something to do, does it, cuts off who is late. Returns
 * how many requests were carried out, or -errno (-EINTR is returned as 0, so that a signal's flag is seen at once).
 */
int server_poll(struct server *server, int timeout_ms);

/* Once `leave`, which any thread or a signal's handler may set, is not 0, server_poll returns after one request. Stays the
 * caller's. Before the first server_poll. */
void server_obey(struct server *server, const atomic_int *leave);

/* From now on methods that change something or take long are refused, but those that are SERVER_STOPS: the daemon drains. */
void server_drain(struct server *server);

/* Tries for at most `timeout_ms` to hand out the replies still waiting, such as the one to `stop`, and that of what runs apart. */
void server_flush(struct server *server, int timeout_ms);

/* Waits for the handler that runs apart, cuts off all clients and removes the socket file if it is still ours. NULL is fine. */
void server_close(struct server *server);
