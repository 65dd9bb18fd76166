/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * MurmurHash2, 32 bits, as Kafka's Java producer places keyed records: seed 0x9747b28c, sign bit cleared before the
 * modulus. Algorithm: Austin Appleby, MurmurHash2 (public domain); seed and use: org.apache.kafka.common.utils.Utils.
 */

#include <stdint.h>
#include <string.h>

static inline uint32_t murmur2(const uint8_t *key, uint32_t len)
{
	const uint32_t m = 0x5bd1e995;
	uint32_t h = 0x9747b28cu ^ len, k;

	for (; len >= 4; len -= 4, key += 4) {
		memcpy(&k, key, 4);
		k *= m;
		k ^= k >> 24;
		k *= m;
		h *= m;
		h ^= k;
	}
	if (len >= 3)
		h ^= (uint32_t)key[2] << 16;
	if (len >= 2)
		h ^= (uint32_t)key[1] << 8;
	if (len >= 1) {
		h ^= key[0];
		h *= m;
	}
	h ^= h >> 13;
	h *= m;
	h ^= h >> 15;
	return h;
}

/* The partition of a key among `partitions` (at least 1), the Java producer's choice. */
static inline int32_t murmur2_partition(const uint8_t *key, uint32_t len, int partitions)
{
	return (int32_t)(murmur2(key, len) & 0x7fffffffu) % partitions;
}
