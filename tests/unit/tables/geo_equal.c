/* SPDX-License-Identifier: Apache-2.0 */

/* Tables answer as libmaxminddb does: made files of every kind; with arguments, those files. PENSTOCK_GEO_LOOKUPS: how
 * many. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/compiler.h"
#include "geo_rig.h"

#define EDGES 20000

static const char *const *given; /* files named on the command line */
static unsigned lookups = 1000000;
static struct ip_address edges[EDGES];

static void compare_many(const char *const files[], int aliases, unsigned edge_count, unsigned count)
{
	struct geo *geo = rig_load(RIG_ALL, files), *copy;
	struct rig_oracle oracle;
	struct geo_info info;

	assert_int_equal(geo_copy(&copy, geo, -1), 0);
	geo_describe(copy, &info);
	geo_free(geo);
	rig_oracle_open(&oracle, RIG_ALL, files);
	oracle.has_aliases = aliases;
	for (unsigned done = 0; done < count;) {
		struct ip_address addresses[256];
		unsigned burst = 1 + rig_random_below(ARRAY_LENGTH(addresses));

		for (unsigned i = 0; i < burst; i++)
			addresses[i] = rig_address(edges, edge_count);
		rig_compare(copy, &oracle, addresses, burst);
		done += burst;
	}
	print_message("%u look-ups equal: %llu prefixes, %u places, %llu bytes, built in %u ms\n", count,
		(unsigned long long)info.prefixes, info.places, (unsigned long long)info.bytes, info.build_ms);
	rig_oracle_close(&oracle);
	geo_free(copy);
}

static struct ip_address prefix_of(struct ip_address address, unsigned length)
{
	address.high &= length == 0 ? 0 : length >= 64 ? UINT64_MAX : ~(UINT64_MAX >> length);
	address.low &= length <= 64 ? 0 : length == 128 ? UINT64_MAX : ~(UINT64_MAX >> (length - 64));
	return address;
}

/* Where addresses of one kind lie: prefixes inside prefixes, of all lengths. */
static struct ip_address random_prefix(unsigned ip_version, unsigned *length)
{
	struct ip_address address;

	do
		address = rig_random_below(3) == 0 ? edges[rig_random_below(100)] : rig_address(edges, 0);
	while (ip_version == 4 && !address_is_v4(address));
	*length = address_is_v4(address) ? 96 + 12 + rig_random_below(21) : 20 + rig_random_below(109);
	if (rig_random_below(500) == 0)
		*length = address_is_v4(address) ? 96 + 4 + rig_random_below(8) : 1 + rig_random_below(20);
	if (rig_random_below(2) == 0)
		*length = address_is_v4(address) ? 120 : 32 + 8 * rig_random_below(5);
	return prefix_of(address, *length);
}

/* Whether an IPv6 prefix is inside one of geo_writer_aliases, or around it. */
static int touches_alias(struct ip_address prefix, unsigned length)
{
	return !address_is_v4(prefix) &&
	       (length <= 16 || prefix.high == 0 || prefix.high >> 48 == 0x2002 || prefix.high >> 32 == 0x20010000 ||
		       (prefix.high >> 48 == 0x2001 && length <= 32));
}

static const char *make(const char *name, unsigned ip_version, unsigned record_bits, unsigned count, int aliases)
{
	static const char *const countries[] = {"DE", "BR", "US", "fr", NULL};
	struct geo_writer *writer = geo_writer_new(ip_version, record_bits);
	const char *path = rig_path(name);

	for (unsigned i = 0; i < count; i++) {
		unsigned length, which = rig_random_below(50);
		struct ip_address prefix = random_prefix(ip_version, &length);
		char city[32];
		struct geo_writer_record record = {.is_flat = which & 1,
			.asn = which % 5 == 0 ? 0 : 64000 + which,
			.country = countries[which % 4 == 3 ? 4 : which % 4],
			.city = which % 3 == 0 ? NULL : city};

		(void)sprintf(city, "City %u", which);
		if (aliases && touches_alias(prefix, length))
			continue;
		geo_writer_put(writer, prefix, length, &record);
		edges[i % EDGES] = prefix;
	}
	if (aliases)
		geo_writer_aliases(writer);
	assert_int_equal(geo_writer_write(writer, path), 0);
	geo_writer_free(writer);
	return path;
}

static void made_files_of_every_kind_are_read_alike(void **state)
{
	unsigned name = 0;

	(void)state;
	for (unsigned bits = 24; bits <= 32; bits += 4)
		for (unsigned kind = 0; kind < 3; kind++) {
			char text[32];
			const char *files[2] = {NULL, NULL};

			(void)sprintf(text, "kind%u.mmdb", name++);
			files[0] = make(text, kind == 0 ? 4 : 6, bits, 20u << (bits - 24), kind == 2);
			compare_many(files, kind == 2, 20u << (bits - 24), lookups / 20);
		}
	rig_files_remove();
}

static void a_large_made_file_is_read_alike(void **state)
{
	const char *files[2] = {make("large.mmdb", 6, 28, 200000, 1), NULL};

	(void)state;
	compare_many(files, 1, EDGES, lookups);
	rig_files_remove();
}

static void layers_are_read_alike(void **state)
{
	const char *small[4] = {make("first.mmdb", 4, 24, 100, 0), make("second.mmdb", 6, 24, 1000, 1),
		make("third.mmdb", 6, 32, 1000, 0), NULL};
	const char *six[3] = {make("fourth.mmdb", 6, 24, 50, 0), make("fifth.mmdb", 6, 28, 5000, 1), NULL};

	(void)state;
	compare_many(small, 1, 2000, lookups / 4);
	compare_many(six, 1, 5000, lookups / 4);
	rig_files_remove();
}

/* Edges of the files' own prefixes, met by random addresses. */
static void find_edges(void)
{
	struct rig_oracle oracle;

	rig_oracle_open(&oracle, RIG_ALL, given);
	for (unsigned i = 0; i < EDGES; i++) {
		struct ip_address address = rig_address(edges, 0);

		edges[i] = prefix_of(address, rig_prefix_length(&oracle, address));
	}
	rig_oracle_close(&oracle);
}

static void given_files_are_read_alike(void **state)
{
	(void)state;
	find_edges();
	compare_many(given, 0, EDGES, lookups);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest made[] = {
		cmocka_unit_test(made_files_of_every_kind_are_read_alike),
		cmocka_unit_test(a_large_made_file_is_read_alike),
		cmocka_unit_test(layers_are_read_alike),
	};
	const struct CMUnitTest named[] = {cmocka_unit_test(given_files_are_read_alike)};

	if (getenv("PENSTOCK_GEO_LOOKUPS") != NULL)
		lookups = (unsigned)strtoul(getenv("PENSTOCK_GEO_LOOKUPS"), NULL, 10);
	given = (const char *const *)argv + 1;
	return argc > 1 ? cmocka_run_group_tests(named, NULL, NULL) : cmocka_run_group_tests(made, NULL, NULL);
}
