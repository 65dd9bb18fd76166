/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Where a sender is looked for in the tables of worker/sources.c and worker/senders.c. Any thread. */

#include <errno.h>
#include <stdint.h>
#include <string.h>
#include <sys/random.h>

/* Words of a key: `fixed` of a test's, or random when that is NULL. 0 or -EIO. Control thread. */
static inline int hash_secret(uint64_t *secret, unsigned count, const uint64_t *fixed)
{
	size_t size = count * sizeof(*secret);

	if (fixed == NULL)
		return getrandom(secret, size, 0) == (ssize_t)size ? 0 : -EIO;
	memcpy(secret, fixed, size);
	return 0;
}

/* A product folded onto itself, as in wyhash: without the secret nobody can tell which keys meet. */
static inline uint64_t hash_fold(uint64_t a, uint64_t b)
{
	unsigned __int128 product = (unsigned __int128)a * b;

	return (uint64_t)product ^ (uint64_t)(product >> 64);
}

/* Spreads what is left of the regular steps of ids and addresses in a product: the last step of MurmurHash3. */
static inline uint64_t hash_finish(uint64_t hash)
{
	hash = (hash ^ hash >> 33) * 0xff51afd7ed558ccdULL;
	hash = (hash ^ hash >> 33) * 0xc4ceb9fe1a85ec53ULL;
	return hash ^ hash >> 33;
}

/* Of an address, whose bytes are two words; yet to be finished. */
static inline uint64_t hash_address(const uint64_t secret[2], const uint64_t half[2], uint8_t family)
{
	return hash_fold(half[0] ^ secret[0], half[1] ^ family ^ secret[1]);
}
