/* SPDX-License-Identifier: Apache-2.0 */
#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "kafka/internal.h"

#define PEER_SECONDS 20
#define SOCKETS_MAX  256 /* of one handle: one a broker; those beyond are not listed */

struct kafka_sockets {
	pthread_mutex_t lock;
	unsigned count;
	int fds[SOCKETS_MAX];
};

struct kafka_sockets *kafka_sockets_new(void)
{
	struct kafka_sockets *sockets = calloc(1, sizeof(*sockets));

	if (sockets != NULL)
		pthread_mutex_init(&sockets->lock, NULL);
	return sockets;
}

void kafka_sockets_free(struct kafka_sockets *sockets)
{
	if (sockets == NULL)
		return;
	pthread_mutex_destroy(&sockets->lock);
	free(sockets);
}

/*
 * A connection whose other end has vanished without a word is given up after so long, instead of after socket.timeout.ms, for which
 * all that is in flight would wait, and with it every topic that the client has to put in order again. A broker that is merely
 * slow is not meant: its kernel acknowledges. These are hints: a system that does not take one works without.
 */
static void watch_peer(int fd)
{
	const int user_ms = PEER_SECONDS * 1000, idle = PEER_SECONDS / 2, interval = PEER_SECONDS / 4, count = 2;

	(void)setsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &user_ms, sizeof(user_ms)); /* while something is not acknowledged */
	(void)setsockopt(fd, IPPROTO_TCP, TCP_KEEPIDLE, &idle, sizeof(idle)); /* while an answer is waited for */
	(void)setsockopt(fd, IPPROTO_TCP, TCP_KEEPINTVL, &interval, sizeof(interval));
	(void)setsockopt(fd, IPPROTO_TCP, TCP_KEEPCNT, &count, sizeof(count));
}

static int open_one(int domain, int type, int protocol, void *opaque)
{
	struct kafka_sockets *sockets = opaque;
	int fd = socket(domain, type | SOCK_CLOEXEC, protocol);

	if (fd < 0)
		return -1;
	watch_peer(fd);
	pthread_mutex_lock(&sockets->lock);
	if (sockets->count < SOCKETS_MAX)
		sockets->fds[sockets->count++] = fd;
	pthread_mutex_unlock(&sockets->lock);
	return fd;
}

/* Forgotten before it is closed, so that the number is never looked at when it is someone else's. */
static int close_one(int fd, void *opaque)
{
	struct kafka_sockets *sockets = opaque;

	pthread_mutex_lock(&sockets->lock);
	for (unsigned i = 0; i < sockets->count; i++) {
		if (sockets->fds[i] == fd) {
			sockets->fds[i] = sockets->fds[--sockets->count];
			break;
		}
	}
	pthread_mutex_unlock(&sockets->lock);
	return close(fd);
}

void kafka_sockets_attach(struct kafka_sockets *sockets, rd_kafka_conf_t *conf)
{
	rd_kafka_conf_set_opaque(conf, sockets);
	rd_kafka_conf_set_socket_cb(conf, open_one);
	rd_kafka_conf_set_closesocket_cb(conf, close_one);
}

static int peer_text(int fd, char *text, size_t size)
{
	struct sockaddr_storage peer;
	socklen_t len = sizeof(peer);
	char host[NI_MAXHOST], port[NI_MAXSERV];

	if (getpeername(fd, (struct sockaddr *)&peer, &len) != 0 ||
		getnameinfo((struct sockaddr *)&peer, len, host, sizeof(host), port, sizeof(port),
			NI_NUMERICHOST | NI_NUMERICSERV) != 0)
		return -ENOTCONN;
	(void)snprintf(text, size, peer.ss_family == AF_INET6 ? "[%s]:%s" : "%s:%s", host, port);
	return 0;
}

unsigned kafka_sockets_list(struct kafka_sockets *sockets, char *text, size_t size)
{
	char one[NI_MAXHOST + NI_MAXSERV + 4];
	unsigned connected = 0;
	size_t used = 0;

	text[0] = '\0';
	pthread_mutex_lock(&sockets->lock);
	for (unsigned i = 0; i < sockets->count; i++) {
		if (peer_text(sockets->fds[i], one, sizeof(one)) != 0)
			continue;
		connected++;
		if (strstr(text, one) == NULL && used + strlen(one) + 3 < size)
			used += (size_t)snprintf(text + used, size - used, "%s%s", used != 0 ? ", " : "", one);
	}
	pthread_mutex_unlock(&sockets->lock);
	return connected;
}
