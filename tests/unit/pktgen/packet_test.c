/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <netinet/ip.h>
#include <netinet/ip6.h>
#include <netinet/udp.h>
#include <stdlib.h>
#include <string.h>

#include "packet.h"

/* A reader of frames, with the kernel's definitions of the headers and checksums of its own. */
struct reader {
	unsigned tags, frames;
	uint32_t mtu; /* no frame may be longer */
	uint32_t len; /* of udp, as far as it has come */
	uint16_t vlan[2];
	uint8_t addresses[32]; /* source and destination */
	unsigned address_len;
	int more;
	uint8_t udp[65535];
};

static uint16_t at16(const uint8_t *at)
{
	return (uint16_t)(at[0] << 8 | at[1]);
}

/* One's complement sum, a word at a time with the carry at once. */
static uint32_t ones(const uint8_t *data, uint32_t len, uint32_t sum)
{
	for (uint32_t i = 0; i < len; i++) {
		sum += (i & 1) != 0 ? data[i] : (uint32_t)data[i] << 8;
		sum = (sum & 0xffff) + (sum >> 16);
	}
	return sum;
}

static void read_part(struct reader *reader, const uint8_t *data, uint32_t len, uint32_t offset)
{
	assert_int_equal(offset, reader->len);
	assert_true(!reader->more || len % 8 == 0);
	memcpy(reader->udp + offset, data, len);
	reader->len += len;
}

static void read_ipv4(struct reader *reader, const uint8_t *at, uint32_t len)
{
	struct ip ip;

	memcpy(&ip, at, sizeof(ip));
	assert_int_equal(at[0], 0x45);
	assert_int_equal(ntohs(ip.ip_len), len);
	assert_int_equal(ones(at, 20, 0), 0xffff);
	assert_int_equal(ip.ip_p, IPPROTO_UDP);
	memcpy(reader->addresses, at + 12, 8);
	reader->address_len = 4;
	reader->more = (ntohs(ip.ip_off) & IP_MF) != 0;
	read_part(reader, at + 20, len - 20, (ntohs(ip.ip_off) & IP_OFFMASK) * 8u);
}

static void read_ipv6(struct reader *reader, const uint8_t *at, uint32_t len)
{
	struct ip6_frag fragment;
	struct ip6_hdr ip;

	memcpy(&ip, at, sizeof(ip));
	assert_int_equal(at[0], 0x60);
	assert_int_equal(ntohs(ip.ip6_plen), len - 40);
	memcpy(reader->addresses, at + 8, 32);
	reader->address_len = 16;
	if (ip.ip6_nxt == IPPROTO_UDP) {
		reader->more = 0;
		read_part(reader, at + 40, len - 40, 0);
		return;
	}
	assert_int_equal(ip.ip6_nxt, IPPROTO_FRAGMENT);
	memcpy(&fragment, at + 40, sizeof(fragment));
	assert_int_equal(fragment.ip6f_nxt, IPPROTO_UDP);
	reader->more = (fragment.ip6f_offlg & IP6F_MORE_FRAG) != 0;
	read_part(reader, at + 48, len - 48, ntohs(fragment.ip6f_offlg & IP6F_OFF_MASK));
}

static int read_frame(void *context, const uint8_t *frame, uint32_t len, const struct outgoing *datagram)
{
	static const uint8_t macs[12] = {2, 0x50, 0x53, 0x54, 0x4b, 2, 2, 0x50, 0x53, 0x54, 0x4b, 1};
	struct reader *reader = context;
	const uint8_t *at = frame + 12;

	(void)datagram;
	assert_memory_equal(frame, macs, 12);
	for (reader->tags = 0; at16(at) == 0x88a8 || at16(at) == 0x8100; at += 4)
		reader->vlan[reader->tags++] = at16(at + 2) & 0xfff;
	reader->frames++;
	len -= (uint32_t)(at + 2 - frame);
	assert_in_range(len, 1, reader->mtu);
	if (at16(at) == 0x0800) {
		read_ipv4(reader, at + 2, len);
	} else {
		assert_int_equal(at16(at), 0x86dd);
		read_ipv6(reader, at + 2, len);
	}
	return 0;
}

struct fixture {
	struct options options;
	struct packer packer;
	struct reader reader;
	uint8_t payload[65507];
};

static struct fixture *begin(const char *to, const char *more, const char *value)
{
	struct fixture *f = calloc(1, sizeof(*f));
	char *argv[] = {(char *)(uintptr_t) "pktgen", (char *)(uintptr_t) "--to", (char *)(uintptr_t)to,
		(char *)(uintptr_t)more, (char *)(uintptr_t)value, NULL};
	struct error error = {""};

	assert_non_null(f);
	if (options_read(&f->options, more == NULL ? 3 : 5, argv, &error) != 0)
		fail_msg("%s", error.text);
	packer_init(&f->packer, &f->options, f->options.source_mac);
	for (uint32_t i = 0; i < sizeof(f->payload); i++)
		f->payload[i] = (uint8_t)(i * 7 + (i >> 8));
	return f;
}

/* Packs a datagram and checks what the reader put together. */
static void check_datagram(struct fixture *f, uint32_t len, uint32_t source)
{
	struct outgoing datagram = {.data = f->payload, .len = len, .source = source, .flow = 3, .port = 9001};
	struct reader *r = &f->reader;
	uint32_t sum;

	memset(r, 0, sizeof(*r));
	r->mtu = f->options.mtu;
	assert_int_equal(packer_pack(&f->packer, &datagram, read_frame, r), 0);
	assert_int_equal(r->more, 0);
	assert_int_equal(r->len, 8 + len);
	assert_int_equal(at16(r->udp), PACKET_PORT + 3);
	assert_int_equal(at16(r->udp + 2), 9001);
	assert_int_equal(at16(r->udp + 4), r->len);
	assert_int_not_equal(at16(r->udp + 6), 0);
	sum = ones(r->addresses, 2 * r->address_len, IPPROTO_UDP + r->len);
	assert_int_equal(ones(r->udp, r->len, sum), 0xffff);
	assert_memory_equal(r->udp + 8, f->payload, len);
}

static void check_sizes(const char *to, uint32_t header)
{
	struct fixture *f = begin(to, NULL, NULL);
	uint32_t whole = 1500 - header - 8;

	for (uint32_t len = 1; len < 64; len++)
		check_datagram(f, len, 0);
	for (uint32_t len = whole - 9; len <= whole; len++) {
		check_datagram(f, len, 0);
		assert_int_equal(f->reader.frames, 1);
	}
	for (uint32_t len = whole + 1; len < whole + 20; len++) {
		check_datagram(f, len, 0);
		assert_int_equal(f->reader.frames, 2);
	}
	check_datagram(f, 65507, 0);
	assert_in_range(f->reader.frames, 45, 46);
	free(f);
}

static void frames_are_right_and_fragments_join(void **state)
{
	(void)state;
	check_sizes("192.0.2.1", 20);
	check_sizes("2001:db8::1", 40);
}

static void tags_are_written_outer_first(void **state)
{
	struct fixture *f = begin("192.0.2.1", "--vlan", "100.7"), *g = begin("2001:db8::1", "--vlan", "9");

	(void)state;
	check_datagram(f, 3000, 0);
	assert_int_equal(f->reader.tags, 2);
	assert_int_equal(f->reader.vlan[0], 100);
	assert_int_equal(f->reader.vlan[1], 7);
	check_datagram(g, 100, 0);
	assert_int_equal(g->reader.tags, 1);
	assert_int_equal(g->reader.vlan[0], 9);
	free(f);
	free(g);
}

static void every_source_has_its_address(void **state)
{
	static const uint8_t first[4] = {198, 18, 0, 1}, last[4] = {198, 18, 0, 16}, given[4] = {10, 0, 2, 2};
	struct fixture *f = begin("192.0.2.1", NULL, NULL), *g = begin("192.0.2.1", "--from", "10.0.0.255");

	(void)state;
	check_datagram(f, 100, 0);
	assert_memory_equal(f->reader.addresses, first, 4);
	check_datagram(f, 100, 15);
	assert_memory_equal(f->reader.addresses, last, 4);
	check_datagram(f, 100, 16);
	assert_memory_equal(f->reader.addresses, first, 4);
	g->options.addresses = 1000;
	check_datagram(g, 100, 259);
	assert_memory_equal(g->reader.addresses, given, 4);
	free(f);
	free(g);
}

/* A payload whose sum makes the checksum zero: it must be sent as ffff, since zero means none. */
static void a_checksum_of_zero_is_sent_as_ones(void **state)
{
	struct fixture *f = begin("192.0.2.1", NULL, NULL);
	uint16_t checksum;

	(void)state;
	memset(f->payload, 0, 4);
	check_datagram(f, 4, 0);
	checksum = at16(f->reader.udp + 6);
	f->payload[0] = (uint8_t)(checksum >> 8);
	f->payload[1] = (uint8_t)checksum;
	check_datagram(f, 4, 0);
	assert_int_equal(at16(f->reader.udp + 6), 0xffff);
	free(f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(frames_are_right_and_fragments_join),
		cmocka_unit_test(tags_are_written_outer_first),
		cmocka_unit_test(every_source_has_its_address),
		cmocka_unit_test(a_checksum_of_zero_is_sent_as_ones),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
