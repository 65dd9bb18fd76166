/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reads any bytes as the file of a category table. The first byte says as what: TSV, CSV, a prebuilt file as it is, or
 * one whose checksums are made right first, so that what stands behind them is reached; or lines of changes. A table
 * that loads must answer, be saved, and come back the same.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/memory.h"
#include "tables/category.h"
#include "tables/category_file.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define INPUT_MAX 65536u

enum kind { TSV, CSV, PREBUILT, SEALED, CHANGES, KINDS };

static void require(int truth)
{
	if (!truth)
		abort();
}

static const char *path_of(enum kind kind)
{
	static char paths[KINDS][64];
	static const char *const ends[] = {".tsv", ".csv", ".table", ".table", ".tsv"};

	(void)snprintf(paths[kind], sizeof(paths[kind]), "%s/penstock-fuzz-category-%d%s", P_tmpdir, (int)getpid(),
		ends[kind]);
	return paths[kind];
}

static void write_file(const char *path, const uint8_t *data, size_t size)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	require(fd >= 0 && write(fd, data, size) == (ssize_t)size);
	close(fd);
}

static int load(struct category **category, const char *path)
{
	struct category_config config = {
		.path = path, .name = "category", .budget_bytes = 1 << 22, .node = MEMORY_ANY_NODE};
	struct error error = {""};
	int rc = category_new(category, &config, &error);

	require(rc == 0 || (rc < 0 && strncmp(error.text, path, strlen(path)) == 0));
	return rc;
}

/* Header and one block of body get the checksums that they should have. */
static void seal(uint8_t *data, size_t size)
{
	struct category_file_header header;
	uint64_t checksum;

	if (size < sizeof(header) + sizeof(checksum))
		return;
	memcpy(&header, data, sizeof(header));
	memcpy(header.magic, CATEGORY_FILE_MAGIC, sizeof(header.magic));
	header.version = CATEGORY_FILE_VERSION;
	header.byte_order = CATEGORY_FILE_BYTE_ORDER;
	header.checksum = category_file_checksum(&header, offsetof(struct category_file_header, checksum), 0);
	memcpy(data, &header, sizeof(header));
	size -= sizeof(checksum);
	checksum = category_file_checksum(data + sizeof(header), size - sizeof(header), header.checksum);
	memcpy(data + size, &checksum, sizeof(checksum));
}

static void check_fragment(struct slice fragment)
{
	static const char begin[] = ",\"category\":";

	require(fragment.len >= sizeof(begin) + 2 && memcmp(fragment.data, begin, sizeof(begin) - 1) == 0);
	for (uint32_t i = 0; i < fragment.len; i++)
		require(fragment.data[i] >= 0x20);
}

/* Changes over the table, merged; nothing is promised but that they say how many were bad. */
static void check_changes(const struct category *category, const uint8_t *data, size_t size)
{
	struct slice lines = {data, (uint32_t)size};
	struct category_overlay *overlay;
	struct category *merged;
	struct error error = {""};
	struct category_tally tally = {0};

	if (category_overlay_new(&overlay, category, NULL, lines, 1000, &tally, &error) != 0)
		return;
	require((tally.bad == 0) == (error.text[0] == '\0'));
	if (category_merge(&merged, category, overlay, &error) == 0)
		category_free(merged);
	category_overlay_free(overlay);
}

static void check_table(const struct category *category, const uint8_t *data, size_t size)
{
	struct category_info info, again_info;
	struct category *again;
	struct error error;

	category_describe(category, &info);
	require(info.values <= CATEGORY_MAX);
	for (uint32_t value = 0; value <= info.values; value++)
		check_fragment(category_fragment(category, value));
	for (size_t i = 0; i + 1 < size && i < 512; i++) {
		struct slice key = {data + i, (uint32_t)(size - i < 8 ? size - i : 8)};

		require(category_find(category, category_key_text(category, key)) <= info.values);
		require(category_find(category, category_key_number(category, data[i])) <= info.values);
	}
	check_changes(category, data, size);
	require(category_save(category, path_of(PREBUILT), &error) == 0);
	require(load(&again, path_of(PREBUILT)) == 0);
	category_describe(again, &again_info);
	require(info.entries == again_info.entries && info.values == again_info.values);
	category_free(again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const uint8_t base[] = "k1\ta\nk2\tb\n7\tc\n";
	struct category *category;
	enum kind kind;
	uint8_t *copy;

	if (size == 0 || size > INPUT_MAX)
		return 0;
	kind = data[0] % KINDS;
	data++;
	size--;
	copy = malloc(size + 1);
	require(copy != NULL);
	memcpy(copy, data, size);
	if (kind == SEALED)
		seal(copy, size);
	if (kind == CHANGES)
		write_file(path_of(kind), base, sizeof(base) - 1);
	else
		write_file(path_of(kind), copy, size);
	if (load(&category, path_of(kind)) == 0) {
		if (kind == CHANGES)
			check_changes(category, data, size);
		else
			check_table(category, copy, size);
		category_free(category);
	}
	(void)unlink(path_of(kind));
	(void)unlink(path_of(PREBUILT));
	free(copy);
	return 0;
}
