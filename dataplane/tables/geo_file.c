/* SPDX-License-Identifier: Apache-2.0 */
#include "tables/geo_file.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define METADATA_REACH (128u << 10)
#define NODES_MAX      (UINT32_C(1) << 31)

static const uint8_t marker[] = {0xAB, 0xCD, 0xEF, 'M', 'a', 'x', 'M', 'i', 'n', 'd', '.', 'c', 'o', 'm'};

/* Reads until the end or `size` bytes, whichever is first. */
static int read_whole(int fd, uint8_t *bytes, size_t size, size_t *got)
{
	*got = 0;
	while (*got < size) {
		ssize_t count = read(fd, bytes + *got, size - *got);

		if (count < 0 && errno == EINTR)
			continue;
		if (count < 0)
			return -errno;
		if (count == 0)
			return 0;
		*got += (size_t)count;
	}
	return 0;
}

static int is_unchanged(const struct stat *then, const struct stat *now, size_t got)
{
	return now->st_size == then->st_size && (off_t)got == then->st_size && now->st_mtim.tv_sec == then->st_mtim.tv_sec &&
	       now->st_mtim.tv_nsec == then->st_mtim.tv_nsec;
}

/* What was there when it was opened; what somebody writes meanwhile may be a mixture of two databases. */
static int read_all(const struct geo_file *file, int fd, const struct stat *opened, struct error *error)
{
	struct stat now;
	size_t got;
	int result = read_whole(fd, file->bytes, (size_t)opened->st_size, &got);

	if (result == 0 && fstat(fd, &now) != 0)
		result = -errno;
	if (result != 0)
		return error_set(error, result, "geo database %s cannot be read: %s", file->path, strerror(-result));
	if (!is_unchanged(opened, &now, got))
		return error_set(error, -EAGAIN,
			"geo database %s: somebody wrote to it while it was read; write a new file beside it and rename it",
			file->path);
	return 0;
}

static int load(struct geo_file *file, int fd, size_t *size, struct error *error)
{
	struct stat st;

	if (fstat(fd, &st) != 0)
		return error_set(error, -errno, "geo database %s: %s", file->path, strerror(errno));
	if (!S_ISREG(st.st_mode))
		return error_set(error, -EINVAL, "geo database %s is not a file: name an .mmdb file", file->path);
	if (st.st_size == 0 || st.st_size > UINT32_MAX)
		return error_set(error, -EINVAL,
			"geo database %s has %jd bytes, which no such database has: fetch it again", file->path,
			(intmax_t)st.st_size);
	*size = (size_t)st.st_size;
	file->bytes = malloc(*size);
	if (file->bytes == NULL)
		return error_set(error, -ENOMEM, "geo database %s: no memory for its %jd bytes", file->path,
			(intmax_t)st.st_size);
	return read_all(file, fd, &st, error);
}

/* The last marker within reach of the end, or NULL. */
static const uint8_t *find_marker(const uint8_t *bytes, size_t size)
{
	size_t reach = size < METADATA_REACH ? size : METADATA_REACH;

	for (const uint8_t *at = bytes + size; at >= bytes + size - reach + sizeof(marker); at--)
		if (memcmp(at - sizeof(marker), marker, sizeof(marker)) == 0)
			return at - sizeof(marker);
	return NULL;
}

static int metadata_number(const struct geo_file *file, const struct geo_data *metadata, const char *key,
	uint64_t *number, struct error *error)
{
	struct geo_value map, value;
	uint64_t allowed = GEO_DATA_STEPS;
	uint32_t offset = 0;

	if (geo_data_get(metadata, &offset, &map) != 0 || geo_data_member(metadata, &map, key, &allowed, &value) != 1 ||
		geo_data_number(metadata, &value, number) != 1)
		return error_set(error, -EINVAL, "geo database %s is damaged: no %s in its metadata: fetch it again",
			file->path, key);
	return 0;
}

static int read_metadata(struct geo_file *file, const struct geo_data *metadata, struct error *error)
{
	uint64_t format, nodes, bits, ip_version;

	if (metadata_number(file, metadata, "binary_format_major_version", &format, error) != 0 ||
		metadata_number(file, metadata, "node_count", &nodes, error) != 0 ||
		metadata_number(file, metadata, "record_size", &bits, error) != 0 ||
		metadata_number(file, metadata, "ip_version", &ip_version, error) != 0 ||
		metadata_number(file, metadata, "build_epoch", &file->built_s, error) != 0)
		return -EINVAL;
	if (format != 2)
		return error_set(error, -EINVAL, "geo database %s has format %" PRIu64 ", and only 2 is known here",
			file->path, format);
	if ((bits != 24 && bits != 28 && bits != 32) || (ip_version != 4 && ip_version != 6) || nodes == 0 ||
		nodes >= NODES_MAX)
		return error_set(error, -EINVAL,
			"geo database %s is damaged: %" PRIu64 " nodes with records of %" PRIu64
			" bits for IP version %" PRIu64 ": fetch it again",
			file->path, nodes, bits, ip_version);
	if (file->built_s > INT64_MAX / 1000000)
		return error_set(error, -EINVAL,
			"geo database %s is damaged: built at second %" PRIu64 ": fetch it again", file->path,
			file->built_s);
	file->node_count = (uint32_t)nodes;
	file->record_bits = (unsigned)bits;
	file->has_v6 = ip_version == 6;
	return 0;
}

static int read_layout(struct geo_file *file, size_t size, struct error *error)
{
	const uint8_t *found = size < sizeof(marker) ? NULL : find_marker(file->bytes, size);
	struct geo_data metadata;
	uint64_t tree, end;

	if (found == NULL)
		return error_set(error, -EINVAL,
			"geo database %s is no MaxMind DB, or was cut short (%zu bytes): fetch it again", file->path,
			size);
	end = (uint64_t)(found - file->bytes);
	metadata = (struct geo_data){found + sizeof(marker), (uint32_t)(size - end - sizeof(marker))};
	if (read_metadata(file, &metadata, error) != 0)
		return -EINVAL;
	tree = (uint64_t)file->node_count * (file->record_bits / 4) + GEO_FILE_SEPARATOR;
	if (tree > end)
		return error_set(error, -EINVAL,
			"geo database %s is damaged: %u nodes do not fit into its %zu bytes: fetch it again",
			file->path, file->node_count, size);
	file->data = (struct geo_data){file->bytes + tree, (uint32_t)(end - tree)};
	return 0;
}

int geo_file_init(struct geo_file *file, const char *path, struct error *error)
{
	size_t size = 0;
	int fd, result;

	*file = (struct geo_file){.path = path};
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (fd < 0)
		return error_set(error, -errno, "geo database %s cannot be opened: %s", path, strerror(errno));
	result = load(file, fd, &size, error);
	(void)close(fd);
	return result == 0 ? read_layout(file, size, error) : result;
}

void geo_file_fini(struct geo_file *file)
{
	free(file->bytes);
	file->bytes = NULL;
}
