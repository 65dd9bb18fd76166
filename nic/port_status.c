/* SPDX-License-Identifier: Apache-2.0 */
#include "nic/interface.h"
#include "nic/port.h"

/* Drivers of the kernel's interfaces say up from start to stop. */
int port_link(const struct port *port, struct rte_eth_link *link)
{
	struct interface kernels = {0};
	int result = rte_eth_link_get_nowait(port->id, link);

	if (result == 0 && port->interface != 0 && (interface_read(port->interface, &kernels) != 0 || !kernels.up))
		link->link_status = RTE_ETH_LINK_DOWN;
	return result;
}

uint16_t port_mtu(const struct port *port)
{
	struct interface kernels = {0};

	if (port->interface == 0)
		return port->mtu;
	(void)interface_read(port->interface, &kernels);
	return (uint16_t)RTE_MIN(kernels.mtu, (uint32_t)port->mtu);
}

static void read_link(const struct port *port, struct source_status *status)
{
	struct rte_eth_link link = {0};

	if (port_link(port, &link) != 0)
		return;
	status->link_up = link.link_status == RTE_ETH_LINK_UP;
	status->speed_mbps = link.link_speed == RTE_ETH_SPEED_NUM_UNKNOWN ? 0 : link.link_speed;
}

static void note_duplicates(struct port *port)
{
	for (unsigned i = 0; i < port->queues; i++)
		if (counter_read(&port->queue[i]->counters.duplicate_addresses) != 0)
			port_note(port, "another host on this network has one of our addresses");
}

void port_count_missed(struct port *port)
{
	struct rte_eth_stats stats;
	uint64_t missed;

	if (atomic_load(&port->removed) || rte_eth_stats_get(port->id, &stats) != 0)
		return;
	missed = stats.imissed + stats.rx_nombuf + stats.ierrors;
	if (missed < port->missed_last)
		port->missed_before += port->missed_last;
	port->missed_last = missed;
}

static void join_notes(const struct port *port, struct source_status *status)
{
	size_t at = 0;

	for (unsigned i = 0; i < port->note_count && at < sizeof(status->notes); i++) {
		int n = snprintf(status->notes + at, sizeof(status->notes) - at, "%s%s", i == 0 ? "" : "; ",
			port->notes[i]);

		at += n < 0 ? 0 : (size_t)n;
	}
}

void port_status(struct source *source, struct source_status *status)
{
	struct port *port = (struct port *)source;

	*status = (struct source_status){.node = port->node};
	(void)snprintf(status->driver, sizeof(status->driver), "%s", port->info.driver_name);
	(void)snprintf(status->mac, sizeof(status->mac), "%02x:%02x:%02x:%02x:%02x:%02x", port->mac[0], port->mac[1],
		port->mac[2], port->mac[3], port->mac[4], port->mac[5]);
	status->removed = atomic_load(&port->removed);
	status->awaits_reset = port->retry_ms != 0;
	if (!status->removed)
		read_link(port, status);
	port_count_missed(port);
	status->missed = port->missed_before + port->missed_last;
	status->reports_missed = port->reports_missed;
	status->link_changes = atomic_load(&port->link_changes);
	status->resets = port->resets;
	status->rss = port->rss;
	status->checksum_offload = port->checksums == PORT_CHECKSUMS;
	status->mtu = port_mtu(port);
	status->queues = port->queues;
	note_duplicates(port);
	join_notes(port, status);
}
