/* SPDX-License-Identifier: Apache-2.0 */
#include "nic/port.h"

#include <errno.h>
#include <rte_dev.h>
#include <rte_errno.h>
#include <rte_lcore.h>
#include <stdlib.h>
#include <time.h>

#include "base/clock.h"
#include "nic/multicast.h"
#include "nic/quirks.h"

static struct port *port_of(struct source *source)
{
	return (struct port *)source;
}

static struct port_queue *queue_of(struct source_queue *queue)
{
	return (struct port_queue *)queue;
}

static void port_close(struct source *source)
{
	struct port *port = port_of(source);
	struct rte_eth_dev_info info;

	if (port == NULL)
		return;
	multicast_leave(port);
	port_deaf_close(port);
	if (port->hotplugged) {
		port_unwatch(port);
		if (rte_eth_dev_info_get(port->id, &info) == 0) {
			(void)rte_eth_dev_close(port->id);
			if (info.device != NULL)
				(void)rte_dev_remove(info.device);
		}
	}
	port_queues_free(port);
	free(port);
}

static int port_open(struct source **source, const struct source_config *config, struct error *error)
{
	struct port *port;
	int result;

	if (config->queues == 0 || config->queues > SOURCE_QUEUES || config->device == NULL)
		return error_set(error, -EINVAL, "port %s: needs a device and 1 to %d workers", config->name, SOURCE_QUEUES);
	port = calloc(1, sizeof(*port));
	if (port == NULL)
		return error_set(error, -ENOMEM, "port %s: no memory", config->name);
	port->config = *config;
	port->link_up = -1;
	filter_init(&port->filter, config);
	result = port_setup(port, error);
	if (result == 0)
		result = port_deaf_open(port, error);
	if (result == 0 && port_watch(port) != 0)
		result = error_set(error, -EIO, "port %s: cannot watch the device's events", config->name);
	if (result != 0) {
		port_close((struct source *)port);
		return result;
	}
	*source = (struct source *)port;
	return 0;
}

/* Gives the queues' responders the device's MAC address and lets the groups they listen to through. */
static void become_host(struct port *port)
{
	uint8_t groups[RESPONDER_GROUPS + 1][6];
	struct rte_ether_addr mac = {{0}};

	if (rte_eth_macaddr_get(port->id, &mac) != 0)
		port_note(port, "the device tells no MAC address");
	quirks_mac(&port->config, port->info.driver_name, mac.addr_bytes);
	memcpy(port->mac, mac.addr_bytes, sizeof(port->mac));
	for (unsigned i = 0; i < port->queues; i++)
		responder_init(&port->queue[i]->responder, &port->filter, mac.addr_bytes, clock_hz());
	if (port->config.responder == SOURCE_RESPOND_SELF)
		multicast_join(port, groups, responder_groups(&port->queue[0]->responder, groups));
	atomic_fetch_add(&port->announce_epoch, 1);
}

static int start_device(struct port *port, struct error *error)
{
	int result = rte_eth_dev_start(port->id);

	if (result != 0)
		return error_set(error, result, "port %s: the device does not start: %s", port->config.name,
			rte_strerror(-result));
	port->started = 1;
	become_host(port);
	for (unsigned i = 0; i < port->queues; i++)
		gate_open(&port->queue[i]->gate);
	return 0;
}

int port_close_gates(struct port *port)
{
	int inside = -1;

	for (unsigned i = 0; i < port->queues; i++)
		if (gate_close(&port->queue[i]->gate) != 0)
			inside = (int)i;
	return inside;
}

static int port_start(struct source *source, struct error *error)
{
	return start_device(port_of(source), error);
}

static void port_stop(struct source *source)
{
	struct port *port = port_of(source);

	if (!port->started)
		return;
	(void)port_close_gates(port);
	port->started = 0;
	(void)rte_eth_dev_stop(port->id);
}

int port_reset(struct port *port, struct error *error)
{
	int inside = port_close_gates(port), result;

	if (inside >= 0)
		return error_set(error, -ETIMEDOUT, "port %s: the device asked for a reset, but its worker %d has not left its queue",
			port->config.name, inside);
	port->started = 0;
	port_count_missed(port);
	result = rte_eth_dev_reset(port->id);
	if (result == -ENOTSUP)
		result = rte_eth_dev_stop(port->id);
	if (result != 0)
		return error_set(error, result, "port %s: the device asked for a reset, which failed: %s",
			port->config.name, rte_strerror(-result));
	result = port_configure(port, error);
	if (result == 0)
		result = port_setup_queues(port, error);
	return result == 0 ? start_device(port, error) : result;
}

static struct source_queue *port_queue_at(struct source *source, unsigned index)
{
	return (struct source_queue *)port_of(source)->queue[index];
}

static int port_attach(struct source_queue *queue)
{
	if (rte_lcore_id() == LCORE_ID_ANY && rte_thread_register() != 0)
		return -rte_errno;
	gate_enter(&queue_of(queue)->gate);
	return 0;
}

static void port_detach(struct source_queue *queue)
{
	gate_leave(&queue_of(queue)->gate);
	if (rte_lcore_id() != LCORE_ID_ANY && rte_lcore_id() != rte_get_main_lcore())
		rte_thread_unregister();
}

/* Virtual devices have no receive interrupt, so an idle queue sleeps for the time asked. */
static void port_wait(struct source_queue *queue, unsigned us)
{
	struct timespec time = {.tv_sec = us / 1000000, .tv_nsec = (long)(us % 1000000) * 1000};

	(void)queue;
	(void)nanosleep(&time, NULL);
}

static const struct source_counters *port_counters(const struct source_queue *queue)
{
	return &((const struct port_queue *)queue)->counters;
}

const struct source_ops source_dpdk = {
	.open = port_open,
	.start = port_start,
	.stop = port_stop,
	.close = port_close,
	.queue = port_queue_at,
	.attach = port_attach,
	.detach = port_detach,
	.receive = port_receive,
	.release = port_release,
	.tick = port_tick,
	.wait = port_wait,
	.counters = port_counters,
	.follow = port_follow,
	.status = port_status,
};
