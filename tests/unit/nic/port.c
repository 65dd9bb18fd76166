/* SPDX-License-Identifier: Apache-2.0 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>

#include "port_rig.h"

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

/* The checksum is right all the same: two words of the address changed places. */
static void ipv6_for_another_address_is_not_taken(void **state)
{
	FILE *file = new_capture();
	struct source_config config = config_of();
	struct source *source;
	struct frame f;

	(void)state;
	frame_udp(&f, 6, US_PORT, "hello", 5);
	memcpy(f.data + 14 + 36, "\0\1\0\0", 4);
	capture_add(file, &f);
	(void)fclose(file);
	source = start(&config);
	assert_int_equal(receive_all(source, NULL), 0);
	assert_int_equal(counter_read(&ops->counters(ops->queue(source, 0))->dropped_not_for_us), 1);
	assert_balanced(source, 1);
	finish(source);
}

/* Untagged and tagged, which go by different ways. */
static void a_datagram_may_be_as_long_as_max_datagram(void **state)
{
	FILE *file = new_capture();
	struct source_config config = config_of();
	struct source *source;
	struct frame f;

	(void)state;
	config.max_datagram = 5;
	for (unsigned i = 0; i < 4; i++) {
		frame_udp(&f, i & 1 ? 6 : 4, US_PORT, i & 2 ? "hello!" : "hello", i & 2 ? 6 : 5);
		capture_add(file, &f);
	}
	(void)fclose(file);
	source = start(&config);
	assert_int_equal(receive_all(source, remember), 2);
	assert_int_equal(counter_read(&ops->counters(ops->queue(source, 0))->dropped_oversize), 2);
	assert_balanced(source, 4);
	finish(source);
}

static void make_arp(struct frame *f)
{
	static const uint8_t target_mac[6];

	frame_ethernet(f, 0x0806);
	frame_put(f, "\0\1\x08\0\6\4\0\1", 8);
	frame_put(f, frame_mac_peer, 6);
	frame_put(f, frame_v4_peer, 4);
	frame_put(f, target_mac, 6);
	frame_put(f, frame_v4_us, 4);
}

static void make_echo(struct frame *f)
{
	frame_ethernet(f, 0x0800);
	(void)frame_ipv4(f, 1, 0, 8, 1, 0);
	frame_put(f, "\x08\0\xf7\xff\0\0\0\0", 8);
}

static void a_flood_of_pings_is_counted_apart_and_leaves_arp_answered(void **state)
{
	struct source_config config = config_of();
	const struct source_counters *c;
	FILE *file = new_capture();
	struct source *source;
	struct frame f;

	(void)state;
	make_echo(&f);
	for (unsigned i = 0; i < 500; i++)
		capture_add(file, &f);
	make_arp(&f);
	capture_add(file, &f);
	(void)fclose(file);
	source = start(&config);
	c = ops->counters(ops->queue(source, 0));
	while (counter_read(&c->frames) < 501)
		assert_int_equal(receive_all(source, NULL), 0);
	assert_in_range(counter_read(&c->host_echo), RESPONDER_ECHO_BURST, 499);
	assert_int_equal(counter_read(&c->dropped_echo_limited), 500 - counter_read(&c->host_echo));
	assert_int_equal(counter_read(&c->host_arp), 1);
	assert_int_equal(counter_read(&c->dropped_neighbour_limited), 0);
	assert_balanced(source, 501);
	finish(source);
}

static void answers_leave_by_the_device(void **state)
{
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
	make_arp(&f);
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

/* What could not be sent for want of memory comes a second later, and not a minute. */
static void an_announcement_without_memory_is_made_up_for(void **state)
{
	struct source_config config = config_of();
	FILE *file = new_capture();
	struct rte_mbuf *taken[20000];
	const struct source_counters *c;
	struct source *source;
	struct source_queue *q;
	uint64_t now = clock_tsc(), sent;
	unsigned count = 0;

	(void)state;
	(void)fclose(file);
	source = start(&config);
	q = ops->queue(source, 0);
	c = ops->counters(q);
	for (unsigned second = 0; second <= 4; second += 2)
		ops->tick(q, now + second * clock_hz());
	sent = counter_read(&c->transmitted);
	while (count < 20000 && (taken[count] = rte_pktmbuf_alloc(((struct port *)source)->queue[0]->pool)) != NULL)
		count++;
	assert_in_range(count, 1, 19999);
	ops->tick(q, now + 65 * clock_hz());
	assert_int_equal(counter_read(&c->transmitted), sent);
	assert_int_equal(counter_read(&c->transmit_dropped), 1);
	rte_pktmbuf_free_bulk(taken, count);
	ops->tick(q, now + 65 * clock_hz() + clock_hz() / 2);
	assert_int_equal(counter_read(&c->transmitted), sent);
	ops->tick(q, now + 67 * clock_hz());
	assert_true(counter_read(&c->transmitted) > sent);
	finish(source);
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

/* Sends a frame that is not for us through a ring device, to itself. */
static void send_round(const struct source *source, struct rte_mbuf *m)
{
	static const uint8_t dst[6] = {2, 0, 0, 0, 0, 9};
	uint8_t *frame = (uint8_t *)rte_pktmbuf_append(m, 60);

	assert_non_null(frame);
	memset(frame, 0, 60);
	memcpy(frame, dst, sizeof(dst));
	assert_int_equal(rte_eth_tx_burst(((const struct port *)source)->id, 0, &m, 1), 1);
}

/* A frame goes back to the pool it is of, when nobody else refers to it, with all its segments. */
static void every_frame_goes_back_where_it_came_from(void **state)
{
	struct rte_mempool *own, *other = rte_pktmbuf_pool_create("other", 63, 0, 0, 2048, SOCKET_ID_ANY);
	struct source_config config = config_of();
	struct rte_mbuf *shared, *chain;
	struct source *source;
	unsigned in_use;

	(void)state;
	assert_non_null(other);
	config.device = "net_ring1";
	source = start(&config);
	own = ((struct port *)source)->queue[0]->pool;
	in_use = rte_mempool_in_use_count(own);
	for (unsigned i = 0; i < 4; i++)
		send_round(source, rte_pktmbuf_alloc(own));
	assert_int_equal(rte_mempool_in_use_count(own), in_use + 4);
	assert_int_equal(receive_all(source, NULL), 0);
	assert_int_equal(rte_mempool_in_use_count(own), in_use);

	send_round(source, rte_pktmbuf_alloc(own));
	send_round(source, rte_pktmbuf_alloc(other));
	assert_int_equal(receive_all(source, NULL), 0);
	assert_int_equal(rte_mempool_in_use_count(own), in_use);
	assert_int_equal(rte_mempool_in_use_count(other), 0);

	shared = rte_pktmbuf_alloc(own);
	rte_mbuf_refcnt_update(shared, 1);
	send_round(source, shared);
	assert_int_equal(receive_all(source, NULL), 0);
	assert_int_equal(rte_mbuf_refcnt_read(shared), 1);
	assert_int_equal(rte_mempool_in_use_count(own), in_use + 1);
	rte_pktmbuf_free(shared);

	chain = rte_pktmbuf_alloc(own);
	assert_int_equal(rte_pktmbuf_chain(chain, rte_pktmbuf_alloc(own)), 0);
	send_round(source, chain);
	assert_int_equal(receive_all(source, NULL), 0);
	assert_int_equal(rte_mempool_in_use_count(own), in_use);
	assert_balanced(source, 8);
	finish(source);
	rte_mempool_free(other);
}

static void checksums_that_the_device_was_not_asked_for_are_verified(void **state)
{
	struct source_config config = config_of();
	FILE *file = new_capture();
	struct source *source;
	struct frame f;

	(void)state;
	frame_udp(&f, 4, US_PORT, "hello", 5);
	f.data[f.len - 1] ^= 1;
	capture_add(file, &f);
	(void)fclose(file);
	source = start(&config);
	assert_non_null(rte_eth_add_rx_callback(((struct port *)source)->id, 0, call_good, NULL));
	assert_int_equal(receive_all(source, NULL), 0);
	assert_int_equal(counter_read(&ops->counters(ops->queue(source, 0))->dropped_l4_checksum), 1);
	finish(source);
}

/* RFC 8200: over IPv6 it must be there. Untagged and tagged, which go by different ways. */
static void an_absent_checksum_is_refused_over_ipv6_whatever_the_device_says(void **state)
{
	struct source_config config = config_of();
	FILE *file = new_capture();
	struct source *source;
	struct frame f;

	(void)state;
	for (unsigned i = 0; i < 8; i++) { /* of both families, with and without a checksum, without and with a tag */
		frame_udp(&f, i & 1 ? 6 : 4, US_PORT, "hello", 5);
		if (i & 2)
			memset(f.data + 14 + (i & 1 ? 40 : 20) + 6, 0, 2);
		if (i & 4) {
			memmove(f.data + 16, f.data + 12, f.len - 12);
			memcpy(f.data + 12, "\x81\0\0\0", 4);
			f.len += 4;
		}
		capture_add(file, &f);
	}
	(void)fclose(file);
	source = start(&config);
	((struct port *)source)->queue[0]->l4_flags = RTE_MBUF_F_RX_L4_CKSUM_MASK; /* as if it had been granted */
	assert_non_null(rte_eth_add_rx_callback(((struct port *)source)->id, 0, call_good, NULL));
	assert_int_equal(receive_all(source, remember), 6);
	assert_int_equal(counter_read(&ops->counters(ops->queue(source, 0))->dropped_l4_checksum), 2);
	assert_balanced(source, 8);
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
	assert_non_null(strstr(error.text, "port test: cannot open device net_af_packet77,iface=nosuchdev0,"));
	assert_non_null(strstr(error.text, ": there is no interface nosuchdev0; `ip link` lists those that there are"));
}

/* Drivers say -1 of whatever went wrong, which is no errno. */
static void a_driver_that_tells_no_cause_is_not_given_one(void **state)
{
	struct source_config config = config_of();
	struct source *source = NULL;
	struct error error = {""};

	(void)state;
	config.device = "net_pcap78,rx_pcap=/nonexistent/no.pcap";
	assert_int_not_equal(ops->open(&source, &config, &error), 0);
	assert_null(source);
	assert_non_null(strstr(error.text, "cannot open device net_pcap78,rx_pcap=/nonexistent/no.pcap: its driver does not say why; is its"));
	assert_null(strstr(error.text, strerror(EPERM)));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(datagrams_of_both_families_are_delivered),
		cmocka_unit_test(what_is_not_for_us_is_counted_by_name),
		cmocka_unit_test(ipv6_for_another_address_is_not_taken),
		cmocka_unit_test(a_datagram_may_be_as_long_as_max_datagram),
		cmocka_unit_test(a_flood_of_pings_is_counted_apart_and_leaves_arp_answered),
		cmocka_unit_test(answers_leave_by_the_device),
		cmocka_unit_test(an_announcement_without_memory_is_made_up_for),
		cmocka_unit_test(every_frame_goes_back_where_it_came_from),
		cmocka_unit_test(status_says_what_was_granted),
		cmocka_unit_test(two_queues_share_a_ring_device),
		cmocka_unit_test(checksums_that_the_device_was_not_asked_for_are_verified),
		cmocka_unit_test(an_absent_checksum_is_refused_over_ipv6_whatever_the_device_says),
		cmocka_unit_test(a_device_that_is_not_there_is_refused_with_a_sentence),
		cmocka_unit_test(a_driver_that_tells_no_cause_is_not_given_one),
	};

	return cmocka_run_group_tests(tests, group_start, group_end);
}
