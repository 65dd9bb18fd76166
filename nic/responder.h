/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * The appliance as a host, on a port that no kernel looks after: answers ARP and IPv6 neighbour solicitations for its
 * addresses and echo requests, notices an address that somebody else has too, and makes the announcements that keep
 * switches and neighbours from forgetting a box that only receives. Everything else is left unanswered.
 * Pure: frames in, frames out. Sources: RFC 826, RFC 5227 (announcements, probes), RFC 792, RFC 4861 and 4862, RFC 4443,
 * RFC 3810 (listener reports), RFC 2464 (multicast addresses on Ethernet), RFC 4291 (solicited-node groups, EUI-64).
 */

#include "nic/filter.h"
#include "nic/source.h"
#include "wire/packet.h"

#define RESPONDER_RATE       1000 /* answers a second to ARP, and as many to neighbour discovery, per queue */
#define RESPONDER_BURST      256  /* of those at once */
#define RESPONDER_ECHO_RATE  250  /* answers a second to echo requests, per queue */
#define RESPONDER_ECHO_BURST 64   /* of those at once */
#define RESPONDER_PERIOD_S   60   /* between announcements */
#define RESPONDER_FRAME      320  /* bytes that an announcement takes at the most */
#define RESPONDER_GROUPS     (SOURCE_ADDRESSES + 1)

enum responder_result {
	RESPONDER_NOTHING,  /* consumed, no answer due */
	RESPONDER_ANSWERED, /* the answer's length was returned */
	RESPONDER_LIMITED,  /* an answer was due, but too many to frames of this kind were given lately */
	RESPONDER_STRANGER, /* an echo request for somebody else */
	RESPONDER_DAMAGED   /* its ICMP checksum is wrong */
};

/* A token bucket, in ticks of tsc. */
struct responder_bucket {
	uint64_t price, most; /* of one answer; that can be saved; ro */
	uint64_t credit, tsc; /* left, and when that was reckoned */
};

struct responder {
	const struct filter *filter; /* addresses and VLAN; ro */
	uint8_t mac[6];
	uint8_t link_local[16];      /* from the MAC; source of listener reports */
	struct responder_bucket arp, nd, echo; /* apart, so that a flood of one leaves the others answered */
	uint64_t duplicates;         /* frames that showed one of our addresses at another MAC, since responder_init */
};

/* Prepares a responder for the filter's addresses. `hz` is the rate of the tsc values it will get. */
void responder_init(struct responder *responder, const struct filter *filter, const uint8_t *mac, uint64_t hz);

/*
 * Deals with a frame of kind PACKET_ARP, PACKET_ND or PACKET_ECHO. Writes the answer, if one is due and `room` bytes
 * hold it, to `reply` and returns its length, else 0; `result` says what became of it. Owning worker.
 */
uint32_t responder_answer(struct responder *responder, const struct packet *packet, const uint8_t *frame,
	enum packet_kind kind, uint64_t tsc, uint8_t *reply, uint32_t room, enum responder_result *result);

/*
 * Writes announcement number `index` (0, 1, ...) to `frame`, which has RESPONDER_FRAME bytes; returns its length, or 0
 * after the last. `probe` asks whether somebody has our addresses (sent once, before the first announcement), otherwise
 * it says that we have them. Owning worker.
 */
uint32_t responder_announce(const struct responder *responder, unsigned index, int probe, uint8_t *frame);

/* Writes the MAC addresses of the multicast groups we listen to, 6 bytes each, at most RESPONDER_GROUPS + 1; returns how
 * many: none without IPv6 addresses. Any thread. */
unsigned responder_groups(const struct responder *responder, uint8_t (*macs)[6]);
