/* SPDX-License-Identifier: Apache-2.0 */
#include "spool/waiting.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "spool/inspect.h"
#include "spool/lock.h"
#include "spool/names.h"

static int is_delivered_from(const char *name)
{
	unsigned number, class;
	int length = 0;

	if (spool_lane_of(name, &number, &class))
		return 1;
	return sscanf(name, "topic.%u.%n", &number, &length) == 1 && length > 0 && name[length] != '\0';
}

static int open_disk(struct spool_disk **disk, const char *directory, const char *name, struct error *error)
{
	char path[PATH_MAX];

	if (snprintf(path, sizeof(path), "%s/%s", directory, name) >= (int)sizeof(path))
		return error_set(error, -ENAMETOOLONG, "%s/%s: too long a path", directory, name);
	return spool_disk_posix_read_only(disk, path, error);
}

/* What has a log's name, and is no directory, is none. */
static int look_at(const char *directory, const char *name, struct spool_waiting *waiting, struct error *error)
{
	struct spool_inspection *inspection;
	struct spool_log_info info;
	struct spool_disk *disk;
	int rc = open_disk(&disk, directory, name, error);

	if (rc == -ENOTDIR || rc == -ENOENT)
		return 0;
	waiting->logs++;
	if (rc != 0)
		return rc;
	rc = spool_inspect_open(&inspection, disk, name, error);
	if (rc == 0) {
		spool_inspect_info(inspection, &info);
		waiting->events += info.recovered;
		spool_inspect_close(inspection);
	}
	spool_disk_posix_free(disk);
	return rc;
}

static int look_into(DIR *logs, const char *directory, int64_t until_ms, struct spool_waiting *waiting, struct error *error)
{
	struct error other;
	struct dirent *entry;
	int rc = 0, one;

	while (!waiting->more && (entry = readdir(logs)) != NULL) {
		if (!is_delivered_from(entry->d_name))
			continue;
		waiting->more = clock_ms() >= until_ms;
		one = waiting->more ? 0 : look_at(directory, entry->d_name, waiting, rc == 0 ? error : &other);
		rc = rc == 0 ? one : rc;
	}
	return rc;
}

int spool_waiting_look(const char *directory, unsigned limit_ms, struct spool_waiting *waiting, struct error *error)
{
	DIR *logs = opendir(directory);
	int rc;

	*waiting = (struct spool_waiting){0};
	if (logs == NULL)
		return error_set(error, -errno, "%s", strerror(errno));
	if (spool_lock_is_held(directory) == 1)
		rc = error_set(error, -EBUSY, "a process has it");
	else
		rc = look_into(logs, directory, clock_ms() + limit_ms, waiting, error);
	closedir(logs);
	return rc;
}
