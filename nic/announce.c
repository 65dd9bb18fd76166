/* SPDX-License-Identifier: Apache-2.0 */
#include "nic/announce.h"

#include "wire/checksum.h"

#define LEAST_LEN    60
#define ICMP6        58
#define TYPE_VLAN    0x8100
#define ECHO_REPLY_6 129

static void put(struct writer *w, const void *data, uint32_t len)
{
	memcpy(w->frame + w->len, data, len);
	w->len += len;
}

static void put8(struct writer *w, uint8_t value)
{
	w->frame[w->len++] = value;
}

static void put16(struct writer *w, uint32_t value)
{
	put8(w, (uint8_t)(value >> 8));
	put8(w, (uint8_t)value);
}

/* The configured ones: those of a frame may have been changed by the driver, or taken away. */
static void put_tags(struct writer *w, const struct filter *f)
{
	for (unsigned i = 0; i < f->vlan_count; i++) {
		put16(w, i + 1 < f->vlan_count ? f->outer_type : TYPE_VLAN);
		put16(w, f->vlan[i]);
	}
}

void announce_begin(struct writer *w, const struct responder *r, uint8_t *out, const uint8_t *to, uint16_t type)
{
	*w = (struct writer){.frame = out};
	put(w, to, 6);
	put(w, r->mac, 6);
	put_tags(w, r->filter);
	put16(w, type);
	w->l3 = w->len;
}

uint32_t announce_end(struct writer *w)
{
	while (w->len < LEAST_LEN)
		put8(w, 0);
	return w->len;
}

void announce_arp(struct writer *w, uint8_t operation, const uint8_t *sender_mac, const uint8_t *sender,
	const uint8_t *target_mac, const uint8_t *target)
{
	put16(w, 1);
	put16(w, 0x0800);
	put8(w, 6);
	put8(w, 4);
	put16(w, operation);
	put(w, sender_mac, 6);
	put(w, sender, 4);
	put(w, target_mac, 6);
	put(w, target, 4);
}

static void put_ipv6(struct writer *w, uint8_t next, uint8_t hops, uint32_t len, const uint8_t *from, const uint8_t *to)
{
	put16(w, 0x6000);
	put16(w, 0);
	put16(w, len);
	put8(w, next);
	put8(w, hops);
	put(w, from, 16);
	put(w, to, 16);
}

/* Fills the checksum of the ICMPv6 message at offset `at`, which ends the packet. */
static void seal_icmp6(struct writer *w, uint32_t at)
{
	const uint8_t *ip = w->frame + w->l3;
	uint64_t sum = checksum_pseudo(ip + 8, ip + 24, 16, ICMP6, w->len - at);
	uint16_t folded = (uint16_t)~checksum_fold(checksum_add(sum, w->frame + at, w->len - at));

	memcpy(w->frame + at + 2, &folded, 2);
}

void announce_advertisement(
	struct writer *w, const uint8_t *target, const uint8_t *to, uint8_t flags, const uint8_t *mac)
{
	uint32_t at;

	put_ipv6(w, ICMP6, 255, 32, target, to);
	at = w->len;
	put16(w, 136 << 8);
	put16(w, 0);
	put16(w, (uint32_t)flags << 8);
	put16(w, 0);
	put(w, target, 16);
	put16(w, 0x0201);
	put(w, mac, 6);
	seal_icmp6(w, at);
}

static void echo4(struct writer *w, const struct packet *packet)
{
	uint32_t at = w->len, message;
	uint16_t sum;

	put16(w, 0x4500);
	put16(w, 20 + packet->l4_len);
	put16(w, 0);
	put16(w, 0x4000);
	put16(w, 64 << 8 | 1);
	put16(w, 0);
	put(w, packet->destination, 4);
	put(w, packet->source, 4);
	sum = (uint16_t)~checksum_fold(checksum_add(0, w->frame + at, 20));
	memcpy(w->frame + at + 10, &sum, 2);
	message = w->len;
	put(w, packet->l4, packet->l4_len);
	memset(w->frame + message, 0, 4);
	sum = (uint16_t)~checksum_fold(checksum_add(0, w->frame + message, packet->l4_len));
	memcpy(w->frame + message + 2, &sum, 2);
}

void announce_echo(struct writer *w, const struct packet *packet)
{
	uint32_t at;

	if (packet->family == ADDRESS_IPV4) {
		echo4(w, packet);
		return;
	}
	put_ipv6(w, ICMP6, 64, packet->l4_len, packet->destination, packet->source);
	at = w->len;
	put(w, packet->l4, packet->l4_len);
	w->frame[at] = ECHO_REPLY_6;
	w->frame[at + 1] = w->frame[at + 2] = w->frame[at + 3] = 0;
	seal_icmp6(w, at);
}

/* The solicited-node group of an address, and the MAC address of a group. */
static void group_of(const uint8_t *address, uint8_t *group)
{
	static const uint8_t prefix[13] = {0xff, 2, [11] = 1, [12] = 0xff};

	memcpy(group, prefix, sizeof(prefix));
	memcpy(group + 13, address + 13, 3);
}

static void group_mac(const uint8_t *group, uint8_t *mac)
{
	mac[0] = mac[1] = 0x33;
	memcpy(mac + 2, group + 12, 4);
}

/* The distinct solicited-node groups of our IPv6 addresses, our link-local one included. */
static unsigned list_groups(const struct responder *r, uint8_t (*groups)[16])
{
	const struct filter *f = r->filter;
	unsigned count = 0, known;

	for (unsigned i = 0; i <= f->address_count; i++) {
		if (i < f->address_count && f->addresses[i].family != ADDRESS_IPV6)
			continue;
		if (i == f->address_count && count == 0)
			break;
		group_of(i < f->address_count ? f->addresses[i].bytes : r->link_local, groups[count]);
		for (known = 0; memcmp(groups[known], groups[count], 16) != 0; known++)
			;
		count += known == count;
	}
	return count;
}

unsigned responder_groups(const struct responder *r, uint8_t (*macs)[6])
{
	static const uint8_t all_nodes[16] = {0xff, 2, [15] = 1};
	uint8_t groups[RESPONDER_GROUPS][16];
	unsigned count = list_groups(r, groups);

	if (count == 0)
		return 0;
	for (unsigned i = 0; i < count; i++)
		group_mac(groups[i], macs[i]);
	group_mac(all_nodes, macs[count]);
	return count + 1;
}

/* A version 2 listener report that joins every group, for any source. */
static uint32_t report(const struct responder *r, uint8_t *frame)
{
	static const uint8_t routers[16] = {0xff, 2, [15] = 0x16}, routers_mac[6] = {0x33, 0x33, 0, 0, 0, 0x16};
	static const uint8_t alert[8] = {ICMP6, 0, 5, 2, 0, 0, 1, 0};
	uint8_t groups[RESPONDER_GROUPS][16];
	unsigned count = list_groups(r, groups);
	struct writer w;
	uint32_t at;

	if (count == 0)
		return 0;
	announce_begin(&w, r, frame, routers_mac, ANNOUNCE_IPV6);
	put_ipv6(&w, 0, 1, 8 + 8 + count * 20, r->link_local, routers);
	put(&w, alert, sizeof(alert));
	at = w.len;
	put16(&w, 143 << 8);
	put16(&w, 0);
	put16(&w, 0);
	put16(&w, count);
	for (unsigned i = 0; i < count; i++) {
		put16(&w, 4 << 8);
		put16(&w, 0);
		put(&w, groups[i], 16);
	}
	seal_icmp6(&w, at);
	return announce_end(&w);
}

static uint32_t announce4(const struct responder *r, const uint8_t *address, int probe, uint8_t *frame)
{
	static const uint8_t everyone[6] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff}, nobody[6] = {0};
	struct writer w;

	announce_begin(&w, r, frame, everyone, ANNOUNCE_ARP);
	announce_arp(&w, 1, r->mac, probe ? nobody : address, nobody, address);
	return announce_end(&w);
}

static uint32_t probe6(const struct responder *r, const uint8_t *address, uint8_t *frame)
{
	static const uint8_t unspecified[16] = {0};
	uint8_t group[16], mac[6];
	struct writer w;
	uint32_t at;

	group_of(address, group);
	group_mac(group, mac);
	announce_begin(&w, r, frame, mac, ANNOUNCE_IPV6);
	put_ipv6(&w, ICMP6, 255, 24, unspecified, group);
	at = w.len;
	put16(&w, 135 << 8);
	put16(&w, 0);
	put16(&w, 0);
	put16(&w, 0);
	put(&w, address, 16);
	seal_icmp6(&w, at);
	return announce_end(&w);
}

static uint32_t announce6(const struct responder *r, const uint8_t *address, uint8_t *frame)
{
	static const uint8_t all_nodes[16] = {0xff, 2, [15] = 1}, all_nodes_mac[6] = {0x33, 0x33, 0, 0, 0, 1};
	struct writer w;

	announce_begin(&w, r, frame, all_nodes_mac, ANNOUNCE_IPV6);
	announce_advertisement(&w, address, all_nodes, 0x20, r->mac);
	return announce_end(&w);
}

uint32_t responder_announce(const struct responder *r, unsigned index, int probe, uint8_t *frame)
{
	const struct address *address;

	if (index >= r->filter->address_count)
		return index == r->filter->address_count ? report(r, frame) : 0;
	address = &r->filter->addresses[index];
	if (address->family == ADDRESS_IPV4)
		return announce4(r, address->bytes, probe, frame);
	return probe ? probe6(r, address->bytes, frame) : announce6(r, address->bytes, frame);
}
