/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Writes the frames that a responder sends. Private to nic/; see responder.h for the sources. */

#include "nic/responder.h"

#define ANNOUNCE_ARP     0x0806
#define ANNOUNCE_IPV4    0x0800
#define ANNOUNCE_IPV6    0x86dd
#define ANNOUNCE_HEADERS 128 /* room for everything but a message that is echoed */

struct writer {
	uint8_t *frame;
	uint32_t len;
	uint32_t l3; /* offset of the network header */
};

/* Ethernet header with our VLAN tags. */
void announce_begin(struct writer *w, const struct responder *r, uint8_t *out, const uint8_t *to, uint16_t type);

/* Pads to Ethernet's least length; returns the frame's length without FCS. */
uint32_t announce_end(struct writer *w);

void announce_arp(struct writer *w, uint8_t operation, const uint8_t *sender_mac, const uint8_t *sender,
	const uint8_t *target_mac, const uint8_t *target);

/* A neighbour advertisement of `target`, with our MAC as its link-layer address. */
void announce_advertisement(
	struct writer *w, const uint8_t *target, const uint8_t *to, uint8_t flags, const uint8_t *mac);

/* The echo reply to an echo request. */
void announce_echo(struct writer *w, const struct packet *packet);
