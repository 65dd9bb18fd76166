/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>

#include <jansson.h>

#include "control/api/protocol.h"
#include "control/cli/display.h"
#include "control/daemon/json_text.h"
#include "control/offline/offline.h"
#include "control/offline/spool_tree.h"

struct status {
	const struct offline *offline;
	json_t *logs;
	uint64_t events, entries, dead, bytes, files;
	int code;
};

/* Null where it is not known. */
static json_t *oldest(struct spool_tree_log *log, json_t **hour)
{
	struct spool_entry entry;

	*hour = json_null();
	if (spool_inspect_oldest(log->inspection, &entry) != 1)
		return json_null();
	if (entry.hour > 0)
		*hour = json_integer(entry.hour);
	return entry.opened_us != 0 ? json_integer(entry.opened_us) : json_null();
}

static void add_sights(struct status *status, const struct spool_tree_log *log, json_t *suspicions, json_t *notes)
{
	unsigned count;
	const struct spool_sight *sights = spool_inspect_sights(log->inspection, &count);

	for (unsigned i = 0; i < count; i++) {
		int is_damage = sights[i].kind == SPOOL_SIGHT_DAMAGE;

		(void)json_array_append_new(is_damage ? suspicions : notes, spool_place_json(log->name, &sights[i]));
		if (is_damage && status->code == 0)
			status->code = SPOOL_EXIT_DAMAGE;
	}
}

static void add(struct status *status, struct spool_tree_log *log)
{
	const struct spool_log_info *info = &log->info;
	json_t *suspicions = json_array(), *notes = json_array(), *hour, *time = oldest(log, &hour);

	add_sights(status, log, suspicions, notes);
	if (spool_tree_is_dead(log->name)) {
		status->dead += info->recovered;
	} else {
		status->events += info->recovered;
		status->entries += info->end - info->frontier;
	}
	status->bytes += info->bytes;
	status->files += info->segments;
	(void)json_array_append_new(status->logs,
		json_pack("{s:s,s:I,s:I,s:I,s:I,s:I,s:I,s:I,s:o,s:o,s:I,s:o,s:o}", "log", log->name, "events",
			(json_int_t)info->recovered, "entries", (json_int_t)(info->end - info->frontier), "frontier",
			(json_int_t)info->frontier, "end", (json_int_t)info->end, "bytes", (json_int_t)info->bytes,
			"files", (json_int_t)info->segments, "given_up", (json_int_t)info->given_up, "oldest_us", time,
			"oldest_hour", hour, "suspect", (json_int_t)json_array_size(suspicions), "suspicions",
			suspicions, "notes", notes));
}

static void print_sights(FILE *out, const struct spool_tree_log *log)
{
	unsigned count;
	const struct spool_sight *sights = spool_inspect_sights(log->inspection, &count);

	for (unsigned i = 0; i < count; i++)
		spool_place_print(out, log->name, &sights[i]);
}

static void print(const struct status *status, const struct spool_tree *tree)
{
	static const struct display_column columns[] = {
		{"log", "LOG", SHOW_TEXT},
		{"events", "EVENTS", SHOW_COUNT},
		{"entries", "BATCHES", SHOW_COUNT},
		{"frontier", "FRONTIER", SHOW_COUNT},
		{"end", "END", SHOW_COUNT},
		{"bytes", "ON DISK", SHOW_BYTES},
		{"files", "FILES", SHOW_COUNT},
		{"oldest_us", "OLDEST", SHOW_TIME},
		{"oldest_hour", "HOUR", SHOW_HOUR},
		{"given_up", "GIVEN UP", SHOW_COUNT},
		{"suspect", "SUSPECT", SHOW_COUNT},
		{0},
	};
	FILE *out = status->offline->out;

	display_escaped(out, tree->path);
	(void)fputs(tree->in_use ? ", which a daemon is at work on\n\n" : ", which no daemon has\n\n", out);
	display_rows(out, columns, status->logs);
	if (json_array_size(status->logs) == 0)
		(void)fputs("there is no log in it\n", out);
}

/* The logs that can be read; what is seen in them is told behind the table. */
static void read_logs(struct status *status, const struct spool_tree *tree, FILE *sights)
{
	struct error error = {""};

	for (unsigned i = 0; i < tree->count; i++) {
		struct spool_tree_log log;

		if (spool_tree_log_open(&log, tree, i, &error) != 0) {
			status->code = offline_fail(status->offline, SPOOL_EXIT_BAD, "%s", error.text);
			continue;
		}
		add(status, &log);
		print_sights(sights, &log);
		spool_tree_log_close(&log);
	}
}

static void report(struct status *status, const struct spool_tree *tree)
{
	char *text = NULL;
	size_t size = 0;
	FILE *sights = open_memstream(&text, &size);

	read_logs(status, tree, sights);
	(void)fclose(sights);
	if (status->offline->json) {
		offline_json(status->offline,
			json_pack("{s:i,s:o,s:b,s:I,s:I,s:I,s:I,s:I,s:O}", "schema_version", API_SCHEMA_VERSION,
				"directory", json_text(tree->path), "in_use", tree->in_use, "events", (json_int_t)status->events,
				"entries", (json_int_t)status->entries, "dead_letters", (json_int_t)status->dead,
				"bytes", (json_int_t)status->bytes, "files", (json_int_t)status->files, "logs",
				status->logs));
	} else {
		print(status, tree);
		(void)fprintf(status->offline->out, "%s%s", size > 0 ? "\n" : "", text);
	}
	free(text);
}

int offline_spool_status(const struct offline *offline)
{
	struct status status = {.offline = offline, .logs = json_array()};
	struct error error = {""};
	struct spool_tree tree;

	if (spool_tree_open(&tree, offline->words[0], &error) == 0)
		report(&status, &tree);
	else
		status.code = offline_fail(offline, SPOOL_EXIT_BAD, "%s", error.text);
	json_decref(status.logs);
	spool_tree_close(&tree);
	return status.code;
}
