/* SPDX-License-Identifier: Apache-2.0 */
/* What keeps the kernel from telling senders that nobody listens: a socket of its own for each address and UDP port of ours. */
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "nic/port.h"
#include "nic/quirks.h"
#include "nic/udp_listen.h"

/* Without the address the kernel says nothing to its senders, either. */
static int may_be_missing(int code)
{
	return code == -EADDRNOTAVAIL || code == -EAFNOSUPPORT;
}

/* Where the kernel is the host it may get the address only later. Where any address will do, one who listens need not be in the
 * way. */
static int open_one(struct port *port, const struct udp_place *place, struct error *error)
{
	unsigned ahead = port->config.responder == SOURCE_RESPOND_KERNEL ? UDP_LISTEN_AHEAD : 0;
	int fd = udp_listen(place, UDP_LISTEN_DEAF | ahead);

	if (fd >= 0)
		port->deaf[port->deaf_count++] = fd;
	else if (fd == -EADDRINUSE && port->config.address_count == 0)
		port_note(port, "another socket listens on UDP port %u: the kernel may tell senders that others are unreachable",
			place->port);
	else if (!may_be_missing(fd))
		return udp_listen_failed(port->config.name, place, fd, error);
	return 0;
}

/* On every UDP port of ours. */
static int open_address(struct port *port, const char *interface, const struct address *address, struct error *error)
{
	int result = 0;

	for (unsigned i = 0; i < port->config.port_count && result == 0; i++) {
		struct udp_place place = {.interface = interface, .address = address, .port = port->config.ports[i]};

		result = open_one(port, &place, error);
	}
	return result;
}

/* The kernel's interface of a VLAN has a name of its own, so any may have the address then. */
int port_deaf_open(struct port *port, struct error *error)
{
	static const struct address any[] = {{.family = ADDRESS_IPV4}, {.family = ADDRESS_IPV6}};
	const struct source_config *config = &port->config;
	unsigned count = config->address_count != 0 ? config->address_count : ARRAY_LENGTH(any);
	char interface[IF_NAMESIZE];
	int result = 0, on_vlan = config->vlan[0] != 0;

	if (quirks_kernel_interface(config->device, interface, sizeof(interface)) != 0 ||
		(on_vlan && config->address_count == 0))
		return 0;
	port->deaf = calloc((size_t)count * config->port_count, sizeof(*port->deaf));
	if (port->deaf == NULL)
		return error_set(error, -ENOMEM, "port %s: no memory", config->name);
	for (unsigned i = 0; i < count && result == 0; i++)
		result = open_address(port, on_vlan ? NULL : interface,
			config->address_count != 0 ? &config->addresses[i].address : &any[i], error);
	return result;
}

void port_deaf_close(struct port *port)
{
	for (unsigned i = 0; i < port->deaf_count; i++)
		(void)close(port->deaf[i]);
	port->deaf_count = 0;
	free(port->deaf);
	port->deaf = NULL;
}
