/* SPDX-License-Identifier: Apache-2.0 */
#include "control/offline/spool_tree.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "control/cli/display.h"
#include "control/daemon/json_text.h"
#include "spool/format.h"
#include "spool/lock.h"
#include "spool/names.h"

#define EXPECTED "expected spool.directory of a configuration or, where it is not set, spool in the state directory"

int spool_tree_is_dead(const char *name)
{
	unsigned number;
	int length = 0;

	return sscanf(name, "dead.%u%n", &number, &length) == 1 && name[length] == '\0';
}

/* As the daemon names them; what else lies there is not the spool's. */
static int is_log(const struct dirent *entry)
{
	const char *name = entry->d_name;
	unsigned number, class;
	int length = 0;

	if (strlen(name) > SPOOL_TOPIC_MAX + 16 ||
		name[strspn(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-")] != '\0')
		return 0;
	if (spool_lane_of(name, &number, &class) || spool_tree_is_dead(name))
		return 1;
	return sscanf(name, "topic.%u.%n", &number, &length) == 1 && length > 0 && name[length] != '\0';
}

static int is_segment(const struct dirent *entry)
{
	uint64_t first;

	return spool_segment_first(entry->d_name, &first);
}

static int is_lock(const struct dirent *entry)
{
	return strcmp(entry->d_name, SPOOL_LOCK_NAME) == 0;
}

/* Of the files that a daemon keeps in its state directory, where a lock is, too. */
static int is_state(const struct dirent *entry)
{
	return strcmp(entry->d_name, "instance") == 0 || strcmp(entry->d_name, "epoch") == 0;
}

static int has(const char *path, int (*which)(const struct dirent *entry))
{
	struct dirent **entries;
	int count = scandir(path, &entries, which, NULL);

	for (int i = 0; i < count; i++)
		free(entries[i]);
	if (count >= 0)
		free(entries);
	return count > 0;
}

static int refuse(const char *path, struct error *error)
{
	if (has(path, is_segment))
		return error_set(error, -EINVAL, "%s is one log of a spool: name the directory that it lies in", path);
	if (has(path, is_lock) && has(path, is_state))
		return error_set(error, -EINVAL,
			"%s is a state directory; its spool is %s/spool, or where spool.directory of the configuration says",
			path, path);
	return error_set(error, -EINVAL, "%s is no spool: it holds no lane.N and no topic.P.NAME; " EXPECTED, path);
}

static int cannot_read(const char *path, int code, struct error *error)
{
	if (code == ENOENT || code == ENOTDIR)
		return error_set(error, -code, "%s: %s; " EXPECTED, path, strerror(code));
	return error_set(error, -code, "%s: cannot be read: %s; run this as the daemon's user, or as root", path,
		strerror(code));
}

int spool_tree_open(struct spool_tree *tree, const char *path, struct error *error)
{
	struct dirent **entries;
	int count = scandir(path, &entries, is_log, versionsort);

	*tree = (struct spool_tree){.path = path};
	if (count < 0)
		return cannot_read(path, errno, error);
	tree->names = calloc((size_t)count + 1, sizeof(*tree->names));
	for (int i = 0; i < count; i++) {
		if (tree->names != NULL && (tree->names[tree->count] = strdup(entries[i]->d_name)) != NULL)
			tree->count++;
		free(entries[i]);
	}
	free(entries);
	if (tree->names == NULL || tree->count < (unsigned)count)
		return error_set(error, -ENOMEM, "%s: no memory", path);
	if (count == 0 && (!has(path, is_lock) || has(path, is_state)))
		return refuse(path, error);
	tree->in_use = spool_lock_is_held(path) == 1;
	return 0;
}

void spool_tree_close(struct spool_tree *tree)
{
	for (unsigned i = 0; i < tree->count; i++)
		free(tree->names[i]);
	free(tree->names);
	*tree = (struct spool_tree){0};
}

int spool_tree_log_open(struct spool_tree_log *log, const struct spool_tree *tree, unsigned index, struct error *error)
{
	struct error why = {""};
	char path[PATH_MAX];
	int rc;

	*log = (struct spool_tree_log){.name = tree->names[index]};
	if (snprintf(path, sizeof(path), "%s/%s", tree->path, log->name) >= (int)sizeof(path))
		return error_set(error, -ENAMETOOLONG, "%s/%s: too long a path", tree->path, log->name);
	rc = spool_disk_posix_read_only(&log->disk, path, error);
	if (rc != 0)
		return rc;
	rc = spool_inspect_open(&log->inspection, log->disk, log->name, &why);
	if (rc != 0) {
		spool_disk_posix_free(log->disk);
		return error_set(error, rc, "%s: %s", tree->path, why.text);
	}
	spool_inspect_info(log->inspection, &log->info);
	return 0;
}

void spool_tree_log_close(struct spool_tree_log *log)
{
	spool_inspect_close(log->inspection);
	spool_disk_posix_free(log->disk);
}

void spool_place_print(FILE *out, const char *log, const struct spool_sight *sight)
{
	display_escaped(out, log);
	(void)fputc('/', out);
	display_escaped(out, sight->file);
	(void)fputs(": ", out);
	if (sight->length > 0)
		(void)fprintf(
			out, "at %llu, %llu bytes: ", (unsigned long long)sight->at, (unsigned long long)sight->length);
	display_escaped(out, sight->what);
	if (sight->count == 1)
		(void)fprintf(out, "; position %llu", (unsigned long long)sight->position);
	else if (sight->count > 1)
		(void)fprintf(out, "; positions %llu to %llu", (unsigned long long)sight->position,
			(unsigned long long)(sight->position + sight->count - 1));
	if (sight->kind == SPOOL_SIGHT_DAMAGE)
		(void)fprintf(out, "; %llu unsettled events lost", (unsigned long long)sight->events);
	if (sight->kind == SPOOL_SIGHT_DAMAGE && sight->next > 0)
		(void)fprintf(out, "; the next entry begins at %llu", (unsigned long long)sight->next);
	(void)fputc('\n', out);
}

static json_t *number_unless(int none, uint64_t number)
{
	return none ? json_null() : json_integer((json_int_t)number);
}

json_t *spool_place_json(const char *log, const struct spool_sight *sight)
{
	return json_pack("{s:s,s:o,s:o,s:I,s:o,s:I,s:I,s:o,s:s}", "log", log, "file", json_text(sight->file), "offset",
		number_unless(sight->length == 0, sight->at), "length", (json_int_t)sight->length, "position",
		number_unless(sight->count == 0, sight->position), "positions", (json_int_t)sight->count, "events",
		(json_int_t)sight->events, "next", number_unless(sight->next == 0, sight->next), "what", sight->what);
}
