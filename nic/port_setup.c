/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <rte_dev.h>
#include <rte_errno.h>
#include <rte_ether.h>
#include <rte_malloc.h>
#include <stdlib.h>
#include <sys/random.h>

#include "base/clock.h"
#include "nic/eal.h"
#include "nic/port.h"
#include "nic/quirks.h"

#define L2_ROOM     (RTE_ETHER_HDR_LEN + 2 * RTE_VLAN_HLEN + RTE_ETHER_CRC_LEN)
#define POOL_CACHE  256
#define HEADER_ROOM 264 /* UDP header, and extension headers that stand after a fragment header */
#define IP_MAX      65535
#define RSS_WANTED                                                                                                    \
	(RTE_ETH_RSS_IPV4 | RTE_ETH_RSS_FRAG_IPV4 | RTE_ETH_RSS_NONFRAG_IPV4_UDP | RTE_ETH_RSS_IPV6 |                 \
		RTE_ETH_RSS_FRAG_IPV6 | RTE_ETH_RSS_NONFRAG_IPV6_UDP)

void port_note(struct port *port, const char *format, ...)
{
	char *note = port->notes[port->note_count];
	va_list ap;

	if (port->note_count == PORT_NOTES)
		return;
	va_start(ap, format);
	(void)vsnprintf(note, sizeof(port->notes[0]), format, ap);
	va_end(ap);
	for (unsigned i = 0; i < port->note_count; i++)
		if (strcmp(port->notes[i], note) == 0)
			return;
	port->note_count++;
}

static int find_by_name(const char *device, uint16_t *id)
{
	char name[RTE_ETH_NAME_MAX_LEN];
	size_t len = strcspn(device, ",");

	if (len >= sizeof(name))
		return -ENAMETOOLONG;
	memcpy(name, device, len);
	name[len] = '\0';
	return rte_eth_dev_get_port_by_name(name, id);
}

static int find_by_match(const char *device, uint16_t *id)
{
	struct rte_dev_iterator iterator;
	uint16_t found;

	RTE_ETH_FOREACH_MATCHING_DEV(found, device, &iterator)
	{
		*id = found;
		rte_eth_iterator_cleanup(&iterator);
		return 0;
	}
	return -ENODEV;
}

/* Drivers say -1 of whatever went wrong, which is no errno. */
static int cannot_open(const struct port *port, const char *device, int result, struct error *error)
{
	char interface[IF_NAMESIZE];

	if (quirks_kernel_interface(device, interface, sizeof(interface)) == 0 && if_nametoindex(interface) == 0)
		return error_set(error, -ENODEV, "port %s: cannot open device %s: there is no interface %s; `ip link` lists "
			"those that there are", port->config.name, device, interface);
	return error_set(error, result == -1 ? -EIO : result, "port %s: cannot open device %s: %s; is its driver's package "
		"installed, does the interface or address exist, and has this process the right to it?",
		port->config.name, device, result == -1 ? "its driver does not say why" : rte_strerror(-result));
}

/* Asks EAL to probe the device, and finds the port that came of it. */
static int probe(struct port *port, const char *device, struct error *error)
{
	int result;

	if (find_by_name(device, &port->id) == 0)
		return error_set(error, -EBUSY, "port %s: device %s is in use by another port", port->config.name, device);
	result = rte_dev_probe(device);
	if (result != 0)
		return cannot_open(port, device, result, error);
	port->hotplugged = 1;
	if (eal_device_is_pci(device))
		result = find_by_match(device, &port->id);
	else
		result = find_by_name(device, &port->id);
	if (result != 0)
		return error_set(error, -ENODEV, "port %s: device %s was probed but gives no Ethernet port",
			port->config.name, device);
	return 0;
}

static unsigned interface_of(const char *device)
{
	char name[IF_NAMESIZE];

	return quirks_kernel_interface(device, name, sizeof(name)) == 0 ? if_nametoindex(name) : 0;
}

/* The device's node, or where this thread runs when it has none. */
static void choose_node(struct port *port)
{
	int node = rte_eth_dev_socket_id(port->id);

	port->node = node;
	if (node < 0 && rte_socket_count() > 1)
		port_note(port, "the device's NUMA node is unknown; memory comes from any node");
}

static void choose_rss(struct port *port, struct rte_eth_conf *conf)
{
	uint64_t types = port->info.flow_type_rss_offloads & RSS_WANTED;
	unsigned key_len = port->info.hash_key_size != 0 ? port->info.hash_key_size : 40;

	if (port->queues < 2)
		return;
	if (types == 0 || key_len > sizeof(port->rss_key)) {
		port_note(port, "the driver offers no RSS; queues are filled as it likes");
		return;
	}
	if (getrandom(port->rss_key, key_len, 0) != (ssize_t)key_len)
		port_note(port, "no random RSS key could be drawn");
	if (port->config.rss_key != NULL && port->config.rss_key_len == key_len)
		memcpy(port->rss_key, port->config.rss_key, key_len);
	else if (port->config.rss_key != NULL)
		port_note(port, "the RSS key must have %u bytes here; a random one is used", key_len);
	conf->rxmode.mq_mode = RTE_ETH_MQ_RX_RSS;
	conf->rx_adv_conf.rss_conf.rss_key = port->rss_key;
	conf->rx_adv_conf.rss_conf.rss_key_len = (uint8_t)key_len;
	conf->rx_adv_conf.rss_conf.rss_hf = types;
	port->rss = 1;
}

static void choose_mtu(struct port *port, struct rte_eth_conf *conf)
{
	uint32_t most = port->info.max_mtu;

	if (port->info.max_rx_pktlen > RTE_ETHER_HDR_LEN + RTE_ETHER_CRC_LEN)
		most = RTE_MIN(most, port->info.max_rx_pktlen - RTE_ETHER_HDR_LEN - RTE_ETHER_CRC_LEN);
	port->mtu = port->config.mtu;
	conf->rxmode.mtu = RTE_MIN(port->mtu, most);
	if (!quirks_mtu_is_the_kernels(port->info.driver_name))
		port->mtu = (uint16_t)conf->rxmode.mtu;
	if (port->mtu != port->config.mtu)
		port_note(port, "the device takes an MTU of %u, not %u", port->mtu, port->config.mtu);
	else if (port_mtu(port) != port->mtu)
		port_note(port, "the kernel's interface had an MTU of %u at start, not %u", port_mtu(port), port->mtu);
}

static int choose_queues(struct port *port, struct error *error)
{
	port->queues = port->config.queues;
	if (port->queues > port->info.max_rx_queues)
		return error_set(error, -EINVAL, "port %s: %u workers, but the device has %u receive queues",
			port->config.name, port->queues, port->info.max_rx_queues);
	port->tx_queues = port->queues < port->info.max_tx_queues ? port->queues : port->info.max_tx_queues;
	if (port->tx_queues < port->queues)
		port_note(port, "%u transmit queues for %u workers: only those answer as a host", port->tx_queues,
			port->queues);
	return 0;
}

int port_configure(struct port *port, struct error *error)
{
	struct rte_eth_conf conf = {0};
	int result = choose_queues(port, error);

	if (result != 0)
		return result;
	choose_rss(port, &conf);
	choose_mtu(port, &conf);
	if (port->config.checksum == SOURCE_CHECKSUM_AUTO)
		conf.rxmode.offloads = port->info.rx_offload_capa & PORT_CHECKSUMS;
	port->checksums = conf.rxmode.offloads;
	conf.intr_conf.lsc = (*port->info.dev_flags & RTE_ETH_DEV_INTR_LSC) != 0;
	port->watches_link = conf.intr_conf.lsc;
	conf.intr_conf.rmv = (*port->info.dev_flags & RTE_ETH_DEV_INTR_RMV) != 0;
	result = rte_eth_dev_configure(port->id, port->queues, port->tx_queues, &conf);
	if (result != 0)
		return error_set(error, result, "port %s: the device refuses %u receive and %u transmit queues: %s",
			port->config.name, port->queues, port->tx_queues, rte_strerror(-result));
	return 0;
}

int port_setup_queues(struct port *port, struct error *error)
{
	uint16_t rx = port->config.descriptors != 0 ? port->config.descriptors : PORT_RX_DESCRIPTORS;
	uint16_t tx = PORT_TX_DESCRIPTORS;
	unsigned node = port->node < 0 ? (unsigned)SOCKET_ID_ANY : (unsigned)port->node;
	int result = rte_eth_dev_adjust_nb_rx_tx_desc(port->id, &rx, &tx);

	for (uint16_t i = 0; i < port->queues; i++) {
		port->queue[i]->ip_flags = port->checksums & RTE_ETH_RX_OFFLOAD_IPV4_CKSUM ? RTE_MBUF_F_RX_IP_CKSUM_MASK : 0;
		port->queue[i]->l4_flags = port->checksums & RTE_ETH_RX_OFFLOAD_UDP_CKSUM ? RTE_MBUF_F_RX_L4_CKSUM_MASK : 0;
	}
	for (uint16_t i = 0; i < port->queues && result == 0; i++)
		result = rte_eth_rx_queue_setup(port->id, i, rx, node, NULL, port->queue[i]->pool);
	for (uint16_t i = 0; i < port->tx_queues && result == 0; i++)
		result = rte_eth_tx_queue_setup(port->id, i, tx, node, NULL);
	if (result != 0)
		return error_set(error, result, "port %s: cannot set up queues of the device: %s", port->config.name,
			rte_strerror(-result));
	return 0;
}

static int choose_room(struct port *port, const char *device, struct error *error)
{
	uint32_t room = RTE_MAX((uint32_t)port->config.mtu + L2_ROOM, quirks_frame_room(&port->config, device));
	uint32_t most = quirks_largest_room(device);

	if ((uint32_t)port->config.mtu + L2_ROOM + RTE_PKTMBUF_HEADROOM > most)
		return error_set(error, -EINVAL, "port %s: device %s has no room for frames of an MTU of %u; set `mtu` to at most %u",
			port->config.name, device, port->config.mtu, most - L2_ROOM - RTE_PKTMBUF_HEADROOM);
	room = RTE_MAX(room, port->info.min_rx_bufsize);
	room = RTE_ALIGN_CEIL(RTE_MAX(room, 2048u) + RTE_PKTMBUF_HEADROOM, 64u);
	port->data_room = (uint16_t)RTE_MIN(room, most);
	return 0;
}

static struct rte_mempool *new_pool(const struct port *port, unsigned index, unsigned kept)
{
	unsigned rx = port->config.descriptors != 0 ? port->config.descriptors : PORT_RX_DESCRIPTORS;
	unsigned count = rx + PORT_TX_DESCRIPTORS + 4 * SOURCE_BURST + 2 * POOL_CACHE + kept;
	char name[RTE_MEMPOOL_NAMESIZE];

	(void)snprintf(name, sizeof(name), "rx_%u_%u", port->id, index);
	return rte_pktmbuf_pool_create(name, count, POOL_CACHE, 0, port->data_room, port->node);
}

static int new_fragments(const struct port *port, struct port_queue *q)
{
	uint32_t most = RTE_MIN(port->config.max_datagram + HEADER_ROOM, (uint32_t)IP_MAX);
	uint64_t ticks = clock_hz() / 1000 * port->config.fragment_ms;

	if (port->config.fragments == 0)
		return 0;
	return fragments_new(&q->fragments, port->config.fragments, most, ticks, port->node);
}

static int new_queue(struct port *port, uint16_t index, unsigned kept, struct error *error)
{
	struct port_queue *q = rte_zmalloc_socket("queue", sizeof(*q), CACHE_GUARD, port->node);

	if (q == NULL)
		return error_set(error, -ENOMEM, "port %s: no memory for queue %u", port->config.name, index);
	port->queue[index] = q;
	q->port = port;
	q->port_id = port->id;
	q->index = index;
	q->filter = &port->filter;
	q->max_datagram = port->config.max_datagram;
	q->answers = index < port->tx_queues && port->config.address_count != 0 &&
		port->config.responder == SOURCE_RESPOND_SELF;
	q->pool = new_pool(port, index, kept);
	if (q->pool == NULL)
		return error_set(error, -rte_errno, "port %s: no memory for the packet buffers of queue %u (%s); give EAL more",
			port->config.name, index, rte_strerror(rte_errno));
	if (new_fragments(port, q) != 0)
		return error_set(error, -ENOMEM, "port %s: no memory for %u datagrams under reassembly; lower `fragments`",
			port->config.name, port->config.fragments);
	return 0;
}

int port_queues_new(struct port *port, struct error *error)
{
	unsigned kept = quirks_kept_mbufs(port->config.device);
	int result = 0;

	for (uint16_t i = 0; i < port->queues && result == 0; i++)
		result = new_queue(port, i, kept, error);
	return result;
}

void port_queues_free(struct port *port)
{
	for (unsigned i = 0; i < SOURCE_QUEUES; i++) {
		struct port_queue *q = port->queue[i];

		if (q == NULL)
			continue;
		rte_mempool_free(q->pool);
		fragments_free(q->fragments);
		rte_free(q);
		port->queue[i] = NULL;
	}
}

int port_setup(struct port *port, struct error *error)
{
	char device[512];
	int result;

	if (quirks_device(&port->config, device, sizeof(device)) != 0)
		return error_set(error, -ENAMETOOLONG, "port %s: device string too long", port->config.name);
	result = probe(port, device, error);
	if (result != 0)
		return result;
	result = rte_eth_dev_info_get(port->id, &port->info);
	if (result != 0)
		return error_set(error, result, "port %s: device tells nothing of itself: %s", port->config.name,
			rte_strerror(-result));
	port->interface = interface_of(port->config.device);
	choose_node(port);
	result = choose_room(port, device, error);
	if (result != 0)
		return result;
	port->reports_missed = (uint8_t)quirks_reports_missed(port->info.driver_name);
	if (!port->reports_missed)
		port_note(port, "driver %s cannot tell what was lost before us; trust senders' sequence numbers",
			port->info.driver_name);
	result = port_configure(port, error);
	if (result == 0)
		result = port_queues_new(port, error);
	return result == 0 ? port_setup_queues(port, error) : result;
}
