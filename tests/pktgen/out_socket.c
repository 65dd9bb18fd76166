/* SPDX-License-Identifier: Apache-2.0 */
#include "output.h"

#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define SEND_BUFFER (4 << 20)

volatile sig_atomic_t output_stopped;

/* One UDP socket per flow and family, unconnected, so that a port that nobody listens on is no error. */
struct output {
	const struct options *options;
	struct sockaddr_storage targets[TARGETS_MAX];
	socklen_t target_len[TARGETS_MAX];
	int *ipv4, *ipv6; /* per flow; -1: none */
};

static socklen_t socket_address(struct sockaddr_storage *out, const struct address *address, uint16_t port)
{
	memset(out, 0, sizeof(*out));
	if (address->family == ADDRESS_IPV4) {
		struct sockaddr_in *in = (struct sockaddr_in *)out;

		in->sin_family = AF_INET;
		in->sin_port = htons(port);
		memcpy(&in->sin_addr, address->bytes, 4);
		return sizeof(*in);
	}
	struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)out;

	in6->sin6_family = AF_INET6;
	in6->sin6_port = htons(port);
	memcpy(&in6->sin6_addr, address->bytes, 16);
	return sizeof(*in6);
}

static int family_open(const struct options *options, uint8_t family, int *out, struct error *error)
{
	int size = SEND_BUFFER, fd = socket(family == ADDRESS_IPV4 ? AF_INET : AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return error_set(error, -errno, "cannot make a UDP socket: %s (many --sockets need a higher ulimit -n)",
			strerror(errno));
	*out = fd;
	(void)setsockopt(
		fd, SOL_SOCKET, SO_SNDBUF, &size, sizeof(size)); /* a smaller buffer only sends in smaller bursts */
	for (unsigned i = 0; i < options->from_count; i++) {
		struct sockaddr_storage from;
		socklen_t len = socket_address(&from, &options->from[i], 0);

		if (options->from[i].family == family && bind(fd, (struct sockaddr *)&from, len) != 0)
			return error_set(error, -errno, "cannot send from the address of --from: %s", strerror(errno));
	}
	return 0;
}

static int socket_close(struct output *output, struct error *error)
{
	(void)error;
	if (output == NULL)
		return 0;
	for (uint32_t i = 0; i < output->options->sockets; i++) {
		if (output->ipv4 != NULL && output->ipv4[i] >= 0)
			close(output->ipv4[i]);
		if (output->ipv6 != NULL && output->ipv6[i] >= 0)
			close(output->ipv6[i]);
	}
	free(output->ipv4);
	free(output->ipv6);
	free(output);
	return 0;
}

static int sockets_open(struct output *output, struct error *error)
{
	const struct options *options = output->options;
	int rc = 0;

	memset(output->ipv4, 0xff, options->sockets * sizeof(int));
	memset(output->ipv6, 0xff, options->sockets * sizeof(int));
	for (unsigned t = 0; t < options->target_count; t++) {
		int *sockets = options->targets[t].family == ADDRESS_IPV4 ? output->ipv4 : output->ipv6;

		for (uint32_t i = 0; rc == 0 && i < options->sockets && sockets[i] < 0; i++)
			rc = family_open(options, options->targets[t].family, &sockets[i], error);
		output->target_len[t] = socket_address(&output->targets[t], &options->targets[t], 0);
	}
	return rc;
}

static int socket_open(struct output **out, const struct options *options, struct error *error)
{
	struct output *output = calloc(1, sizeof(*output));
	int rc;

	if (output == NULL)
		return error_set(error, -ENOMEM, "no memory for the sockets");
	output->options = options;
	output->ipv4 = calloc(options->sockets, sizeof(int));
	output->ipv6 = calloc(options->sockets, sizeof(int));
	if (output->ipv4 == NULL || output->ipv6 == NULL) {
		free(output->ipv4);
		free(output->ipv6);
		free(output);
		return error_set(error, -ENOMEM, "no memory for the sockets");
	}
	rc = sockets_open(output, error);
	if (rc != 0) {
		socket_close(output, NULL);
		return rc;
	}
	*out = output;
	return 0;
}

static int64_t now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

/* Waits a little after an error that may pass. Returns 0, or the error as -errno: it does not pass, or not since a signal came.
 * `until_ms`: when it is too late then; 0: no signal has been seen. */
static int wait_for_room(int fd, int64_t *until_ms)
{
	struct pollfd wait = {.fd = fd, .events = POLLOUT};
	int code = -errno;

	if (code == -EINTR)
		return 0;
	if (code != -ENOBUFS && code != -EAGAIN)
		return code;
	poll(&wait, 1, 1);
	if (!output_stopped)
		return 0;
	if (*until_ms == 0)
		*until_ms = now_ms() + OUTPUT_PATIENCE_MS;
	return now_ms() < *until_ms ? 0 : code;
}

/* Sends all of `count` messages over one socket. A full buffer or queue is waited for. */
static int socket_send_all(int fd, struct mmsghdr *messages, unsigned count, struct error *error)
{
	int64_t until_ms = 0;
	unsigned done = 0;
	int rc = 0;

	while (rc == 0 && done < count) {
		int n = sendmmsg(fd, messages + done, count - done, 0);

		if (n > 0) {
			done += (unsigned)n;
			until_ms = 0;
		} else {
			rc = wait_for_room(fd, &until_ms);
		}
	}
	return rc == 0 ? 0 : error_set(error, rc, "cannot send: %s", strerror(-rc));
}

static int flow_socket(const struct output *output, const struct outgoing *datagram)
{
	const struct address *target = &output->options->targets[datagram->source % output->options->target_count];

	return (target->family == ADDRESS_IPV4 ? output->ipv4 : output->ipv6)[datagram->flow];
}

/* Datagrams that follow each other over one socket go in one system call; their order stays. */
static int socket_send(struct output *output, const struct outgoing *datagrams, unsigned count, struct error *error)
{
	__attribute__((uninitialized)) struct mmsghdr messages[OUTPUT_BURST];
	__attribute__((uninitialized)) struct iovec vectors[OUTPUT_BURST];
	__attribute__((uninitialized)) struct sockaddr_storage names[OUTPUT_BURST];
	int rc = 0, fd = -1;
	unsigned begin = 0;

	for (unsigned i = 0; rc == 0 && i <= count; i++) {
		int next = i < count ? flow_socket(output, &datagrams[i]) : -1;
		unsigned target;

		if (next != fd && i > begin) {
			rc = socket_send_all(fd, messages + begin, i - begin, error);
			begin = i;
		}
		fd = next;
		if (i == count)
			break;
		target = datagrams[i].source % output->options->target_count;
		names[i] = output->targets[target];
		((struct sockaddr_in *)&names[i])->sin_port =
			htons(datagrams[i].port); /* the same place in sockaddr_in6 */
		vectors[i].iov_base = (void *)(uintptr_t)datagrams[i].data;
		vectors[i].iov_len = datagrams[i].len;
		memset(&messages[i], 0, sizeof(messages[i]));
		messages[i].msg_hdr.msg_name = &names[i];
		messages[i].msg_hdr.msg_namelen = output->target_len[target];
		messages[i].msg_hdr.msg_iov = &vectors[i];
		messages[i].msg_hdr.msg_iovlen = 1;
	}
	return rc;
}

const struct output_ops output_socket = {
	.open = socket_open,
	.send = socket_send,
	.close = socket_close,
};
