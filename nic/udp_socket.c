/* SPDX-License-Identifier: Apache-2.0 */
#include "nic/udp_socket.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <time.h>

#define DATAGRAM_MAX 65507 /* by IPv4; IPv6 adds 20 */
#define READY        16    /* sockets that one receive looks at */

_Static_assert(READY <= SOURCE_BURST, "each socket has a share of a burst");

/* What one receive has so far: messages filled, and datagrams made of them. */
struct udp_burst {
	struct datagram *out;
	unsigned used, taken;
};

static struct udp *udp_of(struct source *source)
{
	return (struct udp *)source;
}

static struct udp_queue *queue_of(struct source_queue *queue)
{
	return (struct udp_queue *)queue;
}

static void udp_close(struct source *source)
{
	struct udp *udp = udp_of(source);

	if (udp == NULL)
		return;
	udp_queues_free(udp);
	free(udp);
}

static int udp_open(struct source **source, const struct source_config *config, struct error *error)
{
	struct udp *udp;
	int result;

	if (config->queues == 0 || config->queues > SOURCE_QUEUES || config->port_count == 0 ||
		config->port_count > SOURCE_PORTS || config->address_count > SOURCE_ADDRESSES)
		return error_set(error, -EINVAL, "port %s: needs 1 to %d workers and 1 to %d UDP ports", config->name,
			SOURCE_QUEUES, SOURCE_PORTS);
	if (config->max_datagram == 0 || config->max_datagram > DATAGRAM_MAX)
		return error_set(error, -EINVAL, "port %s: max_datagram is 1 to %d", config->name, DATAGRAM_MAX);
	udp = calloc(1, sizeof(*udp));
	if (udp == NULL)
		return error_set(error, -ENOMEM, "port %s: no memory", config->name);
	udp->config = *config;
	udp->queue_count = config->queues;
	result = udp_queues_new(udp, error);
	if (result != 0) {
		udp_close((struct source *)udp);
		return result;
	}
	*source = (struct source *)udp;
	return 0;
}

static int udp_start(struct source *source, struct error *error)
{
	struct udp *udp = udp_of(source);
	int result = udp_sockets_open(udp, error);

	if (result != 0) {
		udp_sockets_close(udp);
		return result;
	}
	for (unsigned i = 0; i < udp->queue_count; i++)
		gate_open(&udp->queues[i].gate);
	return 0;
}

static void udp_stop(struct source *source)
{
	struct udp *udp = udp_of(source);

	udp_sockets_shut(udp);
	for (unsigned i = 0; i < udp->queue_count; i++)
		(void)gate_close(&udp->queues[i].gate);
	udp_sockets_close(udp);
}

static struct source_queue *udp_queue_at(struct source *source, unsigned index)
{
	return (struct source_queue *)&udp_of(source)->queues[index];
}

static int udp_attach(struct source_queue *queue)
{
	gate_enter(&queue_of(queue)->gate);
	return 0;
}

static void udp_detach(struct source_queue *queue)
{
	gate_leave(&queue_of(queue)->gate);
}

static void take_source(struct datagram *out, const struct sockaddr_storage *name)
{
	const struct sockaddr_in *v4 = (const struct sockaddr_in *)name;
	const struct sockaddr_in6 *v6 = (const struct sockaddr_in6 *)name;

	out->source = (struct address){.family = ADDRESS_IPV4};
	if (name->ss_family == AF_INET) {
		memcpy(out->source.bytes, &v4->sin_addr, 4);
		out->source_port = ntohs(v4->sin_port);
		return;
	}
	out->source.family = ADDRESS_IPV6;
	memcpy(out->source.bytes, &v6->sin6_addr, 16);
	out->source_port = ntohs(v6->sin6_port);
}

/* Messages first..first + count, lately received on `sock`, become datagrams at `out`; returns how many. */
static unsigned take_messages(
	struct udp_queue *q, const struct udp_socket *sock, unsigned first, unsigned count, struct datagram *out)
{
	unsigned taken = 0, oversize = 0;
	uint64_t bytes = 0;

	for (unsigned i = first; i < first + count; i++) {
		const struct mmsghdr *message = &q->messages[i];

		bytes += message->msg_len;
		if (message->msg_len > q->max_datagram) {
			oversize++;
			continue;
		}
		out[taken].data = q->vectors[i].iov_base;
		out[taken].len = message->msg_len;
		out[taken].destination_port = sock->port;
		take_source(&out[taken++], &q->names[i]);
	}
	counter_add(&q->counters.dropped_oversize, oversize);
	counter_add(&q->counters.datagram_frames, taken);
	counter_add(&q->counters.datagrams, taken);
	counter_add(&q->counters.bytes, bytes);
	counter_add(&q->counters.frames, count);
	return taken;
}

/* Reads at most `most` datagrams of one socket into messages first and following; returns how many came. MSG_TRUNC tells the
 * true length. */
static unsigned read_socket(struct udp_queue *q, const struct udp_socket *sock, unsigned first, unsigned most)
{
	int n;

	for (unsigned i = first; i < first + most; i++)
		q->messages[i].msg_hdr.msg_namelen = sizeof(q->names[0]);
	n = recvmmsg(sock->fd, q->messages + first, most, MSG_DONTWAIT | MSG_TRUNC, NULL);
	return n > 0 ? (unsigned)n : 0;
}

/* Reads at most `share` datagrams of one socket behind what the burst has; returns whether there were as many. */
static int read_share(struct udp_queue *q, unsigned index, unsigned share, struct udp_burst *burst)
{
	const struct udp_socket *sock = &q->sockets[index];
	unsigned n = read_socket(q, sock, burst->used, share);

	burst->taken += take_messages(q, sock, burst->used, n, burst->out + burst->taken);
	burst->used += n;
	return n == share;
}

/* The kernel lists sockets that stay ready in the same order again and again, so each gets an equal share of what is left; what
 * some leave goes to those that had more, from another one on each time. */
static unsigned read_ready(struct udp_queue *q, struct datagram *out)
{
	struct epoll_event ready[READY];
	struct udp_burst burst = {.out = out};
	int n = epoll_wait(q->poll_fd, ready, READY, 0);
	unsigned count = n > 0 ? (unsigned)n : 0, more = 0, from = q->turn++;

	for (unsigned i = 0; i < count; i++) {
		unsigned at = (from + i) % count, share = (SOURCE_BURST - burst.used) / (count - i);

		if (read_share(q, ready[at].data.u32, share, &burst))
			more |= 1u << at;
	}
	for (unsigned i = 0; i < count && burst.used < SOURCE_BURST; i++) {
		unsigned at = (from + i) % count;

		if (more & 1u << at)
			(void)read_share(q, ready[at].data.u32, SOURCE_BURST - burst.used, &burst);
	}
	return burst.taken;
}

/* A closing queue is emptied first, since no new datagram can join it. */
static unsigned udp_receive(struct source_queue *queue, struct datagram *out, uint64_t tsc)
{
	struct udp_queue *q = queue_of(queue);
	uint64_t before = counter_read(&q->counters.frames);
	unsigned taken, n;

	(void)tsc;
	if (atomic_load_explicit(&q->gate.state, memory_order_acquire) == GATE_CLOSED)
		return 0;
	if (q->socket_count == 1) {
		n = read_socket(q, &q->sockets[0], 0, SOURCE_BURST);
		taken = n == 0 ? 0 : take_messages(q, &q->sockets[0], 0, n, out);
	} else {
		taken = read_ready(q, out);
	}
	if (counter_read(&q->counters.frames) == before)
		(void)gate_pass(&q->gate);
	return taken;
}

static void udp_release(struct source_queue *queue)
{
	(void)queue;
}

static void udp_tick(struct source_queue *queue, uint64_t tsc)
{
	(void)queue;
	(void)tsc;
}

static void udp_wait(struct source_queue *queue, unsigned us)
{
	struct udp_queue *q = queue_of(queue);
	struct timespec time = {.tv_sec = us / 1000000, .tv_nsec = (long)(us % 1000000) * 1000};

	if (atomic_load_explicit(&q->gate.state, memory_order_acquire) == GATE_OPEN)
		(void)ppoll(&(struct pollfd){.fd = q->poll_fd, .events = POLLIN}, 1, &time, NULL);
	else
		(void)nanosleep(&time, NULL);
}

static const struct source_counters *udp_counters(const struct source_queue *queue)
{
	return &((const struct udp_queue *)queue)->counters;
}

static void udp_status(struct source *source, struct source_status *status)
{
	struct udp *udp = udp_of(source);
	size_t at = 0;

	udp_read_missed(udp);
	*status = (struct source_status){.driver = "socket", .node = -1, .link_up = 1, .reports_missed = 1};
	status->missed = udp->missed;
	status->receive_buffer = udp->receive_buffer;
	status->queues = udp->queue_count;
	status->mtu = udp->config.mtu;
	for (unsigned i = 0; i < udp->note_count && at < sizeof(status->notes); i++) {
		int n = snprintf(status->notes + at, sizeof(status->notes) - at, "%s%s", i == 0 ? "" : "; ",
			udp->notes[i]);

		at += n < 0 ? 0 : (size_t)n;
	}
}

/* The kernel looks after the device. */
static void udp_follow(struct source *source, int64_t now_ms, struct source_news *news)
{
	(void)source;
	(void)now_ms;
	news->text[0] = '\0';
}

const struct source_ops source_socket = {
	.open = udp_open,
	.start = udp_start,
	.stop = udp_stop,
	.close = udp_close,
	.queue = udp_queue_at,
	.attach = udp_attach,
	.detach = udp_detach,
	.receive = udp_receive,
	.release = udp_release,
	.tick = udp_tick,
	.wait = udp_wait,
	.counters = udp_counters,
	.follow = udp_follow,
	.status = udp_status,
};
