/* SPDX-License-Identifier: Apache-2.0 */
#include "packet.h"

#include <netinet/in.h>
#include <string.h>

#define ETHERTYPE_VLAN  0x8100
#define ETHERTYPE_QINQ  0x88a8
#define ETHERTYPE_IPV4  0x0800
#define ETHERTYPE_IPV6  0x86dd
#define IPV4_HEADER     20
#define IPV6_HEADER     40
#define FRAGMENT_HEADER 8
#define MORE_FRAGMENTS  1 /* of IPv6's fragment header; IPv4 has its own bit */
#define HOP_LIMIT       64

static uint8_t *put16(uint8_t *at, uint32_t value)
{
	at[0] = (uint8_t)(value >> 8);
	at[1] = (uint8_t)value;
	return at + 2;
}

static uint8_t *put32(uint8_t *at, uint32_t value)
{
	return put16(put16(at, value >> 16), value);
}

/* The Internet checksum's sum (RFC 1071) over network-order words, not yet folded. */
static uint64_t sum(const uint8_t *data, uint32_t len, uint64_t total)
{
	for (; len >= 2; data += 2, len -= 2)
		total += (uint32_t)data[0] << 8 | data[1];
	return len == 0 ? total : total + ((uint32_t)data[0] << 8);
}

static uint16_t fold(uint64_t total)
{
	while (total >> 16 != 0)
		total = (total & 0xffff) + (total >> 16);
	return (uint16_t)~total;
}

static unsigned address_len(const struct address *address)
{
	return address->family == ADDRESS_IPV4 ? 4 : 16;
}

/* Source `index`'s address: the first one's and the index added to its last 32 bits. */
static struct address address_of(const struct packer *packer, uint8_t family, uint32_t index)
{
	struct address address = family == ADDRESS_IPV4 ? packer->from_ipv4 : packer->from_ipv6;
	uint8_t *tail = address.bytes + address_len(&address) - 4;
	uint32_t value = (uint32_t)tail[0] << 24 | (uint32_t)tail[1] << 16 | (uint32_t)tail[2] << 8 | tail[3];

	put32(tail, value + index % packer->options->addresses);
	return address;
}

void packer_init(struct packer *packer, const struct options *options, const uint8_t *source_mac)
{
	/* Without --from: networks that RFC 2544 and RFC 5180 set apart for measurements. */
	static const struct address ipv4 = {.bytes = {198, 18, 0, 1}, .family = ADDRESS_IPV4};
	static const struct address ipv6 = {.bytes = {0x20, 1, 0, 2, [15] = 1}, .family = ADDRESS_IPV6};

	packer->options = options;
	memcpy(packer->source_mac, source_mac, 6);
	memcpy(packer->destination_mac, options->destination_mac, 6);
	packer->from_ipv4 = ipv4;
	packer->from_ipv6 = ipv6;
	for (unsigned i = 0; i < options->from_count; i++) {
		if (options->from[i].family == ADDRESS_IPV4)
			packer->from_ipv4 = options->from[i];
		else
			packer->from_ipv6 = options->from[i];
	}
	packer->identification = 0;
}

/* Header, payload and checksum, which is never sent as 0: that would mean none. */
static uint32_t make_udp(
	struct packer *packer, const struct outgoing *datagram, const struct address *from, const struct address *to)
{
	uint32_t len = 8 + datagram->len;
	uint64_t total = IPPROTO_UDP + len;
	uint16_t checksum;

	put16(packer->udp, PACKET_PORT + datagram->flow);
	put16(packer->udp + 2, datagram->port);
	put16(packer->udp + 4, len);
	put16(packer->udp + 6, 0);
	memcpy(packer->udp + 8, datagram->data, datagram->len);
	total = sum(from->bytes, address_len(from), total);
	total = sum(to->bytes, address_len(to), total);
	checksum = fold(sum(packer->udp, len, total));
	put16(packer->udp + 6, checksum == 0 ? 0xffff : checksum);
	return len;
}

static uint8_t *make_ethernet(struct packer *packer, uint8_t family)
{
	const uint16_t *vlan = packer->options->vlan;
	uint8_t *at = packer->frame;

	memcpy(at, packer->destination_mac, 6);
	memcpy(at + 6, packer->source_mac, 6);
	at += 12;
	if (vlan[1] != 0)
		at = put16(put16(at, ETHERTYPE_QINQ), vlan[0]);
	if (vlan[0] != 0)
		at = put16(put16(at, ETHERTYPE_VLAN), vlan[1] != 0 ? vlan[1] : vlan[0]);
	return put16(at, family == ADDRESS_IPV4 ? ETHERTYPE_IPV4 : ETHERTYPE_IPV6);
}

/* A part of the datagram: `len` bytes from `offset`. */
struct part {
	const struct address *from, *to;
	uint32_t offset, len;
	int more;
	int alone;
};

static uint8_t *make_ipv4(struct packer *packer, const struct part *part, uint8_t *at)
{
	uint8_t *header = at;

	at = put16(at, 0x4500);
	at = put16(at, IPV4_HEADER + part->len);
	at = put16(at, packer->identification);
	at = put16(at, part->offset / 8 | (part->more ? 0x2000u : 0));
	at = put16(at, HOP_LIMIT << 8 | IPPROTO_UDP);
	at = put16(at, 0);
	memcpy(at, part->from->bytes, 4);
	memcpy(at + 4, part->to->bytes, 4);
	put16(header + 10, fold(sum(header, IPV4_HEADER, 0)));
	return at + 8;
}

static uint8_t *make_ipv6(struct packer *packer, const struct part *part, uint8_t *at)
{
	at = put32(at, 0x60000000);
	at = put16(at, part->len + (part->alone ? 0 : FRAGMENT_HEADER));
	*at++ = part->alone ? IPPROTO_UDP : IPPROTO_FRAGMENT;
	*at++ = HOP_LIMIT;
	memcpy(at, part->from->bytes, 16);
	memcpy(at + 16, part->to->bytes, 16);
	at += 32;
	if (part->alone)
		return at;
	*at++ = IPPROTO_UDP;
	*at++ = 0;
	at = put16(at, part->offset | (part->more ? MORE_FRAGMENTS : 0)); /* offsets are multiples of 8 */
	return put32(at, packer->identification);
}

int packer_pack(struct packer *packer, const struct outgoing *datagram, packet_out out, void *context)
{
	const struct options *options = packer->options;
	const struct address *to = &options->targets[datagram->source % options->target_count];
	struct address from = address_of(packer, to->family, datagram->source);
	uint32_t len = make_udp(packer, datagram, &from, to);
	uint32_t header = to->family == ADDRESS_IPV4 ? IPV4_HEADER : IPV6_HEADER, room = options->mtu - header;
	struct part part = {.from = &from, .to = to, .alone = len <= room};
	int rc = 0;

	if (!part.alone)
		room = (room - (to->family == ADDRESS_IPV4 ? 0 : FRAGMENT_HEADER)) & ~7u;
	for (; rc == 0 && part.offset < len; part.offset += part.len) {
		uint8_t *at = make_ethernet(packer, to->family);

		part.len = len - part.offset < room ? len - part.offset : room;
		part.more = part.offset + part.len < len;
		at = to->family == ADDRESS_IPV4 ? make_ipv4(packer, &part, at) : make_ipv6(packer, &part, at);
		memcpy(at, packer->udp + part.offset, part.len);
		rc = out(context, packer->frame, (uint32_t)(at - packer->frame) + part.len, datagram);
	}
	packer->identification++;
	return rc;
}
