/* SPDX-License-Identifier: Apache-2.0 */
#include "sim_disk.h"

#include <err.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "random.h"
#include "sim_inode.h"

#define NAMES 128u

struct sim_name {
	char name[SPOOL_NAME_MAX];
	int inode;
};

struct sim_names {
	struct sim_name names[NAMES];
	unsigned count;
};

/* A change of the directory that is not synced: `name` now is `inode`'s, or, -1, nobody's; `from` no longer is. */
struct sim_change {
	char name[SPOOL_NAME_MAX], from[SPOOL_NAME_MAX];
	int inode;
};

struct sim_disk {
	struct spool_disk disk;
	uint64_t random;
	int reserves, open_files;
	uint64_t reads;
	int frozen, fuse; /* fuse: changes until then; -1: never */
	struct sim_faults faults;
	struct sim_inode *inodes;
	unsigned count, room;
	struct sim_names seen, durable;
	struct sim_change *changes;
	unsigned change_count, change_room;
};

static struct sim_disk *of(struct spool_disk *disk)
{
	return (struct sim_disk *)disk;
}

static struct sim_name *find(struct sim_names *names, const char *name)
{
	for (unsigned i = 0; i < names->count; i++)
		if (strcmp(names->names[i].name, name) == 0)
			return &names->names[i];
	return NULL;
}

static void set_name(struct sim_names *names, const char *name, int inode)
{
	struct sim_name *entry = find(names, name);

	if (inode < 0) {
		if (entry != NULL)
			*entry = names->names[--names->count];
		return;
	}
	if (entry == NULL) {
		if (names->count == NAMES)
			errx(1, "too many files");
		entry = &names->names[names->count++];
		(void)snprintf(entry->name, sizeof(entry->name), "%s", name);
	}
	entry->inode = inode;
}

static void apply(struct sim_names *names, const struct sim_change *change)
{
	if (change->from[0] != '\0')
		set_name(names, change->from, -1);
	set_name(names, change->name, change->inode);
}

static void change_name(struct sim_disk *sim, const char *from, const char *name, int inode)
{
	struct sim_change *change;

	if (sim->change_count == sim->change_room) {
		sim->change_room = sim->change_room * 2 + 16;
		sim->changes = reallocarray(sim->changes, sim->change_room, sizeof(*sim->changes));
		if (sim->changes == NULL)
			err(1, "memory");
	}
	change = &sim->changes[sim->change_count++];
	(void)snprintf(change->name, sizeof(change->name), "%s", name);
	(void)snprintf(change->from, sizeof(change->from), "%s", from);
	change->inode = inode;
	apply(&sim->seen, change);
}

static int fails(struct sim_disk *sim, unsigned often)
{
	return often > 0 && random_chance(&sim->random, often);
}

/* Before each change. */
static int freezes(struct sim_disk *sim)
{
	if (sim->fuse > 0 && --sim->fuse == 0)
		sim->frozen = 1;
	return sim->frozen;
}

static int new_inode(struct sim_disk *sim)
{
	if (sim->count == sim->room) {
		sim->room = sim->room * 2 + 16;
		sim->inodes = reallocarray(sim->inodes, sim->room, sizeof(*sim->inodes));
		if (sim->inodes == NULL)
			err(1, "memory");
	}
	memset(&sim->inodes[sim->count], 0, sizeof(sim->inodes[0]));
	return (int)sim->count++;
}

static int sim_open(struct spool_disk *disk, const char *name, int create)
{
	struct sim_disk *sim = of(disk);
	const struct sim_name *entry = find(&sim->seen, name);
	int inode;

	if (sim->frozen || (create && freezes(sim)))
		return -EIO;
	if (create && entry != NULL)
		return -EEXIST;
	if (!create && entry == NULL)
		return -ENOENT;
	sim->reads++;
	if (fails(sim, create ? sim->faults.full : sim->faults.read) || (create && fails(sim, sim->faults.grow)))
		return create ? -ENOSPC : -EIO;
	inode = create ? new_inode(sim) : entry->inode;
	if (create)
		change_name(sim, "", name, inode);
	sim->open_files++;
	return inode;
}

static void sim_close(struct spool_disk *disk, int file)
{
	(void)file;
	of(disk)->open_files--;
}

static int sim_reserve(struct spool_disk *disk, int file, uint64_t size)
{
	struct sim_disk *sim = of(disk);

	if (freezes(sim))
		return -EIO;
	if (!sim->reserves)
		return -EOPNOTSUPP;
	if (fails(sim, sim->faults.full) || fails(sim, sim->faults.grow))
		return -ENOSPC;
	sim_inode_grow(&sim->inodes[file], size);
	return 0;
}

/* A write that fails may have come to any point. */
static int sim_write(struct spool_disk *disk, int file, uint64_t offset, const struct iovec *pieces, unsigned count)
{
	struct sim_disk *sim = of(disk);
	uint64_t left = 0;
	uint8_t *whole, *at;
	int rc;

	if (sim->frozen)
		return -EIO;
	rc = freezes(sim) || fails(sim, sim->faults.write) ? -EIO : fails(sim, sim->faults.full) ? -ENOSPC : 0;
	for (unsigned i = 0; i < count; i++)
		left += pieces[i].iov_len;
	if (rc == 0 && offset + left > sim->inodes[file].seen.size && fails(sim, sim->faults.grow))
		rc = -ENOSPC;
	whole = at = malloc(left);
	if (whole == NULL)
		err(1, "memory");
	for (unsigned i = 0; i < count; at += pieces[i++].iov_len)
		memcpy(at, pieces[i].iov_base, pieces[i].iov_len);
	if (rc != 0)
		left = random_below(&sim->random, left + 1);
	if (left > 0)
		sim_inode_write(&sim->inodes[file], offset, whole, left);
	free(whole);
	return rc;
}

static int64_t sim_read(struct spool_disk *disk, int file, uint64_t offset, void *data, uint64_t size)
{
	struct sim_disk *sim = of(disk);
	const struct sim_bytes *seen = &sim->inodes[file].seen;

	sim->reads++;
	if (sim->frozen || fails(sim, sim->faults.read))
		return -EIO;
	if (offset >= seen->size)
		return 0;
	if (size > seen->size - offset)
		size = seen->size - offset;
	memcpy(data, seen->data + offset, size);
	return (int64_t)size;
}

static int64_t sim_size(struct spool_disk *disk, int file)
{
	return (int64_t)of(disk)->inodes[file].seen.size;
}

static int sim_sync(struct spool_disk *disk, int file)
{
	struct sim_disk *sim = of(disk);

	if (freezes(sim))
		return -EIO;
	if (fails(sim, sim->faults.sync)) {
		sim_inode_fail_sync(&sim->inodes[file], &sim->random);
		return -EIO;
	}
	sim_inode_sync(&sim->inodes[file]);
	return 0;
}

static int sim_sync_names(struct spool_disk *disk)
{
	struct sim_disk *sim = of(disk);

	if (freezes(sim) || fails(sim, sim->faults.names))
		return -EIO;
	sim->durable = sim->seen;
	sim->change_count = 0;
	return 0;
}

static int sim_rename(struct spool_disk *disk, const char *from, const char *to)
{
	struct sim_disk *sim = of(disk);
	const struct sim_name *entry = find(&sim->seen, from);

	if (entry == NULL)
		return -ENOENT;
	if (freezes(sim) || fails(sim, sim->faults.names))
		return -EIO;
	change_name(sim, from, to, entry->inode);
	return 0;
}

static int sim_unlink(struct spool_disk *disk, const char *name)
{
	struct sim_disk *sim = of(disk);

	if (find(&sim->seen, name) == NULL)
		return -ENOENT;
	if (freezes(sim) || fails(sim, sim->faults.names))
		return -EIO;
	change_name(sim, "", name, -1);
	return 0;
}

static int sim_list(struct spool_disk *disk, int (*name)(void *context, const char *name), void *context)
{
	struct sim_disk *sim = of(disk);
	int rc = 0;

	for (unsigned i = 0; rc == 0 && i < sim->seen.count; i++)
		rc = name(context, sim->seen.names[i].name);
	return rc;
}

static const struct spool_disk_ops sim_ops = {
	.open = sim_open,
	.close = sim_close,
	.reserve = sim_reserve,
	.write = sim_write,
	.read = sim_read,
	.size = sim_size,
	.sync = sim_sync,
	.sync_names = sim_sync_names,
	.rename = sim_rename,
	.unlink = sim_unlink,
	.list = sim_list,
};

struct sim_disk *sim_disk_new(uint64_t seed, int reserves)
{
	struct sim_disk *sim = calloc(1, sizeof(*sim));

	if (sim == NULL)
		err(1, "memory");
	sim->disk.ops = &sim_ops;
	sim->random = seed;
	sim->reserves = reserves;
	sim->fuse = -1;
	return sim;
}

void sim_disk_free(struct sim_disk *sim)
{
	for (unsigned i = 0; i < sim->count; i++)
		sim_inode_fini(&sim->inodes[i]);
	free(sim->inodes);
	free(sim->changes);
	free(sim);
}

struct spool_disk *sim_disk_of(struct sim_disk *sim)
{
	return &sim->disk;
}

void sim_disk_set_faults(struct sim_disk *sim, const struct sim_faults *faults)
{
	sim->faults = *faults;
}

void sim_disk_freeze(struct sim_disk *sim, int changes)
{
	sim->frozen = changes == 0;
	sim->fuse = changes > 0 ? changes : -1;
}

int sim_disk_is_frozen(const struct sim_disk *sim)
{
	return sim->frozen;
}

void sim_disk_restart(struct sim_disk *sim)
{
	sim_disk_freeze(sim, -1);
	sim->open_files = 0;
}

void sim_disk_crash(struct sim_disk *sim)
{
	for (unsigned i = 0; i < sim->count; i++) {
		unsigned other = (unsigned)random_below(&sim->random, sim->count);

		sim_inode_crash(&sim->inodes[i], &sim->random, other < i ? &sim->inodes[other].seen : NULL);
	}
	for (unsigned i = 0; i < sim->change_count; i++)
		if ((random_next(&sim->random) & 1) != 0)
			apply(&sim->durable, &sim->changes[i]);
	sim->seen = sim->durable;
	sim->change_count = 0;
	sim_disk_restart(sim);
}

const uint8_t *sim_disk_get(struct sim_disk *sim, const char *name, uint64_t *size)
{
	const struct sim_name *entry = find(&sim->seen, name);

	if (entry == NULL)
		return NULL;
	*size = sim->inodes[entry->inode].seen.size;
	return sim->inodes[entry->inode].seen.data;
}

void sim_disk_put(struct sim_disk *sim, const char *name, const void *data, uint64_t size)
{
	int inode = new_inode(sim);

	if (size > 0)
		sim_inode_write(&sim->inodes[inode], 0, data, size);
	sim_inode_sync(&sim->inodes[inode]);
	set_name(&sim->seen, name, inode);
	sim->durable = sim->seen;
}

uint64_t sim_disk_reads(const struct sim_disk *sim)
{
	return sim->reads;
}

int sim_disk_open_files(const struct sim_disk *sim)
{
	return sim->open_files;
}
