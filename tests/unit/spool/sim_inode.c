/* SPDX-License-Identifier: Apache-2.0 */
#include "sim_inode.h"

#include <err.h>
#include <stdlib.h>
#include <string.h>

#include "random.h"

#define SECTOR 512u

static void make_room(struct sim_bytes *bytes, uint64_t room)
{
	uint64_t larger = bytes->room > 0 ? bytes->room : 4096;

	if (room <= bytes->room)
		return;
	while (larger < room)
		larger *= 2;
	bytes->data = realloc(bytes->data, larger);
	if (bytes->data == NULL)
		err(1, "memory");
	memset(bytes->data + bytes->room, 0, larger - bytes->room);
	bytes->room = larger;
}

static void resize(struct sim_bytes *bytes, uint64_t size)
{
	make_room(bytes, size);
	if (size < bytes->size)
		memset(bytes->data + size, 0, bytes->size - size);
	bytes->size = size;
}

static void put(struct sim_bytes *bytes, uint64_t offset, const uint8_t *data, uint64_t len)
{
	if (len == 0)
		return;
	if (offset + len > bytes->size)
		resize(bytes, offset + len);
	memcpy(bytes->data + offset, data, len);
}

static void forget_writes(struct sim_inode *inode)
{
	for (unsigned i = 0; i < inode->count; i++)
		free(inode->writes[i].data);
	inode->count = 0;
}

void sim_inode_fini(struct sim_inode *inode)
{
	forget_writes(inode);
	free(inode->writes);
	free(inode->seen.data);
	free(inode->durable.data);
}

void sim_inode_write(struct sim_inode *inode, uint64_t offset, const void *data, uint64_t len)
{
	struct sim_write write = {offset, len, malloc(len)};

	if (inode->count == inode->room) {
		inode->room = inode->room * 2 + 16;
		inode->writes = reallocarray(inode->writes, inode->room, sizeof(*inode->writes));
	}
	if (write.data == NULL || inode->writes == NULL)
		err(1, "memory");
	memcpy(write.data, data, len);
	inode->writes[inode->count++] = write;
	put(&inode->seen, offset, data, len);
}

void sim_inode_grow(struct sim_inode *inode, uint64_t size)
{
	if (size > inode->seen.size)
		resize(&inode->seen, size);
	inode->reserved = 1;
}

void sim_inode_sync(struct sim_inode *inode)
{
	for (unsigned i = 0; i < inode->count; i++)
		put(&inode->durable, inode->writes[i].offset, inode->writes[i].data, inode->writes[i].len);
	if (inode->durable.size < inode->seen.size)
		resize(&inode->durable, inode->seen.size);
	forget_writes(inode);
}

enum fate { LOST, KEPT, TORN };

/* Each sector for itself. */
static void put_torn(struct sim_bytes *bytes, const struct sim_write *write, uint64_t *random)
{
	for (uint64_t done = 0; done < write->len;) {
		uint64_t at = write->offset + done, len = SECTOR - at % SECTOR;

		if (len > write->len - done)
			len = write->len - done;
		if ((random_next(random) & 1) != 0)
			put(bytes, at, write->data + done, len);
		done += len;
	}
}

static void keep_some(struct sim_inode *inode, uint64_t *random)
{
	struct sim_write *writes = inode->writes;

	for (unsigned left = inode->count; left > 0; left--) {
		unsigned i = (unsigned)random_below(random, left);
		struct sim_write write = writes[i];
		enum fate fate = (enum fate)random_below(random, 3);

		if (fate == KEPT)
			put(&inode->durable, write.offset, write.data, write.len);
		else if (fate == TORN)
			put_torn(&inode->durable, &write, random);
		writes[i] = writes[left - 1];
		writes[left - 1] = write;
	}
	forget_writes(inode);
}

/* The size that was durable, the one that was seen, or any between. */
static void keep_size(struct sim_inode *inode, uint64_t before, uint64_t *random)
{
	uint64_t after = inode->seen.size;

	switch (random_below(random, 4)) {
	case 0:
		resize(&inode->durable, after > before ? before + random_below(random, after - before + 1) : before);
		break;
	case 1:
		if (inode->durable.size < after)
			resize(&inode->durable, after);
		break;
	default:
		break;
	}
}

static void show_stale(struct sim_bytes *bytes, uint64_t before, uint64_t after, const struct sim_bytes *stale)
{
	if (stale->size < after)
		after = stale->size;
	if (after > before)
		put(bytes, before, stale->data + before, after - before);
}

void sim_inode_fail_sync(struct sim_inode *inode, uint64_t *random)
{
	uint64_t before = inode->durable.size;

	keep_some(inode, random);
	keep_size(inode, before, random);
}

void sim_inode_crash(struct sim_inode *inode, uint64_t *random, const struct sim_bytes *stale)
{
	uint64_t before = inode->durable.size;

	/* Not a file that was never synced: it would be another one altogether. */
	if (stale != NULL && !inode->reserved && inode->seen.size > before && before > 0 && inode->durable.data[0] != 0)
		show_stale(&inode->durable, before, inode->seen.size, stale);
	keep_some(inode, random);
	keep_size(inode, before, random);
	resize(&inode->seen, 0);
	put(&inode->seen, 0, inode->durable.data, inode->durable.size);
}
