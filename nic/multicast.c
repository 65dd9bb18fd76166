/* SPDX-License-Identifier: Apache-2.0 */
#include "nic/multicast.h"

#include <linux/if_packet.h>
#include <net/if.h>
#include <rte_ether.h>
#include <sys/socket.h>
#include <unistd.h>

#include "nic/quirks.h"
#include "nic/responder.h"

static int join_one(int fd, unsigned interface, const uint8_t *mac)
{
	struct packet_mreq request = {.mr_ifindex = (int)interface, .mr_type = PACKET_MR_MULTICAST, .mr_alen = 6};

	memcpy(request.mr_address, mac, 6);
	return setsockopt(fd, SOL_PACKET, PACKET_ADD_MEMBERSHIP, &request, sizeof(request));
}

/* A packet socket of protocol 0 receives nothing; its memberships last as long as it is open. */
static int join_by_kernel(struct port *port, const char *interface, uint8_t (*macs)[6], unsigned count)
{
	unsigned index = if_nametoindex(interface);
	int fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0), failed = index == 0;

	if (fd < 0)
		return -1;
	for (unsigned i = 0; i < count && !failed; i++)
		failed = join_one(fd, index, macs[i]) != 0;
	if (failed) {
		(void)close(fd);
		return -1;
	}
	port->multicast_fd = fd;
	return 0;
}

void multicast_join(struct port *port, uint8_t (*macs)[6], unsigned count)
{
	struct rte_ether_addr list[RESPONDER_GROUPS + 1];
	char interface[IF_NAMESIZE];

	if (count == 0)
		return;
	multicast_leave(port);
	if (quirks_kernel_interface(port->config.device, interface, sizeof(interface)) == 0 &&
		join_by_kernel(port, interface, macs, count) == 0)
		return;
	for (unsigned i = 0; i < count; i++)
		memcpy(list[i].addr_bytes, macs[i], 6);
	if (rte_eth_dev_set_mc_addr_list(port->id, list, count) == 0)
		return;
	if (rte_eth_allmulticast_enable(port->id) == 0)
		return;
	if (rte_eth_promiscuous_enable(port->id) == 0)
		port_note(port, "no multicast filter: the device runs promiscuous");
	else
		port_note(port, "no multicast filter: IPv6 neighbours may not find this port");
}

void multicast_leave(struct port *port)
{
	if (port->multicast_fd > 0)
		(void)close(port->multicast_fd);
	port->multicast_fd = 0;
}
