/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * A request that takes long, such as one that Kafka is to answer, carried out in a thread of its own while the server goes on with
 * others. One at a time. All functions: the server's thread.
 */

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>

#include "control/daemon/server_dispatch.h"

struct server_apart {
	struct dispatch *dispatch; /* set before all else */
	bool running;
	pthread_t thread;
	char *line; /* its own copy, and the rest of the request; the thread reads */
	size_t len;
	struct dispatch_peer peer;
	unsigned client;             /* whose it is; the server's own number */
	struct dispatch_reply reply; /* the thread writes, and then ... */
	atomic_bool done;            /* ... this */
};

/* Answers `line` for a client: true, and the reply; or false: it is carried out apart, and apart_take will have the reply. */
bool apart_answer(struct server_apart *apart, const char *line, size_t len, const struct dispatch_peer *peer, unsigned client,
	struct dispatch_reply *reply);

/* True when it is done: `reply` is the caller's, for `client`. */
bool apart_take(struct server_apart *apart, struct dispatch_reply *reply, unsigned *client);

/* Waits for what is being carried out, and drops its reply. */
void apart_end(struct server_apart *apart);
