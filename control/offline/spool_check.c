/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "control/api/protocol.h"
#include "control/cli/display.h"
#include "control/daemon/json_text.h"
#include "control/offline/offline.h"
#include "control/offline/spool_tree.h"

#define PROGRESS_MS 1000

struct sums {
	uint64_t entries, events, places, lost;
};

struct check {
	const struct offline *offline;
	const struct spool_tree *tree;
	json_t *logs, *damage, *torn, *notes;
	struct sums all, one; /* of all logs, of the one that is read */
	const struct spool_tree_log *log;
	uint64_t read; /* bytes of the logs before */
	int64_t next_ms;
	int shows_progress;
	int unreadable;
};

/* Over the same line again and again, until it is wiped. */
static void show_progress(struct check *check, uint64_t done)
{
	int64_t now = clock_ms();
	char *bytes;
	json_t *read;

	if (!check->shows_progress || now < check->next_ms)
		return;
	check->next_ms = now + PROGRESS_MS;
	read = json_integer((json_int_t)(check->read + done));
	bytes = display_value(SHOW_BYTES, read);
	(void)fprintf(check->offline->err, "\r%s read, in %.40s\033[K", bytes, check->log->name);
	(void)fflush(check->offline->err);
	free(bytes);
	json_decref(read);
}

static void wipe_progress(const struct check *check)
{
	if (check->shows_progress)
		(void)fputs("\r\033[K", check->offline->err);
}

static json_t *list_of(const struct check *check, enum spool_sight_kind kind)
{
	return kind == SPOOL_SIGHT_DAMAGE ? check->damage : kind == SPOOL_SIGHT_TORN ? check->torn : check->notes;
}

static void tell(struct check *check, const struct spool_sight *sight)
{
	if (sight->kind == SPOOL_SIGHT_DAMAGE) {
		check->one.places++;
		check->one.lost += sight->events;
	}
	if (check->offline->json) {
		(void)json_array_append_new(list_of(check, sight->kind), spool_place_json(check->log->name, sight));
		return;
	}
	wipe_progress(check);
	spool_place_print(check->offline->out, check->log->name, sight);
}

static int visit(void *context, const struct spool_sight *sight)
{
	struct check *check = context;

	show_progress(check, sight->done);
	if (sight->kind == SPOOL_SIGHT_ENTRY) {
		check->one.entries++;
		check->one.events += sight->entry->events;
	} else if (sight->kind != SPOOL_SIGHT_TORN || !check->tree->in_use) { /* or else it is being written */
		tell(check, sight);
	}
	return 0;
}

static void add_log(struct check *check)
{
	const struct sums *one = &check->one;
	const struct spool_log_info *info = &check->log->info;

	check->all.entries += one->entries;
	check->all.events += one->events;
	check->all.places += one->places;
	check->all.lost += one->lost;
	check->read += info->bytes;
	(void)json_array_append_new(
		check->logs, json_pack("{s:s,s:I,s:I,s:I,s:I,s:I,s:I,s:I}", "log", check->log->name, "files",
				     (json_int_t)info->segments, "bytes", (json_int_t)info->bytes, "entries",
				     (json_int_t)one->entries, "events", (json_int_t)one->events, "unsettled",
				     (json_int_t)info->recovered, "damaged", (json_int_t)one->places, "lost",
				     (json_int_t)one->lost));
}

static int read_log(struct check *check, struct error *error)
{
	unsigned count;
	const struct spool_sight *sights = spool_inspect_sights(check->log->inspection, &count);

	check->one = (struct sums){0};
	for (unsigned i = 0; i < count; i++)
		tell(check, &sights[i]);
	return spool_inspect_walk(check->log->inspection, 0, NULL, visit, check, error);
}

static void check_logs(struct check *check)
{
	for (unsigned i = 0; i < check->tree->count; i++) {
		struct spool_tree_log log;
		struct error error = {""};
		int rc = spool_tree_log_open(&log, check->tree, i, &error);

		check->log = &log;
		if (rc == 0) {
			rc = read_log(check, &error);
			add_log(check);
			spool_tree_log_close(&log);
		}
		if (rc != 0) {
			wipe_progress(check);
			check->unreadable |= offline_fail(check->offline, 1, "%s", error.text);
		}
	}
	wipe_progress(check);
}

static void report_json(const struct check *check)
{
	offline_json(check->offline,
		json_pack("{s:i,s:o,s:b,s:b,s:I,s:I,s:I,s:I,s:I,s:O,s:O,s:O,s:O}", "schema_version", API_SCHEMA_VERSION,
			"directory", json_text(check->tree->path), "in_use", check->tree->in_use, "ok",
			check->all.places == 0 && !check->unreadable, "bytes", (json_int_t)check->read, "entries",
			(json_int_t)check->all.entries, "events", (json_int_t)check->all.events, "damaged",
			(json_int_t)check->all.places, "lost", (json_int_t)check->all.lost, "damage", check->damage,
			"torn", check->torn, "notes", check->notes, "logs", check->logs));
}

static void report_text(const struct check *check)
{
	static const struct display_column columns[] = {
		{"log", "LOG", SHOW_TEXT},
		{"files", "FILES", SHOW_COUNT},
		{"bytes", "ON DISK", SHOW_BYTES},
		{"entries", "BATCHES", SHOW_COUNT},
		{"events", "EVENTS", SHOW_COUNT},
		{"unsettled", "UNSETTLED", SHOW_COUNT},
		{"damaged", "DAMAGED", SHOW_COUNT},
		{"lost", "LOST", SHOW_COUNT},
		{0},
	};
	FILE *out = check->offline->out;

	display_rows(out, columns, check->logs);
	if (check->all.places > 0)
		(void)fprintf(out,
			"\n%llu damaged places; %llu unsettled events lost. A daemon that starts here delivers the "
			"rest\n",
			(unsigned long long)check->all.places, (unsigned long long)check->all.lost);
	else if (!check->unreadable)
		(void)fputs(check->tree->count > 0 ? "\nall is well\n" : "there is no log in it\n", out);
}

int offline_spool_check(const struct offline *offline)
{
	struct spool_tree tree;
	struct check check = {.offline = offline, .tree = &tree, .next_ms = clock_ms() + PROGRESS_MS};
	struct error error = {""};
	int code = SPOOL_EXIT_BAD;

	check.shows_progress = isatty(fileno(offline->err)) == 1;
	check.logs = json_array();
	check.damage = json_array();
	check.torn = json_array();
	check.notes = json_array();
	if (spool_tree_open(&tree, offline->words[0], &error) != 0) {
		(void)offline_fail(offline, SPOOL_EXIT_BAD, "%s", error.text);
	} else {
		check_logs(&check);
		offline->json ? report_json(&check) : report_text(&check);
		code = check.unreadable ? SPOOL_EXIT_BAD : check.all.places > 0 ? SPOOL_EXIT_DAMAGE : 0;
	}
	json_decref(check.logs);
	json_decref(check.damage);
	json_decref(check.torn);
	json_decref(check.notes);
	spool_tree_close(&tree);
	return code;
}
