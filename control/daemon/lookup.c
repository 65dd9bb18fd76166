/* SPDX-License-Identifier: Apache-2.0 */
#include "control/daemon/lookup.h"

#include <string.h>

#include "tables/category.h"
#include "tables/geo.h"

#define FRAGMENT_MAX 1024u

static struct slice slice_of(const json_t *key)
{
	const char *text = json_string_value(key);

	return (struct slice){(const uint8_t *)text, text != NULL ? (uint32_t)json_string_length(key) : 0};
}

static json_t *bad_row(const json_t *key, const char *why)
{
	return json_pack(
		"{s:s,s:b,s:s}", "key", json_is_string(key) ? json_string_value(key) : "", "found", 0, "error", why);
}

/* A fragment is a member with a comma before it. */
static json_t *row_of(const json_t *key, int found, struct slice fragment)
{
	json_t *row = json_pack("{s:s,s:b}", "key", json_string_value(key), "found", found), *member;
	char text[FRAGMENT_MAX];
	int n = snprintf(text, sizeof(text), "{%.*s}", (int)fragment.len - 1, (const char *)fragment.data + 1);

	member = json_loadb(text, (size_t)n < sizeof(text) ? (size_t)n : 0, 0, NULL);
	if (member != NULL)
		(void)json_object_update(row, member);
	json_decref(member);
	return row;
}

static json_t *address_row(const struct geo *geo, const json_t *key)
{
	struct ip_address address;
	uint32_t place;

	if (!json_is_string(key) || address_parse(slice_of(key), &address) != 0)
		return bad_row(key, "is no address; expected one such as 203.0.113.7 or 2001:db8::7");
	geo_find_burst(geo, &address, 1, &place);
	return row_of(key, place != GEO_UNKNOWN, geo_fragment(geo, place));
}

json_t *lookup_addresses(const struct geo *geo, const json_t *keys)
{
	json_t *rows = json_array(), *key;
	size_t i;

	json_array_foreach(keys, i, key)
		json_array_append_new(rows, address_row(geo, key));
	return rows;
}

static json_t *item_row(const struct category *category, const struct category_overlay *overlay, const json_t *key)
{
	struct slice text = slice_of(key), none = category_fragment(category, CATEGORY_UNKNOWN), found;

	if (text.len == 0 || text.len > CATEGORY_KEY)
		return bad_row(key, "is no key; expected 1 to 255 bytes of text");
	found = category_view_find(category, overlay, category_key_text(category, text));
	return row_of(key, found.len != none.len || memcmp(found.data, none.data, none.len) != 0, found);
}

json_t *lookup_items(const struct category *category, const struct category_overlay *overlay, const json_t *keys)
{
	json_t *rows = json_array(), *key;
	size_t i;

	json_array_foreach(keys, i, key)
		json_array_append_new(rows, item_row(category, overlay, key));
	return rows;
}
