/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * IP addresses as numbers. An IPv4 address is its IPv4-mapped IPv6 one (::ffff:a.b.c.d, RFC 4291 2.5.5.2), so that both
 * kinds have one order and one type.
 */

#include <stdint.h>

#include "base/slice.h"

struct ip_address {
	uint64_t high, low; /* host byte order; the first byte on the wire is the highest of `high` */
};

#define ADDRESS_V4_PREFIX  UINT64_C(0x0000ffff00000000)
#define ADDRESS_TEXT_MAX   45 /* bytes of the longest text form */

static inline int address_is_v4(struct ip_address address)
{
	return address.high == 0 && address.low >> 32 == 0xffff;
}

static inline struct ip_address address_of_v4(uint32_t v4)
{
	return (struct ip_address){0, ADDRESS_V4_PREFIX | v4};
}

static inline int address_compare(struct ip_address a, struct ip_address b)
{
	if (a.high != b.high)
		return a.high < b.high ? -1 : 1;
	return a.low == b.low ? 0 : a.low < b.low ? -1 : 1;
}

/*
 * Reads the text of an address as events carry it: IPv4 in dotted decimal without leading zeros (RFC 6943 3.1.1's strict form),
 * or IPv6 in any form of RFC 4291 2.2, no zone, port, prefix length or white space. 0, or -EINVAL with `address` unchanged. Reads
 * nothing outside the slice. Any thread.
 */
int address_parse(struct slice text, struct ip_address *address);

/* A prefix such as 10.0.0.0/8 or 2001:db8::/32; an address alone is its own. Bits behind the prefix must be zero. `length` is
 * that of the IPv6 form (IPv4's and 96). 0 or -EINVAL. Any thread. */
int address_parse_prefix(struct slice text, struct ip_address *address, unsigned *length);
