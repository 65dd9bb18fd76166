/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * The plain case in line, for the poll core: an untagged frame with one whole UDP datagram, over IPv4 without options or
 * IPv6 without extension headers. Anything else, damaged frames included, is left to packet_parse, which has the names.
 * Both agree: what is plain here is PACKET_UDP there, with the same payload (tests/unit/wire/packet_plain.c).
 */

#include <arpa/inet.h>
#include <stdint.h>
#include <string.h>

#include "base/compiler.h"
#include "wire/checksum.h"

#define PLAIN_ETHERNET 14
#define PLAIN_IPV4     (PLAIN_ETHERNET + 20)
#define PLAIN_IPV6     (PLAIN_ETHERNET + 40)
#define PLAIN_UDP      8

struct packet_plain {
	const uint8_t *udp;         /* UDP header; payload is behind it */
	const uint8_t *source;      /* IP address; the destination follows it */
	uint32_t udp_len;           /* header included */
	uint16_t source_port;       /* host byte order */
	uint16_t destination_port;  /* host byte order */
};

ALWAYS_INLINE uint16_t plain_load16(const uint8_t *p)
{
	uint16_t value;

	memcpy(&value, p, sizeof(value));
	return ntohs(value);
}

ALWAYS_INLINE uint64_t plain_sum32(const uint8_t *p)
{
	uint32_t value;

	memcpy(&value, p, sizeof(value));
	return value;
}

/* Adds four words at once; the carry comes round, which keeps the sum modulo 0xffff. */
ALWAYS_INLINE uint64_t plain_add64(uint64_t sum, const uint8_t *p)
{
	uint64_t value;

	memcpy(&value, p, sizeof(value));
	sum += value;
	return sum + (sum < value);
}

/* Whether the four bytes at p are those of `value`, the first in the highest place, where `mask` has ones. */
ALWAYS_INLINE int plain_matches(const uint8_t *p, uint32_t mask, uint32_t value)
{
	uint32_t bytes;

	memcpy(&bytes, p, sizeof(bytes));
	return (bytes & htonl(mask)) == htonl(value);
}

/* The UDP header at p, with `room` bytes from there to the end of the IP packet. */
ALWAYS_INLINE int plain_udp(struct packet_plain *plain, const uint8_t *p, uint32_t room)
{
	plain->udp = p;
	plain->udp_len = plain_load16(p + 4);
	plain->source_port = plain_load16(p);
	plain->destination_port = plain_load16(p + 2);
	return plain->udp_len >= PLAIN_UDP && plain->udp_len <= room;
}

/* 1 when the frame is plain over IPv4. `ip_verified`: the device has checked the header. Any thread. */
ALWAYS_INLINE int packet_plain_ipv4(struct packet_plain *plain, const uint8_t *frame, uint32_t len, int ip_verified)
{
	const uint8_t *ip = frame + PLAIN_ETHERNET;
	uint32_t total;

	if (len < PLAIN_IPV4 + PLAIN_UDP)
		return 0;
	/* Type of frame, version and header's length; no fragment, any time to live, UDP. */
	if (!plain_matches(frame + 12, 0xffffff00, 0x08004500) || !plain_matches(ip + 6, 0x3fff00ff, 17))
		return 0;
	total = plain_load16(ip + 2);
	if (total < 20 + PLAIN_UDP || total > len - PLAIN_ETHERNET)
		return 0;
	if (!ip_verified && !checksum_right(plain_add64(plain_add64(plain_sum32(ip + 16), ip), ip + 8)))
		return 0;
	plain->source = ip + 12;
	return plain_udp(plain, ip + 20, total - 20);
}

/* 1 when the frame is plain over IPv6. Any thread. */
ALWAYS_INLINE int packet_plain_ipv6(struct packet_plain *plain, const uint8_t *frame, uint32_t len)
{
	const uint8_t *ip = frame + PLAIN_ETHERNET;
	uint32_t total;

	if (len < PLAIN_IPV6 + PLAIN_UDP || plain_load16(frame + 12) != 0x86dd || ip[0] >> 4 != 6 || ip[6] != 17)
		return 0;
	total = plain_load16(ip + 4);
	if (total < PLAIN_UDP || total > len - PLAIN_IPV6)
		return 0;
	plain->source = ip + 8;
	return plain_udp(plain, ip + 40, total);
}

/* Whether the UDP checksum is right, or absent over IPv4. `address_len`: 4 or 16, a constant. Any thread. */
ALWAYS_INLINE int packet_plain_checksum_ok(const struct packet_plain *plain, uint32_t address_len)
{
	uint64_t sum = htons(17) + (uint64_t)htons((uint16_t)plain->udp_len);

	if (plain_load16(plain->udp + 6) == 0)
		return address_len == 4;
	for (uint32_t i = 0; i < 2 * address_len; i += 8)
		sum = plain_add64(sum, plain->source + i);
	sum = (sum & 0xffffffff) + (sum >> 32); /* room for what is added */
	return checksum_right(checksum_add(sum, plain->udp, plain->udp_len));
}
