/* SPDX-License-Identifier: Apache-2.0 */
/* The dpdk source on virtual devices: every frame of a capture file ends in exactly one named counter. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"
#include "frames.h"
#include "nic/eal.h"
#include "nic/source.h"

#define US_PORT 9000

static const struct source_ops *const ops = &source_dpdk;
static char directory[] = "/tmp/penstock-port-XXXXXX";
static char capture[128], device[256];
static unsigned serial;

static struct source_config config_of(void)
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

static FILE *new_capture(void)
{
	FILE *file;

	(void)snprintf(capture, sizeof(capture), "%s/%u.pcap", directory, serial);
	(void)snprintf(device, sizeof(device), "net_pcap%u,rx_pcap=%s", serial, capture);
	serial++;
	file = capture_open(capture);
	assert_non_null(file);
	return file;
}

static struct source *start(const struct source_config *config)
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

static void finish(struct source *source)
{
	ops->stop(source);
	ops->detach(ops->queue(source, 0));
	ops->close(source);
}

/* Receives once; what comes is copied from the source into `out` by the caller before release. */
static unsigned receive_all(struct source *source, void (*take)(const struct datagram *))
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
static void assert_balanced(struct source *source, uint64_t frames)
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

static void remember(const struct datagram *datagram)
{
	seen = *datagram;
	assert_memory_equal(datagram->data, "hello", 5);
}

static void datagrams_of_both_families_are_delivered(void **state)
{
	FILE *file = new_capture();
	struct source_config config = config_of();
	struct source *source;
	struct frame f;

	(void)state;
	for (unsigned i = 0; i < 150; i++) {
		frame_udp(&f, i % 2 ? 4 : 6, US_PORT, "hello", 5);
		capture_add(file, &f);
	}
	(void)fclose(file);
	source = start(&config);
	assert_int_equal(receive_all(source, remember), 150);
	assert_int_equal(seen.len, 5);
	assert_int_equal(seen.source_port, 40000);
	assert_int_equal(seen.destination_port, US_PORT);
	assert_int_equal(seen.source.family, ADDRESS_IPV4);
	assert_memory_equal(seen.source.bytes, frame_v4_peer, 4);
	assert_balanced(source, 150);
	finish(source);
}

static void what_is_not_for_us_is_counted_by_name(void **state)
{
	FILE *file = new_capture();
	struct source_config config = config_of();
	const struct source_counters *c;
	struct source *source;
	struct frame f;

	(void)state;
	frame_udp(&f, 4, US_PORT + 1, "hello", 5);
	capture_add(file, &f);
	frame_udp(&f, 4, US_PORT, "hello", 5);
	f.data[f.len - 1] ^= 1;
	capture_add(file, &f);
	frame_udp(&f, 4, US_PORT, "hello", 5);
	f.data[14 + 10] ^= 1;
	capture_add(file, &f);
	frame_ethernet(&f, 0x88cc);
	f.len = 60;
	capture_add(file, &f);
	frame_ethernet(&f, 0x0800);
	frame_tag(&f, 0x8100, 7);
	(void)frame_ipv4(&f, 17, 0, 8, 1, 0);
	f.len += frame_udp_bytes(f.data + f.len, 4, 1, US_PORT, "", 0);
	capture_add(file, &f);
	(void)fclose(file);
	source = start(&config);
	c = ops->counters(ops->queue(source, 0));
	assert_int_equal(receive_all(source, NULL), 0);
	assert_int_equal(counter_read(&c->dropped_not_for_us), 1);
	assert_int_equal(counter_read(&c->dropped_l4_checksum), 1);
	assert_int_equal(counter_read(&c->dropped_ip_checksum), 1);
	assert_int_equal(counter_read(&c->dropped_not_ip), 1);
	assert_int_equal(counter_read(&c->dropped_vlan), 1);
	assert_balanced(source, 5);
	finish(source);
}

static void a_device_that_is_not_there_is_refused_with_a_sentence(void **state)
{
	struct source_config config = config_of();
	struct source *source = NULL;
	struct error error = {""};

	(void)state;
	config.device = "net_af_packet77,iface=nosuchdev0";
	assert_int_not_equal(ops->open(&source, &config, &error), 0);
	assert_null(source);
	assert_non_null(strstr(error.text, "nosuchdev0"));
}

static int group_start(void **state)
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

static int group_end(void **state)
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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(datagrams_of_both_families_are_delivered),
		cmocka_unit_test(what_is_not_for_us_is_counted_by_name),
		cmocka_unit_test(a_device_that_is_not_there_is_refused_with_a_sentence),
	};

	return cmocka_run_group_tests(tests, group_start, group_end);
}
