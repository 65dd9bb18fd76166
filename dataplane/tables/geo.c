/* SPDX-License-Identifier: Apache-2.0 */
#include "tables/geo.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/compiler.h"
#include "base/memory.h"
#include "tables/geo_walk.h"

#define SLOT_BITS_MIN  14u
#define SLOT_BITS_MAX  24u
#define SLOTS_PER_NODE 4u

/* What a table is made of. */
struct making {
	struct geo_layer layers[GEO_LAYERS];
	unsigned layer_count;
	struct geo_places places;
	struct geo_build build;
};

static uint64_t round_up(uint64_t size)
{
	return (size + CACHE_LINE - 1) / CACHE_LINE * CACHE_LINE;
}

/* Copies a part of the table to `*at`, which moves behind it. */
static void *put_part(uint8_t **at, const void *part, uint64_t size)
{
	uint8_t *to = *at;

	if (size > 0)
		memcpy(to, part, size);
	*at = to + round_up(size);
	return to;
}

/* Copies what the table is made of behind its struct. */
static void put_parts(struct geo *geo, const struct making *making)
{
	const struct geo_build *build = &making->build;
	uint8_t *at = (uint8_t *)geo + round_up(sizeof(*geo));
	const struct geo_node *nodes = put_part(&at, build->nodes, build->node_count * sizeof(*nodes));

	for (unsigned i = 0; i < build->region_count; i++)
		geo->regions[i] = (struct geo_region){nodes + build->first_node[i], (uint16_t)build->skip[i],
			(uint16_t)(build->skip[i] + build->bits[i]), 64 - build->bits[i]};
	geo->region_count = build->region_count;
	geo->lines = put_part(&at, build->lines, build->line_count * sizeof(*build->lines));
	geo->values = put_part(&at, build->values, build->value_count * sizeof(*build->values));
	geo->text = put_part(&at, making->places.text, making->places.size);
}

static uint64_t block_size(const struct making *making)
{
	const struct geo_build *build = &making->build;

	return round_up(sizeof(struct geo)) + round_up(build->node_count * sizeof(*build->nodes)) +
	       round_up(build->line_count * sizeof(*build->lines)) +
	       round_up(build->value_count * sizeof(*build->values)) + round_up(making->places.size) + GEO_FRAGMENT_PAD;
}

static int over_budget(uint64_t budget, struct error *error)
{
	return error_set(error, -EFBIG,
		"geo databases: their table does not fit into its budget of %llu bytes: raise the budget, ask "
		"for fewer fields, or use smaller databases",
		(unsigned long long)budget);
}

static int open_layers(struct making *making, const struct geo_config *config, struct error *error)
{
	for (; making->layer_count < config->path_count; making->layer_count++) {
		struct geo_layer *layer = &making->layers[making->layer_count];
		int result = geo_layer_open(layer, config->paths[making->layer_count], error);

		if (result != 0) {
			geo_layer_fini(layer);
			return result;
		}
	}
	return 0;
}

/* Some slots for each range: then most slots have one range, or the few that a leaf holds. */
static unsigned choose_bits(const struct making *making)
{
	uint64_t nodes = 0;
	unsigned bits = SLOT_BITS_MIN;

	for (unsigned i = 0; i < making->layer_count; i++)
		nodes += making->layers[i].file.node_count;
	while (bits < SLOT_BITS_MAX && nodes * SLOTS_PER_NODE >> bits != 0)
		bits++;
	return bits;
}

static int make(struct making *making, const struct geo_config *config, struct error *error)
{
	int result = open_layers(making, config, error);

	if (result != 0)
		return result;
	geo_build_init(&making->build, config->budget_bytes);
	if (geo_places_init(&making->places, making->layers, making->layer_count, config->fields) != 0)
		return error_set(error, -ENOMEM, "geo databases: no memory for their places");
	result = geo_walk(&making->places, &making->build, choose_bits(making), config->leave, error);
	if (result == -EFBIG || (result == 0 && block_size(making) > config->budget_bytes))
		return over_budget(config->budget_bytes, error);
	if (result == -ENOMEM)
		return error_set(error, -ENOMEM, "geo databases: no memory for their table");
	return result;
}

static void making_fini(struct making *making)
{
	for (unsigned i = 0; i < making->layer_count; i++)
		geo_layer_fini(&making->layers[i]);
	geo_places_fini(&making->places);
	geo_build_fini(&making->build);
}

static void set_info(struct geo_info *info, const struct making *making, uint64_t bytes, int64_t began_ms)
{
	uint64_t built_s = 0;

	for (unsigned i = 0; i < making->layer_count; i++)
		if (making->layers[i].file.built_s > built_s)
			built_s = making->layers[i].file.built_s;
	*info = (struct geo_info){
		.prefixes = making->build.ranges,
		.places = making->places.count,
		.bytes = bytes,
		.built_us = (int64_t)built_s * 1000000,
		.loaded_us = clock_wall_us(),
		.build_ms = (uint32_t)(clock_ms() - began_ms),
	};
}

int geo_new(struct geo **geo, const struct geo_config *config, struct error *error)
{
	struct making *making = calloc(1, sizeof(*making));
	int64_t began_ms = clock_ms();
	uint64_t size = 0;
	struct geo *table = NULL;
	int result;

	if (making == NULL)
		return error_set(error, -ENOMEM, "geo databases: no memory");
	result = make(making, config, error);
	if (result == 0) {
		size = block_size(making);
		table = memory_map(size, CACHE_LINE, config->node);
		if (table == NULL)
			result = error_set(error, -ENOMEM, "geo databases: no memory for a table of %llu bytes",
				(unsigned long long)size);
	}
	if (table != NULL) {
		table->size = size;
		put_parts(table, making);
		set_info(&table->info, making, size, began_ms);
		*geo = table;
	}
	making_fini(making);
	free(making);
	return result;
}

int geo_copy(struct geo **copy, const struct geo *geo, int node)
{
	struct geo *table = memory_map(geo->size, CACHE_LINE, node);
	ptrdiff_t away;

	if (table == NULL)
		return -ENOMEM;
	memcpy(table, geo, geo->size);
	away = (uint8_t *)table - (const uint8_t *)geo;
	for (unsigned i = 0; i < table->region_count; i++)
		table->regions[i].nodes = (const void *)((const uint8_t *)table->regions[i].nodes + away);
	table->lines = (const void *)((const uint8_t *)table->lines + away);
	table->values = (const void *)((const uint8_t *)table->values + away);
	table->text += away;
	*copy = table;
	return 0;
}

void geo_free(struct geo *geo)
{
	if (geo != NULL)
		memory_unmap(geo, geo->size);
}

void geo_describe(const struct geo *geo, struct geo_info *info)
{
	*info = geo->info;
}
