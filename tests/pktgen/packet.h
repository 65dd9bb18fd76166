/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Datagrams as Ethernet frames: up to two VLAN tags, IPv4 or IPv6, UDP with its checksum, in fragments where the MTU
 * asks for them. For the outputs that have no kernel to do it. One thread per packer.
 */

#include "output.h"

#define PACKET_OVERHEAD 22    /* Ethernet header with two VLAN tags */
#define PACKET_PORT     20000 /* source port of flow 0; the others follow */

struct packer {
	const struct options *options;
	uint8_t source_mac[6], destination_mac[6];
	struct address from_ipv4, from_ipv6; /* of source 0; the others follow */
	uint32_t identification;             /* of the next datagram's fragments */
	uint8_t udp[8 + 65535];              /* UDP header and payload of the datagram in work */
	uint8_t frame[PACKET_OVERHEAD + 65535];
};

/* Called for every frame, in order. `frame` is valid during the call. 0 goes on, else packer_pack returns it. */
typedef int (*packet_out)(void *context, const uint8_t *frame, uint32_t len, const struct outgoing *datagram);

/* Takes addresses from the options. The packer is the caller's memory. */
void packer_init(struct packer *packer, const struct options *options, const uint8_t *source_mac);

/* Makes the frames of one datagram. Returns 0 or what `out` returned. */
int packer_pack(struct packer *packer, const struct outgoing *datagram, packet_out out, void *context);
