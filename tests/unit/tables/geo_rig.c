/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "geo_rig.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define PATHS 64

static char paths[PATHS][128];
static unsigned path_count;
static uint64_t random_state = 1;

/* xorshift64* (Vigna 2016). */
uint32_t rig_random(void)
{
	random_state ^= random_state >> 12;
	random_state ^= random_state << 25;
	random_state ^= random_state >> 27;
	return (uint32_t)(random_state * UINT64_C(0x2545F4914F6CDD1D) >> 32);
}

uint32_t rig_random_below(uint32_t bound)
{
	return (uint32_t)((uint64_t)rig_random() * bound >> 32);
}

const char *rig_path(const char *name)
{
	const char *folder = getenv("TMPDIR");
	char *path = paths[path_count];

	assert_true(path_count < PATHS);
	path_count++;
	(void)snprintf(
		path, sizeof(paths[0]), "%s/penstock-geo-%d-%s", folder == NULL ? "/tmp" : folder, (int)getpid(), name);
	return path;
}

void rig_files_remove(void)
{
	while (path_count > 0)
		(void)unlink(paths[--path_count]);
}

const char *rig_write(const char *name, unsigned ip_version, unsigned record_bits, const char *const lines[])
{
	struct geo_writer *writer = geo_writer_new(ip_version, record_bits);
	const char *path = rig_path(name);

	for (; *lines != NULL; lines++)
		assert_int_equal(geo_writer_put_text(writer, *lines), 0);
	assert_int_equal(geo_writer_write(writer, path), 0);
	geo_writer_free(writer);
	return path;
}

struct geo *rig_load(unsigned fields, const char *const files[])
{
	struct geo_config config = {.fields = fields, .budget_bytes = UINT64_C(4) << 30, .node = -1};
	struct error error = {""};
	struct geo *geo = NULL;

	for (; files[config.path_count] != NULL; config.path_count++)
		config.paths[config.path_count] = files[config.path_count];
	if (geo_new(&geo, &config, &error) != 0)
		fail_msg("%s", error.text);
	return geo;
}

void rig_oracle_open(struct rig_oracle *oracle, unsigned fields, const char *const files[])
{
	*oracle = (struct rig_oracle){.fields = fields};
	for (; files[oracle->layer_count] != NULL; oracle->layer_count++)
		assert_int_equal(
			MMDB_open(files[oracle->layer_count], MMDB_MODE_MMAP, &oracle->layers[oracle->layer_count]),
			MMDB_SUCCESS);
}

void rig_oracle_close(struct rig_oracle *oracle)
{
	for (unsigned i = 0; i < oracle->layer_count; i++)
		MMDB_close(&oracle->layers[i]);
}

static void to_bytes(struct ip_address address, uint8_t bytes[16])
{
	for (unsigned i = 0; i < 8; i++) {
		bytes[i] = (uint8_t)(address.high >> (56 - 8 * i));
		bytes[8 + i] = (uint8_t)(address.low >> (56 - 8 * i));
	}
}

static MMDB_lookup_result_s look_up_v4(const MMDB_s *layer, uint32_t v4, int *error)
{
	struct sockaddr_in in = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(v4)};

	return MMDB_lookup_sockaddr(layer, (const struct sockaddr *)&in, error);
}

/* Whether another layer has its IPv4 tree there, and which of its addresses it is. */
static int is_alias(const struct rig_oracle *oracle, struct ip_address address, uint32_t *v4)
{
	unsigned with_v6 = 0;

	for (unsigned i = 0; i < oracle->layer_count; i++)
		with_v6 += oracle->layers[i].metadata.ip_version == 6;
	*v4 = address.high == 0 && address.low >> 32 == 0 ? (uint32_t)address.low
	      : address.high >> 48 == 0x2002              ? (uint32_t)(address.high >> 16)
							  : (uint32_t)address.high;
	return with_v6 > 0 &&
	       ((address.high == 0 && address.low >> 32 == 0) ||
		       (oracle->has_aliases && (address.high >> 48 == 0x2002 || address.high >> 32 == 0x20010000)));
}

static MMDB_lookup_result_s look_up(const struct rig_oracle *oracle, unsigned which, struct ip_address address)
{
	const MMDB_s *layer = &oracle->layers[which];
	struct sockaddr_in6 in = {.sin6_family = AF_INET6};
	MMDB_lookup_result_s result = {0};
	uint8_t bytes[16];
	int error = MMDB_SUCCESS;
	uint32_t v4;

	to_bytes(address, bytes);
	memcpy(&in.sin6_addr, bytes, sizeof(bytes));
	if (address_is_v4(address))
		result = look_up_v4(layer, (uint32_t)address.low, &error);
	else if (layer->metadata.ip_version == 6)
		result = MMDB_lookup_sockaddr(layer, (const struct sockaddr *)&in, &error);
	else if (is_alias(oracle, address, &v4))
		result = look_up_v4(layer, v4, &error);
	assert_int_equal(error, MMDB_SUCCESS);
	return result;
}

unsigned rig_prefix_length(const struct rig_oracle *oracle, struct ip_address address)
{
	unsigned bits = look_up(oracle, 0, address).netmask;

	return address_is_v4(address) && bits <= 32 ? bits + 96 : bits;
}

static int get(MMDB_entry_s *entry, uint32_t type, MMDB_entry_data_s *data, const char *const path[])
{
	return MMDB_aget_value(entry, data, path) == MMDB_SUCCESS && data->has_data && data->type == type;
}

/* For names without anything that JSON escapes. */
unsigned rig_expect(const struct rig_oracle *oracle, struct ip_address address, char *out)
{
	static const char *const country[] = {"country", "iso_code", NULL}, *const country_flat[] = {
										    "country_code", NULL};
	static const char *const city[] = {"city", "names", "en", NULL}, *const city_flat[] = {"city", NULL};
	static const char *const asn[] = {"autonomous_system_number", NULL};
	MMDB_entry_data_s found[3] = {0}, data;
	int len;

	for (unsigned i = 0; i < oracle->layer_count; i++) {
		MMDB_lookup_result_s result = look_up(oracle, i, address);

		if (!result.found_entry)
			continue;
		if (!found[0].has_data && (get(&result.entry, MMDB_DATA_TYPE_UTF8_STRING, &data, country) ||
						  get(&result.entry, MMDB_DATA_TYPE_UTF8_STRING, &data, country_flat)))
			found[0] = data;
		if (!found[1].has_data && (get(&result.entry, MMDB_DATA_TYPE_UTF8_STRING, &data, city) ||
						  get(&result.entry, MMDB_DATA_TYPE_UTF8_STRING, &data, city_flat)))
			found[1] = data;
		if (!found[2].has_data && get(&result.entry, MMDB_DATA_TYPE_UINT32, &data, asn))
			found[2] = data;
	}
	len = sprintf(out, ",\"geo\":{\"country\":\"%.2s\"", found[0].has_data ? found[0].utf8_string : "ZZ");
	if (found[1].has_data && (oracle->fields & GEO_CITY))
		len += sprintf(out + len, ",\"city\":\"%.*s\"", (int)found[1].data_size, found[1].utf8_string);
	if (found[2].has_data && (oracle->fields & GEO_ASN))
		len += sprintf(out + len, ",\"asn\":%u", found[2].uint32);
	return (unsigned)(len + sprintf(out + len, "}"));
}

void rig_compare(
	const struct geo *geo, const struct rig_oracle *oracle, const struct ip_address *addresses, unsigned count)
{
	uint32_t places[256];

	assert_true(count <= 256);
	geo_find_burst(geo, addresses, count, places);
	for (unsigned i = 0; i < count; i++) {
		struct slice fragment = geo_fragment(geo, places[i]);
		char expected[256];
		unsigned len = rig_expect(oracle, addresses[i], expected);

		if (fragment.len != len || memcmp(fragment.data, expected, len) != 0)
			fail_msg("%016llx%016llx: %.*s, libmaxminddb %.*s", (unsigned long long)addresses[i].high,
				(unsigned long long)addresses[i].low, (int)fragment.len, (const char *)fragment.data,
				(int)len, expected);
	}
}

struct slice rig_find(const struct geo *geo, const char *text)
{
	struct ip_address address;
	uint32_t place;

	assert_int_equal(address_parse((struct slice){(const uint8_t *)text, (uint32_t)strlen(text)}, &address), 0);
	geo_find_burst(geo, &address, 1, &place);
	return geo_fragment(geo, place);
}

static struct ip_address near(struct ip_address edge)
{
	uint64_t low = edge.low + rig_random_below(5) - 2;

	if (low > edge.low && low - edge.low > 2)
		edge.high--;
	else if (low < edge.low && edge.low - low > 2)
		edge.high++;
	if (rig_random_below(4) == 0)
		low ^= UINT64_C(1) << rig_random_below(64);
	if (!address_is_v4(edge) && rig_random_below(4) == 0)
		edge.high ^= UINT64_C(1) << rig_random_below(64);
	edge.low = low;
	return edge;
}

struct ip_address rig_address(const struct ip_address *edges, unsigned edge_count)
{
	static const uint16_t blocks[] = {0x2001, 0x2002, 0x2400, 0x2600, 0x2804, 0x2a00, 0x2a02, 0x2c0f};
	uint64_t high = (uint64_t)rig_random() << 32 | rig_random(), low = (uint64_t)rig_random() << 32 | rig_random();

	if (edge_count > 0 && rig_random_below(3) == 0)
		return near(edges[rig_random_below(edge_count)]);
	if (rig_random_below(2) == 0)
		return address_of_v4((uint32_t)high);
	switch (rig_random_below(8)) {
	case 0: /* anywhere */
		return (struct ip_address){high, low};
	case 1: /* the old form of an IPv4 address */
		return (struct ip_address){0, (uint32_t)low};
	case 2: /* what aliases stand for */
		return (struct ip_address){rig_random_below(2) ? UINT64_C(0x2002) << 48 | high >> 16
							    : UINT64_C(0x20010000) << 32 | high >> 32,
			low};
	default:
		return (struct ip_address){(uint64_t)blocks[high & 7] << 48 | high >> 16, low};
	}
}
