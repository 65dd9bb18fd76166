/* SPDX-License-Identifier: Apache-2.0 */
/* What packet_parse calls a frame: each kind, and each refusal by its own name. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>

#include "tests/unit/nic/frames.h"
#include "wire/packet.h"

static struct packet packet;

/* Parses a copy of exact size on the heap, so that a sanitizer sees any read beyond it; fields stay in `packet`, and
 * pointers are made good against the original. */
static enum packet_kind parse(const struct frame *f)
{
	uint8_t *copy = malloc(f->len != 0 ? f->len : 1);
	enum packet_kind kind;

	assert_non_null(copy);
	memcpy(copy, f->data, f->len);
	kind = packet_parse(&packet, copy, f->len, 0);
	if (kind == PACKET_UDP) {
		assert_in_range(packet.payload - copy, 0, f->len);
		assert_true(packet.payload + packet.payload_len <= copy + f->len);
		packet.payload = f->data + (packet.payload - copy);
		packet.l4 = f->data + (packet.l4 - copy);
		packet.source = f->data + (packet.source - copy);
		packet.destination = f->data + (packet.destination - copy);
	}
	free(copy);
	return kind;
}

static void put_udp(struct frame *f, int family, const char *payload)
{
	f->len += frame_udp_bytes(f->data + f->len, family, 40000, 9000, payload, (uint32_t)strlen(payload));
}

static void assert_hello(struct frame *f)
{
	assert_int_equal(parse(f), PACKET_UDP);
	assert_int_equal(packet.payload_len, 5);
	assert_memory_equal(packet.payload, "hello", 5);
	assert_int_equal(packet.source_port, 40000);
	assert_int_equal(packet.destination_port, 9000);
	assert_true(packet_udp_checksum_ok(&packet));
}

static void udp_is_found_over_both_families(void **state)
{
	struct frame f;

	(void)state;
	frame_udp(&f, 4, 9000, "hello", 5);
	assert_hello(&f);
	assert_int_equal(packet.family, ADDRESS_IPV4);
	assert_memory_equal(packet.source, frame_v4_peer, 4);
	assert_memory_equal(packet.destination, frame_v4_us, 4);
	frame_udp(&f, 6, 9000, "hello", 5);
	assert_hello(&f);
	assert_int_equal(packet.family, ADDRESS_IPV6);
	assert_memory_equal(packet.source, frame_v6_peer, 16);
	assert_memory_equal(packet.destination, frame_v6_us, 16);
}

static void padding_behind_the_packet_is_ignored(void **state)
{
	struct frame f;

	(void)state;
	frame_udp(&f, 4, 9000, "hello", 5);
	memset(f.data + f.len, 0xee, 18);
	f.len += 18;
	assert_hello(&f);
	frame_ethernet(&f, 0x0800);
	(void)frame_ipv4(&f, 17, 0, 13 + 8, 1, 0);
	put_udp(&f, 4, "hello");
	memset(f.data + f.len, 0xee, 8);
	f.len += 8;
	assert_hello(&f);
}

static void up_to_two_tags_are_read(void **state)
{
	struct frame f;

	(void)state;
	frame_ethernet(&f, 0x0800);
	frame_tag(&f, 0x88a8, 0x2000 | 2148);
	frame_tag(&f, 0x8100, 7);
	(void)frame_ipv4(&f, 17, 0, 13, 1, 0);
	put_udp(&f, 4, "hello");
	assert_hello(&f);
	assert_int_equal(packet.vlan_count, 2);
	assert_int_equal(packet.vlan[0], 2148);
	assert_int_equal(packet.vlan[1], 7);
	frame_ethernet(&f, 0x0800);
	for (unsigned i = 0; i < 3; i++)
		frame_tag(&f, 0x8100, 7);
	(void)frame_ipv4(&f, 17, 0, 13, 1, 0);
	put_udp(&f, 4, "hello");
	assert_int_equal(parse(&f), PACKET_REFUSED_vlan);
}

static void ipv4_options_are_stepped_over(void **state)
{
	struct frame f;

	(void)state;
	for (unsigned options = 4; options <= 40; options += 4) {
		frame_ethernet(&f, 0x0800);
		(void)frame_ipv4(&f, 17, options, 13, 1, 0);
		put_udp(&f, 4, "hello");
		assert_hello(&f);
	}
}

/* An IPv6 extension header of `units` eight-byte units, filled with padding. */
static void put_extension(struct frame *f, unsigned next, unsigned units)
{
	frame_put8(f, next);
	frame_put8(f, units - 1);
	frame_put8(f, 1);
	frame_put8(f, units * 8 - 4);
	for (unsigned i = 0; i < units * 8 - 4; i++)
		frame_put8(f, 0);
}

static void ipv6_chains_are_walked(void **state)
{
	struct frame f;

	(void)state;
	frame_ethernet(&f, 0x86dd);
	(void)frame_ipv6(&f, 0, 8 + 16 + 8 + 8 + 13);
	put_extension(&f, 60, 1);
	put_extension(&f, 43, 2);
	frame_put(&f, "\x2c\0\0\0\0\0\0\0", 8);
	frame_put(&f, "\x11\0\0\0\0\0\0\7", 8);
	put_udp(&f, 6, "hello");
	assert_hello(&f);
}

static enum packet_kind parse_extension(unsigned kind, const void *header, uint32_t len)
{
	struct frame f;

	frame_ethernet(&f, 0x86dd);
	(void)frame_ipv6(&f, kind, len + 13);
	frame_put(&f, header, len);
	put_udp(&f, 6, "hello");
	return parse(&f);
}

static void odd_extensions_are_refused(void **state)
{
	struct frame f;

	(void)state;
	assert_int_equal(parse_extension(60, "\x11\0\x3e\4\0\0\0\0", 8), PACKET_UDP);
	assert_int_equal(parse_extension(60, "\x11\0\x7e\4\0\0\0\0", 8), PACKET_REFUSED_extension);
	assert_int_equal(parse_extension(60, "\x11\0\xbe\4\0\0\0\0", 8), PACKET_REFUSED_extension);
	assert_int_equal(parse_extension(60, "\x11\0\1\5\0\0\0\0", 8), PACKET_REFUSED_extension);
	assert_int_equal(parse_extension(60, "\x11\x09\1\4\0\0\0\0", 8), PACKET_REFUSED_extension);
	assert_int_equal(parse_extension(43, "\x11\0\0\1\0\0\0\0", 8), PACKET_REFUSED_extension);
	assert_int_equal(parse_extension(51, "\x11\0\0\0\0\0\0\0", 8), PACKET_REFUSED_extension);
	assert_int_equal(parse_extension(59, "\x11\0\0\0\0\0\0\0", 8), PACKET_REFUSED_not_udp);
	assert_int_equal(parse_extension(50, "\x11\0\0\0\0\0\0\0", 8), PACKET_REFUSED_not_udp);
	assert_int_equal(parse_extension(60, "\0\0\1\4\0\0\0\0\x11\0\1\4\0\0\0\0", 16), PACKET_REFUSED_extension);
	assert_int_equal(parse_extension(44, "\x2c\0\0\0\0\0\0\0\x11\0\0\0\0\0\0\7", 16), PACKET_REFUSED_extension);
	frame_ethernet(&f, 0x86dd);
	(void)frame_ipv6(&f, 60, 9 * 8 + 13);
	for (unsigned i = 0; i < 9; i++)
		put_extension(&f, i < 8 ? 60 : 17, 1);
	put_udp(&f, 6, "hello");
	assert_int_equal(parse(&f), PACKET_REFUSED_extension);
}

static void lengths_that_lie_are_refused(void **state)
{
	struct frame f;

	(void)state;
	frame_udp(&f, 4, 9000, "hello", 5);
	frame_set16(&f, 34 + 4, 14);
	assert_int_equal(parse(&f), PACKET_REFUSED_udp_header);
	frame_set16(&f, 34 + 4, 7);
	assert_int_equal(parse(&f), PACKET_REFUSED_udp_header);
	frame_set16(&f, 34 + 4, 0);
	assert_int_equal(parse(&f), PACKET_REFUSED_udp_header);
	frame_udp(&f, 4, 9000, "hello", 5);
	frame_set16(&f, 16, 34);
	assert_int_equal(parse(&f), PACKET_REFUSED_truncated);
	frame_set16(&f, 16, 19);
	assert_int_equal(parse(&f), PACKET_REFUSED_ip_header);
	frame_udp(&f, 4, 9000, "hello", 5);
	f.data[14] = 0x44;
	assert_int_equal(parse(&f), PACKET_REFUSED_ip_header);
	f.data[14] = 0x65;
	assert_int_equal(parse(&f), PACKET_REFUSED_ip_header);
	f.data[14] = 0x4f;
	assert_int_equal(parse(&f), PACKET_REFUSED_ip_header);
	frame_udp(&f, 6, 9000, "hello", 5);
	frame_set16(&f, 18, 14);
	assert_int_equal(parse(&f), PACKET_REFUSED_truncated);
	frame_set16(&f, 18, 7);
	assert_int_equal(parse(&f), PACKET_REFUSED_udp_header);
	f.data[14] = 0x40;
	assert_int_equal(parse(&f), PACKET_REFUSED_ip_header);
}

static void checksums_are_good_bad_or_absent(void **state)
{
	struct frame f;

	(void)state;
	for (int family = 4; family <= 6; family += 2) {
		uint32_t at = family == 4 ? 34 : 54;

		frame_udp(&f, family, 9000, "hello", 5);
		for (uint32_t i = at; i < f.len; i++) {
			if (i == at + 4 || i == at + 5)
				continue;
			f.data[i] ^= 0x10;
			assert_int_equal(parse(&f), PACKET_UDP);
			assert_false(packet_udp_checksum_ok(&packet));
			f.data[i] ^= 0x10;
		}
		frame_set16(&f, at + 6, 0);
		assert_int_equal(parse(&f), PACKET_UDP);
		assert_int_equal(packet_udp_checksum_ok(&packet), family == 4);
	}
	frame_udp(&f, 4, 9000, "hello", 5);
	for (uint32_t i = 22; i < 34; i++) {
		f.data[i] ^= 1;
		assert_int_equal(parse(&f), PACKET_REFUSED_ip_checksum);
		assert_int_equal(packet_parse(&packet, f.data, f.len, 1), i == 23 ? PACKET_REFUSED_not_udp : PACKET_UDP);
		f.data[i] ^= 1;
	}
}

static void fragments_are_told_from_whole_packets(void **state)
{
	static const uint8_t whole[3000];
	struct frame f;

	(void)state;
	for (int family = 4; family <= 6; family += 2) {
		unsigned id = family == 4 ? 77 : 0x00120034;

		frame_fragment(&f, family, id, whole, 1440, 800, 1);
		assert_int_equal(parse(&f), PACKET_FRAGMENT);
		assert_int_equal(packet.fragment_offset, 1440);
		assert_int_equal(packet.fragment_id, id);
		assert_int_equal(packet.more_fragments, 1);
		assert_int_equal(packet.l4_len, 800);
		frame_fragment(&f, family, 77, whole, 0, 799, 1);
		assert_int_equal(parse(&f), PACKET_REFUSED_fragment_bad);
		frame_fragment(&f, family, 77, whole, 8, 0, 0);
		assert_int_equal(parse(&f), PACKET_REFUSED_fragment_bad);
		frame_fragment(&f, family, 77, whole, 8, 799, 0);
		assert_int_equal(parse(&f), PACKET_FRAGMENT);
	}
	frame_ethernet(&f, 0x0800);
	(void)frame_ipv4(&f, 17, 0, 80, 1, 0x1fff);
	frame_put(&f, whole, 80);
	assert_int_equal(parse(&f), PACKET_REFUSED_fragment_bad);
	frame_ethernet(&f, 0x0800);
	(void)frame_ipv4(&f, 6, 0, 80, 1, 0x2000);
	frame_put(&f, whole, 80);
	assert_int_equal(parse(&f), PACKET_REFUSED_not_udp);
}

static enum packet_kind parse_icmp6(unsigned type)
{
	struct frame f;

	frame_ethernet(&f, 0x86dd);
	(void)frame_ipv6(&f, 58, 24);
	frame_put8(&f, type);
	for (unsigned i = 0; i < 23; i++)
		frame_put8(&f, 0);
	return parse(&f);
}

static enum packet_kind parse_ipv4_protocol(unsigned protocol, unsigned first)
{
	struct frame f;

	frame_ethernet(&f, 0x0800);
	(void)frame_ipv4(&f, protocol, 0, 8, 1, 0);
	frame_put8(&f, first);
	for (unsigned i = 0; i < 7; i++)
		frame_put8(&f, 0);
	return parse(&f);
}

static void host_frames_and_strangers_are_told_apart(void **state)
{
	static const unsigned multicast[] = {130, 131, 132, 133, 134, 137, 143};
	struct frame f;

	(void)state;
	assert_int_equal(parse_icmp6(135), PACKET_ND);
	assert_int_equal(parse_icmp6(136), PACKET_ND);
	assert_int_equal(parse_icmp6(128), PACKET_ECHO);
	assert_int_equal(parse_icmp6(129), PACKET_REFUSED_not_udp);
	for (unsigned i = 0; i < sizeof(multicast) / sizeof(multicast[0]); i++)
		assert_int_equal(parse_icmp6(multicast[i]), PACKET_MULTICAST);
	assert_int_equal(parse_ipv4_protocol(1, 8), PACKET_ECHO);
	assert_int_equal(parse_ipv4_protocol(1, 0), PACKET_REFUSED_not_udp);
	assert_int_equal(parse_ipv4_protocol(2, 0x11), PACKET_MULTICAST);
	assert_int_equal(parse_ipv4_protocol(6, 0), PACKET_REFUSED_not_udp);
	frame_ethernet(&f, 0x0806);
	frame_put(&f, "\0\1\x08\0\6\4\0\1", 8);
	f.len += 20;
	assert_int_equal(parse(&f), PACKET_ARP);
	f.data[18] = 8;
	assert_int_equal(parse(&f), PACKET_REFUSED_not_ip);
	frame_ethernet(&f, 0x88cc);
	f.len = 60;
	assert_int_equal(parse(&f), PACKET_REFUSED_not_ip);
	frame_ethernet(&f, 46);
	f.len = 60;
	assert_int_equal(parse(&f), PACKET_REFUSED_not_ip);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(udp_is_found_over_both_families),
		cmocka_unit_test(padding_behind_the_packet_is_ignored),
		cmocka_unit_test(up_to_two_tags_are_read),
		cmocka_unit_test(ipv4_options_are_stepped_over),
		cmocka_unit_test(ipv6_chains_are_walked),
		cmocka_unit_test(odd_extensions_are_refused),
		cmocka_unit_test(lengths_that_lie_are_refused),
		cmocka_unit_test(checksums_are_good_bad_or_absent),
		cmocka_unit_test(fragments_are_told_from_whole_packets),
		cmocka_unit_test(host_frames_and_strangers_are_told_apart),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
