/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The frame stack: header parsing, reassembly and the responder. The input is a list of frames, each after its length in
 * two bytes (little-endian, cut to what is left); the first byte's low bit says that IP checksums are taken as verified.
 * Checked: pointers stay inside the frame, whole datagrams stay inside the limit, frames of the table balance.
 */

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "nic/fragment.h"
#include "nic/responder.h"
#include "wire/packet.h"

#define TABLE 4
#define MOST  2048

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct filter filter;
static struct responder responder;
static uint8_t reply[2048];

struct run {
	struct fragments *fragments;
	uint64_t tsc;
	unsigned held;
	int verified;
};

static void demand(int truth)
{
	if (!truth)
		abort();
}

static void set_up(void)
{
	static const uint8_t mac[6] = {2, 0, 0, 0, 0, 1};
	struct source_config config = {.address_count = 2};

	config.addresses[0].address = (struct address){.family = ADDRESS_IPV4, .bytes = {192, 0, 2, 1}};
	config.addresses[1].address = (struct address){.family = ADDRESS_IPV6, .bytes = {0x20, 1, 0xd, 0xb8, [15] = 1}};
	filter_init(&filter, &config);
	responder_init(&responder, &filter, mac, 1000000);
}

static void check_udp(const struct packet *packet, const uint8_t *base, size_t len)
{
	demand(packet->payload >= base && packet->payload + packet->payload_len <= base + len);
	demand(packet->payload == packet->l4 + PACKET_UDP_HEADER);
	(void)packet_udp_checksum_ok(packet);
}

static void take_fragment(struct run *run, struct packet *packet)
{
	struct fragment_outcome outcome;

	fragments_add(run->fragments, packet, run->tsc, &outcome);
	demand(outcome.freed <= run->held);
	run->held -= outcome.freed;
	if (outcome.result == FRAGMENT_HELD)
		run->held++;
	if (outcome.result != FRAGMENT_WHOLE)
		return;
	demand(outcome.len <= MOST);
	packet->protocol = outcome.protocol;
	if (packet_parse_whole(packet, outcome.data, outcome.len) == PACKET_UDP)
		check_udp(packet, outcome.data, outcome.len);
	fragments_release(run->fragments);
}

static void take_frame(struct run *run, const uint8_t *frame, uint32_t len)
{
	enum responder_result result;
	struct packet packet;
	enum packet_kind kind = packet_parse(&packet, frame, len, run->verified);

	demand(kind < PACKET_KINDS);
	if (kind == PACKET_UDP)
		check_udp(&packet, frame, len);
	else if (kind == PACKET_FRAGMENT)
		take_fragment(run, &packet);
	else if (kind == PACKET_ARP || kind == PACKET_ND || kind == PACKET_ECHO)
		demand(responder_answer(&responder, &packet, frame, kind, run->tsc, reply, sizeof(reply), &result) <=
			sizeof(reply));
	run->tsc += 10;
	run->held -= fragments_expire(run->fragments, run->tsc);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct run run = {.tsc = 1000, .verified = size != 0 && (data[0] & 1)};
	static int ready;

	if (!ready)
		set_up();
	ready = 1;
	if (size == 0 || fragments_new(&run.fragments, TABLE, MOST, 100, -1) != 0)
		return 0;
	for (size_t at = 1; at + 2 <= size;) {
		size_t len = data[at] | (size_t)data[at + 1] << 8;
		uint8_t *frame;

		at += 2;
		len = len < size - at ? len : size - at;
		frame = malloc(len != 0 ? len : 1);
		if (frame == NULL)
			break;
		memcpy(frame, data + at, len);
		take_frame(&run, frame, (uint32_t)len);
		free(frame);
		at += len;
	}
	demand(fragments_expire(run.fragments, run.tsc + 1000) == run.held);
	fragments_free(run.fragments);
	return 0;
}
