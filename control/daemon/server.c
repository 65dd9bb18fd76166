/* SPDX-License-Identifier: Apache-2.0 */
#include "control/daemon/server.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "control/api/protocol.h"
#include "control/daemon/server_apart.h"
#include "control/daemon/server_dispatch.h"
#include "control/daemon/server_listen.h"

#define ACCEPTS_A_TURN  8
#define ACCEPT_PAUSE_MS 200 /* after the process has run out of descriptors */
#define LOG_SECONDS     10
#define APART_LOOK_MS   20 /* between two looks whether what runs apart is done */

struct client {
	int fd; /* -1: a free place */
	struct dispatch_peer peer;
	char *in; /* received and not yet carried out, from a line's first byte on */
	size_t in_used, in_size;
	size_t line_len; /* of the first line, newline included; 0: it is not whole yet */
	struct dispatch_reply out;
	size_t out_sent;
	int64_t deadline_ms; /* cut off at this time */
	int64_t since_ms;    /* of the last request, or of connecting */
	bool closing;        /* close when `out` is taken */
	bool waiting;        /* for what runs apart */
};

struct server {
	struct server_listener listener;
	struct dispatch *dispatch;
	struct server_limits limits;
	struct client *clients; /* limits.clients of them, made at the first turn */
	struct pollfd *pollfds; /* one for the listener, first, and the same number */
	nfds_t polled;          /* of them, up to the last one in use: poll(2) takes no more than there may be descriptors */
	unsigned first;         /* client that this turn begins with */
	size_t pending;         /* bytes of all `out` */
	int64_t accept_from_ms;
	struct server_apart apart;
	const atomic_int *leave; /* see server_obey; NULL: none */
	struct log_limit log_limit;
};

int server_open(struct server **server, const char *path, unsigned mode, struct error *error)
{
	struct server *s = calloc(1, sizeof(*s));
	int rc;

	*server = NULL;
	if (s != NULL)
		s->dispatch = dispatch_new();
	if (s == NULL || s->dispatch == NULL) {
		free(s);
		return error_set(error, -ENOMEM, "no memory for the control server");
	}
	s->apart.dispatch = s->dispatch;
	s->limits = (struct server_limits){.clients = 32,
		.request_bytes = API_REQUEST_MAX,
		.reply_bytes = API_REPLY_MAX,
		.line_ms = 5000,
		.reply_ms = 10000,
		.idle_ms = 60000,
		.yield_ms = 1000};
	rc = server_listen(&s->listener, path, mode, error);
	if (rc != 0) {
		dispatch_free(s->dispatch);
		free(s);
		return rc;
	}
	*server = s;
	return 0;
}

void server_set_limits(struct server *server, const struct server_limits *limits)
{
	server->limits = *limits;
	dispatch_set_reply_max(server->dispatch, limits->reply_bytes);
}

int server_register(struct server *server, const char *method, server_handler *handler, void *context, unsigned flags)
{
	return dispatch_add(server->dispatch, method, handler, context, flags);
}

static void drop_reply(struct server *server, struct client *client)
{
	server->pending -= client->out.len;
	free(client->out.data);
	client->out = (struct dispatch_reply){0};
	client->out_sent = 0;
}

static void end_client(struct server *server, struct client *client)
{
	drop_reply(server, client);
	free(client->in);
	close(client->fd);
	*client = (struct client){.fd = -1};
}

/* What the client is late with decides its time: taking a reply, ending a line, or the next request. */
static void set_deadline(const struct server *server, struct client *client, int64_t now)
{
	unsigned ms = server->limits.idle_ms;

	if (client->out.data != NULL)
		ms = server->limits.reply_ms;
	else if (client->in_used > 0)
		ms = server->limits.line_ms;
	client->deadline_ms = now + ms;
}

static void cut_off(struct server *server, struct client *client, const char *why)
{
	unsigned before = 0;

	if (log_allowed(&server->log_limit, LOG_SECONDS, &before))
		log_write(LOG_NOTICE,
			"control: process %d of user %u is cut off: %s (%u more since the last such line)",
			(int)client->peer.pid, (unsigned)client->peer.uid, why, before);
	end_client(server, client);
}

static void cut_off_late(struct server *server, struct client *client)
{
	if (client->out.data != NULL)
		cut_off(server, client, "it does not take its reply");
	else if (client->in_used > 0)
		cut_off(server, client, "it does not end its line");
	else
		end_client(server, client);
}

static void queue_reply(struct server *server, struct client *client, struct dispatch_reply reply)
{
	client->out = reply;
	client->out_sent = 0;
	server->pending += reply.len;
}

static void send_reply(struct server *server, struct client *client)
{
	struct dispatch_reply *out = &client->out;
	ssize_t n;

	while (out->data != NULL && client->out_sent < out->len) {
		n = send(client->fd, out->data + client->out_sent, out->len - client->out_sent, MSG_NOSIGNAL);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno == EAGAIN)
			return;
		if (n < 0) {
			end_client(server, client);
			return;
		}
		client->out_sent += (size_t)n;
	}
	drop_reply(server, client);
	if (client->closing)
		end_client(server, client);
	else
		set_deadline(server, client, clock_ms());
}

static void refuse_long_line(struct server *server, struct client *client)
{
	client->closing = true;
	queue_reply(server, client,
		dispatch_refusal(API_INVALID_REQUEST, "the request is larger than the protocol allows"));
	set_deadline(server, client, clock_ms());
	send_reply(server, client);
}

/* Looks for the newline in what came last, from byte `from` on. */
static void find_line(struct client *client, size_t from)
{
	const char *newline = memchr(client->in + from, '\n', client->in_used - from);

	client->line_len = newline == NULL ? 0 : (size_t)(newline - client->in) + 1;
}

static bool grow(const struct server *server, struct client *client)
{
	size_t size = client->in_size == 0 ? 1024 : client->in_size * 2;
	char *grown;

	if (size > server->limits.request_bytes)
		size = server->limits.request_bytes;
	grown = realloc(client->in, size);
	if (grown == NULL)
		return false;
	client->in = grown;
	client->in_size = size;
	return true;
}

static void receive(struct server *server, struct client *client)
{
	size_t from = client->in_used;
	ssize_t n;

	if (client->in_used == client->in_size && !grow(server, client)) {
		end_client(server, client);
		return;
	}
	n = recv(client->fd, client->in + from, client->in_size - from, 0);
	if (n < 0 && (errno == EINTR || errno == EAGAIN))
		return;
	if (n <= 0) {
		end_client(server, client);
		return;
	}
	client->in_used += (size_t)n;
	if (from == 0)
		set_deadline(server, client, clock_ms());
	find_line(client, from);
	if (client->line_len == 0 && client->in_used >= server->limits.request_bytes)
		refuse_long_line(server, client);
}

static void hand_out(struct server *server, struct client *client, struct dispatch_reply reply)
{
	client->waiting = false;
	client->since_ms = clock_ms();
	queue_reply(server, client, reply);
	set_deadline(server, client, client->since_ms);
	send_reply(server, client);
}

/* The handler runs to its end; time that it takes is nobody's delay. */
static void carry_out(struct server *server, struct client *client)
{
	size_t len = client->line_len;
	struct dispatch_reply reply;

	client->waiting = !apart_answer(
		&server->apart, client->in, len - 1, &client->peer, (unsigned)(client - server->clients), &reply);
	client->in_used -= len;
	memmove(client->in, client->in + len, client->in_used);
	find_line(client, 0);
	if (!client->waiting)
		hand_out(server, client, reply);
}

/* Who asked may have gone. */
static void finish_apart(struct server *server)
{
	struct dispatch_reply reply;
	unsigned at;

	if (!apart_take(&server->apart, &reply, &at))
		return;
	if (server->clients[at].waiting)
		hand_out(server, &server->clients[at], reply);
	else
		free(reply.data);
}

static bool may_carry_out(const struct server *server, const struct client *client)
{
	return client->line_len > 0 && client->out.data == NULL && !client->waiting && server->pending <= SERVER_PENDING_MAX;
}

/* A client with a whole line waits for us, not we for it. */
static bool may_be_late(const struct client *client)
{
	return client->out.data != NULL || (client->line_len == 0 && !client->waiting);
}

static short events_of(const struct client *client)
{
	if (client->out.data != NULL)
		return POLLOUT;
	return client->line_len > 0 || client->waiting ? 0 : POLLIN;
}

/* One client's turn; true when a request was carried out. */
static bool serve(struct server *server, struct client *client, short revents)
{
	if (revents & POLLOUT)
		send_reply(server, client);
	else if (revents & POLLIN)
		receive(server, client);
	else if ((revents & (POLLHUP | POLLERR | POLLNVAL)) && !may_carry_out(server, client))
		end_client(server, client);
	if (client->fd < 0 || !may_carry_out(server, client))
		return false;
	carry_out(server, client);
	return true;
}

/* A free place; or that of the client that has idled longest, with nothing begun on either side. */
static struct client *place_for_one_more(struct server *server)
{
	int64_t before = clock_ms() - server->limits.yield_ms;
	struct client *oldest = NULL;

	for (unsigned i = 0; i < server->limits.clients; i++) {
		struct client *client = &server->clients[i];

		if (client->fd < 0)
			return client;
		if (client->in_used == 0 && client->out.data == NULL && !client->waiting && client->since_ms <= before &&
			(oldest == NULL || client->since_ms < oldest->since_ms))
			oldest = client;
	}
	if (oldest != NULL)
		cut_off(server, oldest, "all places are taken and it has idled longest");
	return oldest;
}

static void refuse_client(int fd)
{
	struct dispatch_reply reply = dispatch_refusal(API_BUSY, "too many clients at once: try again in a moment");

	if (reply.data != NULL)
		(void)!send(fd, reply.data, reply.len, MSG_NOSIGNAL | MSG_DONTWAIT);
	free(reply.data);
	close(fd);
}

static void welcome(struct server *server, int fd)
{
	struct ucred cred = {.pid = -1, .uid = (uid_t)-1};
	struct client *client = place_for_one_more(server);
	socklen_t len = sizeof(cred);

	if (client == NULL) {
		refuse_client(fd);
		return;
	}
	(void)getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &cred, &len);
	*client = (struct client){.fd = fd, .peer = {cred.pid, cred.uid}, .since_ms = clock_ms()};
	set_deadline(server, client, client->since_ms);
}

static void accept_clients(struct server *server)
{
	for (unsigned i = 0; i < ACCEPTS_A_TURN; i++) {
		int fd = server_listen_accept(&server->listener);

		if (fd >= 0) {
			welcome(server, fd);
			continue;
		}
		if (fd != -EAGAIN)
			server->accept_from_ms = clock_ms() + ACCEPT_PAUSE_MS;
		return;
	}
}

static int make_places(struct server *server)
{
	if (server->clients != NULL)
		return 0;
	server->clients = calloc(server->limits.clients, sizeof(*server->clients));
	server->pollfds = calloc(server->limits.clients + 1, sizeof(*server->pollfds));
	if (server->clients == NULL || server->pollfds == NULL) {
		free(server->clients);
		free(server->pollfds);
		server->clients = NULL;
		server->pollfds = NULL;
		return -ENOMEM;
	}
	for (unsigned i = 0; i < server->limits.clients; i++)
		server->clients[i].fd = -1;
	return 0;
}

static int shorter(int timeout_ms, int64_t left_ms)
{
	int left = left_ms < 0 ? 0 : (int)left_ms;

	return timeout_ms < 0 || left < timeout_ms ? left : timeout_ms;
}

/* Fills the poll list and returns how long to wait at most. */
static int prepare(struct server *server, int timeout_ms)
{
	unsigned count = server->limits.clients;
	int64_t now = clock_ms();
	bool accepting = now >= server->accept_from_ms;

	if (server->apart.running)
		timeout_ms = shorter(timeout_ms, APART_LOOK_MS);
	server->polled = 1;
	server->pollfds[0] = (struct pollfd){.fd = accepting ? server->listener.fd : -1, .events = POLLIN};
	for (unsigned i = 0; i < count; i++) {
		const struct client *client = &server->clients[i];

		if (client->fd >= 0)
			server->polled = i + 2;
		server->pollfds[i + 1] = (struct pollfd){.fd = client->fd, .events = events_of(client)};
		if (client->fd >= 0 && may_carry_out(server, client))
			timeout_ms = 0;
		else if (client->fd >= 0 && may_be_late(client))
			timeout_ms = shorter(timeout_ms, client->deadline_ms - now + 1);
	}
	return accepting ? timeout_ms : shorter(timeout_ms, server->accept_from_ms - now);
}

static void end_late_ones(struct server *server)
{
	int64_t now = clock_ms();

	for (unsigned i = 0; i < server->limits.clients; i++) {
		struct client *client = &server->clients[i];

		if (client->fd >= 0 && may_be_late(client) && now > client->deadline_ms)
			cut_off_late(server, client);
	}
}

static bool must_leave(const struct server *server)
{
	return server->leave != NULL && atomic_load(server->leave) != 0;
}

int server_poll(struct server *server, int timeout_ms)
{
	unsigned count = server->limits.clients;
	int served = 0;

	if (make_places(server) != 0)
		return -ENOMEM;
	timeout_ms = prepare(server, timeout_ms);
	if (poll(server->pollfds, server->polled, timeout_ms) < 0)
		return errno == EINTR ? 0 : -errno;
	for (unsigned i = 0; i < count && (served == 0 || !must_leave(server)); i++) {
		unsigned at = (server->first + i) % count;

		if (server->clients[at].fd >= 0)
			served += serve(server, &server->clients[at], server->pollfds[at + 1].revents);
	}
	server->first = (server->first + 1) % count;
	finish_apart(server);
	end_late_ones(server);
	if (server->pollfds[0].revents & POLLIN)
		accept_clients(server);
	return served;
}

void server_obey(struct server *server, const atomic_int *leave)
{
	server->leave = leave;
}

void server_drain(struct server *server)
{
	dispatch_drain(server->dispatch);
}

void server_flush(struct server *server, int timeout_ms)
{
	int64_t end = clock_ms() + timeout_ms;

	while ((server->pending > 0 || server->apart.running) && clock_ms() < end) {
		int n = 0, wait_ms = shorter(server->apart.running ? APART_LOOK_MS : timeout_ms, end - clock_ms());

		for (unsigned i = 0; i < server->limits.clients; i++)
			if (server->clients[i].out.data != NULL)
				server->pollfds[n++] = (struct pollfd){.fd = server->clients[i].fd, .events = POLLOUT};
		(void)poll(server->pollfds, (nfds_t)n, wait_ms);
		for (unsigned i = 0; i < server->limits.clients; i++)
			if (server->clients[i].out.data != NULL)
				send_reply(server, &server->clients[i]);
		finish_apart(server);
	}
}

void server_close(struct server *server)
{
	if (server == NULL)
		return;
	apart_end(&server->apart);
	for (unsigned i = 0; server->clients != NULL && i < server->limits.clients; i++)
		if (server->clients[i].fd >= 0)
			end_client(server, &server->clients[i]);
	server_listen_end(&server->listener);
	dispatch_free(server->dispatch);
	free(server->clients);
	free(server->pollfds);
	free(server);
}
