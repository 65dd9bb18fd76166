/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Walks the search trees of all layers side by side and gives the builder the ranges of equal place, region by region.
 *
 * A file with IPv6 has its IPv4 tree below ::/96 and, often, other records that lead there as well (2002::/16,
 * 2001::/32,
 * ::ffff:0:0/96). Where layers meet such a record, the range becomes an alias of a region for IPv4, which is walked
 * once. A file with IPv4 only takes part in these, as far as another layer has them.
 */

#include "tables/geo_build.h"
#include "tables/geo_places.h"

/* All of it; `bits` (6 to 30) choose a slot. 0, or -errno with a sentence that names the file (-ECANCELED: `leave`, unless that is
 * NULL, was not 0 any more). */
int geo_walk(struct geo_places *places, struct geo_build *build, unsigned bits, const atomic_int *leave, struct error *error);
