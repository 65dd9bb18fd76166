/* SPDX-License-Identifier: Apache-2.0 */
#include "nic/filter.h"

#define TYPE_8021Q  0x8100
#define TYPE_8021AD 0x88a8

static void add_address(struct filter *filter, const struct address *address)
{
	filter->addresses[filter->address_count++] = *address;
	if (address->family == ADDRESS_IPV4)
		memcpy(&filter->ipv4[filter->ipv4_count++], address->bytes, 4);
	else
		memcpy(filter->ipv6[filter->ipv6_count++], address->bytes, 16);
}

void filter_init(struct filter *filter, const struct source_config *config)
{
	memset(filter, 0, sizeof(*filter));
	for (unsigned i = 0; i < config->port_count; i++)
		filter->ports[config->ports[i] / 64] |= (uint64_t)1 << (config->ports[i] % 64);
	for (unsigned i = 0; i < config->address_count; i++)
		add_address(filter, &config->addresses[i].address);
	for (unsigned i = 0; i < 2; i++)
		if (config->vlan[i] != 0)
			filter->vlan[filter->vlan_count++] = config->vlan[i];
	filter->outer_type = config->outer_tag == SOURCE_OUTER_8021Q ? TYPE_8021Q : TYPE_8021AD;
}

int filter_has_vlan(const struct filter *filter, const uint16_t *vlan, unsigned count)
{
	unsigned matched = 0;

	for (unsigned i = 0; i < count; i++) {
		if (vlan[i] == 0)
			continue;
		if (matched == filter->vlan_count || filter->vlan[matched] != vlan[i])
			return 0;
		matched++;
	}
	return matched == filter->vlan_count;
}
