/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * The headers of a frame, from Ethernet to UDP: reads them, checks every length against the bytes that are there, and
 * says what the frame is. Pure: no I/O, no memory of its own, never reads outside [frame, frame + len).
 * Sources: IEEE 802.1Q, RFC 791, RFC 768, RFC 826, RFC 8200, RFC 6946 (atomic fragments), RFC 4443, RFC 4861, RFC 3810.
 */

#include <stdint.h>

#include "wire/datagram.h"

#define PACKET_TAGS       2  /* VLAN tags before the network header at the most */
#define PACKET_EXTENSIONS 8  /* IPv6 extension headers at the most */
#define PACKET_ETHERNET   14 /* bytes of an Ethernet header without tags */
#define PACKET_UDP_HEADER 8

/* Why a frame is refused; the names are those of SOURCE_DROPS in nic/source.h. X(name) */
#define PACKET_REFUSALS(X)                                                                                            \
	X(truncated)                                                                                                  \
	X(not_ip)                                                                                                     \
	X(vlan)                                                                                                       \
	X(ip_header)                                                                                                  \
	X(ip_checksum)                                                                                                \
	X(extension)                                                                                                  \
	X(not_udp)                                                                                                    \
	X(udp_header)                                                                                                 \
	X(fragment_bad)

enum packet_kind {
	PACKET_UDP,       /* a whole datagram: payload and ports are set; its checksum has not been looked at */
	PACKET_FRAGMENT,  /* a piece of one: fragment_* are set, l4 is the piece */
	PACKET_ARP,       /* l4 is the 28 bytes of an ARP packet for IPv4 over Ethernet */
	PACKET_ND,        /* ICMPv6 neighbour solicitation or advertisement; l4 is the ICMPv6 message */
	PACKET_ECHO,      /* ICMP or ICMPv6 echo request; l4 is the message */
	PACKET_MULTICAST, /* IGMP, multicast listener and router messages */
#define X(name) PACKET_REFUSED_##name,
	PACKET_REFUSALS(X)
#undef X
	PACKET_KINDS
};

/* What packet_parse found; pointers lie inside the frame. Fields beyond a refusal are not set. */
struct packet {
	const uint8_t *source;      /* IP address, 4 or 16 bytes by family */
	const uint8_t *destination; /* same */
	const uint8_t *l4;          /* what follows the IP headers */
	const uint8_t *payload;     /* of UDP */
	uint32_t l4_len;            /* as the IP header says, without padding; UDP: as its own header says */
	uint32_t payload_len;
	uint32_t fragment_id;       /* as it lies in the header */
	uint32_t fragment_offset;   /* bytes */
	uint16_t source_port;       /* host byte order */
	uint16_t destination_port;
	uint16_t vlan[PACKET_TAGS]; /* VLAN numbers, outer first */
	uint8_t vlan_count;
	uint8_t family;         /* enum address_family */
	uint8_t protocol;       /* IP protocol of l4; of a fragment: of the whole, extension headers may come first */
	uint8_t hop_limit;      /* or time to live */
	uint8_t more_fragments; /* 0 or 1 */
	uint8_t l3;             /* offset of the network header in the frame */
};

/*
 * Reads the headers of a frame of `len` bytes. `ip_verified` says that the device has found the IPv4 header checksum
 * right; otherwise it is checked here. Returns an enum packet_kind. Any thread.
 */
enum packet_kind packet_parse(struct packet *packet, const uint8_t *frame, uint32_t len, int ip_verified);

/*
 * Reads what a reassembled packet holds: `packet` is one of its fragments as packet_parse left it, `data` the whole after
 * the fragment header. Returns PACKET_UDP with l4 and payload set, or a refusal. Any thread.
 */
enum packet_kind packet_parse_whole(struct packet *packet, const uint8_t *data, uint32_t len);

/* Whether the UDP checksum is right; absent is right over IPv4 and wrong over IPv6. After PACKET_UDP. Any thread. */
int packet_udp_checksum_ok(const struct packet *packet);

/* Whether the checksum of the ICMP or ICMPv6 message in l4 is right. After PACKET_ND or PACKET_ECHO. Any thread. */
int packet_icmp_checksum_ok(const struct packet *packet);
