/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* The listening end of a Unix stream socket: taking its path, and giving it back. Server's thread only. */

#include <sys/types.h>

#include "base/error.h"
#include "base/log.h"

struct server_listener {
	int fd;
	char *path;
	dev_t device; /* of the socket file that we made, */
	ino_t inode;  /* to tell it from one that replaced it */
	struct log_limit log_limit;
};

/* As server_open says; `listener` holds fd and path on success and nothing otherwise. */
int server_listen(struct server_listener *listener, const char *path, unsigned mode, struct error *error);

/* A connection; -EAGAIN: nobody waits, or who waited has gone; -EMFILE, -ENOMEM, ...: there is no room for one, which is logged. */
int server_listen_accept(struct server_listener *listener);

/* Closes, and unlinks the file if it is still ours. */
void server_listen_end(struct server_listener *listener);
