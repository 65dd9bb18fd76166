/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "control/api/protocol.h"
#include "control/daemon/json_text.h"
#include "control/offline/offline.h"
#include "control/offline/spool_tree.h"
#include "spool/lock.h"
#include "spool/quarantine.h"

struct target {
	char log[SPOOL_TOPIC_MAX + 32];
	const char *file;
	struct spool_segment_info segment;
};

struct quarantine {
	const struct offline *offline;
	struct spool_tree tree;
	struct target *targets;
	unsigned count, moved;
	uint64_t events;
};

/* LOG/FILE, and not twice. */
static int parse(const struct quarantine *quarantine, unsigned index, struct target *target, struct error *error)
{
	const char *word = quarantine->offline->words[1 + index], *slash = strchr(word, '/');

	if (slash == NULL || strchr(slash + 1, '/') != NULL || (size_t)(slash - word) >= sizeof(target->log))
		return error_set(
			error, -1, "%s is no LOG/FILE; expected one such as lane.0/00000000000000000000.log", word);
	(void)snprintf(target->log, sizeof(target->log), "%.*s", (int)(slash - word), word);
	target->file = slash + 1;
	for (unsigned i = 0; i < index; i++)
		if (strcmp(word, quarantine->offline->words[1 + i]) == 0)
			return error_set(error, -1, "%s is named twice", word);
	return 0;
}

static int look(struct quarantine *quarantine, struct target *target, struct error *error)
{
	const struct spool_tree *tree = &quarantine->tree;
	struct spool_tree_log log;
	unsigned index = 0;
	int rc;

	while (index < tree->count && strcmp(tree->names[index], target->log) != 0)
		index++;
	if (index == tree->count)
		return error_set(
			error, -1, "%s has no log %s; `penstock spool status` names them", tree->path, target->log);
	rc = spool_tree_log_open(&log, tree, index, error);
	if (rc != 0)
		return rc;
	if (!spool_inspect_segment(log.inspection, target->file, &target->segment))
		rc = error_set(error, -1, "%s/%s has no segment %s", tree->path, target->log, target->file);
	spool_tree_log_close(&log);
	return rc;
}

static int look_at_all(struct quarantine *quarantine, struct error *error)
{
	int rc = 0;

	for (unsigned i = 0; rc == 0 && i < quarantine->count; i++) {
		rc = parse(quarantine, i, &quarantine->targets[i], error);
		if (rc == 0)
			rc = look(quarantine, &quarantine->targets[i], error);
		quarantine->events += quarantine->targets[i].segment.unsettled;
	}
	return rc;
}

static int move(struct quarantine *quarantine, const struct target *target, struct error *error)
{
	struct spool_disk *disk;
	char path[PATH_MAX];
	int rc;

	(void)snprintf(path, sizeof(path), "%s/%s", quarantine->tree.path, target->log);
	rc = spool_disk_posix_new(&disk, path, error);
	if (rc != 0)
		return rc;
	rc = spool_quarantine(disk, target->log, target->file, error);
	spool_disk_posix_free(disk);
	quarantine->moved += rc == 0;
	return rc;
}

/* What root makes here the daemon could not open: so it is made as the directory's owner. */
static int become_owner(const char *path, struct error *error)
{
	struct stat st;

	if (geteuid() != 0)
		return 0;
	if (stat(path, &st) != 0 || setegid(st.st_gid) != 0 || seteuid(st.st_uid) != 0)
		return error_set(error, -errno, "%s: cannot act as its owner: %s; nothing was moved", path, strerror(errno));
	return 0;
}

static void be_root_again(int was_root)
{
	if (was_root && (seteuid(0) != 0 || setegid(0) != 0))
		abort(); /* it may: only the effective ones were changed */
}

static int move_all(struct quarantine *quarantine, struct error *error)
{
	struct spool_lock *lock = NULL;
	int was_root = geteuid() == 0, rc = become_owner(quarantine->tree.path, error);

	if (rc == 0)
		rc = spool_lock_take(&lock, quarantine->tree.path, error);
	for (unsigned i = 0; rc == 0 && i < quarantine->count; i++)
		rc = move(quarantine, &quarantine->targets[i], error);
	spool_lock_release(lock);
	be_root_again(was_root);
	return rc;
}

static void report_json(const struct quarantine *quarantine)
{
	json_t *files = json_array();

	for (unsigned i = 0; i < quarantine->count; i++) {
		const struct target *target = &quarantine->targets[i];

		(void)json_array_append_new(files,
			json_pack("{s:s,s:s,s:I,s:I,s:I,s:I,s:b}", "log", target->log, "file", target->file, "bytes",
				(json_int_t)target->segment.bytes, "first", (json_int_t)target->segment.first, "end",
				(json_int_t)target->segment.end, "events", (json_int_t)target->segment.unsettled,
				"moved", i < quarantine->moved));
	}
	offline_json(quarantine->offline,
		json_pack("{s:i,s:o,s:I,s:b,s:o}", "schema_version", API_SCHEMA_VERSION, "directory",
			json_text(quarantine->tree.path), "events", (json_int_t)quarantine->events, "moved",
			quarantine->moved == quarantine->count, "files", files));
}

static void report_text(const struct quarantine *quarantine)
{
	FILE *out = quarantine->offline->out;

	for (unsigned i = 0; i < quarantine->count; i++) {
		const struct target *target = &quarantine->targets[i];

		(void)fprintf(out, "%s/%s: %llu unsettled events; %s %s.bad\n", target->log, target->file,
			(unsigned long long)target->segment.unsettled,
			i < quarantine->moved ? "moved to" : "not moved to", target->file);
	}
}

static void report(const struct quarantine *quarantine)
{
	quarantine->offline->json ? report_json(quarantine) : report_text(quarantine);
}

static int run(struct quarantine *quarantine)
{
	const struct offline *offline = quarantine->offline;
	struct error error = {""};
	int rc = spool_tree_open(&quarantine->tree, offline->words[0], &error);

	if (rc == 0 && quarantine->tree.in_use)
		return offline_fail(offline, SPOOL_EXIT_BAD,
			"%s: a daemon is at work on it; stop it first: nothing was moved", quarantine->tree.path);
	if (rc == 0)
		rc = look_at_all(quarantine, &error);
	if (rc != 0)
		return offline_fail(offline, SPOOL_EXIT_BAD, "%s", error.text);
	if (quarantine->events > 0 && !offline->yes) {
		report(quarantine);
		return offline_fail(offline, SPOOL_EXIT_DAMAGE,
			"nothing was moved: %llu unsettled events would not be delivered; say --yes if that is to be",
			(unsigned long long)quarantine->events);
	}
	rc = move_all(quarantine, &error);
	report(quarantine);
	return rc == 0 ? 0 : offline_fail(offline, SPOOL_EXIT_BAD, "%s", error.text);
}

int offline_spool_quarantine(const struct offline *offline)
{
	struct quarantine quarantine = {.offline = offline, .count = (unsigned)offline->count - 1};
	int code;

	quarantine.targets = calloc((size_t)offline->count, sizeof(*quarantine.targets));
	if (quarantine.targets == NULL)
		return offline_fail(offline, SPOOL_EXIT_BAD, "no memory");
	code = run(&quarantine);
	spool_tree_close(&quarantine.tree);
	free(quarantine.targets);
	return code;
}
