/* SPDX-License-Identifier: Apache-2.0 */
#include <arpa/inet.h>
#include <errno.h>
#include <linux/filter.h>
#include <linux/sock_diag.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "base/memory.h"
#include "nic/udp_socket.h"

#define ERROR_TEXT(code) strerrorname_np(code) != NULL ? strerrordesc_np(code) : "unknown error"

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

static socklen_t make_name(struct sockaddr_storage *name, const struct address *address, uint16_t port)
{
	struct sockaddr_in *v4 = (struct sockaddr_in *)name;
	struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)name;

	memset(name, 0, sizeof(*name));
	if (address->family == ADDRESS_IPV4) {
		v4->sin_family = AF_INET;
		v4->sin_port = htons(port);
		memcpy(&v4->sin_addr, address->bytes, 4);
		return sizeof(*v4);
	}
	v6->sin6_family = AF_INET6;
	v6->sin6_port = htons(port);
	memcpy(&v6->sin6_addr, address->bytes, 16);
	return sizeof(*v6);
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

/* A socket that listens there, together with others of ours when it is `shared`; or -errno. */
static int listening(const struct udp *udp, const struct address *address, uint16_t port, int shared)
{
	struct sockaddr_storage name;
	socklen_t len = make_name(&name, address, port);
	const char *device = udp->config.device;
	int fd = socket(name.ss_family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), one = 1, result = 0;

	if (fd < 0)
		return -errno;
	if ((shared && setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &one, sizeof(one)) != 0) ||
		(address->family == ADDRESS_IPV6 && setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &one, sizeof(one)) != 0) ||
		(device != NULL && setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, device, (socklen_t)strlen(device)) != 0) ||
		bind(fd, (const struct sockaddr *)&name, len) != 0)
		result = -errno;
	if (result == 0)
		return fd;
	(void)close(fd);
	return result;
}

/* Sockets that share a port share its datagrams: without this another daemon of the same user would get half of ours in silence. */
static int is_free(const struct udp *udp, const struct address *address, uint16_t port)
{
	int fd = listening(udp, address, port, 0);

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

static int open_one(struct udp *udp, struct udp_queue *q, const struct address *address, uint16_t port)
{
	int result = q == udp->queues ? is_free(udp, address, port) : 0, fd;

	if (result != 0)
		return result;
	fd = listening(udp, address, port, 1);
	if (fd < 0)
		return fd;
	ask_buffer(udp, fd);
	result = watch(q, fd, port);
	if (result != 0)
		(void)close(fd);
	return result;
}

static int say(const struct udp *udp, const struct address *address, uint16_t port, int code, struct error *error)
{
	char text[INET6_ADDRSTRLEN] = "?";

	(void)inet_ntop(address->family == ADDRESS_IPV4 ? AF_INET : AF_INET6, address->bytes, text, sizeof(text));
	return error_set(error, code, "port %s: cannot listen on %s, UDP port %u%s%s: %s%s", udp->config.name, text, port,
		udp->config.device != NULL ? " of " : "", udp->config.device != NULL ? udp->config.device : "",
		ERROR_TEXT(-code),
		code == -EADDRINUSE ? "; another process, or another of our ports, listens there (ss -ulpn tells which)" : "");
}

/* One UDP port on every address of the configuration, or on any address of both families. */
static int open_port(struct udp *udp, struct udp_queue *q, uint16_t port, struct error *error)
{
	static const struct address any[] = {{.family = ADDRESS_IPV4}, {.family = ADDRESS_IPV6}};
	unsigned count = udp->config.address_count != 0 ? udp->config.address_count : ARRAY_LENGTH(any);

	for (unsigned i = 0; i < count; i++) {
		const struct address *address =
			udp->config.address_count != 0 ? &udp->config.addresses[i].address : &any[i];
		int result = open_one(udp, q, address, port);

		if (result == -EAFNOSUPPORT && udp->config.address_count == 0 && address->family == ADDRESS_IPV6)
			note(udp, "this kernel has no IPv6: listening on IPv4 only");
		else if (result != 0)
			return say(udp, address, port, result, error);
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
	struct sock_filter refuse = BPF_STMT(BPF_RET | BPF_K, 0);
	struct sock_fprog program = {.len = 1, .filter = &refuse};

	udp_read_missed(udp);
	for (unsigned i = 0; i < udp->queue_count; i++)
		for (unsigned s = 0; s < udp->queues[i].socket_count; s++)
			(void)setsockopt(udp->queues[i].sockets[s].fd, SOL_SOCKET, SO_ATTACH_FILTER, &program,
				sizeof(program));
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
