/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * The inside of the socket back end: per worker one SO_REUSEPORT socket for each UDP port and address, read with recvmmsg into
 * buffers made at open. Where anybody else listens there already, the start is refused: the kernel would share datagrams out.
 * Private to nic/. Needs neither EAL nor root.
 */

#include <sys/socket.h>

#include "base/compiler.h"
#include "nic/gate.h"
#include "nic/source.h"

#define UDP_SOCKETS (SOURCE_PORTS * SOURCE_ADDRESSES) /* of one worker at the most */

struct udp_socket {
	int fd;
	uint16_t port;
	uint32_t drops;  /* control: the kernel's counter (32 bits) as last seen */
};

/* One worker's part; its own while the gate is open, but for sockets[].drops and the list itself (made at start). */
struct udp_queue {
	struct gate gate;
	int poll_fd; /* an epoll of all sockets */
	unsigned socket_count;
	uint16_t turn; /* at which of the ready sockets the next receive begins */
	struct udp_socket *sockets;
	uint32_t max_datagram; /* ro */
	uint8_t *buffers;      /* SOURCE_BURST of buffer_size bytes */
	size_t buffer_size;
	struct mmsghdr messages[SOURCE_BURST];
	struct iovec vectors[SOURCE_BURST];
	struct sockaddr_storage names[SOURCE_BURST];
	struct source_counters counters CACHE_ALIGNED; /* worker: w, anyone: r */
} CACHE_ALIGNED;

/* All fields are control's. */
struct udp {
	struct source_config config;
	unsigned queue_count;
	uint32_t receive_buffer; /* granted, the least of all sockets */
	uint64_t missed;
	unsigned note_count;
	char notes[4][120];
	struct udp_queue *queues; /* queue_count of them */
};

/* udp_socket_setup.c: memory and sockets; control thread. 0 or -errno with a sentence. */
int udp_queues_new(struct udp *udp, struct error *error);
void udp_queues_free(struct udp *udp);
int udp_sockets_open(struct udp *udp, struct error *error);
void udp_sockets_close(struct udp *udp); /* what nobody has read of what they hold is missed */

/* Refuses new datagrams on all sockets; what is queued can still be read. Control thread. */
void udp_sockets_shut(struct udp *udp);

/* Brings udp->missed up to date. Control thread. */
void udp_read_missed(struct udp *udp);
