/* SPDX-License-Identifier: Apache-2.0 */
/* Reads any bytes as a geo database; of a table that comes of it, looks up addresses and their fragments. */
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "tables/geo.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define LOOKUPS 64

static void require(int truth)
{
	if (!truth)
		abort();
}

static void look_up(const struct geo *geo)
{
	struct ip_address addresses[LOOKUPS];
	uint32_t places[LOOKUPS];

	for (unsigned i = 0; i < LOOKUPS; i++) {
		uint64_t spread = i * UINT64_C(0x9E3779B97F4A7C15);

		addresses[i] = i % 4 == 0 ? address_of_v4((uint32_t)(spread >> 32)) : (struct ip_address){spread, ~spread};
		if (i % 4 == 1)
			addresses[i].high = UINT64_C(0x2001000000000000) | spread >> 16;
		if (i % 4 == 2)
			addresses[i] =
				(struct ip_address){i % 8 == 2 ? 0 : UINT64_C(0x2002) << 48 | spread >> 16, spread >> 32};
	}
	geo_find_burst(geo, addresses, LOOKUPS, places);
	for (unsigned i = 0; i < LOOKUPS; i++) {
		struct slice fragment = geo_fragment(geo, places[i]);

		require(fragment.len >= 9 && fragment.len <= GEO_FRAGMENT_MAX);
		require(memcmp(fragment.data, ",\"geo\":{", 8) == 0 && fragment.data[fragment.len - 1] == '}');
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct geo_config config = {
		.path_count = 1, .fields = GEO_COUNTRY | GEO_CITY | GEO_ASN, .budget_bytes = 64u << 20, .node = -1};
	struct error error = {""};
	struct geo *geo = NULL;
	char path[64];
	int fd = memfd_create("fuzz-geo", MFD_CLOEXEC);

	require(fd >= 0 && (size == 0 || write(fd, data, size) == (ssize_t)size));
	(void)snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	config.paths[0] = path;
	if (geo_new(&geo, &config, &error) == 0)
		look_up(geo);
	else
		require(strstr(error.text, path) != NULL || strstr(error.text, "budget") != NULL);
	geo_free(geo);
	(void)close(fd);
	return 0;
}
