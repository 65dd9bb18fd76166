/* SPDX-License-Identifier: Apache-2.0 */
#include "spool/view.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static struct spool_view *view_of(struct spool_disk *disk)
{
	return (struct spool_view *)disk;
}

static int view_open(struct spool_disk *disk, const char *name, int create)
{
	struct spool_disk *under = view_of(disk)->under;

	return create ? -EROFS : under->ops->open(under, name, 0);
}

static void view_close(struct spool_disk *disk, int file)
{
	struct spool_disk *under = view_of(disk)->under;

	under->ops->close(under, file);
}

static int view_reserve(struct spool_disk *disk, int file, uint64_t size)
{
	(void)disk, (void)file, (void)size;
	return -EOPNOTSUPP;
}

static int view_write(struct spool_disk *disk, int file, uint64_t offset, const struct iovec *pieces, unsigned count)
{
	(void)disk, (void)file, (void)offset, (void)pieces, (void)count;
	return 0;
}

static int64_t view_read(struct spool_disk *disk, int file, uint64_t offset, void *data, uint64_t size)
{
	struct spool_disk *under = view_of(disk)->under;

	return under->ops->read(under, file, offset, data, size);
}

static int64_t view_size(struct spool_disk *disk, int file)
{
	struct spool_disk *under = view_of(disk)->under;

	return under->ops->size(under, file);
}

static int view_sync(struct spool_disk *disk, int file)
{
	(void)disk, (void)file;
	return 0;
}

static int view_sync_names(struct spool_disk *disk)
{
	(void)disk;
	return 0;
}

static int view_rename(struct spool_disk *disk, const char *from, const char *to)
{
	struct spool_view *view = view_of(disk);

	(void)to;
	if (view->aside < SPOOL_VIEW_ASIDE)
		(void)snprintf(view->names[view->aside], SPOOL_NAME_MAX, "%s", from);
	view->aside++;
	return 0;
}

static int view_unlink(struct spool_disk *disk, const char *name)
{
	(void)disk, (void)name;
	return 0;
}

static int view_list(struct spool_disk *disk, int (*name)(void *context, const char *name), void *context)
{
	struct spool_disk *under = view_of(disk)->under;

	return under->ops->list(under, name, context);
}

static const struct spool_disk_ops view_ops = {
	.open = view_open,
	.close = view_close,
	.reserve = view_reserve,
	.write = view_write,
	.read = view_read,
	.size = view_size,
	.sync = view_sync,
	.sync_names = view_sync_names,
	.rename = view_rename,
	.unlink = view_unlink,
	.list = view_list,
};

void spool_view_init(struct spool_view *view, struct spool_disk *under)
{
	*view = (struct spool_view){.disk.ops = &view_ops, .under = under};
}
