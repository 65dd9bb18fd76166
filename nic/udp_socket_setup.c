/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <linux/sock_diag.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "base/memory.h"
#include "nic/udp_listen.h"
#include "nic/udp_socket.h"

static void note(struct udp *udp, const char *text)
{
	for (unsigned i = 0; i < udp->note_count; i++)
		if (strcmp(udp->notes[i], text) == 0)
			return;
	if (udp->note_count < ARRAY_LENGTH(udp->notes))
		(void)snprintf(udp->notes[udp->note_count++], sizeof(udp->notes[0]), "%s", text);
}

static void aim_messages(struct udp_queue *q)
{
	for (unsigned i = 0; i < SOURCE_BURST; i++) {
		q->vectors[i].iov_base = q->buffers + i * q->buffer_size;
		q->vectors[i].iov_len = q->max_datagram;
		q->messages[i].msg_hdr.msg_iov = &q->vectors[i];
		q->messages[i].msg_hdr.msg_iovlen = 1;
		q->messages[i].msg_hdr.msg_name = &q->names[i];
	}
}

int udp_queues_new(struct udp *udp, struct error *error)
{
	const struct source_config *config = &udp->config;
	unsigned most = config->port_count * (config->address_count != 0 ? config->address_count : 2);

	udp->queues = memory_map(udp->queue_count * sizeof(*udp->queues), CACHE_GUARD, MEMORY_ANY_NODE);
	if (udp->queues == NULL)
		return error_set(error, -ENOMEM, "port %s: no memory for %u queues", config->name, udp->queue_count);
	for (unsigned i = 0; i < udp->queue_count; i++)
		udp->queues[i].poll_fd = -1;
	for (unsigned i = 0; i < udp->queue_count; i++) {
		struct udp_queue *q = &udp->queues[i];

		q->max_datagram = config->max_datagram;
		q->buffer_size = (config->max_datagram + CACHE_LINE) / CACHE_LINE * CACHE_LINE;
		q->buffers = memory_map(SOURCE_BURST * q->buffer_size, CACHE_LINE, MEMORY_ANY_NODE);
		q->sockets = calloc(most, sizeof(*q->sockets));
		if (q->buffers == NULL || q->sockets == NULL)
			return error_set(error, -ENOMEM, "port %s: no memory for receive buffers", config->name);
		aim_messages(q);
	}
	return 0;
}

void udp_queues_free(struct udp *udp)
{
	if (udp->queues == NULL)
		return;
	udp_sockets_close(udp);
	for (unsigned i = 0; i < udp->queue_count; i++) {
		memory_unmap(udp->queues[i].buffers, SOURCE_BURST * udp->queues[i].buffer_size);
		free(udp->queues[i].sockets);
	}
	memory_unmap(udp->queues, udp->queue_count * sizeof(*udp->queues));
	udp->queues = NULL;
}

/* The kernel doubles what it is asked for, to pay for its own book-keeping; halved again for the status. */
static void ask_buffer(struct udp *udp, int fd)
{
	int asked = (int)udp->config.receive_buffer, granted = 0;
	socklen_t len = sizeof(granted);

	if (asked > 0 && setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &asked, sizeof(asked)) != 0)
		(void)setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &asked, sizeof(asked));
	if (getsockopt(fd, SOL_SOCKET, SO_RCVBUF, &granted, &len) != 0)
		return;
	granted /= 2;
	if (udp->receive_buffer == 0 || (uint32_t)granted < udp->receive_buffer)
		udp->receive_buffer = (uint32_t)granted;
	if (granted < asked)
		note(udp, "receive buffer smaller than asked for: raise net.core.rmem_max or grant CAP_NET_ADMIN");
}

/* Sockets that share a port share its datagrams: without this another daemon of the same user would get half of ours in silence. */
static int is_free(const struct udp_place *place)
{
	int fd = udp_listen(place, 0);

	if (fd < 0)
		return fd;
	(void)close(fd);
	return 0;
}

static int watch(struct udp_queue *q, int fd, uint16_t port)
{
	struct epoll_event event = {.events = EPOLLIN, .data.u32 = q->socket_count};

	if (epoll_ctl(q->poll_fd, EPOLL_CTL_ADD, fd, &event) != 0)
		return -errno;
	q->sockets[q->socket_count++] = (struct udp_socket){.fd = fd, .port = port};
	return 0;
}

static int open_one(struct udp *udp, struct udp_queue *q, const struct udp_place *place)
{
	int result = q == udp->queues ? is_free(place) : 0, fd;

	if (result != 0)
		return result;
	fd = udp_listen(place, UDP_LISTEN_SHARED);
	if (fd < 0)
		return fd;
	ask_buffer(udp, fd);
	result = watch(q, fd, place->port);
	if (result != 0)
		(void)close(fd);
	return result;
}

/* One UDP port on every address of the configuration, or on any address of both families. */
static int open_port(struct udp *udp, struct udp_queue *q, uint16_t port, struct error *error)
{
	static const struct address any[] = {{.family = ADDRESS_IPV4}, {.family = ADDRESS_IPV6}};
	unsigned count = udp->config.address_count != 0 ? udp->config.address_count : ARRAY_LENGTH(any);

	for (unsigned i = 0; i < count; i++) {
		struct udp_place place = {.interface = udp->config.device, .port = port,
			.address = udp->config.address_count != 0 ? &udp->config.addresses[i].address : &any[i]};
		int result = open_one(udp, q, &place);

		if (result == -EAFNOSUPPORT && udp->config.address_count == 0 && place.address->family == ADDRESS_IPV6)
			note(udp, "this kernel has no IPv6: listening on IPv4 only");
		else if (result != 0)
			return udp_listen_failed(udp->config.name, &place, result, error);
	}
	return 0;
}

int udp_sockets_open(struct udp *udp, struct error *error)
{
	udp->receive_buffer = 0;
	for (unsigned i = 0; i < udp->queue_count; i++) {
		struct udp_queue *q = &udp->queues[i];

		q->poll_fd = epoll_create1(EPOLL_CLOEXEC);
		if (q->poll_fd < 0)
			return error_set(error, -errno, "port %s: cannot make an epoll instance", udp->config.name);
		for (unsigned p = 0; p < udp->config.port_count; p++) {
			int result = open_port(udp, q, udp->config.ports[p], error);

			if (result != 0)
				return result;
		}
	}
	return 0;
}

/* Datagrams that the kernel still holds for a socket that takes no more. */
static uint64_t count_rest(int fd)
{
	uint64_t count = 0;
	char byte;

	for (;;) {
		if (recv(fd, &byte, sizeof(byte), MSG_DONTWAIT | MSG_TRUNC) >= 0)
			count++;
		else if (errno != EINTR)
			return count;
	}
}

void udp_sockets_close(struct udp *udp)
{
	udp_sockets_shut(udp);
	udp_read_missed(udp);
	for (unsigned i = 0; i < udp->queue_count; i++) {
		struct udp_queue *q = &udp->queues[i];

		for (unsigned s = 0; s < q->socket_count; s++) {
			udp->missed += count_rest(q->sockets[s].fd);
			(void)close(q->sockets[s].fd);
		}
		q->socket_count = 0;
		if (q->poll_fd >= 0)
			(void)close(q->poll_fd);
		q->poll_fd = -1;
	}
}

void udp_sockets_shut(struct udp *udp)
{
	udp_read_missed(udp);
	for (unsigned i = 0; i < udp->queue_count; i++)
		for (unsigned s = 0; s < udp->queues[i].socket_count; s++)
			(void)udp_refuse(udp->queues[i].sockets[s].fd);
}

/* The kernel's drop counter of a socket is the one that SO_RXQ_OVFL reports, but readable without a datagram. */
void udp_read_missed(struct udp *udp)
{
	for (unsigned i = 0; i < udp->queue_count; i++) {
		for (unsigned s = 0; s < udp->queues[i].socket_count; s++) {
			struct udp_socket *sock = &udp->queues[i].sockets[s];
			uint32_t info[SK_MEMINFO_VARS] = {0};
			socklen_t len = sizeof(info);

			if (getsockopt(sock->fd, SOL_SOCKET, SO_MEMINFO, info, &len) != 0)
				continue;
			udp->missed += info[SK_MEMINFO_DROPS] - sock->drops;
			sock->drops = info[SK_MEMINFO_DROPS];
		}
	}
}
