/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include "control/cli/cli.h"
#include "control/cli/commands.h"
#include "control/cli/display.h"

static const struct display_column rate_columns[] = {
	{"frames", "FRAMES", SHOW_RATE},
	{"datagrams", "DATAGRAMS", SHOW_RATE},
	{"events", "EVENTS", SHOW_RATE},
	{"acked", "ACKED", SHOW_RATE},
	{"bytes", "BYTES/S", SHOW_BYTES},
	{0},
};

static const struct display_column port_columns[] = {
	{"name", "PORT", SHOW_TEXT},
	{"driver", "DRIVER", SHOW_TEXT},
	{"link_up", "LINK", SHOW_LINK},
	{"missed", "MISSED", SHOW_COUNT},
	{"reports_missed", "REPORTS MISSED", SHOW_TEXT},
	{0},
};

static const struct display_column alarm_columns[] = {
	{"name", "ALARM", SHOW_TEXT},
	{"since", "SINCE", SHOW_TIME},
	{"text", "WHAT", SHOW_TEXT},
	{0},
};

/* A member within a line, after its own words. */
struct part {
	const char *words;
	const char *key;
	enum display_kind kind;
};

static void show_parts(FILE *out, const char *label, const json_t *object, const struct part *parts)
{
	char *line = display_text("%s", ""), *value, *longer;

	for (; parts->words != NULL; parts++) {
		value = display_member(parts->kind, object, parts->key);
		longer = display_text("%s%s%s", line, parts->words, value);
		free(value);
		free(line);
		line = longer;
	}
	display_line(out, label, line);
	free(line);
}

static void show_head(FILE *out, const json_t *result)
{
	static const struct part head[] = {{"", "state", SHOW_TEXT}, {" for ", "uptime_s", SHOW_SECONDS},
		{", version ", "version", SHOW_TEXT}, {0}};
	static const struct part identity[] = {
		{"", "node", SHOW_TEXT}, {", epoch ", "epoch", SHOW_EPOCH}, {", instance ", "uuid", SHOW_TEXT}, {0}};

	show_parts(out, "state", result, head);
	show_parts(out, "node", result, identity);
}

static void show_room(FILE *out, const json_t *result)
{
	static const struct part memory[] = {{"pools ", "pools_bytes", SHOW_BYTES},
		{", mapped ", "mapped_bytes", SHOW_BYTES}, {", resident ", "rss_bytes", SHOW_BYTES}, {0}};
	static const struct part hours[] = {{"current ", "current", SHOW_HOUR}, {", open from ", "oldest_open", SHOW_HOUR},
		{", complete before ", "complete_before", SHOW_HOUR}, {0}};
	static const struct part bounds[] = {{"at most this many events: ", "loss_events_at_kill", SHOW_COUNT}, {0}};
	const json_t *kafka = json_object_get(result, "kafka");
	char *queued = display_member(SHOW_COUNT, kafka, "queued");
	char *text = display_text("%s, %s queued",
		json_is_true(json_object_get(kafka, "connected")) ? "connected" : "not connected", queued);

	display_line(out, "kafka", text);
	free(text);
	free(queued);
	show_parts(out, "hours", json_object_get(result, "hours"), hours);
	show_parts(out, "memory", json_object_get(result, "memory"), memory);
	show_parts(out, "kill loses", json_object_get(result, "bounds"), bounds);
	display_line(out, "ledger",
		json_is_true(json_object_get(result, "ledger_ok")) ? "adds up"
								   : "DOES NOT ADD UP: see `penstock ledger`");
}

/* How far the epoch before came, which readers are told of. */
static void show_reached(FILE *out, const json_t *last)
{
	char *epoch, *records, *text;

	if (!json_is_object(last))
		return;
	epoch = display_member(SHOW_EPOCH, last, "number");
	records = display_member(SHOW_COUNT, last, "records");
	text = display_text("%s reached %s%s records, %s", epoch, json_is_true(json_object_get(last, "exact")) ? "" : "at least ",
		records, json_is_true(json_object_get(last, "published")) ? "published" : "not published yet");
	display_line(out, "last epoch", text);
	free(text);
	free(records);
	free(epoch);
}

static void show_rates(FILE *out, const json_t *rates)
{
	json_t *rows = json_pack("[O?]", rates);

	(void)fputc('\n', out);
	display_rows(out, rate_columns, rows);
	json_decref(rows);
}

static void show_warnings(FILE *out, const json_t *warnings)
{
	size_t i;
	json_t *warning;

	json_array_foreach(warnings, i, warning) {
		char *text = display_value(SHOW_TEXT, warning);

		(void)fprintf(out, "%swarning: %s\n", i == 0 ? "\n" : "", text);
		free(text);
	}
}

static void show_table(FILE *out, const struct display_column *columns, const json_t *rows)
{
	if (json_array_size(rows) > 0)
		(void)fputc('\n', out);
	display_rows(out, columns, rows);
}

void display_status(const struct cli *cli, const json_t *result, FILE *out)
{
	(void)cli;
	show_head(out, result);
	show_room(out, result);
	show_reached(out, json_object_get(result, "last_epoch"));
	show_rates(out, json_object_get(result, "rates"));
	show_table(out, port_columns, json_object_get(result, "ports"));
	show_table(out, alarm_columns, json_object_get(result, "alarms"));
	show_warnings(out, json_object_get(result, "warnings"));
}

int judge_status(const json_t *result)
{
	bool alarm = json_array_size(json_object_get(result, "alarms")) > 0;

	return alarm || json_is_false(json_object_get(result, "ledger_ok")) ? EXIT_ALARM : 0;
}

void display_stop(const struct cli *cli, const json_t *result, FILE *out)
{
	(void)cli;
	(void)fputs(json_is_true(json_object_get(result, "stopping")) ? "the daemon drains and ends\n"
								      : "the daemon does not stop\n",
		out);
}
