/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* One kernel UDP socket that listens on an address and a port, and what is said when it cannot. Private to nic/. */

#include <net/if.h>

#include "base/error.h"
#include "wire/datagram.h"

enum udp_listen_how {
	UDP_LISTEN_SHARED = 1, /* together with others of ours */
	UDP_LISTEN_AHEAD = 2,  /* also where the kernel does not have the address, or not yet */
	UDP_LISTEN_DEAF = 4    /* takes nothing: senders hear that somebody listens, and no memory is used */
};

struct udp_place {
	const char *interface; /* NULL: any */
	const struct address *address;
	uint16_t port;
};

/* A socket that listens there, or -errno. `how`: of enum udp_listen_how. Control thread. */
int udp_listen(const struct udp_place *place, unsigned how);

/* Has a socket refuse what comes from now on; what is queued can still be read. 0 or -errno. */
int udp_refuse(int fd);

/* The sentence for udp_listen having given `code` for the port called `name`. Returns the code. */
int udp_listen_failed(const char *name, const struct udp_place *place, int code, struct error *error);
