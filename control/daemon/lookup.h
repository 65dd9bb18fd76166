/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* What tables know of keys, as rows that API_TABLES_LOOKUP answers with. Any thread that may read the tables. */

#include <jansson.h>

struct category;
struct category_overlay;
struct geo;

/*
 * A new array of {"key","found","geo":{...}}, one for each of `keys`, an array of strings; or with "error" in the place
 * of what is known, for a key that is no address.
 */
json_t *lookup_addresses(const struct geo *geo, const json_t *keys);

/* The same with "category"; `overlay` may be NULL. */
json_t *lookup_items(const struct category *category, const struct category_overlay *overlay, const json_t *keys);
