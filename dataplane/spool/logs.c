/* SPDX-License-Identifier: Apache-2.0 */
#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "spool/internal.h"
#include "spool/lock.h"
#include "spool/names.h"

/* A log's name, but no directory: as all files of others it is left alone, and named once. */
static int is_foreign(const struct spool *spool, const char *name)
{
	char path[PATH_MAX];
	struct stat st;

	(void)snprintf(path, sizeof(path), "%s/%s", spool->directory, name);
	if (stat(path, &st) != 0 ? errno != ENOENT : S_ISDIR(st.st_mode))
		return 0;
	log_write(LOG_WARNING, "spool %s: %s has a log's name, and is no directory: it is left alone; move it to another place",
		spool->directory, name);
	return 1;
}

static int adopt_topic(struct spool *spool, const char *name, const char *topic, struct error *error)
{
	int index = spool->config.topic_of(spool->config.context, topic), rc;

	if (index < 0)
		return error_set(error, -ENOSPC, "spool %s: no room for topic %s", spool->directory, topic);
	rc = shelf_open(spool, name, -1, 0, index, error);
	if (rc < 0)
		return rc;
	if (atomic_load(&spool->topics[index]) == NULL)
		atomic_store(&spool->topics[index], spool->shelves[rc]);
	return 0;
}

/* A lane's that was left over. */
static int adopt_lane(struct spool *spool, const char *name, struct error *error)
{
	int rc = shelf_open(spool, name, -1, spool->config.class_count - 1, -1, error);

	if (rc >= 0)
		atomic_store(&spool->shelves[rc]->state.go, UINT_MAX);
	return rc < 0 ? rc : 0;
}

/* Whose log a directory is: a topic's or of letters of this spool, or nobody's and therefore the first spool's to read out. */
static int adopt(struct spool *spool, const char *name, struct error *error)
{
	unsigned lane, class, index;
	int length = 0, is_dead;

	if (spool_lane_of(name, &lane, &class)) {
		if ((lane < spool->config.all_lanes && class < spool->config.class_count) || spool->config.index != 0)
			return 0;
		return is_foreign(spool, name) ? 0 : adopt_lane(spool, name, error);
	}
	is_dead = sscanf(name, "dead.%u%n", &index, &length) == 1 && name[length] == '\0';
	if (!is_dead && (sscanf(name, "topic.%u.%n", &index, &length) != 1 || length == 0 || name[length] == '\0'))
		return 0;
	if (index != spool->config.index && (index < spool->config.index_count || spool->config.index != 0))
		return 0;
	if (is_foreign(spool, name))
		return 0;
	return is_dead ? dead_adopt(spool, name, index, error) : adopt_topic(spool, name, name + length, error);
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
