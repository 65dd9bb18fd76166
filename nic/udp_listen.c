/* SPDX-License-Identifier: Apache-2.0 */
#include "nic/udp_listen.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/filter.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define ERROR_TEXT(code) strerrorname_np(code) != NULL ? strerrordesc_np(code) : "unknown error"

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

static int is_set(int fd, int level, int option, int wanted)
{
	return !wanted || setsockopt(fd, level, option, &wanted, sizeof(wanted)) == 0;
}

static int bind_socket(int fd, const struct udp_place *place, unsigned how)
{
	const char *interface = place->interface;
	int six = place->address->family == ADDRESS_IPV6;
	struct sockaddr_storage name;
	socklen_t len = make_name(&name, place->address, place->port);

	if (!is_set(fd, SOL_SOCKET, SO_REUSEPORT, (how & UDP_LISTEN_SHARED) != 0) ||
		!is_set(fd, IPPROTO_IPV6, IPV6_V6ONLY, six) ||
		!is_set(fd, six ? IPPROTO_IPV6 : IPPROTO_IP, six ? IPV6_FREEBIND : IP_FREEBIND, (how & UDP_LISTEN_AHEAD) != 0))
		return -errno;
	if (interface != NULL && setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, interface, (socklen_t)strlen(interface)) != 0)
		return -errno;
	if ((how & UDP_LISTEN_DEAF) != 0 && udp_refuse(fd) != 0)
		return -errno;
	return bind(fd, (const struct sockaddr *)&name, len) != 0 ? -errno : 0;
}

int udp_listen(const struct udp_place *place, unsigned how)
{
	int family = place->address->family == ADDRESS_IPV4 ? AF_INET : AF_INET6, result;
	int fd = socket(family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return -errno;
	result = bind_socket(fd, place, how);
	if (result == 0)
		return fd;
	(void)close(fd);
	return result;
}

int udp_refuse(int fd)
{
	struct sock_filter refuse = BPF_STMT(BPF_RET | BPF_K, 0);
	struct sock_fprog program = {.len = 1, .filter = &refuse};

	return setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof(program)) == 0 ? 0 : -errno;
}

static const char *cure_of(int code)
{
	if (code == -EADDRINUSE)
		return "; another process, or another of our ports, listens there (ss -ulpn tells which)";
	return code == -EACCES ? "; a port below 1024 needs CAP_NET_BIND_SERVICE" : "";
}

int udp_listen_failed(const char *name, const struct udp_place *place, int code, struct error *error)
{
	char text[INET6_ADDRSTRLEN] = "?";
	const char *interface = place->interface;

	(void)inet_ntop(place->address->family == ADDRESS_IPV4 ? AF_INET : AF_INET6, place->address->bytes, text, sizeof(text));
	return error_set(error, code, "port %s: cannot listen on %s, UDP port %u%s%s: %s%s", name, text, place->port,
		interface != NULL ? " of " : "", interface != NULL ? interface : "", ERROR_TEXT(-code), cure_of(code));
}
