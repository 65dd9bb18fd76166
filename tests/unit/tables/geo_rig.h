/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* What tests of geo tables share: files of their own, random numbers, and libmaxminddb's answer for any address. */

#include <maxminddb.h>

#include "geo_writer.h"
#include "tables/geo.h"

#define RIG_ALL (GEO_COUNTRY | GEO_CITY | GEO_ASN)

struct rig_oracle {
	MMDB_s layers[GEO_LAYERS];
	unsigned layer_count, fields;
	int has_aliases; /* some layer has those of geo_writer_aliases, so layers with IPv4 only take part in them */
};

uint32_t rig_random(void);
uint32_t rig_random_below(uint32_t bound);

/* A path of this process that rig_files_remove removes. */
const char *rig_path(const char *name);
void rig_files_remove(void);

/* Writes the lines ("PREFIX COUNTRY ASN CITY", ended by NULL) as a database and returns its path. */
const char *rig_write(const char *name, unsigned ip_version, unsigned record_bits, const char *const lines[]);

/* A table of the files (NULL ends them); the test fails when it cannot be made. */
struct geo *rig_load(unsigned fields, const char *const paths[]);

void rig_oracle_open(struct rig_oracle *oracle, unsigned fields, const char *const paths[]);
void rig_oracle_close(struct rig_oracle *oracle);

/* The fragment that libmaxminddb's answers make, into `out` of 256 bytes; returns its bytes. */
unsigned rig_expect(const struct rig_oracle *oracle, struct ip_address address, char *out);

/* Bits of the prefix, as IPv6 counts them, that the address has in the first layer. */
unsigned rig_prefix_length(const struct rig_oracle *oracle, struct ip_address address);

/* Fails the test unless the table answers as libmaxminddb does. */
void rig_compare(
	const struct geo *geo, const struct rig_oracle *oracle, const struct ip_address *addresses, unsigned count);

/* The fragment of one address, given as text. */
struct slice rig_find(const struct geo *geo, const char *text);

/* Random addresses, a third each of IPv4, of IPv6 as they are given out, and near `edges` (first addresses of
 * prefixes). */
struct ip_address rig_address(const struct ip_address *edges, unsigned edge_count);
