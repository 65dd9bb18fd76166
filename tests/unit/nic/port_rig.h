/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * An ethdev port for tests: frames come from a capture that the test writes, through net_pcap, and the frames equation is
 * asserted at the end. Include after cmocka.
 */

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"
#include "frames.h"
#include "nic/eal.h"
#include "nic/port.h"

#define US_PORT 9000

static const struct source_ops *const ops = &source_dpdk;
static char directory[] = "/tmp/penstock-port-XXXXXX";
static char capture[128], device[400];
static unsigned serial;

static inline struct source_config config_of(void)
{
	struct source_config config = {.name = "test", .device = device, .kind = SOURCE_DPDK, .queues = 1, .mtu = 1500,
		.max_datagram = 65507, .fragments = 16, .fragment_ms = 1000, .ports = {US_PORT}, .port_count = 1,
		.address_count = 2};

	config.addresses[0] = (struct source_address){.address.family = ADDRESS_IPV4, .prefix = 24};
	config.addresses[1] = (struct source_address){.address.family = ADDRESS_IPV6, .prefix = 64};
	memcpy(config.addresses[0].address.bytes, frame_v4_us, 4);
	memcpy(config.addresses[1].address.bytes, frame_v6_us, 16);
	return config;
}

static inline FILE *new_capture(void)
{
	FILE *file;

	(void)snprintf(capture, sizeof(capture), "%s/%u.pcap", directory, serial);
	(void)snprintf(device, sizeof(device), "net_pcap%u,rx_pcap=%s", serial, capture);
	serial++;
	file = capture_open(capture);
	assert_non_null(file);
	return file;
}

static inline struct source *start(const struct source_config *config)
{
	struct source *source = NULL;
	struct error error = {""};

	if (ops->open(&source, config, &error) != 0)
		fail_msg("%s", error.text);
	assert_int_equal(ops->attach(ops->queue(source, 0)), 0);
	if (ops->start(source, &error) != 0)
		fail_msg("%s", error.text);
	return source;
}

static inline void finish(struct source *source)
{
	ops->stop(source);
	ops->detach(ops->queue(source, 0));
	ops->close(source);
}

/* Receives once; what comes is copied from the source into `out` by the caller before release. */
static inline unsigned receive_all(struct source *source, void (*take)(const struct datagram *))
{
	struct source_queue *q = ops->queue(source, 0);
	struct datagram out[SOURCE_BURST];
	unsigned total = 0;

	for (unsigned idle = 0; idle < 3;) {
		unsigned n = ops->receive(q, out, clock_tsc());

		for (unsigned i = 0; i < n && take != NULL; i++)
			take(&out[i]);
		ops->release(q);
		total += n;
		idle = n == 0 ? idle + 1 : 0;
	}
	return total;
}

/* frames = datagram frames + host + dropped + held, whatever happened. */
static inline void assert_balanced(struct source *source, uint64_t frames)
{
	const struct source_counters *c = ops->counters(ops->queue(source, 0));
	uint64_t sum = counter_read(&c->datagram_frames) + counter_read(&c->fragments_held);

#define X(name, ...) sum += counter_read(&c->host_##name);
	SOURCE_HOST_KINDS(X)
#undef X
#define X(name, ...) sum += counter_read(&c->dropped_##name);
	SOURCE_DROPS(X)
#undef X
	assert_int_equal(counter_read(&c->frames), frames);
	assert_int_equal(sum, frames);
}

static struct datagram seen;

static inline void remember(const struct datagram *datagram)
{
	seen = *datagram;
	assert_memory_equal(datagram->data, "hello", 5);
}

/* As several drivers do whether they were asked to look at checksums or not. */
static inline uint16_t call_good(uint16_t port, uint16_t queue, struct rte_mbuf *frames[], uint16_t count,
	uint16_t most, void *context)
{
	(void)port, (void)queue, (void)most, (void)context;
	for (unsigned i = 0; i < count; i++)
		frames[i]->ol_flags |= RTE_MBUF_F_RX_IP_CKSUM_GOOD | RTE_MBUF_F_RX_L4_CKSUM_GOOD;
	return count;
}

static inline int group_start(void **state)
{
	struct eal_config config = {.control_cpu = -1, .memory_mb = 128};
	struct error error = {""};

	(void)state;
	(void)clock_init();
	if (mkdtemp(directory) == NULL)
		return -1;
	if (eal_start(&config, &error) != 0) {
		(void)fprintf(stderr, "%s\n", error.text);
		return -1;
	}
	return 0;
}

static inline int group_end(void **state)
{
	(void)state;
	for (unsigned i = 0; i < serial; i++) {
		(void)snprintf(capture, sizeof(capture), "%s/%u.pcap", directory, i);
		(void)unlink(capture);
	}
	(void)rmdir(directory);
	eal_stop();
	return 0;
}
