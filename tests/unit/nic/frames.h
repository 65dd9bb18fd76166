/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Builds frames for the tests of nic/ and wire/packet, and writes them to capture files. Test code only. */

#include <arpa/inet.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "wire/checksum.h"

#define FRAME_MAX 9300

struct frame {
	uint32_t len;
	uint8_t data[FRAME_MAX];
};

static const uint8_t frame_mac_us[6] = {2, 0, 0, 0, 0, 1}, frame_mac_peer[6] = {2, 0, 0, 0, 0, 2};
static const uint8_t frame_v4_us[4] = {192, 0, 2, 1}, frame_v4_peer[4] = {192, 0, 2, 9};
static const uint8_t frame_v6_us[16] = {0x20, 1, 0xd, 0xb8, [15] = 1}, frame_v6_peer[16] = {0x20, 1, 0xd, 0xb8, [15] = 9};

static inline void frame_put(struct frame *f, const void *data, uint32_t len)
{
	memcpy(f->data + f->len, data, len);
	f->len += len;
}

static inline void frame_put8(struct frame *f, unsigned value)
{
	f->data[f->len++] = (uint8_t)value;
}

static inline void frame_put16(struct frame *f, unsigned value)
{
	frame_put8(f, value >> 8);
	frame_put8(f, value & 255);
}

static inline void frame_set16(struct frame *f, uint32_t at, unsigned value)
{
	f->data[at] = (uint8_t)(value >> 8);
	f->data[at + 1] = (uint8_t)value;
}

static inline void frame_ethernet(struct frame *f, unsigned type)
{
	f->len = 0;
	frame_put(f, frame_mac_us, 6);
	frame_put(f, frame_mac_peer, 6);
	frame_put16(f, type);
}

/* A VLAN tag before the type that was put last. */
static inline void frame_tag(struct frame *f, unsigned tpid, unsigned vlan)
{
	unsigned type = (unsigned)(f->data[f->len - 2] << 8 | f->data[f->len - 1]);

	f->len -= 2;
	frame_put16(f, tpid);
	frame_put16(f, vlan);
	frame_put16(f, type);
}

/* An IPv4 header with `options` bytes of no-operation options; returns its offset. Length is of what follows. */
static inline uint32_t frame_ipv4(
	struct frame *f, unsigned protocol, unsigned options, unsigned length, unsigned id, unsigned fragment)
{
	uint32_t at = f->len;
	uint16_t sum;

	frame_put8(f, 0x40 | (5 + options / 4));
	frame_put8(f, 0);
	frame_put16(f, 20 + options + length);
	frame_put16(f, id);
	frame_put16(f, fragment);
	frame_put8(f, 64);
	frame_put8(f, protocol);
	frame_put16(f, 0);
	frame_put(f, frame_v4_peer, 4);
	frame_put(f, frame_v4_us, 4);
	for (unsigned i = 0; i < options; i++)
		frame_put8(f, 1);
	sum = (uint16_t)~checksum_fold(checksum_add(0, f->data + at, 20 + options));
	memcpy(f->data + at + 10, &sum, 2);
	return at;
}

static inline uint32_t frame_ipv6(struct frame *f, unsigned next, unsigned length)
{
	uint32_t at = f->len;

	frame_put16(f, 0x6000);
	frame_put16(f, 0);
	frame_put16(f, length);
	frame_put8(f, next);
	frame_put8(f, 255);
	frame_put(f, frame_v6_peer, 16);
	frame_put(f, frame_v6_us, 16);
	return at;
}

/* Writes a UDP datagram, header with a right checksum and payload, to `out`; returns its length. */
static inline uint32_t frame_udp_bytes(uint8_t *out, int family, unsigned from, unsigned to, const void *payload, uint32_t len)
{
	uint32_t total = len + 8;
	uint64_t sum;
	uint16_t folded;

	out[0] = (uint8_t)(from >> 8);
	out[1] = (uint8_t)from;
	out[2] = (uint8_t)(to >> 8);
	out[3] = (uint8_t)to;
	out[4] = (uint8_t)(total >> 8);
	out[5] = (uint8_t)total;
	out[6] = out[7] = 0;
	memcpy(out + 8, payload, len);
	if (family == 4)
		sum = checksum_pseudo(frame_v4_peer, frame_v4_us, 4, 17, total);
	else
		sum = checksum_pseudo(frame_v6_peer, frame_v6_us, 16, 17, total);
	folded = (uint16_t)~checksum_fold(checksum_add(sum, out, total));
	if (folded == 0)
		folded = 0xffff;
	memcpy(out + 6, &folded, 2);
	return total;
}

/* A whole frame with one UDP datagram in it. */
static inline void frame_udp(struct frame *f, int family, unsigned to, const void *payload, uint32_t len)
{
	uint8_t udp[FRAME_MAX];
	uint32_t total = frame_udp_bytes(udp, family, 40000, to, payload, len);

	if (family == 4) {
		frame_ethernet(f, 0x0800);
		(void)frame_ipv4(f, 17, 0, total, 1, 0);
	} else {
		frame_ethernet(f, 0x86dd);
		(void)frame_ipv6(f, 17, total);
	}
	frame_put(f, udp, total);
}

/* One fragment of the IP payload `whole`: bytes offset..offset + len, `more` to follow. */
static inline void frame_fragment(
	struct frame *f, int family, unsigned id, const uint8_t *whole, uint32_t offset, uint32_t len, int more)
{
	if (family == 4) {
		frame_ethernet(f, 0x0800);
		(void)frame_ipv4(f, 17, 0, len, id, offset / 8 | (more ? 0x2000u : 0));
	} else {
		frame_ethernet(f, 0x86dd);
		(void)frame_ipv6(f, 44, len + 8);
		frame_put8(f, 17);
		frame_put8(f, 0);
		frame_put16(f, offset | (more ? 1u : 0));
		frame_put16(f, id >> 16);
		frame_put16(f, id & 0xffff);
	}
	frame_put(f, whole + offset, len);
}

static inline FILE *capture_open(const char *path)
{
	static const uint32_t head[6] = {0xa1b2c3d4, 0x00040002, 0, 0, 65535, 1};
	FILE *file = fopen(path, "wb");

	if (file != NULL)
		(void)fwrite(head, sizeof(head), 1, file);
	return file;
}

static inline void capture_add(FILE *file, const struct frame *f)
{
	uint32_t record[4] = {0, 0, f->len, f->len};

	(void)fwrite(record, sizeof(record), 1, file);
	(void)fwrite(f->data, f->len, 1, file);
}
