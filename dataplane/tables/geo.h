/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Where an address is: databases in MaxMind's format, flattened at load into a table whose look-up reads a few cache lines and
 * gives a fragment of JSON that was rendered ahead. Built on a control thread, read-only from then on, freed when no worker
 * reads it any more (base/rcu.h). Several databases are layers: of each field the first layer that knows it counts.
 *
 * Answers are those of libmaxminddb for the same file; an IPv4-mapped address is looked up as IPv4. Of records it takes
 * `country.iso_code` or `country_code` (two letters, made upper case), `city.names.en` or `city` (valid UTF-8), and
 * `autonomous_system_number` (not 0). A database of IPv4 only answers for IPv6 where another layer's IPv4 tree stands (::/96 and,
 * in many, 2002::/16 and 2001::/32).
 */

#include <stdatomic.h>

#include "base/error.h"
#include "base/slice.h"
#include "wire/address.h"

#define GEO_LAYERS       8
#define GEO_FRAGMENT_MAX 120u
#define GEO_UNKNOWN      0u /* place of an address that no layer knows; its country is ZZ */

enum geo_field { GEO_COUNTRY = 1, GEO_CITY = 2, GEO_ASN = 4 };

struct geo;

struct geo_config {
	const char *paths[GEO_LAYERS]; /* of .mmdb files; the first has precedence */
	unsigned path_count;           /* 1 to GEO_LAYERS */
	unsigned fields;               /* enum geo_field, or-ed; which of them are rendered */
	uint64_t budget_bytes;         /* what the table may take, without what building it takes; -EFBIG beyond */
	int node;                      /* NUMA node, or MEMORY_ANY_NODE */
	const atomic_int *leave;       /* NULL; or once it is not 0 the table is not wanted any more: -ECANCELED. Any thread: w */
};

struct geo_info {
	uint64_t prefixes;     /* ranges of equal place that some layer knows, of both families */
	uint32_t places;       /* different fragments, that of the unknown too */
	uint64_t bytes;        /* memory of the table */
	int64_t built_us;      /* UTC microseconds, of the newest file's own build time stamp */
	int64_t loaded_us;     /* the same, of when geo_new was done */
	uint32_t build_ms;     /* how long geo_new took */
};

/*
 * Reads the files whole (they may be replaced meanwhile: nothing of them is mapped), checks them and builds the table. 0, or
 * -errno with a sentence that names the file, what is wrong and the cure. Control thread; takes seconds.
 */
int geo_new(struct geo **geo, const struct geo_config *config, struct error *error);

/* A copy on another NUMA node. 0 or -ENOMEM. Control thread. */
int geo_copy(struct geo **copy, const struct geo *geo, int node);

/* NULL is fine. After a grace period. */
void geo_free(struct geo *geo);

void geo_describe(const struct geo *geo, struct geo_info *info);

/* The places of `count` addresses, all first lines fetched ahead. Never fails. Any thread. */
void geo_find_burst(const struct geo *geo, const struct ip_address *addresses, unsigned count, uint32_t *places);

/*
 * A place as text: `,"geo":{"country":"BR","city":"Recife","asn":27715}` with the fields asked for that are known (country,
 * if asked for, always: ZZ when unknown). At most GEO_FRAGMENT_MAX bytes, for which a city is cut at a character. At least
 * 64 bytes behind its end may be read. Lives as long as the table. Any thread.
 */
struct slice geo_fragment(const struct geo *geo, uint32_t place);

/* Asks for the fragment's line ahead of its use. Any thread. */
void geo_fragment_prefetch(const struct geo *geo, uint32_t place);
