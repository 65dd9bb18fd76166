/* SPDX-License-Identifier: Apache-2.0 */
#include "nic/responder.h"

#include "nic/announce.h"

#define ARP_REQUEST 1
#define ARP_SENDER_MAC 8
#define ARP_SENDER     14
#define ARP_TARGET     24
#define ND_TARGET      8
#define ND_LEN         24
#define SOLICITATION   135
#define SOLICITED      0x40
#define OVERRIDE       0x20

static void bucket_init(struct responder_bucket *bucket, uint64_t hz, unsigned rate, unsigned burst)
{
	bucket->price = hz / rate;
	bucket->most = bucket->credit = burst * bucket->price;
}

void responder_init(struct responder *r, const struct filter *filter, const uint8_t *mac, uint64_t hz)
{
	memset(r, 0, sizeof(*r));
	r->filter = filter;
	bucket_init(&r->arp, hz, RESPONDER_RATE, RESPONDER_BURST);
	bucket_init(&r->nd, hz, RESPONDER_RATE, RESPONDER_BURST);
	bucket_init(&r->echo, hz, RESPONDER_ECHO_RATE, RESPONDER_ECHO_BURST);
	memcpy(r->mac, mac, 6);
	r->link_local[0] = 0xfe;
	r->link_local[1] = 0x80;
	memcpy(r->link_local + 8, mac, 3);
	r->link_local[8] ^= 2;
	r->link_local[11] = 0xff;
	r->link_local[12] = 0xfe;
	memcpy(r->link_local + 13, mac + 3, 3);
}

static int take_token(struct responder_bucket *bucket, uint64_t tsc)
{
	uint64_t earned = bucket->tsc == 0 || tsc < bucket->tsc ? 0 : tsc - bucket->tsc;

	bucket->credit = earned > bucket->most - bucket->credit ? bucket->most : bucket->credit + earned;
	bucket->tsc = tsc;
	if (bucket->credit < bucket->price)
		return 0;
	bucket->credit -= bucket->price;
	return 1;
}

static struct responder_bucket *bucket_of(struct responder *r, enum packet_kind kind)
{
	if (kind == PACKET_ARP)
		return &r->arp;
	return kind == PACKET_ND ? &r->nd : &r->echo;
}

static int is_ours(const struct responder *r, uint8_t family, const uint8_t *bytes)
{
	if (r->filter->address_count == 0)
		return 0;
	if (family == ADDRESS_IPV6 && memcmp(bytes, r->link_local, 16) == 0)
		return 1;
	return filter_has_address(r->filter, family, bytes);
}

static int is_zero(const uint8_t *bytes, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (bytes[i] != 0)
			return 0;
	return 1;
}

static int is_another(const struct responder *r, const uint8_t *mac)
{
	return memcmp(r->mac, mac, 6) != 0;
}

static int is_group(const uint8_t *mac)
{
	return mac[0] & 1;
}

static uint32_t answer_arp(struct responder *r, const struct packet *packet, uint8_t *reply)
{
	const uint8_t *arp = packet->l4;
	struct writer w;

	if (!is_another(r, arp + ARP_SENDER_MAC))
		return 0;
	if (is_ours(r, ADDRESS_IPV4, arp + ARP_SENDER))
		r->duplicates++;
	if (arp[6] != 0 || arp[7] != ARP_REQUEST || is_group(arp + ARP_SENDER_MAC) ||
		!is_ours(r, ADDRESS_IPV4, arp + ARP_TARGET))
		return 0;
	announce_begin(&w, r, reply, arp + ARP_SENDER_MAC, ANNOUNCE_ARP);
	announce_arp(&w, 2, r->mac, arp + ARP_TARGET, arp + ARP_SENDER_MAC, arp + ARP_SENDER);
	return announce_end(&w);
}

static int options_are_sound(const uint8_t *p, uint32_t len)
{
	while (len != 0) {
		uint32_t step = len < 8 ? 0 : (uint32_t)p[1] * 8;

		if (step == 0 || step > len)
			return 0;
		p += step;
		len -= step;
	}
	return 1;
}

static uint32_t answer_nd(struct responder *r, const struct packet *packet, const uint8_t *frame, uint8_t *reply)
{
	const uint8_t *nd = packet->l4, *target = nd + ND_TARGET;
	static const uint8_t all_nodes[16] = {0xff, 2, [15] = 1}, all_nodes_mac[6] = {0x33, 0x33, 0, 0, 0, 1};
	static const uint8_t solicited_node[13] = {0xff, 2, [11] = 1, 0xff};
	int probe = is_zero(packet->source, 16);
	struct writer w;

	if (packet->l4_len < ND_LEN || packet->hop_limit != 255 || nd[1] != 0 ||
		!options_are_sound(nd + ND_LEN, packet->l4_len - ND_LEN))
		return 0;
	if (!is_ours(r, ADDRESS_IPV6, target) || !is_another(r, frame + 6))
		return 0;
	if (probe && memcmp(packet->destination, solicited_node, sizeof(solicited_node)) != 0)
		return 0;
	if (nd[0] != SOLICITATION || probe)
		r->duplicates++;
	if (nd[0] != SOLICITATION)
		return 0;
	announce_begin(&w, r, reply, probe ? all_nodes_mac : frame + 6, ANNOUNCE_IPV6);
	announce_advertisement(
		&w, target, probe ? all_nodes : packet->source, probe ? OVERRIDE : OVERRIDE | SOLICITED, r->mac);
	return announce_end(&w);
}

static uint32_t answer_echo(struct responder *r, const struct packet *packet, const uint8_t *frame, uint8_t *reply)
{
	struct writer w;

	if (!is_another(r, frame + 6))
		return 0;
	announce_begin(&w, r, reply, frame + 6, packet->family == ADDRESS_IPV4 ? ANNOUNCE_IPV4 : ANNOUNCE_IPV6);
	announce_echo(&w, packet);
	return announce_end(&w);
}

/* Whether an answer may be sent to where the frame says it comes from. ARP says so once more, and ND may come from nowhere. */
static int sender_is_sound(const struct packet *packet, const uint8_t *frame, enum packet_kind kind)
{
	if (is_group(frame + 6))
		return 0;
	if (kind == PACKET_ARP)
		return 1;
	if (packet->family == ADDRESS_IPV4)
		return packet->source[0] != 0 && packet->source[0] < 224;
	return packet->source[0] != 0xff && (kind == PACKET_ND || !is_zero(packet->source, 16));
}

uint32_t responder_answer(struct responder *r, const struct packet *packet, const uint8_t *frame,
	enum packet_kind kind, uint64_t tsc, uint8_t *reply, uint32_t room, enum responder_result *result)
{
	uint32_t len = 0;

	*result = RESPONDER_NOTHING;
	if (kind == PACKET_ECHO && !is_ours(r, packet->family, packet->destination)) {
		*result = RESPONDER_STRANGER;
		return 0;
	}
	if (kind != PACKET_ARP && !packet_icmp_checksum_ok(packet)) {
		*result = RESPONDER_DAMAGED;
		return 0;
	}
	if (!sender_is_sound(packet, frame, kind) || packet->l4_len + ANNOUNCE_HEADERS > room)
		return 0;
	if (kind == PACKET_ARP)
		len = answer_arp(r, packet, reply);
	else if (kind == PACKET_ND)
		len = answer_nd(r, packet, frame, reply);
	else
		len = answer_echo(r, packet, frame, reply);
	if (len == 0)
		return 0;
	*result = take_token(bucket_of(r, kind), tsc) ? RESPONDER_ANSWERED : RESPONDER_LIMITED;
	return *result == RESPONDER_ANSWERED ? len : 0;
}
