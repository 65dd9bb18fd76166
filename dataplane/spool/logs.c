/* SPDX-License-Identifier: Apache-2.0 */
#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "spool/internal.h"
#include "spool/lock.h"
#include "spool/names.h"

/* Whose log a directory is: a lane or a topic of this spool, or nobody's and therefore the first spool's to read out. */
static int adopt(struct spool *spool, const char *name, struct error *error)
{
	unsigned lane, class, index;
	int length = 0, rc;

	if (spool_lane_of(name, &lane, &class)) {
		if ((lane < spool->config.all_lanes && class < spool->config.class_count) || spool->config.index != 0)
			return 0;
		rc = shelf_open(spool, name, -1, spool->config.class_count - 1, -1, error);
		if (rc >= 0)
			atomic_store(&spool->shelves[rc]->state.go, UINT_MAX);
		return rc < 0 ? rc : 0;
	}
	if (sscanf(name, "dead.%u%n", &index, &length) == 1 && name[length] == '\0')
		return dead_adopt(spool, name, index, error);
	if (sscanf(name, "topic.%u.%n", &index, &length) != 1 || length == 0 || name[length] == '\0')
		return 0;
	if (index != spool->config.index && (index < spool->config.index_count || spool->config.index != 0))
		return 0;
	rc = spool->config.topic_of(spool->config.context, name + length);
	if (rc < 0)
		return error_set(error, -ENOSPC, "spool %s: no room for topic %s", spool->directory, name + length);
	index = (unsigned)rc;
	rc = shelf_open(spool, name, -1, 0, (int)index, error);
	if (rc < 0)
		return rc;
	if (atomic_load(&spool->topics[index]) == NULL)
		atomic_store(&spool->topics[index], spool->shelves[rc]);
	return 0;
}

static int open_left_over(struct spool *spool, struct error *error)
{
	DIR *directory = opendir(spool->directory);
	const struct dirent *entry;
	int rc = 0;

	if (directory == NULL)
		return error_set(error, -errno, "spool directory %s: %s", spool->directory, strerror(errno));
	while (rc == 0 && (entry = readdir(directory)) != NULL)
		rc = adopt(spool, entry->d_name, error);
	closedir(directory);
	return rc;
}

static int open_lane(struct spool *spool, uint16_t lane, struct error *error)
{
	int rc = 0;

	for (unsigned class = 0; rc >= 0 && class < spool->config.class_count; class++) {
		char name[SPOOL_LANE_NAME_MAX];

		spool_lane_name(name, lane, class);
		rc = shelf_open(spool, name, lane, class, -1, error);
		if (rc >= 0)
			spool->lanes[lane][class] = (uint16_t)rc;
	}
	return rc;
}

int logs_open(struct spool *spool, struct error *error)
{
	struct spool_disk *root;
	int rc = spool_disk_posix_new(&root, spool->directory, error);

	if (rc != 0)
		return rc;
	spool_disk_posix_free(root);
	rc = spool_lock_take(&spool->lock, spool->directory, error);
	memset(spool->lanes, 0xff, sizeof(spool->lanes));
	for (unsigned i = 0; rc >= 0 && i < spool->config.lane_count; i++)
		rc = open_lane(spool, spool->config.lanes[i]->number, error);
	return rc >= 0 ? open_left_over(spool, error) : rc;
}
