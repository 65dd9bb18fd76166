/* SPDX-License-Identifier: Apache-2.0 */
#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "spool/inspect.h"
#include "spool/internal.h"
#include "spool/lock.h"
#include "spool/names.h"
#include "spool/state.h"

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

/* Whether there is something in the log, which is left as it is: entries, files that tell of some, or damage. */
static int has_something(const struct spool_inspection *inspection, const struct spool_log_info *info)
{
	unsigned count;
	const struct spool_sight *sights = spool_inspect_sights(inspection, &count);

	for (unsigned i = 0; i < count; i++)
		if (sights[i].kind == SPOOL_SIGHT_DAMAGE)
			return 1;
	return info->segments != 0 || info->end != info->frontier;
}

/* 0: a start finds nothing in it; 1, or -errno. */
static int look(const char *path, const char *name, struct spool_log_info *info)
{
	struct spool_inspection *inspection;
	struct error error = {""};
	struct spool_disk *disk;
	int rc = spool_disk_posix_read_only(&disk, path, &error);

	if (rc != 0)
		return rc;
	rc = spool_inspect_open(&inspection, disk, name, &error);
	if (rc == 0) {
		spool_inspect_info(inspection, info);
		rc = has_something(inspection, info);
		spool_inspect_close(inspection);
	}
	spool_disk_posix_free(disk);
	return rc;
}

/* Nothing waits in the log, and no file has more to tell: its state goes, and the folder unless there is something else in it. */
static void take_away(const struct spool *spool, const char *path, const struct spool_log_info *info)
{
	char state[PATH_MAX + sizeof(SPOOL_STATE_NAME) + 1];

	(void)snprintf(state, sizeof(state), "%s/" SPOOL_STATE_NAME, path);
	(void)unlink(state);
	if (rmdir(path) == 0)
		log_write(LOG_INFO, "spool %s: %s is gone: it was empty, and its topic or class is not in use (%llu events were given up in it, ever)",
			spool->directory, path + strlen(spool->directory) + 1, (unsigned long long)info->given_up);
}

/* It is counted as what it is, and nobody opens it before the next start. */
static void leave_unread(struct spool *spool, const char *name, const struct spool_log_info *info)
{
	if (spool->unread.logs++ == 0)
		(void)snprintf(spool->unread.example, sizeof(spool->unread.example), "%s", name);
	spool->unread.events += info->recovered;
	spool->unread.bytes += info->bytes;
	atomic_fetch_add(&spool->recovering, 1);
	counter_add(&spool->counters.recovered, info->recovered);
	counter_add(&spool->counters.parked, info->recovered);
}

static void say_unread(const struct spool *spool)
{
	if (spool->unread.logs != 0)
		log_write(LOG_WARNING,
			"spool %s: %s is not read, and %u others: there is no place for more than %u topics; what they hold (%llu events) "
			"stays on disk: restart the daemon when what others hold has been delivered",
			spool->directory, spool->unread.example, spool->unread.logs - 1, TOPIC_MAX,
			(unsigned long long)spool->unread.events);
}

static int is_known(const struct spool *spool, const char *topic)
{
	const struct topic_table *topics = spool->config.topics;

	for (unsigned i = 0; i < atomic_load(&topics->count); i++)
		if (strcmp(topics->topics[i].name, topic) == 0)
			return 1;
	return 0;
}

/* Index of the topic of a log that was found; -1: there is nothing to be read in it, or no place for it. */
static int place_topic(struct spool *spool, const char *name, const char *topic)
{
	int is_used = is_known(spool, topic), rc = 1, index = -1;
	struct spool_log_info info = {0};
	char path[PATH_MAX];

	(void)snprintf(path, sizeof(path), "%s/%s", spool->directory, name);
	if (!is_used)
		rc = look(path, name, &info);
	if (rc == 0) {
		take_away(spool, path, &info);
		return -1;
	}
	if (spool->shelf_count < SPOOL_LOGS)
		index = spool->config.topic_of(spool->config.context, topic);
	if (index >= 0)
		return index;
	if (is_used)
		rc = look(path, name, &info);
	if (rc < 0 || info.end != info.frontier)
		leave_unread(spool, name, &info);
	return -1;
}

static int adopt_topic(struct spool *spool, const char *name, const char *topic, struct error *error)
{
	int index = place_topic(spool, name, topic), rc;

	if (index < 0)
		return 0;
	rc = shelf_open(spool, name, -1, 0, index, error);
	if (rc < 0)
		return rc;
	if (atomic_load(&spool->topics[index]) == NULL)
		atomic_store(&spool->topics[index], spool->shelves[rc]);
	return 0;
}

/* Of a class that is gone, and empty: its number is free then. */
static int went_away(const struct spool *spool, const char *name)
{
	struct spool_log_info info;
	char path[PATH_MAX];

	(void)snprintf(path, sizeof(path), "%s/%s", spool->directory, name);
	if (look(path, name, &info) != 0)
		return 0;
	take_away(spool, path, &info);
	return 1;
}

/* A lane's that was left over. */
static int adopt_lane(struct spool *spool, const char *name, unsigned number, struct error *error)
{
	int rc;

	if (classes_of(spool, number) < 0 && went_away(spool, name))
		return 0;
	rc = shelf_open(spool, name, -1, classes_left_over(spool, number), -1, error);
	if (rc >= 0)
		atomic_store(&spool->shelves[rc]->state.go, UINT_MAX);
	return rc < 0 ? rc : 0;
}

/* Whose log a directory is: a topic's or of letters of this spool, or nobody's and therefore the first spool's to read out. */
static int adopt(struct spool *spool, const char *name, struct error *error)
{
	unsigned lane, number, index;
	int length = 0, is_dead;

	if (spool_lane_of(name, &lane, &number)) {
		if ((lane < spool->config.all_lanes && classes_of(spool, number) >= 0) || spool->config.index != 0)
			return 0;
		return is_foreign(spool, name) ? 0 : adopt_lane(spool, name, number, error);
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
	say_unread(spool);
	return rc;
}

static int open_lane(struct spool *spool, uint16_t lane, struct error *error)
{
	int rc = 0;

	for (unsigned class = 0; rc >= 0 && class < spool->config.class_count; class++) {
		char name[SPOOL_LANE_NAME_MAX];

		spool_lane_name(name, lane, classes_number(spool, class));
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
	if (rc >= 0)
		rc = classes_open(spool, error);
	memset(spool->lanes, 0xff, sizeof(spool->lanes));
	for (unsigned i = 0; rc >= 0 && i < spool->config.lane_count; i++)
		rc = open_lane(spool, spool->config.lanes[i]->number, error);
	return rc >= 0 ? open_left_over(spool, error) : rc;
}
