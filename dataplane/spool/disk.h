/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * What the spool asks of a file system: one directory, files in it by name. The real one is spool_disk_posix; tests put a
 * simulated disk in its place, which loses, reorders and tears what was not synced. All calls return 0 or a count, or
 * -errno; one thread a disk.
 */

#include <stdint.h>
#include <sys/uio.h>

#define SPOOL_NAME_MAX 64

struct spool_disk;

struct spool_disk_ops {
	/* A handle (>= 0) of the file. `create`: it must not be there yet (-EEXIST). The name is not durable before sync_names.
	 * What is there is opened also where nothing can be written (any more): writes to it are -EROFS. */
	int (*open)(struct spool_disk *disk, const char *name, int create);
	void (*close)(struct spool_disk *disk, int file);

	/* Reserves room for [0, size), so that writes there do not fail for want of it; -EOPNOTSUPP is fine. The file's size as
	 * seen by size() may grow; what was not written reads as zeros. */
	int (*reserve)(struct spool_disk *disk, int file, uint64_t size);

	/* Writes all pieces at `offset`, or fails; what a failed write left there is unknown. */
	int (*write)(struct spool_disk *disk, int file, uint64_t offset, const struct iovec *pieces, unsigned count);

	/* Reads at most `size` bytes; fewer at the file's end only. Returns how many. */
	int64_t (*read)(struct spool_disk *disk, int file, uint64_t offset, void *data, uint64_t size);

	int64_t (*size)(struct spool_disk *disk, int file);

	/* Content and size are durable when this returns 0. After a failure nobody knows what is. */
	int (*sync)(struct spool_disk *disk, int file);
	/* Creations, renames and unlinks so far are durable. */
	int (*sync_names)(struct spool_disk *disk);

	int (*rename)(struct spool_disk *disk, const char *from, const char *to);
	int (*unlink)(struct spool_disk *disk, const char *name);

	/* Calls `name` for each file of the directory, in any order, until it returns non-zero. */
	int (*list)(struct spool_disk *disk, int (*name)(void *context, const char *name), void *context);
};

struct spool_disk {
	const struct spool_disk_ops *ops;
	int salvage; /* what the disk cannot read (EIO) reads as zeros, so that what stands around it can be had */
};

struct error;

/* A directory of the real file system; made (with its parent's entry synced) when missing. 0 or -errno with a sentence. */
int spool_disk_posix_new(struct spool_disk **disk, const char *path, struct error *error);
/* The same of one that is there already and is only read: making files is refused with -EROFS, and what else would change
 * something is not to be called. */
int spool_disk_posix_read_only(struct spool_disk **disk, const char *path, struct error *error);
void spool_disk_posix_free(struct spool_disk *disk);
