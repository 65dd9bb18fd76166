/* SPDX-License-Identifier: Apache-2.0 */

/* Looking up: what workers do with a table. Each step is done for all addresses of a burst before the next, which reads
 * what this one asked for. */

#ifdef __x86_64__
#include <emmintrin.h>
#endif

#include "base/compiler.h"
#include "tables/geo_table.h"

#define BURST 32u

/* A bit for each of the line's 16 words that, as a signed number, is below `next` with its highest bit turned over. */
#ifdef __x86_64__
static uint32_t words_below(const union geo_line *line, uint32_t next)
{
	const __m128i wanted = _mm_set1_epi32((int)(next ^ UINT32_C(0x80000000)));
	const __m128i *words = (const __m128i *)(const void *)line;
	__m128i first = _mm_packs_epi32(_mm_cmplt_epi32(words[0], wanted), _mm_cmplt_epi32(words[1], wanted));
	__m128i last = _mm_packs_epi32(_mm_cmplt_epi32(words[2], wanted), _mm_cmplt_epi32(words[3], wanted));

	return (uint32_t)_mm_movemask_epi8(_mm_packs_epi16(first, last));
}
#else
static uint32_t words_below(const union geo_line *line, uint32_t next)
{
	const int32_t *words = (const int32_t *)(const void *)line, wanted = (int32_t)(next ^ UINT32_C(0x80000000));
	uint32_t below = 0;

	for (unsigned i = 0; i < sizeof(*line) / sizeof(*words); i++)
		below |= (uint32_t)(words[i] < wanted) << i;
	return below;
}
#endif

/* What the line that `value` leads to says of an address with these bits. Without a branch on which kind of line it is:
 * that differs from one address to the next. */
ALWAYS_INLINE uint32_t step_line(const struct geo *geo, uint32_t value, uint32_t next)
{
	const union geo_line *line = &geo->lines[value & ~GEO_VALUE_KIND];
	int is_leaf = (value & GEO_VALUE_KIND) == GEO_VALUE_LEAF;
	uint32_t way =
		(uint32_t)__builtin_popcount(words_below(line, next) & (is_leaf ? GEO_LEAF_KEYS : GEO_INNER_KEYS));
	uint32_t in_leaf = line->leaf.values[way % GEO_LEAF_WAYS], below_inner = line->inner.base + way;

	return is_leaf ? in_leaf : below_inner;
}

ALWAYS_INLINE int is_place(uint32_t value)
{
	return (value & GEO_VALUE_KIND) == GEO_VALUE_PLACE;
}

ALWAYS_INLINE uint32_t value_of_slot(const struct geo_node *node, uint64_t slot)
{
	return node->base + (uint32_t)__builtin_popcountll(node->begins << (~slot & 63));
}

/* 32 bits of an address, given as its halves. */
ALWAYS_INLINE uint32_t bits_at(uint64_t high, uint64_t low, unsigned at)
{
	uint64_t from = at < 64 ? high << at | low >> 1 >> (63 - at) : low << (at - 64);

	return (uint32_t)(from >> 32);
}

/* The place of the IPv4 address that an IPv6 one holds. Not asked for ahead: such addresses are rare. */
static __attribute__((noinline)) uint32_t find_alias(const struct geo *geo, struct ip_address address, uint32_t value)
{
	const struct geo_region *region = &geo->regions[value >> 8 & 0xFF];
	uint64_t v4 = (uint64_t)bits_at(address.high, address.low, value & 0xFF) << 32, slot = v4 >> region->slot_shift;

	value = geo->values[value_of_slot(region->nodes + (slot >> GEO_SLOT_BITS), slot)];
	while (!is_place(value))
		value = step_line(geo, value, (uint32_t)(v4 << (64 - region->slot_shift) >> 32));
	return value;
}

/* An address on its way. */
struct search {
	uint64_t high, low; /* the address; IPv4's from the highest bit on */
	uint64_t slot;
	uint32_t at;   /* its first bit that is not used up */
	uint32_t next; /* 32 bits from there */
};

ALWAYS_INLINE const struct geo_node *begin(const struct geo *geo, struct ip_address address, struct search *search)
{
	uint32_t is_v4 = (uint32_t)address_is_v4(address),
		 is_global = address.high >> (64 - GEO_GLOBAL_BITS) == GEO_GLOBAL_PREFIX;
	const struct geo_region *region = &geo->regions[(GEO_REGION_OTHER - is_global) & (is_v4 - 1)];

	search->high = is_v4 ? address.low << 32 : address.high;
	search->low = is_v4 ? 0 : address.low;
	search->slot = search->high << region->skip >> region->slot_shift;
	search->at = region->used;
	return region->nodes + (search->slot >> GEO_SLOT_BITS);
}

/* A leaf whose value is another line, or an alias. */
static __attribute__((noinline)) uint32_t go_deeper(const struct geo *geo, struct search *search, uint32_t value)
{
	if ((value & GEO_VALUE_KIND) == GEO_VALUE_ALIAS)
		return find_alias(geo, (struct ip_address){search->high, search->low}, value);
	search->at += GEO_WINDOW_BITS;
	search->next = bits_at(search->high, search->low, search->at);
	return value;
}

/* Goes on for the `count` addresses in `list`, whose values so far are no places. */
static void find_below(const struct geo *geo, struct search *searches, uint8_t *list, unsigned count, uint32_t *values)
{
	for (unsigned i = 0; i < count; i++) {
		struct search *search = &searches[list[i]];

		__builtin_prefetch(&geo->lines[values[list[i]] & ~GEO_VALUE_KIND]);
		search->next = bits_at(search->high, search->low, search->at);
	}
	while (count > 0) {
		unsigned left = 0;

		for (unsigned i = 0; i < count; i++) {
			unsigned which = list[i];
			uint32_t was = values[which], value = was;

			if (LIKELY((was & GEO_VALUE_KIND) != GEO_VALUE_ALIAS))
				value = step_line(geo, was, searches[which].next);
			if (UNLIKELY(!is_place(value) && (was & GEO_VALUE_KIND) != GEO_VALUE_INNER))
				value = go_deeper(geo, &searches[which], value);
			values[which] = value;
			__builtin_prefetch(&geo->lines[value & ~GEO_VALUE_KIND]);
			list[left] = (uint8_t)which;
			left += !is_place(value);
		}
		count = left;
	}
}

static void find_some(const struct geo *geo, const struct ip_address *addresses, unsigned count, uint32_t *places)
{
	__attribute__((uninitialized)) struct search searches[BURST];
	__attribute__((uninitialized)) const struct geo_node *nodes[BURST];
	__attribute__((uninitialized)) uint8_t list[BURST];
	unsigned left = 0;

	for (unsigned i = 0; i < count; i++) {
		nodes[i] = begin(geo, addresses[i], &searches[i]);
		__builtin_prefetch(nodes[i]);
	}
	for (unsigned i = 0; i < count; i++) {
		places[i] = value_of_slot(nodes[i], searches[i].slot);
		__builtin_prefetch(&geo->values[places[i]]);
	}
	for (unsigned i = 0; i < count; i++) {
		places[i] = geo->values[places[i]];
		list[left] = (uint8_t)i;
		left += !is_place(places[i]);
	}
	if (left > 0)
		find_below(geo, searches, list, left, places);
}

void geo_find_burst(const struct geo *geo, const struct ip_address *addresses, unsigned count, uint32_t *places)
{
	for (unsigned from = 0; from < count; from += BURST)
		find_some(geo, addresses + from, count - from < BURST ? count - from : BURST, places + from);
}

struct slice geo_fragment(const struct geo *geo, uint32_t place)
{
	const uint8_t *at = geo->text + (size_t)place * GEO_FRAGMENT_UNIT;

	return (struct slice){at + 1, at[0]};
}

void geo_fragment_prefetch(const struct geo *geo, uint32_t place)
{
	__builtin_prefetch(geo->text + (size_t)place * GEO_FRAGMENT_UNIT);
}
