/* SPDX-License-Identifier: Apache-2.0 */
#include "tables/geo_build.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define INDEX_END ((size_t)1 << 30) /* of lines and values: beyond, they would meet the bits of a value's kind */

/* Entries of a tree: from `key` on, `value`. */
struct entry {
	uint32_t key, value;
};

struct entries {
	struct entry *items;
	size_t count, room;
};

void geo_build_init(struct geo_build *build, uint64_t bytes_max)
{
	*build = (struct geo_build){.bytes_max = bytes_max};
}

void geo_build_fini(struct geo_build *build)
{
	free(build->nodes);
	free(build->lines);
	free(build->values);
	free(build->shared.items);
	*build = (struct geo_build){0};
}

uint64_t geo_build_bytes(const struct geo_build *build)
{
	return build->node_count * sizeof(*build->nodes) + build->line_count * sizeof(*build->lines) +
	       build->value_count * sizeof(*build->values);
}

static void fail(struct geo_build *build, int result)
{
	if (build->result == 0)
		build->result = result;
}

/* Makes room for `more` items behind `count`; the array as it is or moved, NULL when there is no memory for it. */
static void *grow(void *items, size_t size, size_t count, size_t *room, size_t more)
{
	size_t wanted = *room * 2 > count + more ? *room * 2 : count + more + 16;
	void *moved;

	if (count + more <= *room)
		return items;
	moved = reallocarray(items, wanted, size);
	if (moved != NULL)
		*room = wanted;
	return moved;
}

static int within_budget(struct geo_build *build)
{
	if (build->line_count >= INDEX_END || build->value_count >= INDEX_END ||
		geo_build_bytes(build) > build->bytes_max)
		fail(build, -EFBIG);
	return build->result == 0;
}

static void add_value(struct geo_build *build, uint32_t value)
{
	uint32_t *values = grow(build->values, sizeof(*values), build->value_count, &build->value_room, 1);

	if (values == NULL) {
		fail(build, -ENOMEM);
		return;
	}
	build->values = values;
	values[build->value_count++] = value;
}

/* Appends `count` lines; NULL when that failed. */
static union geo_line *add_lines(struct geo_build *build, size_t count)
{
	union geo_line *lines = grow(build->lines, sizeof(*lines), build->line_count, &build->line_room, count);

	if (lines == NULL) {
		fail(build, -ENOMEM);
		return NULL;
	}
	build->lines = lines;
	lines += build->line_count;
	build->line_count += count;
	return within_budget(build) ? lines : NULL;
}

static int32_t key_of(uint32_t first)
{
	return (int32_t)((first - 1) ^ UINT32_C(0x80000000));
}

static void add_entry(struct geo_build *build, struct entries *entries, uint32_t key, uint32_t value)
{
	struct entry *items = grow(entries->items, sizeof(*items), entries->count, &entries->room, 1);

	if (items == NULL) {
		fail(build, -ENOMEM);
		return;
	}
	entries->items = items;
	items[entries->count++] = (struct entry){key, value};
}

/* The leaves of the entries, as the value of the first. */
static uint32_t add_leaves(struct geo_build *build, const struct entries *entries)
{
	size_t first = build->line_count, count = (entries->count + GEO_LEAF_WAYS - 1) / GEO_LEAF_WAYS;
	union geo_line *lines = add_lines(build, count);

	if (lines == NULL)
		return GEO_UNKNOWN;
	for (size_t i = 0; i < count * GEO_LEAF_WAYS; i++) {
		const struct entry *entry = &entries->items[i < entries->count ? i : entries->count - 1];
		union geo_line *line = &lines[i / GEO_LEAF_WAYS];

		line->leaf.keys[(i + GEO_LEAF_WAYS - 1) % GEO_LEAF_WAYS] =
			i < entries->count && i % GEO_LEAF_WAYS > 0 ? key_of(entry->key) : INT32_MAX;
		line->leaf.values[i % GEO_LEAF_WAYS] = entry->value;
	}
	return GEO_VALUE_LEAF | (uint32_t)first;
}

/* Lines above `count` ones that follow each other, the first of which has the value `below` and each of which begins
 * with every `stride`th entry. Returns the value of the first. */
static uint32_t add_inner(
	struct geo_build *build, const struct entries *entries, uint32_t below, size_t count, size_t stride)
{
	size_t first = build->line_count, above = (count + GEO_INNER_WAYS - 1) / GEO_INNER_WAYS;
	union geo_line *lines = add_lines(build, above);

	if (lines == NULL)
		return GEO_UNKNOWN;
	for (size_t i = 0; i < above * GEO_INNER_WAYS; i++) {
		union geo_line *line = &lines[i / GEO_INNER_WAYS];
		unsigned way = i % GEO_INNER_WAYS;

		if (way == 0)
			line->inner.base = below + (uint32_t)i;
		else
			line->inner.keys[way - 1] = i < count ? key_of(entries->items[i * stride].key) : INT32_MAX;
	}
	return GEO_VALUE_INNER | (uint32_t)first;
}

/* The tree of the entries, as a value. */
static uint32_t add_tree(struct geo_build *build, const struct entries *entries)
{
	size_t count = (entries->count + GEO_LEAF_WAYS - 1) / GEO_LEAF_WAYS;
	uint32_t value = add_leaves(build, entries);

	for (size_t stride = GEO_LEAF_WAYS; count > 1 && build->result == 0; stride *= GEO_INNER_WAYS) {
		value = add_inner(build, entries, value, count, stride);
		count = (count + GEO_INNER_WAYS - 1) / GEO_INNER_WAYS;
	}
	return value;
}

static uint32_t add_ranges(struct geo_build *build, const struct geo_range *ranges, size_t count);

/* Whether the first 32 bits say where the range begins. */
static int is_whole(const struct geo_range *range)
{
	return (uint32_t)range->high == 0 && range->low == 0;
}

/* Ranges that begin with the same 32 bits, as a tree for the bits behind. `before` is the value ahead of them. */
static uint32_t add_rest(struct geo_build *build, const struct geo_range *ranges, size_t count, uint32_t before)
{
	struct geo_range *rest = calloc(count + 1, sizeof(*rest));
	size_t ahead = !is_whole(&ranges[0]);
	uint32_t value;

	if (rest == NULL) {
		fail(build, -ENOMEM);
		return GEO_UNKNOWN;
	}
	rest[0].value = before;
	for (size_t i = 0; i < count; i++)
		rest[i + ahead] = (struct geo_range){
			ranges[i].high << 32 | ranges[i].low >> 32, ranges[i].low << 32, ranges[i].value};
	value = add_ranges(build, rest, count + ahead);
	free(rest);
	return value;
}

/* The tree of ranges that begin with the bits to be looked at next; the first begins at 0. */
static uint32_t add_ranges(struct geo_build *build, const struct geo_range *ranges, size_t count)
{
	struct entries entries = {0};
	uint32_t value = GEO_UNKNOWN;

	for (size_t i = 0, next; i < count; i = next) {
		uint32_t key = (uint32_t)(ranges[i].high >> 32);

		for (next = i + 1; next < count && ranges[next].high >> 32 == key; next++)
			;
		if (next == i + 1 && is_whole(&ranges[i])) {
			add_entry(build, &entries, key, ranges[i].value);
			continue;
		}
		add_entry(build, &entries, key,
			add_rest(build, ranges + i, next - i, i == 0 ? GEO_UNKNOWN : ranges[i - 1].value));
		if (key != UINT32_MAX && (next == count || ranges[next].high >> 32 != key + 1))
			add_entry(build, &entries, key + 1, ranges[next - 1].value);
	}
	if (build->result == 0)
		value = add_tree(build, &entries);
	free(entries.items);
	return value;
}

/* Ends the node: its values go side by side, but a node of a single value shares it with one before. */
static void close_node(struct geo_build *build)
{
	size_t node = build->first_node[build->region_count - 1] + ((build->slot_next - 1) >> GEO_SLOT_BITS);
	int is_single = build->slot_value_count == 1;
	size_t first = build->value_count;

	if (is_single && build->single != SIZE_MAX && build->values[build->single] == build->slot_values[0]) {
		first = build->single;
	} else {
		for (unsigned i = 0; i < build->slot_value_count; i++)
			add_value(build, build->slot_values[i]);
		if (is_single)
			build->single = first;
	}
	build->nodes[node] = (struct geo_node){.begins = build->begins, .base = (uint32_t)first - 1};
	build->begins = 0;
	build->slot_value_count = 0;
	(void)within_budget(build);
}

/* Gives the next slot its value. */
static void add_slot(struct geo_build *build, uint32_t value)
{
	unsigned bit = build->slot_next & ((1u << GEO_SLOT_BITS) - 1);

	if (bit == 0 || build->slot_values[build->slot_value_count - 1] != value) {
		build->slot_values[build->slot_value_count++] = value;
		build->begins |= UINT64_C(1) << bit;
	}
	build->slot_next++;
	if (bit == (1u << GEO_SLOT_BITS) - 1)
		close_node(build);
}

static void add_slots(struct geo_build *build, uint64_t end, uint32_t value)
{
	while (build->slot_next < end && build->result == 0) {
		if (build->slot_value_count == 0 && end - build->slot_next >= 1u << GEO_SLOT_BITS) {
			build->slot_values[build->slot_value_count++] = value;
			build->begins = 1;
			build->slot_next += 1u << GEO_SLOT_BITS;
			close_node(build);
		} else {
			add_slot(build, value);
		}
	}
}

static void close_shared(struct geo_build *build)
{
	struct geo_ranges *shared = &build->shared;

	if (shared->count > 0)
		add_slot(build,
			shared->count == 1 ? shared->items[0].value : add_ranges(build, shared->items, shared->count));
	shared->count = 0;
}

static void add_shared(struct geo_build *build, struct geo_range range)
{
	struct geo_range *items =
		grow(build->shared.items, sizeof(*items), build->shared.count, &build->shared.room, 1);

	if (items == NULL) {
		fail(build, -ENOMEM);
		return;
	}
	build->shared.items = items;
	items[build->shared.count++] = range;
}

void geo_build_begin(struct geo_build *build, unsigned skip, unsigned bits)
{
	size_t count = (size_t)1 << (bits - GEO_SLOT_BITS);
	struct geo_node *nodes = grow(build->nodes, sizeof(*nodes), build->node_count, &build->node_room, count);

	build->skip[build->region_count] = skip;
	build->bits[build->region_count] = bits;
	build->first_node[build->region_count++] = build->node_count;
	build->slot_next = 0;
	build->single = SIZE_MAX;
	if (nodes == NULL) {
		fail(build, -ENOMEM);
		return;
	}
	build->nodes = nodes;
	build->node_count += count;
	(void)within_budget(build);
}

static struct geo_range without_first(struct geo_range range, unsigned bits)
{
	if (bits == 0)
		return range;
	return (struct geo_range){range.high << bits | range.low >> (64 - bits), range.low << bits, range.value};
}

void geo_build_add(struct geo_build *build, uint64_t high, uint64_t low, uint32_t value)
{
	unsigned bits = build->bits[build->region_count - 1];
	struct geo_range range =
		without_first((struct geo_range){high, low, value}, build->skip[build->region_count - 1]);
	uint64_t slot = range.high >> (64 - bits);
	int is_first = range.high == 0 && range.low == 0;

	range = without_first(range, bits);
	if (build->result != 0 || (!is_first && build->last == value))
		return;
	if (build->shared.count > 0 && build->shared_slot != slot)
		close_shared(build);
	if (build->shared.count == 0) {
		add_slots(build, slot, build->last);
		if (range.high != 0 || range.low != 0)
			add_shared(build, (struct geo_range){.value = build->last});
		build->shared_slot = slot;
	}
	add_shared(build, range);
	build->last = value;
	build->ranges += value != GEO_UNKNOWN;
}

int geo_build_end(struct geo_build *build)
{
	if (build->result == 0) {
		close_shared(build);
		add_slots(build, UINT64_C(1) << build->bits[build->region_count - 1], build->last);
	}
	return build->result;
}
