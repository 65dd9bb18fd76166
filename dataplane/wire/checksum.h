/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * The Internet checksum (RFC 1071): the ones' complement sum of 16-bit words. Words are summed as they lie in memory, so
 * sums and folded results are in network byte order on any machine, and none is ever swapped.
 */

#include <stddef.h>
#include <stdint.h>

#include "base/compiler.h"

/*
 * Adds `len` bytes at `data`, at most 65,536, to a running sum that starts at 0. An odd last byte counts as the first
 * byte of a word, so only the last piece of a message may have an odd length. A sum holds up to 2^32 words. Any thread.
 */
uint64_t checksum_add(uint64_t sum, const void *data, size_t len);

/* The sum as 16 bits, not complemented: 0xffff over a message whose checksum field is right. */
ALWAYS_INLINE uint16_t checksum_fold(uint64_t sum)
{
	sum = (sum & 0xffffffff) + (sum >> 32);
	sum = (sum & 0xffffffff) + (sum >> 32);
	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)sum;
}

/* Whether a message that is not all zeros has this sum and its checksum field is right: folding is a remainder by
 * 0xffff, which a multiplication tests. */
ALWAYS_INLINE int checksum_right(uint64_t sum)
{
	return sum % 0xffff == 0;
}

/*
 * The sum of the pseudo header that UDP and ICMPv6 include (RFC 768, RFC 8200 8.1). `address_len` is 4 or 16, `len` the
 * length of what follows, UDP header included.
 */
uint64_t checksum_pseudo(
	const uint8_t *source, const uint8_t *destination, size_t address_len, uint8_t protocol, uint32_t len);
