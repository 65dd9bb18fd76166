/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Writes databases in MaxMind's format, for tests and benchmarks: prefixes with their records, the last that is put
 * counts. */

#include "wire/address.h"

struct geo_writer;

/* What a record says; NULL and 0: not. */
struct geo_writer_record {
	const char *country, *city;
	uint32_t asn;
	int is_flat; /* `country_code` and `city` instead of `country.iso_code` and `city.names.en` */
};

/* ip_version 4 or 6; record_bits 24, 28 or 32. Exits when there is no memory, as all here do. */
struct geo_writer *geo_writer_new(unsigned ip_version, unsigned record_bits);
void geo_writer_free(struct geo_writer *writer);

/* `length` is that of the IPv6 form. IPv4 prefixes go to ::/96 of a file for IPv6. */
void geo_writer_put(
	struct geo_writer *writer, struct ip_address prefix, unsigned length, const struct geo_writer_record *record);

/* The same with bytes for the data section. */
void geo_writer_put_data(
	struct geo_writer *writer, struct ip_address prefix, unsigned length, const void *data, uint32_t size);

/* The same, with prefix and record as text: "10.0.0.0/8 ZZ 64512 Our own net", "-" for what is not known. 0, or -1: not
 * readable. */
int geo_writer_put_text(struct geo_writer *writer, const char *line);

/* Makes the prefix lead to the IPv4 tree. Last of all, and not inside another prefix that was put. */
void geo_writer_alias(struct geo_writer *writer, struct ip_address prefix, unsigned length);

/* The usual ones: ::ffff:0:0/96, 2001::/32, 2002::/16. */
void geo_writer_aliases(struct geo_writer *writer);

/* 0 or -1 with errno set. */
int geo_writer_write(struct geo_writer *writer, const char *path);
