/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * What the table says of a range: records of the databases, what several layers say together, and the fragments that
 * come of it, each once. Control threads.
 */

#include "tables/geo_file.h"
#include "tables/geo_table.h"

#define GEO_RECORD_NONE 0u /* what a layer says of an address that it does not have */

/* What one record says; of the fields that it does not know `known` has no bit. */
struct geo_record {
	const uint8_t *city; /* in the file; UTF-8 */
	uint32_t offset;     /* its own, in the data section; never that of a pointer to it */
	uint32_t city_size;
	uint32_t asn;
	uint32_t place; /* where there is one layer only, UINT32_MAX until it is asked for */
	unsigned known; /* enum geo_field, or-ed */
	char country[2];
};

/* Open addressing, a power of two in size, at most half full; values are above 0. */
struct geo_index {
	uint32_t *slots;
	size_t size, used;
};

/* The records of one layer. */
struct geo_layer {
	struct geo_file file;
	struct geo_record *records; /* owned; [0] is GEO_RECORD_NONE */
	size_t count, room;
	struct geo_index index; /* offset to record */
	uint32_t last_offset, last_record;
	uint64_t allowed; /* values, and bytes of names, that may still be looked at; 0: the file is damaged */
};

struct geo_places {
	struct geo_layer *layers; /* the caller's */
	unsigned layer_count, fields;
	uint8_t *text; /* owned */
	size_t size, room;
	uint32_t count;             /* of fragments */
	struct geo_index fragments; /* text to place */
	uint32_t *tuples;           /* layer_count records and a place, one after the other */
	size_t tuple_count, tuple_room;
	struct geo_index index; /* records of all layers to tuple */
};

/* The number of the record at `offset` of the layer's data section, decoded when it is met first; -errno: damaged, or
 * no memory. */
int64_t geo_layer_record(struct geo_layer *layer, uint32_t offset);

/* Reads the file. 0, or -errno with a sentence. Free with geo_layer_fini, also after a failure. */
int geo_layer_open(struct geo_layer *layer, const char *path, struct error *error);
void geo_layer_fini(struct geo_layer *layer); /* the file too */

/* Place GEO_UNKNOWN is made at once. 0 or -ENOMEM. */
int geo_places_init(struct geo_places *places, struct geo_layer *layers, unsigned layer_count, unsigned fields);
void geo_places_fini(struct geo_places *places);

/* The place of an address of which layer i has record records[i]; -ENOMEM. */
int64_t geo_places_get(struct geo_places *places, const uint32_t records[]);

/* Writes what the records say together and returns its bytes; `out` has GEO_FRAGMENT_MAX. */
unsigned geo_render(uint8_t *out, const struct geo_record *const records[], unsigned count, unsigned fields);

/* Whether all of it is well-formed UTF-8. */
int geo_is_utf8(const uint8_t *text, uint32_t size);
