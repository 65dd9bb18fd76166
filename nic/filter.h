/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * What is for us: the UDP ports, addresses and VLAN of one source, in a form that costs a few loads a frame.
 * Const once made; any thread may read.
 */

#include <string.h>

#include "nic/source.h"

struct filter {
	uint64_t ports[65536 / 64];
	struct address addresses[SOURCE_ADDRESSES];
	unsigned address_count; /* 0: every address is ours */
	uint32_t ipv4[SOURCE_ADDRESSES]; /* the same addresses by family, as they lie in a packet */
	uint64_t ipv6[SOURCE_ADDRESSES][2];
	unsigned ipv4_count, ipv6_count;
	uint16_t vlan[2];
	unsigned vlan_count;
	uint16_t outer_type; /* of the outer of two tags, in what we send */
};

/* Fills a filter from the configuration. Control thread. */
void filter_init(struct filter *filter, const struct source_config *config);

static inline int filter_has_port(const struct filter *filter, uint16_t port)
{
	return (int)(filter->ports[port / 64] >> (port % 64) & 1);
}

static inline int filter_has_ipv4(const struct filter *filter, const uint8_t *bytes)
{
	uint32_t word;

	memcpy(&word, bytes, sizeof(word));
	for (unsigned i = 0; i < filter->ipv4_count; i++)
		if (filter->ipv4[i] == word)
			return 1;
	return filter->address_count == 0;
}

static inline int filter_has_ipv6(const struct filter *filter, const uint8_t *bytes)
{
	uint64_t words[2];

	memcpy(words, bytes, sizeof(words));
	for (unsigned i = 0; i < filter->ipv6_count; i++)
		if (filter->ipv6[i][0] == words[0] && filter->ipv6[i][1] == words[1])
			return 1;
	return filter->address_count == 0;
}

/* Whether the address is configured here; `family` is an enum address_family. */
static inline int filter_has_address(const struct filter *filter, uint8_t family, const uint8_t *bytes)
{
	return family == ADDRESS_IPV4 ? filter_has_ipv4(filter, bytes) : filter_has_ipv6(filter, bytes);
}

/* Whether a frame with these VLAN numbers is on our VLAN. Number 0 is a priority tag and counts as none. */
int filter_has_vlan(const struct filter *filter, const uint16_t *vlan, unsigned count);
