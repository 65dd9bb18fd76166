/* SPDX-License-Identifier: Apache-2.0 */
/* The appliance as a host: what it answers, what it leaves alone, what it announces. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>

#include "frames.h"
#include "nic/responder.h"

#define HZ 1000000000

static const uint8_t solicited_us[16] = {0xff, 2, [11] = 1, 0xff, [15] = 1};

static struct filter filter;
static struct responder responder;
static struct frame request, reply;
static struct packet in, out;
static enum responder_result result;

static int setup(void **state)
{
	struct source_config config = {.address_count = 2};

	(void)state;
	config.addresses[0].address.family = ADDRESS_IPV4;
	config.addresses[1].address.family = ADDRESS_IPV6;
	memcpy(config.addresses[0].address.bytes, frame_v4_us, 4);
	memcpy(config.addresses[1].address.bytes, frame_v6_us, 16);
	filter_init(&filter, &config);
	responder_init(&responder, &filter, frame_mac_us, HZ);
	return 0;
}

/* Gives the request to the responder from an exact-size block; the reply, if any, is parsed into `out`. */
static uint32_t answer(uint64_t tsc)
{
	uint8_t *copy = malloc(request.len);
	enum packet_kind kind;

	assert_non_null(copy);
	memcpy(copy, request.data, request.len);
	kind = packet_parse(&in, copy, request.len, 0);
	assert_true(kind == PACKET_ARP || kind == PACKET_ND || kind == PACKET_ECHO);
	reply.len = responder_answer(&responder, &in, copy, kind, tsc, reply.data, sizeof(reply.data), &result);
	free(copy);
	assert_int_equal(reply.len != 0, result == RESPONDER_ANSWERED);
	return reply.len;
}

static void make_arp(unsigned operation, const uint8_t *sender_mac, const uint8_t *sender, const uint8_t *target)
{
	frame_ethernet(&request, 0x0806);
	frame_put(&request, "\0\1\x08\0\6\4\0", 7);
	frame_put8(&request, operation);
	frame_put(&request, sender_mac, 6);
	frame_put(&request, sender, 4);
	frame_put(&request, "\0\0\0\0\0\0", 6);
	frame_put(&request, target, 4);
}

static void seal_icmp6(struct frame *f, uint32_t at)
{
	uint64_t sum = checksum_pseudo(f->data + at - 32, f->data + at - 16, 16, 58, f->len - at);
	uint16_t folded;

	f->data[at + 2] = f->data[at + 3] = 0;
	folded = (uint16_t)~checksum_fold(checksum_add(sum, f->data + at, f->len - at));
	memcpy(f->data + at + 2, &folded, 2);
}

static void make_nd(unsigned type, const uint8_t *source, const uint8_t *target)
{
	frame_ethernet(&request, 0x86dd);
	(void)frame_ipv6(&request, 58, 32);
	memcpy(request.data + 22, source, 16);
	frame_put8(&request, type);
	frame_put(&request, "\0\0\0\0\0\0\0", 7);
	frame_put(&request, target, 16);
	frame_put(&request, "\1\1", 2);
	frame_put(&request, frame_mac_peer, 6);
	seal_icmp6(&request, 54);
}

/* Gives the neighbour discovery message another destination. */
static void aim_at(const uint8_t *destination)
{
	memcpy(request.data + 38, destination, 16);
	seal_icmp6(&request, 54);
}

static void make_echo4(unsigned len)
{
	uint16_t folded;

	frame_ethernet(&request, 0x0800);
	(void)frame_ipv4(&request, 1, 8, len, 9, 0);
	frame_put8(&request, 8);
	for (unsigned i = 1; i < len; i++)
		frame_put8(&request, i < 4 ? 0 : i);
	folded = (uint16_t)~checksum_fold(checksum_add(0, request.data + 42, len));
	memcpy(request.data + 44, &folded, 2);
}

static void make_echo6(unsigned len)
{
	frame_ethernet(&request, 0x86dd);
	(void)frame_ipv6(&request, 58, len);
	frame_put8(&request, 128);
	for (unsigned i = 1; i < len; i++)
		frame_put8(&request, i < 4 ? 0 : i);
	seal_icmp6(&request, 54);
}

static void assert_to_peer(void)
{
	assert_memory_equal(reply.data, frame_mac_peer, 6);
	assert_memory_equal(reply.data + 6, frame_mac_us, 6);
}

static void arp_for_us_is_answered(void **state)
{
	(void)state;
	make_arp(1, frame_mac_peer, frame_v4_peer, frame_v4_us);
	assert_int_equal(answer(1), 60);
	assert_to_peer();
	assert_int_equal(packet_parse(&out, reply.data, reply.len, 0), PACKET_ARP);
	assert_int_equal(out.l4[7], 2);
	assert_memory_equal(out.l4 + 8, frame_mac_us, 6);
	assert_memory_equal(out.l4 + 14, frame_v4_us, 4);
	assert_memory_equal(out.l4 + 18, frame_mac_peer, 6);
	assert_memory_equal(out.l4 + 24, frame_v4_peer, 4);
}

static void arp_for_others_is_left_alone(void **state)
{
	static const uint8_t other[4] = {192, 0, 2, 2};

	(void)state;
	make_arp(1, frame_mac_peer, frame_v4_peer, other);
	assert_int_equal(answer(1), 0);
	make_arp(2, frame_mac_peer, frame_v4_peer, frame_v4_us);
	assert_int_equal(answer(1), 0);
	make_arp(1, frame_mac_us, frame_v4_us, frame_v4_us);
	assert_int_equal(answer(1), 0);
	assert_int_equal(responder.duplicates, 0);
}

static void our_address_at_another_mac_is_noticed(void **state)
{
	static const uint8_t unspecified[16];

	(void)state;
	make_arp(2, frame_mac_peer, frame_v4_us, frame_v4_us);
	(void)answer(1);
	assert_int_equal(responder.duplicates, 1);
	make_nd(136, frame_v6_us, frame_v6_us);
	(void)answer(1);
	assert_int_equal(responder.duplicates, 2);
	make_nd(135, unspecified, frame_v6_us);
	aim_at(solicited_us);
	assert_int_not_equal(answer(1), 0);
	assert_int_equal(responder.duplicates, 3);
	assert_memory_equal(reply.data, "\x33\x33\0\0\0\1", 6);
}

static void a_solicitation_is_answered_by_an_advertisement(void **state)
{
	(void)state;
	make_nd(135, frame_v6_peer, frame_v6_us);
	assert_int_equal(answer(1), 86);
	assert_to_peer();
	assert_int_equal(packet_parse(&out, reply.data, reply.len, 0), PACKET_ND);
	assert_true(packet_icmp_checksum_ok(&out));
	assert_int_equal(out.hop_limit, 255);
	assert_int_equal(out.l4[0], 136);
	assert_int_equal(out.l4[4], 0x60);
	assert_memory_equal(out.source, frame_v6_us, 16);
	assert_memory_equal(out.destination, frame_v6_peer, 16);
	assert_memory_equal(out.l4 + 8, frame_v6_us, 16);
	assert_memory_equal(out.l4 + 26, frame_mac_us, 6);
}

static void solicitations_that_are_not_sound_get_no_answer(void **state)
{
	(void)state;
	make_nd(135, frame_v6_peer, frame_v6_peer);
	assert_int_equal(answer(1), 0);
	make_nd(135, frame_v6_peer, frame_v6_us);
	request.data[21] = 254;
	assert_int_equal(answer(1), 0);
	make_nd(135, frame_v6_peer, frame_v6_us);
	request.data[54 + 1] = 1;
	seal_icmp6(&request, 54);
	assert_int_equal(answer(1), 0);
	make_nd(135, frame_v6_peer, frame_v6_us);
	request.data[54 + 25] = 0;
	seal_icmp6(&request, 54);
	assert_int_equal(answer(1), 0);
	make_nd(135, frame_v6_peer, frame_v6_us);
	request.data[54 + 25] = 2;
	seal_icmp6(&request, 54);
	assert_int_equal(answer(1), 0);
	make_nd(135, frame_v6_peer, frame_v6_us);
	request.data[70] ^= 1;
	assert_int_equal(answer(1), 0);
	assert_int_equal(result, RESPONDER_DAMAGED);
}

/* Else one frame of a forger's would have us send to everybody. */
static void nothing_is_answered_to_a_group(void **state)
{
	static const uint8_t everybody[6] = {255, 255, 255, 255, 255, 255}, group[6] = {1, 0, 0x5e, 0, 0, 1};
	static const uint8_t all_nodes[16] = {0xff, 2, [15] = 1};

	(void)state;
	make_arp(1, everybody, frame_v4_peer, frame_v4_us);
	assert_int_equal(answer(1), 0);
	make_arp(1, group, frame_v4_peer, frame_v4_us);
	assert_int_equal(answer(1), 0);
	make_nd(135, all_nodes, frame_v6_us);
	assert_int_equal(answer(1), 0);
	assert_int_equal(result, RESPONDER_NOTHING);
	assert_int_equal(responder.duplicates, 0);
}

/* Gives the echo request a source that begins with this byte. */
static void send_from(uint8_t first)
{
	uint16_t sum;

	request.data[26] = first;
	memset(request.data + 24, 0, 2);
	sum = (uint16_t)~checksum_fold(checksum_add(0, request.data + 14, 28));
	memcpy(request.data + 24, &sum, 2);
}

/* "This network" and groups are nobody's source (RFC 1122 3.2.1.3). */
static void an_echo_from_no_single_host_gets_no_answer(void **state)
{
	static const uint8_t firsts[] = {0, 224, 239, 255, 223, 1};

	(void)state;
	for (size_t i = 0; i < ARRAY_LENGTH(firsts); i++) {
		make_echo4(64);
		send_from(firsts[i]);
		assert_int_equal(answer(1) != 0, firsts[i] == 223 || firsts[i] == 1);
	}
}

/* A probe goes to the solicited-node group of its target (RFC 4861, 7.1.1); an answer to it goes to all nodes. */
static void a_probe_that_is_not_to_a_solicited_node_group_gets_no_answer(void **state)
{
	static const uint8_t unspecified[16], all_nodes[16] = {0xff, 2, [15] = 1};
	uint8_t destination[16];

	(void)state;
	make_nd(135, unspecified, frame_v6_us);
	assert_int_equal(answer(1), 0);
	aim_at(all_nodes);
	assert_int_equal(answer(1), 0);
	memcpy(destination, solicited_us, 16);
	destination[12] = 0xfe;
	aim_at(destination);
	assert_int_equal(answer(1), 0);
	assert_int_equal(responder.duplicates, 0);
	aim_at(solicited_us);
	assert_int_not_equal(answer(1), 0);
	assert_int_equal(reply.data[54 + 4], 0x20); /* nobody is known who solicited it */
}

static void echo_is_returned_whole(void **state)
{
	(void)state;
	make_echo4(1400);
	assert_int_not_equal(answer(1), 0);
	assert_to_peer();
	assert_int_equal(reply.data[14 + 20], 0);
	assert_int_equal(reply.len, 14 + 20 + 1400);
	assert_int_equal(checksum_fold(checksum_add(0, reply.data + 14, 20)), 0xffff);
	assert_int_equal(checksum_fold(checksum_add(0, reply.data + 34, 1400)), 0xffff);
	assert_memory_equal(reply.data + 38, request.data + 46, 1396);
	assert_memory_equal(reply.data + 26, frame_v4_us, 4);
	assert_memory_equal(reply.data + 30, frame_v4_peer, 4);
	make_echo6(333);
	assert_int_not_equal(answer(1), 0);
	assert_int_equal(reply.data[54], 129);
	assert_int_equal(reply.len, 54 + 333);
	assert_memory_equal(reply.data + 58, request.data + 58, 329);
	reply.data[54] = 128;
	(void)packet_parse(&out, reply.data, reply.len, 0);
	reply.data[54] = 129;
	assert_true(packet_icmp_checksum_ok(&out));
}

static void echo_for_others_or_damaged_is_refused(void **state)
{
	(void)state;
	make_echo6(64);
	request.data[53] = 2;
	seal_icmp6(&request, 54);
	assert_int_equal(answer(1), 0);
	assert_int_equal(result, RESPONDER_STRANGER);
	make_echo4(64);
	request.data[60] ^= 4;
	assert_int_equal(answer(1), 0);
	assert_int_equal(result, RESPONDER_DAMAGED);
	make_echo4(64);
	request.data[6] |= 1;
	assert_int_equal(answer(1), 0);
	assert_int_equal(result, RESPONDER_NOTHING);
}

static unsigned answers_of(unsigned requests, uint64_t tsc)
{
	unsigned answered = 0;

	for (unsigned i = 0; i < requests; i++)
		answered += answer(tsc) != 0;
	return answered;
}

static void answers_are_limited(void **state)
{
	(void)state;
	make_arp(1, frame_mac_peer, frame_v4_peer, frame_v4_us);
	assert_int_equal(answers_of(1000, 1000), RESPONDER_BURST);
	assert_int_equal(result, RESPONDER_LIMITED);
	assert_int_equal(answers_of(100, 1000 + HZ / 100), RESPONDER_RATE / 100);
	assert_int_equal(answers_of(1, 1000 + HZ / 200), 0); /* another CPU's counter may be behind */
	make_nd(135, frame_v6_peer, frame_v6_us);
	assert_int_equal(answers_of(1000, 1000), RESPONDER_BURST);
	make_echo4(64);
	assert_int_equal(answers_of(1000, 1000), RESPONDER_ECHO_BURST);
	assert_int_equal(answers_of(1000, 1000 + HZ / 10), RESPONDER_ECHO_RATE / 10);
}

/* Who pings us in haste does not make us vanish from our neighbours' tables. */
static void a_flood_of_one_kind_leaves_the_others_answered(void **state)
{
	(void)state;
	make_echo4(64);
	(void)answers_of(500, 1000);
	make_echo6(64);
	assert_int_equal(answers_of(500, 1000), 0);
	assert_int_equal(result, RESPONDER_LIMITED);
	make_nd(135, frame_v6_peer, frame_v6_us);
	assert_int_equal(answers_of(500, 1000), RESPONDER_BURST);
	make_arp(1, frame_mac_peer, frame_v4_peer, frame_v4_us);
	assert_int_not_equal(answer(1000), 0);
}

static void announcements_carry_every_address(void **state)
{
	(void)state;
	for (int probe = 0; probe < 2; probe++) {
		reply.len = responder_announce(&responder, 0, probe, reply.data);
		assert_int_equal(packet_parse(&out, reply.data, reply.len, 0), PACKET_ARP);
		assert_memory_equal(reply.data, "\xff\xff\xff\xff\xff\xff", 6);
		assert_memory_equal(out.l4 + 14, probe ? (const uint8_t *)"\0\0\0\0" : frame_v4_us, 4);
		assert_memory_equal(out.l4 + 24, frame_v4_us, 4);
		reply.len = responder_announce(&responder, 1, probe, reply.data);
		assert_int_equal(packet_parse(&out, reply.data, reply.len, 0), PACKET_ND);
		assert_true(packet_icmp_checksum_ok(&out));
		assert_int_equal(out.l4[0], probe ? 135 : 136);
		assert_memory_equal(out.l4 + 8, frame_v6_us, 16);
		reply.len = responder_announce(&responder, 2, probe, reply.data);
		assert_int_equal(packet_parse(&out, reply.data, reply.len, 0), PACKET_MULTICAST);
		assert_true(packet_icmp_checksum_ok(&out));
		assert_int_equal(out.hop_limit, 1);
		assert_int_equal(out.l4[0], 143);
		assert_int_equal(out.l4[7], 1);
		assert_int_equal(out.l4[8], 4); /* to "all but none" (RFC 3810 5.2.12) */
		assert_memory_equal(out.l4 + 12, "\xff\2\0\0\0\0\0\0\0\0\0\1\xff\0\0\1", 16);
		assert_int_equal(responder_announce(&responder, 3, probe, reply.data), 0);
	}
}

static void groups_are_the_solicited_node_ones(void **state)
{
	uint8_t macs[RESPONDER_GROUPS + 1][6];

	(void)state;
	assert_int_equal(responder_groups(&responder, macs), 2);
	filter.addresses[1].bytes[14] = 5;
	assert_int_equal(responder_groups(&responder, macs), 3);
	assert_memory_equal(macs[0], "\x33\x33\xff\0\5\1", 6);
	assert_memory_equal(macs[1], "\x33\x33\xff\0\0\1", 6);
	assert_memory_equal(macs[2], "\x33\x33\0\0\0\1", 6);
	filter.address_count = 1;
	assert_int_equal(responder_groups(&responder, macs), 0);
	assert_int_equal(responder_announce(&responder, 1, 0, reply.data), 0);
}

/* Puts tags before what the request is. */
static void tag_request(const char *tags, unsigned len)
{
	memmove(request.data + 12 + len, request.data + 12, request.len - 12);
	memcpy(request.data + 12, tags, len);
	request.len += len;
}

static void take_vlans(uint16_t outer, uint16_t inner, enum source_outer_tag tag)
{
	struct source_config config = {.address_count = 1, .vlan = {outer, inner}, .outer_tag = tag};

	config.addresses[0].address.family = ADDRESS_IPV4;
	memcpy(config.addresses[0].address.bytes, frame_v4_us, 4);
	filter_init(&filter, &config);
}

/* Whatever came: a driver may have taken a tag away, or put it back as one of another type. */
static void answers_and_announcements_wear_our_tags(void **state)
{
	static const struct {
		const char *requests;
		const char *ours;
		enum source_outer_tag tag;
	} cases[] = {
		{"\x88\xa8\0\x64\x81\0\0\7", "\x88\xa8\0\x64\x81\0\0\7", SOURCE_OUTER_8021AD},
		{"\x81\0\0\x64\x81\0\0\7", "\x88\xa8\0\x64\x81\0\0\7", SOURCE_OUTER_8021AD},
		{"\x88\xa8\0\x64\x81\0\0\7", "\x81\0\0\x64\x81\0\0\7", SOURCE_OUTER_8021Q},
		{"\x81\0\xe0\x64\x81\0\0\7", "\x81\0\0\x64\x81\0\0\7", SOURCE_OUTER_8021Q},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
		take_vlans(100, 7, cases[i].tag);
		reply.len = responder_announce(&responder, 0, 0, reply.data);
		assert_memory_equal(reply.data + 12, cases[i].ours, 8);
		assert_memory_equal(reply.data + 20, "\x08\6", 2);
		make_echo4(64);
		assert_int_not_equal(answer(1), 0);
		assert_memory_equal(reply.data + 12, cases[i].ours, 8);
		assert_memory_equal(reply.data + 20, "\x08\0", 2);
		make_echo4(64);
		tag_request(cases[i].requests, 8);
		assert_int_not_equal(answer(1), 0);
		assert_memory_equal(reply.data + 12, cases[i].ours, 8);
		assert_memory_equal(reply.data + 20, "\x08\0", 2);
	}
}

/* Of a frame whose VLAN tag the device has taken away, a tag of priority stays. */
static void an_answer_is_on_our_vlan_whatever_tag_of_priority_came(void **state)
{
	(void)state;
	take_vlans(100, 0, SOURCE_OUTER_8021AD);
	make_echo4(64);
	tag_request("\x81\0\xa0\0", 4);
	assert_int_not_equal(answer(1), 0);
	assert_memory_equal(reply.data + 12, "\x81\0\0\x64\x08\0", 6);
}

static void a_vlan_is_ours_as_a_whole(void **state)
{
	(void)state;
	take_vlans(100, 7, SOURCE_OUTER_8021AD);
	assert_int_equal(filter_has_vlan(&filter, (uint16_t[]){100, 7}, 2), 1);
	assert_int_equal(filter_has_vlan(&filter, (uint16_t[]){100}, 1), 0);
	assert_int_equal(filter_has_vlan(&filter, (uint16_t[]){7, 100}, 2), 0);
	assert_int_equal(filter_has_vlan(&filter, (uint16_t[]){0}, 1), 0);
	take_vlans(0, 0, SOURCE_OUTER_8021AD);
	assert_int_equal(filter_has_vlan(&filter, (uint16_t[]){0}, 1), 1);
	assert_int_equal(filter_has_vlan(&filter, (uint16_t[]){100}, 1), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(arp_for_us_is_answered, setup),
		cmocka_unit_test_setup(arp_for_others_is_left_alone, setup),
		cmocka_unit_test_setup(our_address_at_another_mac_is_noticed, setup),
		cmocka_unit_test_setup(a_solicitation_is_answered_by_an_advertisement, setup),
		cmocka_unit_test_setup(solicitations_that_are_not_sound_get_no_answer, setup),
		cmocka_unit_test_setup(nothing_is_answered_to_a_group, setup),
		cmocka_unit_test_setup(an_echo_from_no_single_host_gets_no_answer, setup),
		cmocka_unit_test_setup(a_probe_that_is_not_to_a_solicited_node_group_gets_no_answer, setup),
		cmocka_unit_test_setup(echo_is_returned_whole, setup),
		cmocka_unit_test_setup(echo_for_others_or_damaged_is_refused, setup),
		cmocka_unit_test_setup(answers_are_limited, setup),
		cmocka_unit_test_setup(a_flood_of_one_kind_leaves_the_others_answered, setup),
		cmocka_unit_test_setup(announcements_carry_every_address, setup),
		cmocka_unit_test_setup(groups_are_the_solicited_node_ones, setup),
		cmocka_unit_test_setup(answers_and_announcements_wear_our_tags, setup),
		cmocka_unit_test_setup(an_answer_is_on_our_vlan_whatever_tag_of_priority_came, setup),
		cmocka_unit_test_setup(a_vlan_is_ours_as_a_whole, setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
