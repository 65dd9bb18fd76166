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
#include "nic/port.h"

#define US_PORT 9000

static const struct source_ops *const ops = &source_dpdk;
static char directory[] = "/tmp/penstock-port-XXXXXX";
static char capture[128], device[400];
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

static uint8_t big[65507], whole[65535];
static uint32_t big_len, whole_len;

static void compare(const struct datagram *datagram)
{
	assert_int_equal(datagram->len, big_len);
	assert_memory_equal(datagram->data, big, big_len);
	assert_int_equal(datagram->destination_port, US_PORT);
}

/* Prepares a datagram of `len` bytes; returns the number of fragments at `piece` bytes each. */
static unsigned make_big(int family, uint32_t len, uint32_t piece)
{
	big_len = len;
	for (uint32_t i = 0; i < len; i++)
		big[i] = (uint8_t)(i * 7 + (i >> 8));
	whole_len = frame_udp_bytes(whole, family, 40000, US_PORT, big, len);
	return (whole_len + piece - 1) / piece;
}

static void add_piece(FILE *file, int family, unsigned id, uint32_t index, uint32_t piece)
{
	uint32_t at = index * piece, len = whole_len - at < piece ? whole_len - at : piece;
	struct frame f;

	frame_fragment(&f, family, id, whole, at, len, at + len < whole_len);
	capture_add(file, &f);
}

/* A datagram of `len` bytes in pieces that come in order, backwards or odd ones first. */
static void assert_reassembled(int family, uint32_t len, unsigned order)
{
	FILE *file = new_capture();
	struct source_config config = config_of();
	unsigned count = make_big(family, len, 1440);
	const struct source_counters *c;
	struct source *source;

	for (unsigned i = 0; i < count; i++) {
		unsigned odd = i < count / 2 ? 2 * i + 1 : 2 * (i - count / 2);
		unsigned index = order == 0 ? i : order == 1 ? count - 1 - i : odd;

		add_piece(file, family, 5, index, 1440);
	}
	(void)fclose(file);
	source = start(&config);
	assert_int_equal(receive_all(source, compare), 1);
	c = ops->counters(ops->queue(source, 0));
	assert_int_equal(counter_read(&c->reassembled), 1);
	assert_int_equal(counter_read(&c->datagram_frames), count);
	assert_int_equal(counter_read(&c->fragments_held), 0);
	assert_balanced(source, count);
	finish(source);
}

static void fragments_are_put_together_in_any_order(void **state)
{
	(void)state;
	for (unsigned order = 0; order < 3; order++) {
		assert_reassembled(4, 4000, order);
		assert_reassembled(6, 4000, order);
	}
	assert_reassembled(4, 60000, 0);
	assert_reassembled(6, 60000, 2);
	assert_reassembled(4, 65507, 1);
}

static void overlapping_fragments_lose_their_datagram(void **state)
{
	FILE *file = new_capture();
	struct source_config config = config_of();
	const struct source_counters *c;
	struct source *source;
	struct frame f;

	(void)state;
	for (int family = 4; family <= 6; family += 2) {
		(void)make_big(family, 4000, 1440);
		add_piece(file, family, 5, 0, 1440);
		frame_fragment(&f, family, 5, whole, 1432, 800, 1);
		capture_add(file, &f);
		add_piece(file, family, 5, 1, 1440);
		add_piece(file, family, 5, 2, 1440);
	}
	(void)fclose(file);
	source = start(&config);
	assert_int_equal(receive_all(source, NULL), 0);
	c = ops->counters(ops->queue(source, 0));
	assert_int_equal(counter_read(&c->dropped_fragment_bad), 8);
	assert_int_equal(counter_read(&c->fragments_held), 0);
	assert_balanced(source, 8);
	finish(source);
}

static void a_piece_that_comes_twice_does_no_harm(void **state)
{
	FILE *file = new_capture();
	struct source_config config = config_of();
	unsigned count = make_big(4, 4000, 1440);
	const struct source_counters *c;
	struct source *source;

	(void)state;
	add_piece(file, 4, 5, 0, 1440);
	add_piece(file, 4, 5, 0, 1440);
	for (unsigned i = 1; i < count; i++)
		add_piece(file, 4, 5, i, 1440);
	(void)fclose(file);
	source = start(&config);
	assert_int_equal(receive_all(source, compare), 1);
	c = ops->counters(ops->queue(source, 0));
	assert_int_equal(counter_read(&c->dropped_fragment_bad), 1);
	assert_balanced(source, count + 1);
	finish(source);
}

static void a_datagram_without_its_rest_times_out(void **state)
{
	FILE *file = new_capture();
	struct source_config config = config_of();
	const struct source_counters *c;
	struct source *source;

	(void)state;
	(void)make_big(4, 4000, 1440);
	add_piece(file, 4, 5, 0, 1440);
	add_piece(file, 4, 5, 2, 1440);
	(void)make_big(6, 4000, 1440);
	add_piece(file, 6, 5, 1, 1440);
	(void)fclose(file);
	source = start(&config);
	assert_int_equal(receive_all(source, NULL), 0);
	c = ops->counters(ops->queue(source, 0));
	assert_int_equal(counter_read(&c->fragments_held), 3);
	assert_balanced(source, 3);
	ops->tick(ops->queue(source, 0), clock_tsc());
	assert_int_equal(counter_read(&c->fragments_held), 3);
	ops->tick(ops->queue(source, 0), clock_tsc() + 2 * clock_hz());
	assert_int_equal(counter_read(&c->fragments_held), 0);
	assert_int_equal(counter_read(&c->dropped_fragment_timeout), 3);
	assert_balanced(source, 3);
	finish(source);
}

static void a_full_table_and_damage_are_counted_by_name(void **state)
{
	FILE *file = new_capture();
	struct source_config config = config_of();
	const struct source_counters *c;
	struct source *source;

	(void)state; /* a complete datagram keeps its place in the table until it is released */
	config.fragments = 2;
	config.max_datagram = 3000;
	(void)make_big(4, 2900, 1440);
	whole[100] ^= 1;
	for (unsigned i = 0; i < 3; i++)
		add_piece(file, 4, 1, i, 1440);
	add_piece(file, 4, 2, 0, 1440);
	add_piece(file, 4, 3, 0, 1440);
	add_piece(file, 4, 4, 0, 1440);
	(void)make_big(4, 3300, 1440);
	add_piece(file, 4, 2, 1, 1440);
	add_piece(file, 4, 2, 2, 1440);
	(void)fclose(file);
	source = start(&config);
	assert_int_equal(receive_all(source, NULL), 0);
	c = ops->counters(ops->queue(source, 0));
	assert_int_equal(counter_read(&c->dropped_l4_checksum), 3);
	assert_int_equal(counter_read(&c->dropped_fragment_memory), 2);
	assert_int_equal(counter_read(&c->dropped_oversize), 3);
	assert_int_equal(counter_read(&c->fragments_held), 0);
	assert_balanced(source, 8);
	finish(source);
}

static void without_a_table_fragments_are_dropped(void **state)
{
	FILE *file = new_capture();
	struct source_config config = config_of();
	struct source *source;
	unsigned count = make_big(4, 4000, 1440);

	(void)state;
	config.fragments = 0;
	for (unsigned i = 0; i < count; i++)
		add_piece(file, 4, 1, i, 1440);
	(void)fclose(file);
	source = start(&config);
	assert_int_equal(receive_all(source, NULL), 0);
	assert_int_equal(counter_read(&ops->counters(ops->queue(source, 0))->dropped_fragment_memory), count);
	assert_balanced(source, count);
	finish(source);
}

static void jumbo_frames_are_contiguous(void **state)
{
	FILE *file = new_capture();
	struct source_config config = config_of();
	struct source *source;
	struct frame f;

	(void)state;
	config.mtu = 9000;
	(void)make_big(4, 8900, 1440);
	frame_udp(&f, 4, US_PORT, big, big_len);
	capture_add(file, &f);
	frame_udp(&f, 6, US_PORT, big, big_len);
	capture_add(file, &f);
	(void)fclose(file);
	source = start(&config);
	assert_int_equal(receive_all(source, compare), 2);
	assert_balanced(source, 2);
	finish(source);
}

static void only_the_configured_vlan_is_taken(void **state)
{
	static const unsigned tags[4][2] = {{100, 7}, {100, 8}, {100, 0}, {0, 0}};
	FILE *file = new_capture();
	struct source_config config = config_of();
	struct source *source;
	struct frame f;

	(void)state;
	config.vlan[0] = 100;
	config.vlan[1] = 7;
	for (unsigned i = 0; i < 4; i++) {
		frame_ethernet(&f, 0x0800);
		for (unsigned tag = 0; tag < 2 && tags[i][tag] != 0; tag++)
			frame_tag(&f, tag == 0 && tags[i][1] != 0 ? 0x88a8 : 0x8100, tags[i][tag]);
		(void)frame_ipv4(&f, 17, 0, 13, 1, 0);
		f.len += frame_udp_bytes(f.data + f.len, 4, 40000, US_PORT, "hello", 5);
		capture_add(file, &f);
	}
	(void)fclose(file);
	source = start(&config);
	assert_int_equal(receive_all(source, remember), 1);
	assert_int_equal(counter_read(&ops->counters(ops->queue(source, 0))->dropped_vlan), 3);
	assert_balanced(source, 4);
	finish(source);
}

static void answers_leave_by_the_device(void **state)
{
	static const uint8_t target_mac[6];
	struct source_config config = config_of();
	const struct source_counters *c;
	FILE *file = new_capture();
	struct source *source;
	struct source_queue *q;
	uint64_t now = clock_tsc();
	char sent[128];
	struct frame f;
	long size;

	(void)state;
	frame_ethernet(&f, 0x0806);
	frame_put(&f, "\0\1\x08\0\6\4\0\1", 8);
	frame_put(&f, frame_mac_peer, 6);
	frame_put(&f, frame_v4_peer, 4);
	frame_put(&f, target_mac, 6);
	frame_put(&f, frame_v4_us, 4);
	capture_add(file, &f);
	(void)fclose(file);
	(void)snprintf(sent, sizeof(sent), "%s/sent.pcap", directory);
	(void)snprintf(device, sizeof(device), "net_pcap%u,rx_pcap=%s,tx_pcap=%s", serial++, capture, sent);
	source = start(&config);
	q = ops->queue(source, 0);
	c = ops->counters(q);
	assert_int_equal(receive_all(source, NULL), 0);
	assert_int_equal(counter_read(&c->host_arp), 1);
	assert_int_equal(counter_read(&c->transmitted), 1);
	ops->tick(q, now);
	assert_int_equal(counter_read(&c->transmitted), 1 + 3);
	ops->tick(q, now + clock_hz() / 2);
	assert_int_equal(counter_read(&c->transmitted), 1 + 3);
	ops->tick(q, now + 2 * clock_hz());
	ops->tick(q, now + 5 * clock_hz());
	ops->tick(q, now + 30 * clock_hz());
	assert_int_equal(counter_read(&c->transmitted), 1 + 9);
	ops->tick(q, now + 66 * clock_hz());
	assert_int_equal(counter_read(&c->transmitted), 1 + 12);
	assert_balanced(source, 1);
	finish(source);
	file = fopen(sent, "rb");
	assert_non_null(file);
	(void)fseek(file, 0, SEEK_END);
	size = ftell(file);
	(void)fclose(file);
	(void)unlink(sent);
	assert_int_equal(size, 24 + (16 + 60) + 4 * ((16 + 60) + (16 + 110)) + (16 + 78) + 3 * (16 + 86));
}

static void status_says_what_was_granted(void **state)
{
	struct source_config config = config_of();
	struct source_status status;
	struct source *source;
	FILE *file = new_capture();

	(void)state;
	(void)fclose(file);
	source = start(&config);
	ops->status(source, &status);
	assert_string_equal(status.driver, "net_pcap");
	assert_int_equal(status.mtu, 1500);
	assert_int_equal(status.queues, 1);
	assert_int_equal(status.removed, 0);
	assert_int_equal(status.checksum_offload, 0);
	finish(source);
}

static void two_queues_share_a_ring_device(void **state)
{
	struct source_config config = config_of();
	struct source *source = NULL;
	struct source_status status;
	struct error error;

	(void)state;
	config.device = "net_ring0";
	config.queues = 64;
	assert_int_equal(ops->open(&source, &config, &error), -EINVAL);
	assert_non_null(strstr(error.text, "64 workers"));
	config.device = "net_null0,size=64";
	config.queues = 2;
	source = start(&config);
	ops->status(source, &status);
	assert_int_equal(status.queues, 2);
	finish(source);
}

static void resets_link_changes_and_removal_are_survived(void **state)
{
	struct source_config config = config_of();
	struct source_status status;
	struct datagram out[SOURCE_BURST];
	struct source *source;
	struct source_queue *q;
	struct port *port;
	uint64_t before;

	(void)state;
	config.device = "net_null1,size=64";
	source = start(&config);
	port = (struct port *)source;
	q = ops->queue(source, 0);
	(void)ops->receive(q, out, 1);
	ops->release(q);
	before = counter_read(&ops->counters(q)->frames);
	assert_true(before > 0);
	(void)port_event(port->id, RTE_ETH_EVENT_INTR_LSC, port, NULL);
	(void)port_event(port->id, RTE_ETH_EVENT_INTR_RESET, port, NULL);
	ops->status(source, &status);
	assert_int_equal(status.link_changes, 1);
	assert_int_equal(status.resets, 1);
	assert_int_equal(status.removed, 0);
	(void)ops->receive(q, out, 1);
	ops->release(q);
	assert_true(counter_read(&ops->counters(q)->frames) > before);
	before = counter_read(&ops->counters(q)->frames);
	(void)port_event(port->id, RTE_ETH_EVENT_INTR_RMV, port, NULL);
	ops->status(source, &status);
	assert_int_equal(status.removed, 1);
	assert_non_null(strstr(status.notes, "removed"));
	assert_int_equal(ops->receive(q, out, 1), 0);
	assert_int_equal(counter_read(&ops->counters(q)->frames), before);
	assert_balanced(source, before);
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
		cmocka_unit_test(fragments_are_put_together_in_any_order),
		cmocka_unit_test(overlapping_fragments_lose_their_datagram),
		cmocka_unit_test(a_piece_that_comes_twice_does_no_harm),
		cmocka_unit_test(a_datagram_without_its_rest_times_out),
		cmocka_unit_test(a_full_table_and_damage_are_counted_by_name),
		cmocka_unit_test(without_a_table_fragments_are_dropped),
		cmocka_unit_test(jumbo_frames_are_contiguous),
		cmocka_unit_test(only_the_configured_vlan_is_taken),
		cmocka_unit_test(answers_leave_by_the_device),
		cmocka_unit_test(status_says_what_was_granted),
		cmocka_unit_test(two_queues_share_a_ring_device),
		cmocka_unit_test(resets_link_changes_and_removal_are_survived),
		cmocka_unit_test(a_device_that_is_not_there_is_refused_with_a_sentence),
	};

	return cmocka_run_group_tests(tests, group_start, group_end);
}
