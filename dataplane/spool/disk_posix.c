/* SPDX-License-Identifier: Apache-2.0 */
#include "spool/disk.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <linux/magic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "base/compiler.h"
#include "base/error.h"

#define SECTOR 4096u /* what a disk fails to read at once, mostly */

struct posix_disk {
	struct spool_disk disk;
	int read_only;
	int directory;
	int reserves;
};

static int directory_of(const struct spool_disk *disk)
{
	return ((const struct posix_disk *)disk)->directory;
}

/* Opened only to be read, a directory or a pipe is refused as it is when opened to be written. */
static int open_to_read(const struct spool_disk *disk, const char *name)
{
	int file = openat(directory_of(disk), name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	struct stat st;

	if (file < 0)
		return -errno;
	if (fstat(file, &st) == 0 && S_ISREG(st.st_mode))
		return file;
	(void)close(file);
	return -EISDIR;
}

static int posix_open(struct spool_disk *disk, const char *name, int create)
{
	int flags = O_RDWR | O_CLOEXEC | O_NOFOLLOW | (create ? O_CREAT | O_EXCL : 0), file;

	if (((const struct posix_disk *)disk)->read_only)
		return create ? -EROFS : open_to_read(disk, name);
	file = openat(directory_of(disk), name, flags, 0640);
	if (file < 0 && errno == EROFS && !create) /* since it was mounted: what is there can still be delivered */
		return open_to_read(disk, name);
	return file >= 0 ? file : -errno;
}

static void posix_close(struct spool_disk *disk, int file)
{
	(void)disk;
	(void)close(file);
}

static int posix_reserve(struct spool_disk *disk, int file, uint64_t size)
{
	if (!((const struct posix_disk *)disk)->reserves)
		return -EOPNOTSUPP;
	while (fallocate(file, 0, 0, (off_t)size) != 0)
		if (errno != EINTR)
			return errno == ENOSYS ? -EOPNOTSUPP : -errno;
	return 0;
}

/* Steps over the first `done` bytes of the pieces. Returns how many pieces are wholly behind. */
static unsigned skip(struct iovec *pieces, unsigned count, size_t done)
{
	unsigned first = 0;

	while (first < count && done >= pieces[first].iov_len)
		done -= pieces[first++].iov_len;
	if (first < count) {
		pieces[first].iov_base = (uint8_t *)pieces[first].iov_base + done;
		pieces[first].iov_len -= done;
	}
	return first;
}

static int write_some(int file, uint64_t offset, struct iovec *pieces, unsigned count)
{
	while (count > 0) {
		ssize_t n = pwritev(file, pieces, (int)count, (off_t)offset);
		unsigned behind;

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return errno == EBADF ? -EROFS : -errno; /* the former: see posix_open */
		behind = skip(pieces, count, (size_t)n);
		if (n == 0 && behind == 0)
			return -EIO;
		offset += (uint64_t)n;
		pieces += behind;
		count -= behind;
	}
	return 0;
}

static int posix_write(struct spool_disk *disk, int file, uint64_t offset, const struct iovec *pieces, unsigned count)
{
	(void)disk;
	while (count > 0) {
		struct iovec some[64];
		unsigned n = count < ARRAY_LENGTH(some) ? count : (unsigned)ARRAY_LENGTH(some);
		int rc;

		memcpy(some, pieces, n * sizeof(some[0]));
		rc = write_some(file, offset, some, n);
		if (rc != 0)
			return rc;
		for (unsigned i = 0; i < n; i++)
			offset += pieces[i].iov_len;
		pieces += n;
		count -= n;
	}
	return 0;
}

/* What cannot be read, to the end of its sector. */
static uint64_t blank(uint64_t offset, uint8_t *data, uint64_t size)
{
	uint64_t n = SECTOR - offset % SECTOR;

	if (n > size)
		n = size;
	memset(data, 0, n);
	return n;
}

/* Sector by sector, where some cannot be read. The file's size is known, or there is none to be read at the end. */
static int64_t read_in_part(int file, uint64_t offset, uint8_t *data, uint64_t size)
{
	uint64_t done = 0;
	struct stat st;

	if (fstat(file, &st) != 0)
		return -errno;
	if (offset + size > (uint64_t)st.st_size)
		size = offset < (uint64_t)st.st_size ? (uint64_t)st.st_size - offset : 0;
	while (done < size) {
		uint64_t at = offset + done, piece = SECTOR - at % SECTOR;
		ssize_t n = pread(file, data + done, piece < size - done ? piece : size - done, (off_t)at);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno != EIO)
			return -errno;
		done += n > 0 ? (uint64_t)n : blank(at, data + done, size - done);
	}
	return (int64_t)done;
}

static int64_t posix_read(struct spool_disk *disk, int file, uint64_t offset, void *data, uint64_t size)
{
	uint64_t done = 0;

	while (done < size) {
		ssize_t n = pread(file, (uint8_t *)data + done, size - done, (off_t)(offset + done));

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno == EIO && disk->salvage)
			return read_in_part(file, offset, data, size);
		if (n < 0)
			return -errno;
		if (n == 0)
			break;
		done += (uint64_t)n;
	}
	return (int64_t)done;
}

static int64_t posix_size(struct spool_disk *disk, int file)
{
	struct stat st;

	(void)disk;
	return fstat(file, &st) == 0 ? st.st_size : -errno;
}

static int posix_sync(struct spool_disk *disk, int file)
{
	(void)disk;
	return fdatasync(file) == 0 ? 0 : -errno;
}

static int posix_sync_names(struct spool_disk *disk)
{
	return fsync(directory_of(disk)) == 0 ? 0 : -errno;
}

static int posix_rename(struct spool_disk *disk, const char *from, const char *to)
{
	int directory = directory_of(disk);

	return renameat(directory, from, directory, to) == 0 ? 0 : -errno;
}

static int posix_unlink(struct spool_disk *disk, const char *name)
{
	return unlinkat(directory_of(disk), name, 0) == 0 ? 0 : -errno;
}

static int list_names(DIR *names, int (*name)(void *context, const char *name), void *context)
{
	for (;;) {
		const struct dirent *entry;
		int rc;

		errno = 0;
		entry = readdir(names);
		if (entry == NULL)
			return -errno;
		if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
			continue;
		rc = name(context, entry->d_name);
		if (rc != 0)
			return rc;
	}
}

static int posix_list(struct spool_disk *disk, int (*name)(void *context, const char *name), void *context)
{
	int copy = openat(directory_of(disk), ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC), rc;
	DIR *names;

	if (copy < 0)
		return -errno;
	names = fdopendir(copy);
	if (names == NULL) {
		rc = -errno;
		(void)close(copy);
		return rc;
	}
	rc = list_names(names, name, context);
	(void)closedir(names);
	return rc;
}

static const struct spool_disk_ops posix_ops = {
	.open = posix_open,
	.close = posix_close,
	.reserve = posix_reserve,
	.write = posix_write,
	.read = posix_read,
	.size = posix_size,
	.sync = posix_sync,
	.sync_names = posix_sync_names,
	.rename = posix_rename,
	.unlink = posix_unlink,
	.list = posix_list,
};

static int sync_parent(const char *path)
{
	char copy[PATH_MAX];
	int parent, rc;

	(void)snprintf(copy, sizeof(copy), "%s", path);
	parent = open(dirname(copy), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (parent < 0)
		return -errno;
	rc = fsync(parent) == 0 ? 0 : -errno;
	(void)close(parent);
	return rc;
}

static int open_directory(const char *path)
{
	int rc = mkdir(path, 0750) == 0 ? 0 : -errno, directory;

	if (rc == 0) {
		rc = sync_parent(path);
		if (rc != 0)
			(void)rmdir(path);
	} else if (rc == -EEXIST) {
		(void)sync_parent(path); /* who made it may not have come so far; where it fails nothing else would do */
		rc = 0;
	}
	if (rc != 0)
		return rc;
	directory = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return directory >= 0 ? directory : -errno;
}

/* A file system in memory would write zeros to all of it first: as long as the bytes themselves take. */
static int can_reserve(int directory)
{
	struct statfs fs;

	return fstatfs(directory, &fs) == 0 && fs.f_type != TMPFS_MAGIC && fs.f_type != RAMFS_MAGIC;
}

int spool_disk_posix_new(struct spool_disk **disk, const char *path, struct error *error)
{
	struct posix_disk *posix = calloc(1, sizeof(*posix));

	if (posix == NULL)
		return error_set(error, -ENOMEM, "%s: no memory", path);
	posix->disk.ops = &posix_ops;
	posix->directory = open_directory(path);
	if (posix->directory < 0) {
		int rc = posix->directory;

		free(posix);
		return error_set(error, rc, "%s: cannot be made or opened: %s%s", path, strerror(-rc),
			rc == -ENOTDIR ? "; move what is there to another place" : "");
	}
	posix->reserves = can_reserve(posix->directory);
	*disk = &posix->disk;
	return 0;
}

int spool_disk_posix_read_only(struct spool_disk **disk, const char *path, struct error *error)
{
	struct posix_disk *posix = calloc(1, sizeof(*posix));

	if (posix == NULL)
		return error_set(error, -ENOMEM, "%s: no memory", path);
	posix->disk.ops = &posix_ops;
	posix->read_only = 1;
	posix->directory = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (posix->directory < 0) {
		int rc = -errno;

		free(posix);
		return error_set(error, rc, "%s: cannot be opened: %s", path, strerror(-rc));
	}
	*disk = &posix->disk;
	return 0;
}

void spool_disk_posix_free(struct spool_disk *disk)
{
	if (disk == NULL)
		return;
	(void)close(directory_of(disk));
	free(disk);
}
