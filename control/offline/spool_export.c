/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include "batch/batch.h"
#include "control/offline/offline.h"
#include "control/offline/spool_line.h"
#include "control/offline/spool_tree.h"

struct export
{
	const struct offline *offline;
	const char *log;
	struct batch *batch;   /* whose data an entry's payload is read into */
	uint64_t places, lost; /* skipped, in the log */
	int damaged, unreadable;
};

static int is_wanted(const struct export *export, const struct spool_entry *entry)
{
	return export->offline->topic == NULL || strcmp(export->offline->topic, entry->topic) == 0;
}

static void skip(struct export *export, uint64_t events)
{
	export->places++;
	export->lost += events;
}

static void write_entry(struct export *export, const struct spool_sight *sight)
{
	const struct spool_entry *entry = sight->entry;
	struct batch *batch = export->batch;
	struct record record;
	uint32_t offset = 0, index = 0;

	batch->records = entry->records;
	batch->events = entry->events;
	batch->bytes = entry->bytes;
	batch->base_ms = entry->base_ms;
	while (record_next(batch, &offset, &record))
		spool_line_write(export->offline->out, export->log, entry, index++, &record);
	if (index != entry->records) /* whole by its checksum, so that it was written so */
		skip(export, 0);
}

static int visit(void *context, const struct spool_sight *sight)
{
	struct export *export = context;

	if (sight->entry != NULL && !is_wanted(export, sight->entry))
		return 0;
	if (sight->kind == SPOOL_SIGHT_DAMAGE)
		skip(export, sight->events);
	else if (sight->kind == SPOOL_SIGHT_ENTRY && !sight->is_empty)
		write_entry(export, sight);
	return ferror(export->offline->out) != 0;
}

/* A file that is missing at the log's beginning is seen while it is opened. */
static void count_missing(struct export *export, const struct spool_tree_log *log)
{
	unsigned count;
	const struct spool_sight *sights = spool_inspect_sights(log->inspection, &count);

	for (unsigned i = 0; i < count; i++)
		if (sights[i].kind == SPOOL_SIGHT_DAMAGE && sights[i].count > 0)
			skip(export, sights[i].events);
}

static void report(struct export *export)
{
	if (export->places == 0)
		return;
	export->damaged = 1;
	(void)offline_fail(export->offline, 0,
		"%s: %llu damaged places were skipped, with %llu unsettled events; `penstock spool check` tells where",
		export->log, (unsigned long long)export->places, (unsigned long long)export->lost);
}

static void write_log(struct export *export, const struct spool_tree *tree, unsigned index)
{
	struct spool_tree_log log;
	struct error error = {""};
	int rc = spool_tree_log_open(&log, tree, index, &error);

	export->places = export->lost = 0;
	if (rc == 0) {
		export->log = log.name;
		count_missing(export, &log);
		rc = spool_inspect_walk(log.inspection, export->offline->all ? 0 : log.info.frontier,
			export->batch->data, visit, export, &error);
		report(export);
		spool_tree_log_close(&log);
	}
	if (rc < 0)
		export->unreadable |= offline_fail(export->offline, 1, "%s", error.text);
}

static int write_logs(struct export *export, const struct spool_tree *tree)
{
	if (tree->in_use)
		(void)offline_fail(export->offline, 0,
			"%s: a daemon is at work on it: what it appends or settles from now on is not seen",
			tree->path);
	for (unsigned i = 0; i < tree->count && !ferror(export->offline->out); i++)
		write_log(export, tree, i);
	return export->unreadable ? SPOOL_EXIT_BAD : export->damaged ? SPOOL_EXIT_DAMAGE : 0;
}

int offline_spool_export(const struct offline *offline)
{
	size_t size = sizeof(struct batch) + SPOOL_PAYLOAD_MAX;
	struct export export = {.offline = offline};
	struct error error = {""};
	struct spool_tree tree;
	int code;

	export.batch = aligned_alloc(BATCH_ALIGN, (size + BATCH_ALIGN - 1) & ~(size_t)(BATCH_ALIGN - 1));
	if (spool_tree_open(&tree, offline->words[0], &error) != 0) {
		code = offline_fail(offline, SPOOL_EXIT_BAD, "%s", error.text);
	} else if (export.batch == NULL) {
		code = offline_fail(offline, SPOOL_EXIT_BAD, "no memory");
	} else {
		*export.batch = (struct batch){.capacity = SPOOL_PAYLOAD_MAX};
		code = write_logs(&export, &tree);
	}
	free(export.batch);
	spool_tree_close(&tree);
	return code;
}
