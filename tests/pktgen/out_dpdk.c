/* SPDX-License-Identifier: Apache-2.0 */
#include "output.h"

#include <errno.h>
#include <rte_eal.h>
#include <rte_errno.h>
#include <rte_ethdev.h>
#include <rte_mbuf.h>
#include <stdlib.h>
#include <string.h>

#include "packet.h"

#define DESCRIPTORS   1024
#define MBUFS         8191 /* 2^n - 1, as mempools like it */
#define MBUF_CACHE    256
#define TX_BURST      64
#define ARGUMENTS     64
#define LINK_WAIT_MS  5000
#define DRAIN_WAIT_MS 1000
#define STUCK_MS      5000 /* without a single frame taken */

/* One TX queue of one port, fed by the main thread. */
struct output {
	uint16_t port;
	int started;
	struct rte_mempool *pool;
	struct rte_mbuf *burst[TX_BURST];
	unsigned waiting; /* in burst */
	char arguments[1024];
	struct packer packer;
};

/* Splits --dpdk at spaces behind a program name of our own. EAL keeps pointers, so the text lives in the output. */
static int eal_init(struct output *output, const char *text, struct error *error)
{
	static char name[] = "penstock-pktgen";
	char *argv[ARGUMENTS + 1] = {name}, *save = NULL;
	int argc = 1;

	if (snprintf(output->arguments, sizeof(output->arguments), "%s", text) >= (int)sizeof(output->arguments))
		return error_set(error, -E2BIG, "--dpdk: more than %zu bytes", sizeof(output->arguments) - 1);
	for (char *word = strtok_r(output->arguments, " ", &save); word != NULL; word = strtok_r(NULL, " ", &save)) {
		if (argc == ARGUMENTS)
			return error_set(error, -E2BIG, "--dpdk: more than %d arguments", ARGUMENTS - 1);
		argv[argc++] = word;
	}
	if (rte_eal_init(argc, argv) < 0)
		return error_set(
			error, -rte_errno, "DPDK does not start with \"%s\": %s", text, rte_strerror(rte_errno));
	return 0;
}

/* The largest frame must fit into one mbuf. */
static int pool_make(struct output *output, const struct options *options, struct error *error)
{
	uint32_t room = RTE_PKTMBUF_HEADROOM + PACKET_OVERHEAD + options->mtu;
	int socket = rte_eth_dev_socket_id(output->port);

	output->pool = rte_pktmbuf_pool_create("pktgen", MBUFS, MBUF_CACHE, 0,
		(uint16_t)(room < RTE_MBUF_DEFAULT_BUF_SIZE ? RTE_MBUF_DEFAULT_BUF_SIZE : room),
		socket < 0 ? SOCKET_ID_ANY : socket);
	if (output->pool == NULL)
		return error_set(error, -rte_errno, "no memory for packets: %s (more with -m in --dpdk)",
			rte_strerror(rte_errno));
	return 0;
}

static int port_error(const struct output *output, int rc, const char *what, struct error *error)
{
	return error_set(error, rc, "DPDK port %u: cannot %s: %s", output->port, what, rte_strerror(-rc));
}

/* Drivers want an RX queue too; nothing is ever received on it. */
static int port_start(struct output *output, const struct options *options, struct error *error)
{
	struct rte_eth_conf conf = {0};
	uint16_t mtu = 0, rx = DESCRIPTORS, tx = DESCRIPTORS;
	unsigned socket = (unsigned)SOCKET_ID_ANY;
	int rc;

	if (!rte_eth_dev_is_valid_port(output->port))
		return error_set(
			error, -ENODEV, "DPDK has no port %u; name a device with --vdev or -a in --dpdk", output->port);
	if (rte_eth_dev_socket_id(output->port) >= 0)
		socket = (unsigned)rte_eth_dev_socket_id(output->port);
	rc = rte_eth_dev_configure(output->port, 1, 1, &conf);
	if (rc == 0)
		rc = rte_eth_dev_adjust_nb_rx_tx_desc(output->port, &rx, &tx);
	if (rc != 0)
		return port_error(output, rc, "configure one queue", error);
	if (rte_eth_dev_get_mtu(output->port, &mtu) == 0 && mtu < options->mtu) {
		rc = rte_eth_dev_set_mtu(output->port, (uint16_t)options->mtu);
		if (rc != 0)
			return port_error(output, rc, "set the MTU (a smaller --mtu may do)", error);
	}
	rc = rte_eth_rx_queue_setup(output->port, 0, rx, socket, NULL, output->pool);
	if (rc == 0)
		rc = rte_eth_tx_queue_setup(output->port, 0, tx, socket, NULL);
	if (rc == 0)
		rc = rte_eth_dev_start(output->port);
	if (rc != 0)
		return port_error(output, rc, "start", error);
	output->started = 1;
	return 0;
}

static void link_wait(const struct output *output)
{
	struct rte_eth_link link = {0};

	for (int ms = 0; ms < LINK_WAIT_MS; ms += 10) {
		if (rte_eth_link_get_nowait(output->port, &link) != 0 || link.link_status == RTE_ETH_LINK_UP)
			return;
		rte_delay_us_sleep(10000);
	}
	fprintf(stderr, "penstock-pktgen: the link of DPDK port %u is down; sending all the same\n", output->port);
}

/* Hands over what waits. A full ring is waited for, but not for ever. 0 or -EIO. */
static int flush(struct output *output)
{
	uint64_t end = rte_get_timer_cycles() + rte_get_timer_hz() / 1000 * STUCK_MS;
	unsigned done = 0;
	int rc;

	while (done < output->waiting) {
		uint16_t n =
			rte_eth_tx_burst(output->port, 0, output->burst + done, (uint16_t)(output->waiting - done));

		done += n;
		if (n == 0 && rte_get_timer_cycles() > end)
			break;
	}
	rte_pktmbuf_free_bulk(output->burst + done, output->waiting - done);
	rc = done == output->waiting ? 0 : -EIO;
	output->waiting = 0;
	return rc;
}

static int dpdk_close(struct output *output, struct error *error)
{
	struct rte_eth_stats stats = {0};
	uint64_t lost = 0;
	int rc = 0;

	if (output == NULL)
		return 0;
	if (output->started) {
		(void)flush(output); /* empty, but after an error */
		for (int ms = 0; ms < DRAIN_WAIT_MS && rte_mempool_in_use_count(output->pool) != 0; ms += 10) {
			(void)rte_eth_tx_done_cleanup(output->port, 0, 0);
			rte_delay_us_sleep(10000);
		}
		if (rte_eth_stats_get(output->port, &stats) == 0)
			lost = stats.oerrors;
		(void)rte_eth_dev_stop(output->port);
		(void)rte_eth_dev_close(output->port);
	}
	if (lost != 0)
		rc = error_set(error, -EIO, "DPDK port %u could not send %lu frames: the truth has more than the wire",
			output->port, (unsigned long)lost);
	(void)rte_eal_cleanup();
	free(output);
	return rc;
}

static int dpdk_open(struct output **out, const struct options *options, struct error *error)
{
	struct output *output = calloc(1, sizeof(*output));
	struct rte_ether_addr mac = {{0}};
	int rc;

	if (output == NULL)
		return error_set(error, -ENOMEM, "no memory for the DPDK output");
	output->port = options->dpdk_port;
	rc = eal_init(output, options->dpdk, error);
	if (rc != 0) {
		free(output);
		return rc;
	}
	rc = pool_make(output, options, error);
	if (rc == 0)
		rc = port_start(output, options, error);
	if (rc != 0) {
		dpdk_close(output, NULL);
		return rc;
	}
	if (rte_eth_macaddr_get(output->port, &mac) != 0 || options->source_mac_given)
		memcpy(mac.addr_bytes, options->source_mac, 6);
	packer_init(&output->packer, options, mac.addr_bytes);
	link_wait(output);
	*out = output;
	return 0;
}

/* A driver keeps buffers until it is given more or is asked: the pool is larger than its ring, so one comes free. */
static struct rte_mbuf *mbuf_get(struct output *output)
{
	struct rte_mbuf *mbuf = rte_pktmbuf_alloc(output->pool);
	uint64_t end = rte_get_timer_cycles() + rte_get_timer_hz() / 1000 * STUCK_MS;

	while (mbuf == NULL && flush(output) == 0 && rte_get_timer_cycles() < end) {
		(void)rte_eth_tx_done_cleanup(output->port, 0, 0);
		mbuf = rte_pktmbuf_alloc(output->pool);
	}
	return mbuf;
}

static int dpdk_frame(void *context, const uint8_t *frame, uint32_t len, const struct outgoing *datagram)
{
	struct output *output = context;
	struct rte_mbuf *mbuf = mbuf_get(output);
	char *to;

	(void)datagram;
	if (mbuf == NULL)
		return -ENOBUFS;
	to = rte_pktmbuf_append(mbuf, (uint16_t)len);
	if (to == NULL) {
		rte_pktmbuf_free(mbuf);
		return -EMSGSIZE;
	}
	memcpy(to, frame, len);
	output->burst[output->waiting++] = mbuf;
	return output->waiting == TX_BURST ? flush(output) : 0;
}

static int dpdk_send(struct output *output, const struct outgoing *datagrams, unsigned count, struct error *error)
{
	int rc = 0;

	for (unsigned i = 0; rc == 0 && i < count; i++)
		rc = packer_pack(&output->packer, &datagrams[i], dpdk_frame, output);
	if (rc == 0)
		rc = flush(output);
	return rc == 0 ? 0
		       : error_set(error, rc, "DPDK port %u takes no more frames: %s (is its link up?)", output->port,
				 strerror(-rc));
}

const struct output_ops output_dpdk = {
	.open = dpdk_open,
	.send = dpdk_send,
	.close = dpdk_close,
};
