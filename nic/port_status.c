/* SPDX-License-Identifier: Apache-2.0 */
#include "nic/port.h"

int port_event(uint16_t id, enum rte_eth_event_type type, void *argument, void *result)
{
	struct port *port = argument;

	(void)id;
	(void)result;
	if (type == RTE_ETH_EVENT_INTR_LSC) {
		atomic_fetch_add(&port->link_changes, 1);
		atomic_fetch_add(&port->announce_epoch, 1);
	} if (type == RTE_ETH_EVENT_INTR_RESET) {
		atomic_store(&port->reset_wanted, 1);
	} else if (type == RTE_ETH_EVENT_INTR_RMV) {
		atomic_store(&port->removed, 1);
	}
	return 0;
}

int port_watch(struct port *port)
{
	int result = rte_eth_dev_callback_register(port->id, RTE_ETH_EVENT_INTR_LSC, port_event, port);

	if (result == 0)
		result = rte_eth_dev_callback_register(port->id, RTE_ETH_EVENT_INTR_RESET, port_event, port);
	if (result == 0)
		result = rte_eth_dev_callback_register(port->id, RTE_ETH_EVENT_INTR_RMV, port_event, port);
	return result;
}

void port_unwatch(struct port *port)
{
	(void)rte_eth_dev_callback_unregister(port->id, RTE_ETH_EVENT_INTR_LSC, port_event, port);
	(void)rte_eth_dev_callback_unregister(port->id, RTE_ETH_EVENT_INTR_RESET, port_event, port);
	(void)rte_eth_dev_callback_unregister(port->id, RTE_ETH_EVENT_INTR_RMV, port_event, port);
}

static void read_link(struct port *port, struct source_status *status)
{
	struct rte_eth_link link = {0};

	if (rte_eth_link_get_nowait(port->id, &link) != 0)
		return;
	status->link_up = link.link_status == RTE_ETH_LINK_UP;
	status->speed_mbps = link.link_speed == RTE_ETH_SPEED_NUM_UNKNOWN ? 0 : link.link_speed;
	if (port->link_up >= 0 && port->link_up != status->link_up && !port->watches_link) {
		atomic_fetch_add(&port->link_changes, 1);
		atomic_fetch_add(&port->announce_epoch, 1);
	}
	port->link_up = status->link_up;
}

static void note_duplicates(struct port *port)
{
	for (unsigned i = 0; i < port->queues; i++)
		if (counter_read(&port->queue[i]->counters.duplicate_addresses) != 0)
			port_note(port, "another host on this network has one of our addresses");
}

static void read_missed(const struct port *port, struct source_status *status)
{
	struct rte_eth_stats stats;

	status->reports_missed = port->reports_missed;
	if (rte_eth_stats_get(port->id, &stats) == 0)
		status->missed = stats.imissed + stats.rx_nombuf + stats.ierrors;
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

/* A reset needs the queues still; a device that has gone gives nothing any more. */
static void follow_events(struct port *port)
{
	struct error error = {""};

	if (!port->started)
		return;
	if (atomic_load(&port->removed)) {
		for (unsigned i = 0; i < port->queues; i++)
			(void)gate_close(&port->queue[i]->gate);
		return;
	}
	if (!atomic_exchange(&port->reset_wanted, 0))
		return;
	if (port_reset(port, &error) != 0)
		port_note(port, "%.100s", error.text);
	else
		port->resets++;
}

void port_status(struct source *source, struct source_status *status)
{
	struct port *port = (struct port *)source;

	*status = (struct source_status){.node = port->node};
	(void)snprintf(status->driver, sizeof(status->driver), "%s", port->info.driver_name);
	(void)snprintf(status->mac, sizeof(status->mac), "%02x:%02x:%02x:%02x:%02x:%02x", port->mac[0], port->mac[1],
		port->mac[2], port->mac[3], port->mac[4], port->mac[5]);
	follow_events(port);
	status->removed = atomic_load(&port->removed);
	if (!status->removed) {
		read_link(port, status);
		read_missed(port, status);
	}
	status->link_changes = atomic_load(&port->link_changes);
	status->resets = port->resets;
	status->rss = port->rss;
	status->checksum_offload = port->checksum_offload;
	status->mtu = port->mtu;
	status->queues = port->queues;
	if (status->removed)
		port_note(port, "the device has been removed");
	note_duplicates(port);
	join_notes(port, status);
}
