/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/packet.h"

#include "base/compiler.h"
#include "wire/checksum.h"

#define TYPE_IPV4      0x0800
#define TYPE_ARP       0x0806
#define TYPE_VLAN      0x8100
#define TYPE_QINQ      0x88a8
#define TYPE_IPV6      0x86dd
#define IPV4_HEADER    20
#define IPV6_HEADER    40
#define ARP_LEN        28
#define NEXT_HOP       0
#define PROTOCOL_ICMP  1
#define PROTOCOL_IGMP  2
#define PROTOCOL_UDP   17
#define NEXT_ROUTING   43
#define NEXT_FRAGMENT  44
#define PROTOCOL_ICMP6 58
#define NEXT_OPTIONS   60
#define NEXT_AH        51
#define IP_MAX         65535

static uint16_t load16(const uint8_t *p)
{
	return (uint16_t)(p[0] << 8 | p[1]);
}

/* UDP may be shorter than its IP packet says (RFC 9868 puts options there), never longer. */
static enum packet_kind parse_udp(struct packet *packet)
{
	const uint8_t *p = packet->l4;
	uint32_t len;

	if (packet->l4_len < PACKET_UDP_HEADER)
		return PACKET_REFUSED_udp_header;
	len = load16(p + 4);
	if (len < PACKET_UDP_HEADER || len > packet->l4_len)
		return PACKET_REFUSED_udp_header;
	packet->l4_len = len;
	packet->source_port = load16(p);
	packet->destination_port = load16(p + 2);
	packet->payload = p + PACKET_UDP_HEADER;
	packet->payload_len = len - PACKET_UDP_HEADER;
	return PACKET_UDP;
}

static enum packet_kind parse_icmp6(const struct packet *packet)
{
	if (packet->l4_len < 8)
		return PACKET_REFUSED_truncated;
	switch (packet->l4[0]) {
	case 128:
		return PACKET_ECHO;
	case 135:
	case 136:
		return PACKET_ND;
	case 130:
	case 131:
	case 132:
	case 133:
	case 134:
	case 137:
	case 143:
		return PACKET_MULTICAST;
	default:
		return PACKET_REFUSED_not_udp;
	}
}

static enum packet_kind parse_icmp4(const struct packet *packet)
{
	if (packet->l4_len < 8)
		return PACKET_REFUSED_truncated;
	return packet->l4[0] == 8 ? PACKET_ECHO : PACKET_REFUSED_not_udp;
}

static enum packet_kind parse_l4(struct packet *packet)
{
	if (LIKELY(packet->protocol == PROTOCOL_UDP))
		return parse_udp(packet);
	if (packet->family == ADDRESS_IPV4) {
		if (packet->protocol == PROTOCOL_ICMP)
			return parse_icmp4(packet);
		if (packet->protocol == PROTOCOL_IGMP)
			return PACKET_MULTICAST;
	} else if (packet->protocol == PROTOCOL_ICMP6) {
		return parse_icmp6(packet);
	}
	return PACKET_REFUSED_not_udp;
}

/* A piece must end on a unit of eight bytes unless it is the last, and within the largest IP packet. */
static enum packet_kind check_fragment(const struct packet *packet)
{
	if (packet->l4_len == 0 || (packet->more_fragments && packet->l4_len % 8 != 0) ||
		packet->fragment_offset + packet->l4_len > IP_MAX)
		return PACKET_REFUSED_fragment_bad;
	return PACKET_FRAGMENT;
}

static enum packet_kind parse_ipv4(struct packet *packet, const uint8_t *p, uint32_t len, int verified)
{
	uint32_t header, total, offset;

	if (len < IPV4_HEADER)
		return PACKET_REFUSED_truncated;
	header = (uint32_t)(p[0] & 15) * 4;
	total = load16(p + 2);
	if (p[0] >> 4 != 4 || header < IPV4_HEADER || total < header)
		return PACKET_REFUSED_ip_header;
	if (total > len)
		return PACKET_REFUSED_truncated;
	if (!verified && checksum_fold(checksum_add(0, p, header)) != 0xffff)
		return PACKET_REFUSED_ip_checksum;
	packet->family = ADDRESS_IPV4;
	packet->source = p + 12;
	packet->destination = p + 16;
	packet->protocol = p[9];
	packet->hop_limit = p[8];
	packet->l4 = p + header;
	packet->l4_len = total - header;
	offset = load16(p + 6);
	if (LIKELY((offset & 0x3fff) == 0))
		return parse_l4(packet);
	if (packet->protocol != PROTOCOL_UDP)
		return PACKET_REFUSED_not_udp;
	packet->fragment_id = load16(p + 4);
	packet->fragment_offset = (offset & 0x1fff) * 8;
	packet->more_fragments = (offset & 0x2000) != 0;
	return check_fragment(packet);
}

/* Options of hop-by-hop and destination headers: the two high bits say whether a node that does not know one may go on
 * (RFC 8200 4.2). Known here: padding and router alert. */
static int options_bear(const uint8_t *p, uint32_t len)
{
	while (len != 0) {
		uint32_t step = 1;

		if (p[0] != 0) {
			if (len < 2 || len < 2u + p[1])
				return 0;
			if (p[0] >> 6 != 0)
				return 0;
			step = 2u + p[1];
		}
		p += step;
		len -= step;
	}
	return 1;
}

/* Steps over one extension header that is no fragment header. Returns its length, or 0 when it is refused. */
static uint32_t extension_len(uint8_t kind, const uint8_t *p, uint32_t len)
{
	uint32_t size;

	if (len < 8)
		return 0;
	size = ((uint32_t)p[1] + 1) * 8;
	if (size > len)
		return 0;
	if (kind == NEXT_ROUTING)
		return p[3] == 0 ? size : 0;
	return options_bear(p + 2, size - 2) ? size : 0;
}

static enum packet_kind parse_fragment_header(struct packet *packet, const uint8_t *p, uint32_t len)
{
	uint16_t offset = load16(p + 2);

	packet->protocol = p[0];
	packet->fragment_offset = offset & 0xfff8u;
	packet->more_fragments = offset & 1;
	packet->fragment_id = (uint32_t)load16(p + 4) << 16 | load16(p + 6);
	packet->l4 = p + 8;
	packet->l4_len = len - 8;
	if (packet->protocol != PROTOCOL_UDP && packet->protocol != NEXT_OPTIONS)
		return packet->protocol == NEXT_FRAGMENT ? PACKET_REFUSED_extension : PACKET_REFUSED_not_udp;
	return check_fragment(packet);
}

/* Walks the chain from header kind packet->protocol at p. `fragments`: a fragment header may still come. */
static enum packet_kind parse_chain(struct packet *packet, const uint8_t *p, uint32_t len, int first, int fragments)
{
	for (unsigned i = 0; i <= PACKET_EXTENSIONS; i++) {
		uint8_t kind = packet->protocol;
		uint32_t step = 8;

		if (kind == NEXT_FRAGMENT && fragments && len >= 8) {
			if ((load16(p + 2) & 0xfff9) != 0)
				return parse_fragment_header(packet, p, len);
			fragments = 0;
		} else if ((kind == NEXT_HOP && first && i == 0) || kind == NEXT_ROUTING || kind == NEXT_OPTIONS) {
			step = extension_len(kind, p, len);
			if (step == 0)
				return PACKET_REFUSED_extension;
		} else if (kind == NEXT_HOP || kind == NEXT_FRAGMENT || kind == NEXT_AH) {
			return PACKET_REFUSED_extension;
		} else {
			packet->l4 = p;
			packet->l4_len = len;
			return parse_l4(packet);
		}
		packet->protocol = p[0];
		p += step;
		len -= step;
	}
	return PACKET_REFUSED_extension;
}

static enum packet_kind parse_ipv6(struct packet *packet, const uint8_t *p, uint32_t len)
{
	uint32_t total;

	if (len < IPV6_HEADER)
		return PACKET_REFUSED_truncated;
	if (p[0] >> 4 != 6)
		return PACKET_REFUSED_ip_header;
	total = load16(p + 4);
	if (total > len - IPV6_HEADER)
		return PACKET_REFUSED_truncated;
	packet->family = ADDRESS_IPV6;
	packet->source = p + 8;
	packet->destination = p + 24;
	packet->protocol = p[6];
	packet->hop_limit = p[7];
	return parse_chain(packet, p + IPV6_HEADER, total, 1, 1);
}

static enum packet_kind parse_arp(struct packet *packet, const uint8_t *p, uint32_t len)
{
	static const uint8_t ethernet_ipv4[] = {0, 1, 8, 0, 6, 4};

	if (len < ARP_LEN)
		return PACKET_REFUSED_truncated;
	for (unsigned i = 0; i < sizeof(ethernet_ipv4); i++)
		if (p[i] != ethernet_ipv4[i])
			return PACKET_REFUSED_not_ip;
	packet->family = ADDRESS_IPV4;
	packet->l4 = p;
	packet->l4_len = ARP_LEN;
	packet->source = p + 14;
	packet->destination = p + 24;
	return PACKET_ARP;
}

enum packet_kind packet_parse(struct packet *packet, const uint8_t *frame, uint32_t len, int ip_verified)
{
	uint32_t at = PACKET_ETHERNET;
	uint16_t type;

	packet->vlan_count = 0;
	if (UNLIKELY(len < PACKET_ETHERNET))
		return PACKET_REFUSED_truncated;
	type = load16(frame + 12);
	while (UNLIKELY(type == TYPE_VLAN || type == TYPE_QINQ)) {
		if (packet->vlan_count == PACKET_TAGS)
			return PACKET_REFUSED_vlan;
		if (len < at + 4)
			return PACKET_REFUSED_truncated;
		packet->vlan[packet->vlan_count++] = load16(frame + at) & 0xfff;
		type = load16(frame + at + 2);
		at += 4;
	}
	packet->l3 = (uint8_t)at;
	if (LIKELY(type == TYPE_IPV4))
		return parse_ipv4(packet, frame + at, len - at, ip_verified);
	if (type == TYPE_IPV6)
		return parse_ipv6(packet, frame + at, len - at);
	if (type == TYPE_ARP)
		return parse_arp(packet, frame + at, len - at);
	return PACKET_REFUSED_not_ip;
}

enum packet_kind packet_parse_whole(struct packet *packet, const uint8_t *data, uint32_t len)
{
	enum packet_kind kind;

	if (packet->family == ADDRESS_IPV6) {
		kind = parse_chain(packet, data, len, 0, 0);
	} else {
		packet->l4 = data;
		packet->l4_len = len;
		kind = parse_l4(packet);
	}
	if (kind == PACKET_UDP || kind >= PACKET_REFUSED_truncated)
		return kind;
	return PACKET_REFUSED_not_udp;
}

static int pseudo_sum_ok(const struct packet *packet)
{
	size_t address_len = packet->family == ADDRESS_IPV4 ? 4 : 16;
	uint64_t sum = checksum_pseudo(
		packet->source, packet->destination, address_len, packet->protocol, packet->l4_len);

	return checksum_fold(checksum_add(sum, packet->l4, packet->l4_len)) == 0xffff;
}

int packet_udp_checksum_ok(const struct packet *packet)
{
	if (packet->l4[6] == 0 && packet->l4[7] == 0)
		return packet->family == ADDRESS_IPV4;
	return pseudo_sum_ok(packet);
}

int packet_icmp_checksum_ok(const struct packet *packet)
{
	if (packet->family == ADDRESS_IPV6)
		return pseudo_sum_ok(packet);
	return checksum_fold(checksum_add(0, packet->l4, packet->l4_len)) == 0xffff;
}
