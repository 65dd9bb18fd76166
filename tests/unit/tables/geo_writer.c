/* SPDX-License-Identifier: Apache-2.0 */
#include "geo_writer.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BUILT_S     1767225600u
#define V4_LENGTH   96u
#define INDEX_START 1024u

/* What a side of a node leads to: nothing (0), a node (its number * 2, never the root), or data (its offset * 2 + 1).
 */
struct tree_node {
	uint32_t sides[2];
};

struct bytes {
	uint8_t *data;
	size_t size, room;
};

struct known {
	uint32_t offset, size; /* in the data section; size 0: free */
};

struct geo_writer {
	unsigned ip_version, record_bits;
	struct tree_node *nodes;
	size_t node_count, node_room;
	struct bytes data;
	struct known *index; /* of data, by its hash */
	size_t index_size, index_used;
};

static void *need(void *memory)
{
	if (memory == NULL)
		abort();
	return memory;
}

static void append(struct bytes *bytes, const void *data, size_t size)
{
	if (bytes->size + size > bytes->room) {
		bytes->room = (bytes->size + size) * 2;
		bytes->data = need(realloc(bytes->data, bytes->room));
	}
	memcpy(bytes->data + bytes->size, data, size);
	bytes->size += size;
}

/* --- values
 * ----------------------------------------------------------------------------------------------------------------- */

enum { STRING = 2, UINT16 = 5, UINT32 = 6, MAP = 7, UINT64 = 9, ARRAY = 11 };

static void put_control(struct bytes *out, unsigned type, size_t size)
{
	uint8_t control[4] = {0};
	size_t count = 1, small = size < 29 ? size : size < 285 ? 29 : 30;

	if (type > 7) {
		control[0] = (uint8_t)small;
		control[count++] = (uint8_t)(type - 7);
	} else {
		control[0] = (uint8_t)(type << 5 | small);
	}
	if (small == 29)
		control[count++] = (uint8_t)(size - 29);
	append(out, control, count);
	if (small == 30)
		append(out, (uint8_t[]){(uint8_t)((size - 285) >> 8), (uint8_t)(size - 285)}, 2);
}

static void put_string(struct bytes *out, const char *text)
{
	put_control(out, STRING, strlen(text));
	append(out, text, strlen(text));
}

static void put_number(struct bytes *out, unsigned type, uint64_t number)
{
	uint8_t bytes[8];
	unsigned at = sizeof(bytes);

	for (; number > 0; number >>= 8)
		bytes[--at] = (uint8_t)number;
	put_control(out, type, sizeof(bytes) - at);
	append(out, bytes + at, sizeof(bytes) - at);
}

static void put_named_number(struct bytes *out, const char *name, unsigned type, uint64_t number)
{
	put_string(out, name);
	put_number(out, type, number);
}

static void put_named_string(struct bytes *out, const char *name, const char *text)
{
	put_string(out, name);
	put_string(out, text);
}

static void put_record(struct bytes *out, const struct geo_writer_record *record)
{
	put_control(out, MAP, (unsigned)(record->country != NULL) + (record->city != NULL) + (record->asn != 0));
	if (record->asn != 0)
		put_named_number(out, "autonomous_system_number", UINT32, record->asn);
	if (record->city != NULL && record->is_flat) {
		put_named_string(out, "city", record->city);
	} else if (record->city != NULL) {
		put_string(out, "city");
		put_control(out, MAP, 2);
		put_named_number(out, "geoname_id", UINT32, 12345);
		put_string(out, "names");
		put_control(out, MAP, 2);
		put_named_string(out, "de", "Stadt");
		put_named_string(out, "en", record->city);
	}
	if (record->country != NULL && record->is_flat) {
		put_named_string(out, "country_code", record->country);
	} else if (record->country != NULL) {
		put_string(out, "country");
		put_control(out, MAP, 1);
		put_named_string(out, "iso_code", record->country);
	}
}

/* --- the tree
 * --------------------------------------------------------------------------------------------------------------- */

struct geo_writer *geo_writer_new(unsigned ip_version, unsigned record_bits)
{
	struct geo_writer *writer = need(calloc(1, sizeof(*writer)));

	writer->ip_version = ip_version;
	writer->record_bits = record_bits;
	writer->node_room = 16;
	writer->nodes = need(calloc(writer->node_room, sizeof(*writer->nodes)));
	writer->node_count = 1;
	writer->index_size = INDEX_START;
	writer->index = need(calloc(writer->index_size, sizeof(*writer->index)));
	return writer;
}

void geo_writer_free(struct geo_writer *writer)
{
	free(writer->nodes);
	free(writer->data.data);
	free(writer->index);
	free(writer);
}

static uint32_t new_node(struct geo_writer *writer, uint32_t both)
{
	if (writer->node_count == writer->node_room) {
		writer->node_room *= 2;
		writer->nodes = need(reallocarray(writer->nodes, writer->node_room, sizeof(*writer->nodes)));
	}
	writer->nodes[writer->node_count] = (struct tree_node){{both, both}};
	return (uint32_t)writer->node_count++;
}

static unsigned bit_of(struct ip_address address, unsigned bit)
{
	return (unsigned)((bit < 64 ? address.high >> (63 - bit) : address.low >> (127 - bit)) & 1);
}

/* Where the prefix leads: the side of a node, nodes above it being made. */
static uint32_t *find_side(struct geo_writer *writer, struct ip_address prefix, unsigned length)
{
	int is_v4 = length >= V4_LENGTH && address_is_v4(prefix);
	unsigned bit = is_v4 && writer->ip_version == 4 ? V4_LENGTH : 0;
	uint32_t node = 0, *side;

	if (is_v4)
		prefix.low &= UINT32_MAX;
	for (;; bit++) {
		side = &writer->nodes[node].sides[bit_of(prefix, bit)];
		if (bit + 1 >= length)
			return side;
		if (*side == 0 || *side & 1) {
			uint32_t made = new_node(writer, *side);

			writer->nodes[node].sides[bit_of(prefix, bit)] = made * 2;
			node = made;
		} else {
			node = *side / 2;
		}
	}
}

static uint64_t hash_of(const void *data, size_t size)
{
	uint64_t hash = UINT64_C(0xcbf29ce484222325); /* FNV-1a */

	for (size_t i = 0; i < size; i++)
		hash = (hash ^ ((const uint8_t *)data)[i]) * UINT64_C(0x100000001b3);
	return hash ^ hash >> 32;
}

static struct known *find_known(struct geo_writer *writer, const void *data, uint32_t size)
{
	size_t at = hash_of(data, size) & (writer->index_size - 1);

	for (; writer->index[at].size != 0; at = (at + 1) & (writer->index_size - 1))
		if (writer->index[at].size == size &&
			memcmp(writer->data.data + writer->index[at].offset, data, size) == 0)
			break;
	return &writer->index[at];
}

static void widen_index(struct geo_writer *writer)
{
	struct known *old = writer->index;
	size_t old_size = writer->index_size;

	writer->index_size *= 2;
	writer->index = need(calloc(writer->index_size, sizeof(*writer->index)));
	for (size_t i = 0; i < old_size; i++)
		if (old[i].size != 0)
			*find_known(writer, writer->data.data + old[i].offset, old[i].size) = old[i];
	free(old);
}

void geo_writer_put_data(
	struct geo_writer *writer, struct ip_address prefix, unsigned length, const void *data, uint32_t size)
{
	struct known *known = find_known(writer, data, size);
	uint32_t offset = known->offset;

	if (known->size == 0) {
		offset = (uint32_t)writer->data.size;
		*known = (struct known){offset, size};
		append(&writer->data, data, size);
		if (++writer->index_used * 2 > writer->index_size)
			widen_index(writer);
	}
	*find_side(writer, prefix, length) = offset * 2 + 1;
}

void geo_writer_put(
	struct geo_writer *writer, struct ip_address prefix, unsigned length, const struct geo_writer_record *record)
{
	struct bytes bytes = {0};

	put_record(&bytes, record);
	geo_writer_put_data(writer, prefix, length, bytes.data, (uint32_t)bytes.size);
	free(bytes.data);
}

int geo_writer_put_text(struct geo_writer *writer, const char *line)
{
	char prefix[64], country[8], asn[16], city[256] = "-";
	struct geo_writer_record record = {0};
	struct ip_address address;
	unsigned length;

	if (sscanf(line, "%63s %7s %15s %255[^\n]", prefix, country, asn, city) < 3 ||
		address_parse_prefix(
			(struct slice){(const uint8_t *)prefix, (uint32_t)strlen(prefix)}, &address, &length) != 0)
		return -1;
	record.country = strcmp(country, "-") == 0 ? NULL : country;
	record.asn = (uint32_t)strtoul(asn, NULL, 10);
	record.city = strcmp(city, "-") == 0 ? NULL : city;
	geo_writer_put(writer, address, length, &record);
	return 0;
}

void geo_writer_alias(struct geo_writer *writer, struct ip_address prefix, unsigned length)
{
	uint32_t *v4 = find_side(writer, (struct ip_address){0, 0}, V4_LENGTH), tree;

	if (*v4 == 0 || *v4 & 1) {
		tree = new_node(writer, *v4) * 2;
		*find_side(writer, (struct ip_address){0, 0}, V4_LENGTH) = tree;
	}
	tree = *find_side(writer, (struct ip_address){0, 0}, V4_LENGTH);
	if (length == V4_LENGTH &&
		address_is_v4(prefix)) /* find_side would take it for IPv4: the right side of its sibling's node */
		find_side(writer, (struct ip_address){0, UINT64_C(0xfffe) << 32}, V4_LENGTH)[1] = tree;
	else
		*find_side(writer, prefix, length) = tree;
}

void geo_writer_aliases(struct geo_writer *writer)
{
	geo_writer_alias(writer, address_of_v4(0), V4_LENGTH);
	geo_writer_alias(writer, (struct ip_address){UINT64_C(0x2001000000000000), 0}, 32);
	geo_writer_alias(writer, (struct ip_address){UINT64_C(0x2002000000000000), 0}, 16);
}

/* --- the file
 * --------------------------------------------------------------------------------------------------------------- */

/* Numbers the nodes that the root leads to, each ahead of those below; returns them in their order. */
static uint32_t *order_nodes(const struct geo_writer *writer, uint32_t *numbers, uint32_t *count)
{
	uint32_t *order = need(malloc(writer->node_count * sizeof(*order)));
	uint32_t *stack = need(malloc((writer->node_count * 2 + 2) * sizeof(*stack)));
	size_t depth = 0;

	memset(numbers, 0xFF, writer->node_count * sizeof(*numbers));
	*count = 0;
	stack[depth++] = 0;
	while (depth > 0) {
		uint32_t node = stack[--depth];

		if (numbers[node] != UINT32_MAX)
			continue;
		numbers[node] = *count;
		order[(*count)++] = node;
		for (int side = 1; side >= 0; side--) {
			uint32_t to = writer->nodes[node].sides[side];

			if (to != 0 && !(to & 1))
				stack[depth++] = to / 2;
		}
	}
	free(stack);
	return order;
}

static void pack(uint8_t out[8], unsigned bits, uint32_t left, uint32_t right)
{
	unsigned size = bits / 8;

	for (unsigned i = 0; i < size; i++) {
		out[i] = (uint8_t)(left >> 8 * (size - 1 - i));
		out[bits / 4 - size + i] = (uint8_t)(right >> 8 * (size - 1 - i));
	}
	if (bits == 28)
		out[3] = (uint8_t)(left >> 24 << 4 | right >> 24);
}

static uint32_t record_of(uint32_t side, const uint32_t *numbers, uint32_t count)
{
	return side == 0 ? count : side & 1 ? count + 16 + side / 2 : numbers[side / 2];
}

static void put_metadata(struct bytes *out, const struct geo_writer *writer, uint32_t count)
{
	append(out, "\xAB\xCD\xEFMaxMind.com", 14);
	put_control(out, MAP, 9);
	put_named_number(out, "binary_format_major_version", UINT16, 2);
	put_named_number(out, "binary_format_minor_version", UINT16, 0);
	put_named_number(out, "build_epoch", UINT64, BUILT_S);
	put_named_string(out, "database_type", "Test");
	put_string(out, "description");
	put_control(out, MAP, 1);
	put_named_string(out, "en", "Made by a test");
	put_named_number(out, "ip_version", UINT16, writer->ip_version);
	put_string(out, "languages");
	put_control(out, ARRAY, 1);
	put_string(out, "en");
	put_named_number(out, "node_count", UINT32, count);
	put_named_number(out, "record_size", UINT16, writer->record_bits);
}

int geo_writer_write(struct geo_writer *writer, const char *path)
{
	uint32_t *numbers = need(malloc(writer->node_count * sizeof(*numbers))), count;
	uint32_t *order = order_nodes(writer, numbers, &count);
	struct bytes metadata = {0};
	FILE *file = fopen(path, "wb");
	int good = file != NULL;

	for (uint32_t i = 0; i < count && good; i++) {
		const uint32_t *sides = writer->nodes[order[i]].sides;
		uint8_t bytes[8];

		pack(bytes, writer->record_bits, record_of(sides[0], numbers, count),
			record_of(sides[1], numbers, count));
		good = fwrite(bytes, writer->record_bits / 4, 1, file) == 1;
	}
	put_metadata(&metadata, writer, count);
	good = good && fwrite((const uint8_t[16]){0}, 16, 1, file) == 1 &&
	       (writer->data.size == 0 || fwrite(writer->data.data, writer->data.size, 1, file) == 1) &&
	       fwrite(metadata.data, metadata.size, 1, file) == 1;
	if (file != NULL && fclose(file) != 0)
		good = 0;
	free(metadata.data);
	free(order);
	free(numbers);
	return good ? 0 : -1;
}
