/* SPDX-License-Identifier: Apache-2.0 */
#include "tables/geo_walk.h"

#include <errno.h>
#include <string.h>

#define V4_DEPTH     96u /* of the IPv4 tree in a file with IPv6 */
#define V4_BITS      32u
#define V6_BITS      128u
#define SMALL_BITS   16u /* of regions beside the two that all have, which few look into */
#define VISITS_SLACK (UINT64_C(1) << 20)
#define VISITS_LOOK  65536u /* between two looks whether the table is still wanted */

/* Where a layer stands: at a node, or at the record that it has for all addresses below. */
#define CELL_RECORD (UINT32_C(1) << 31) /* with the record's number; else a node's */

struct cells {
	uint32_t of[GEO_LAYERS];
};

struct walk {
	struct geo_places *places;
	struct geo_build *build;
	struct error *error;
	struct cells v4;                     /* each layer's IPv4 tree */
	struct cells regions[GEO_REGIONS];   /* where those of IPv4 begin; of IPv6 unused */
	unsigned region_count, address_bits; /* of the region that is walked */
	uint64_t high, low;                  /* first address of what is looked at, from the highest bit on */
	int leave_global;                    /* 2000::/3 is not walked, having a region of its own */
	uint64_t visits_left;                /* a tree with a loop would take for ever */
	const atomic_int *leave;
	unsigned looks; /* that could have been taken at it */
	int result;
};

static int fail(struct walk *walk, unsigned layer, int result, const char *what)
{
	if (walk->result == 0)
		walk->result = error_set(walk->error, result, "geo database %s is damaged: %s: fetch it again",
			walk->places->layers[layer].file.path, what);
	return walk->result;
}

/* The cell that a record of a node leads to. */
static uint32_t cell_of_record(struct walk *walk, unsigned layer, uint32_t record)
{
	struct geo_layer *of = &walk->places->layers[layer];
	uint32_t nodes = of->file.node_count;
	int64_t number;

	if (record < nodes)
		return record;
	if (record == nodes)
		return CELL_RECORD | GEO_RECORD_NONE;
	if (record - nodes < GEO_FILE_SEPARATOR || record - nodes - GEO_FILE_SEPARATOR >= of->file.data.size) {
		(void)fail(walk, layer, -EINVAL, "its search tree leads out of its data");
		return CELL_RECORD | GEO_RECORD_NONE;
	}
	number = geo_layer_record(of, record - nodes - GEO_FILE_SEPARATOR);
	if (number >= 0)
		return CELL_RECORD | (uint32_t)number;
	if (number == -ENOMEM)
		walk->result =
			error_set(walk->error, -ENOMEM, "geo database %s: no memory for its records", of->file.path);
	else
		(void)fail(walk, layer, -EINVAL,
			of->allowed == 0 ? "its records share so much that reading them would not end"
					 : "a record in its data cannot be read");
	return CELL_RECORD | GEO_RECORD_NONE;
}

static int all_records(const struct walk *walk, const struct cells *cells)
{
	uint32_t all = CELL_RECORD;

	for (unsigned i = 0; i < walk->places->layer_count; i++)
		all &= cells->of[i];
	return all != 0;
}

static void add_range(struct walk *walk, const struct cells *cells)
{
	uint32_t records[GEO_LAYERS];
	int64_t place;

	for (unsigned i = 0; i < walk->places->layer_count; i++)
		records[i] = cells->of[i] & ~CELL_RECORD;
	place = geo_places_get(walk->places, records);
	if (place < 0)
		walk->result = error_set(walk->error, -ENOMEM, "geo databases: no memory for their places");
	else
		geo_build_add(walk->build, walk->high, walk->low, (uint32_t)place);
}

/* The region of IPv4 addresses that begins with these cells, or -1 when there are too many. */
static int find_region(struct walk *walk, const struct cells *cells)
{
	size_t size = walk->places->layer_count * sizeof(cells->of[0]);

	for (unsigned i = 0; i < walk->region_count; i++)
		if ((i == GEO_REGION_V4 || i >= GEO_REGION_MORE) && memcmp(walk->regions[i].of, cells->of, size) == 0)
			return (int)i;
	if (walk->region_count == GEO_REGIONS)
		return -1;
	walk->regions[walk->region_count] = *cells;
	return (int)walk->region_count++;
}

/* How many layers are where their IPv4 tree begins; if some are, layers with IPv4 only join them. */
static unsigned join_v4(const struct walk *walk, struct cells *cells)
{
	unsigned trees = 0;

	for (unsigned i = 0; i < walk->places->layer_count; i++)
		trees += !(cells->of[i] & CELL_RECORD) && cells->of[i] == walk->v4.of[i];
	for (unsigned i = 0; trees > 0 && i < walk->places->layer_count; i++)
		if (!walk->places->layers[i].file.has_v6)
			cells->of[i] = walk->v4.of[i];
	return trees;
}

/* Where IPv4 trees begin, `depth` bits below the root, makes the range an alias; not where a layer has other trees
 * there. */
static int add_alias(struct walk *walk, struct cells *cells, unsigned depth)
{
	int region;

	if (depth > V4_DEPTH || walk->address_bits != V6_BITS || join_v4(walk, cells) == 0)
		return 0;
	for (unsigned i = 0; i < walk->places->layer_count; i++)
		if (!(cells->of[i] & CELL_RECORD) && cells->of[i] != walk->v4.of[i])
			return 0;
	region = find_region(walk, cells);
	if (region >= 0)
		geo_build_add(walk->build, walk->high, walk->low, GEO_VALUE_ALIAS | (uint32_t)region << 8 | depth);
	return region >= 0;
}

static void set_bit(struct walk *walk, unsigned depth, unsigned bit)
{
	uint64_t *half = depth < 64 ? &walk->high : &walk->low;
	uint64_t mask = UINT64_C(1) << (63 - depth % 64);

	*half = bit ? *half | mask : *half & ~mask;
}

/* The cells at the given side below. */
static void go_down(struct walk *walk, const struct cells *from, unsigned side, struct cells *to)
{
	for (unsigned i = 0; i < walk->places->layer_count; i++) {
		const struct geo_file *file = &walk->places->layers[i].file;

		to->of[i] = from->of[i] & CELL_RECORD
				    ? from->of[i]
				    : cell_of_record(walk, i, geo_file_record(file, from->of[i], side));
	}
}

static unsigned first_tree(const struct cells *cells)
{
	unsigned i = 0;

	while (cells->of[i] & CELL_RECORD)
		i++;
	return i;
}

static void look_whether_wanted(struct walk *walk)
{
	if (walk->looks++ % VISITS_LOOK == 0 && walk->leave != NULL && atomic_load_explicit(walk->leave, memory_order_relaxed) != 0)
		walk->result = error_set(walk->error, -ECANCELED, "geo databases: not read to their end, since everything ends");
}

/* All that is below the cells, `depth` bits from the region's root. As deep as an address has bits. */
static void walk_below(struct walk *walk, struct cells *cells, unsigned depth)
{
	struct cells below;

	if (all_records(walk, cells)) {
		add_range(walk, cells);
		return;
	}
	if (depth == GEO_GLOBAL_BITS && walk->leave_global &&
		walk->high >> (64 - GEO_GLOBAL_BITS) == GEO_GLOBAL_PREFIX) {
		geo_build_add(walk->build, walk->high, walk->low, GEO_UNKNOWN);
		return;
	}
	if (add_alias(walk, cells, depth))
		return;
	if (depth == walk->address_bits || walk->visits_left == 0) {
		(void)fail(walk, first_tree(cells), -EINVAL, "its search tree has a loop");
		return;
	}
	look_whether_wanted(walk);
	walk->visits_left--;
	for (unsigned side = 0; side < 2; side++) {
		go_down(walk, cells, side, &below);
		if (walk->result != 0 || walk->build->result != 0)
			return;
		walk_below(walk, &below, depth + 1);
		set_bit(walk, depth, side == 0);
	}
}

/* The region's addresses begin with `skip` bits, which are in walk->high. */
static int walk_region(struct walk *walk, struct cells from, unsigned address_bits, unsigned skip, unsigned bits)
{
	int result;

	walk->low = 0;
	walk->address_bits = address_bits;
	geo_build_begin(walk->build, skip, bits);
	walk_below(walk, &from, skip);
	result = geo_build_end(walk->build);
	return walk->result != 0 ? walk->result : result;
}

/* A layer's cell where its IPv4 tree begins. */
static uint32_t find_v4(struct walk *walk, unsigned layer)
{
	const struct geo_file *file = &walk->places->layers[layer].file;
	uint32_t cell = 0;

	for (unsigned depth = 0; file->has_v6 && depth < V4_DEPTH && !(cell & CELL_RECORD); depth++)
		cell = cell_of_record(walk, layer, geo_file_record(file, cell, 0));
	return cell;
}

/* 2000::/3, then the rest of IPv6. */
static int walk_v6(struct walk *walk, const struct cells *root, unsigned bits)
{
	struct cells global = *root, below;
	int result;

	for (unsigned depth = 0; depth < GEO_GLOBAL_BITS && !all_records(walk, &global); depth++) {
		go_down(walk, &global, GEO_GLOBAL_PREFIX >> (GEO_GLOBAL_BITS - 1 - depth) & 1, &below);
		global = below;
	}
	if (walk->result != 0)
		return walk->result;
	walk->high = (uint64_t)GEO_GLOBAL_PREFIX << (64 - GEO_GLOBAL_BITS);
	result = walk_region(walk, global, V6_BITS, GEO_GLOBAL_BITS, bits);
	if (result != 0)
		return result;
	walk->high = 0;
	walk->leave_global = 1;
	result = walk_region(walk, *root, V6_BITS, 0, bits < SMALL_BITS ? bits : SMALL_BITS);
	walk->leave_global = 0;
	return result;
}

int geo_walk(struct geo_places *places, struct geo_build *build, unsigned bits, const atomic_int *leave, struct error *error)
{
	struct walk walk = {.places = places, .build = build, .leave = leave, .error = error, .visits_left = VISITS_SLACK};
	struct cells v6 = {0};
	int result;

	for (unsigned i = 0; i < places->layer_count; i++) {
		walk.visits_left += 16 * (uint64_t)places->layers[i].file.node_count;
		walk.v4.of[i] = find_v4(&walk, i);
		v6.of[i] = places->layers[i].file.has_v6 ? 0 : CELL_RECORD | GEO_RECORD_NONE;
	}
	if (walk.result != 0)
		return walk.result;
	walk.regions[GEO_REGION_V4] = walk.v4;
	walk.region_count = GEO_REGION_MORE;
	result = walk_region(&walk, walk.v4, V4_BITS, 0, bits);
	if (result == 0)
		result = walk_v6(&walk, &v6, bits);
	walk.high = 0;
	for (unsigned i = GEO_REGION_MORE; i < walk.region_count && result == 0; i++)
		result = walk_region(&walk, walk.regions[i], V4_BITS, 0, bits < SMALL_BITS ? bits : SMALL_BITS);
	return result;
}
