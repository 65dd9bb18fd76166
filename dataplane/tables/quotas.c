/* SPDX-License-Identifier: Apache-2.0 */
#include "tables/quotas.h"

#include <stddef.h>

#define LONGEST_DATAGRAM 65535u

/* The first `length` bits of a word, 0 to 64. */
static uint64_t first_bits(unsigned length)
{
	return length == 0 ? 0 : UINT64_MAX << (64 - length);
}

void quota_add_prefix(struct quota *quota, struct ip_address address, unsigned length)
{
	quota->prefixes[quota->prefix_count++] = (struct quota_prefix){
		.address = address,
		.mask = {first_bits(length < 64 ? length : 64), first_bits(length > 64 ? length - 64 : 0)},
	};
}

static uint64_t ticks_of_us(uint64_t us, uint64_t hz)
{
	return (uint64_t)((unsigned __int128)us * hz / 1000000);
}

void quotas_seal(struct quotas *quotas, uint64_t hz)
{
	for (unsigned i = 0; i < quotas->count; i++) {
		struct quota *quota = &quotas->each[i];
		uint64_t longest;

		quota->datagram_ticks = quota->datagrams != 0 ? (hz + quota->datagrams / 2) / quota->datagrams : 0;
		quota->byte_ticks = quota->bytes != 0 ? (uint64_t)(((unsigned __int128)hz << 16) / quota->bytes) : 0;
		quota->burst_ticks = ticks_of_us(quota->burst_us, hz);
		longest = quota_cost(quota, LONGEST_DATAGRAM);
		if (quota->burst_ticks < longest)
			quota->burst_ticks = longest;
	}
}

static int is_in(const struct quota_prefix *prefix, struct ip_address address)
{
	return (((address.high ^ prefix->address.high) & prefix->mask.high) |
		       ((address.low ^ prefix->address.low) & prefix->mask.low)) == 0;
}

static int counts_for(const struct quota *quota, struct ip_address sender)
{
	for (unsigned i = 0; i < quota->prefix_count; i++)
		if (is_in(&quota->prefixes[i], sender))
			return 1;
	return quota->prefix_count == 0;
}

const struct quota *quotas_find(const struct quotas *quotas, struct ip_address sender)
{
	for (unsigned i = 0; i < quotas->count; i++) {
		const struct quota *quota = &quotas->each[i];

		if (counts_for(quota, sender))
			return quota->datagram_ticks != 0 || quota->byte_ticks != 0 ? quota : NULL;
	}
	return NULL;
}
