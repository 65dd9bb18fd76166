/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * A datagram: one UDP payload, whole, wherever it came from. Both kinds of source (an Ethernet port, a kernel socket)
 * deliver these; the worker knows nothing below them.
 */

#include <stdint.h>

enum address_family { ADDRESS_IPV4 = 4, ADDRESS_IPV6 = 6 };

/* An IP address; an IPv4 one stands in the first four bytes and the rest is zero. Network byte order. */
struct address {
	uint8_t bytes[16];
	uint8_t family; /* enum address_family */
};

struct datagram {
	const uint8_t *data;       /* contiguous; read-only, owned by the source until it is released */
	uint32_t len;              /* bytes of UDP payload, 0 to 65,507 */
	uint16_t source_port;      /* host byte order */
	uint16_t destination_port; /* host byte order */
	struct address source;
};
