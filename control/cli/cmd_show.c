/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include "control/cli/cli.h"
#include "control/cli/commands.h"
#include "control/cli/display.h"
#include "control/cli/table.h"

static const struct display_column worker_columns[] = {
	{"lane", "LANE", SHOW_ADDRESS},
	{"port", "PORT", SHOW_TEXT},
	{"cpu", "CPU", SHOW_ADDRESS},
	{"node", "NODE", SHOW_ADDRESS},
	{"idle", "IDLE", SHOW_TEXT},
	{"busy_percent", "BUSY", SHOW_PERCENT},
	{"bursts", "BURSTS", SHOW_COUNT},
	{"datagrams", "DATAGRAMS", SHOW_COUNT},
	{"events", "EVENTS", SHOW_COUNT},
	{"numbered", "NUMBERED", SHOW_COUNT},
	{"pool_available", "FREE", SHOW_COUNT},
	{"pool_count", "BATCHES", SHOW_COUNT},
	{"open_batches", "OPEN", SHOW_COUNT},
	{"ring", "RING", SHOW_COUNT},
	{0},
};

static const struct display_column source_columns[] = {
	{"address", "ADDRESS", SHOW_TEXT},
	{"source_id", "ID", SHOW_ADDRESS},
	{"epoch", "EPOCH", SHOW_ADDRESS},
	{"received", "RECEIVED", SHOW_COUNT},
	{"lost", "LOST", SHOW_COUNT},
	{"late", "LATE", SHOW_COUNT},
	{"duplicate", "DUPLICATE", SHOW_COUNT},
	{"restarted", "RESTARTED", SHOW_COUNT},
	{"last_seen_s", "LAST SEEN", SHOW_SECONDS},
	{0},
};

static const struct display_column type_columns[] = {
	{"name", "TYPE", SHOW_TEXT},
	{"id", "ID", SHOW_ADDRESS},
	{"removed", "REMOVED", SHOW_TEXT},
	{"events", "EVENTS", SHOW_COUNT},
	{"bytes", "BYTES", SHOW_BYTES},
	{"filtered", "FILTERED", SHOW_COUNT},
	{"sampled_out", "SAMPLED", SHOW_COUNT},
	{"quarantined", "ASIDE", SHOW_COUNT},
	{"clamped", "CLAMPED", SHOW_COUNT},
	{"dropped", "DROPPED", SHOW_COUNT},
	{"topic", "TOPIC", SHOW_TEXT},
	{"acked", "ITS ACKED", SHOW_COUNT},
	{"held", "ITS HELD", SHOW_COUNT},
	{"given_up", "ITS GIVEN UP", SHOW_COUNT},
	{0},
};

void display_workers(const struct cli *cli, const json_t *result, FILE *out)
{
	(void)cli;
	display_rows(out, worker_columns, json_object_get(result, "workers"));
}

void display_types(const struct cli *cli, const json_t *result, FILE *out)
{
	(void)cli;
	display_rows(out, type_columns, json_object_get(result, "types"));
}

json_t *params_sources(const struct cli *cli)
{
	return json_pack("{s:I,s:s}", "limit", (json_int_t)cli->limit, "order", cli->order);
}

static void show_totals(FILE *out, json_t *totals)
{
	const char *key;
	json_t *value;

	json_object_foreach(totals, key, value) {
		char *count = display_value(SHOW_TEXT, value);

		(void)fprintf(out, "%18s  ", count);
		display_escaped(out, key);
		(void)fputc('\n', out);
		free(count);
	}
}

void display_sources(const struct cli *cli, const json_t *result, FILE *out)
{
	const json_t *sources = json_object_get(result, "sources");

	(void)cli;
	show_totals(out, json_object_get(result, "totals"));
	if (json_array_size(sources) > 0)
		(void)fputc('\n', out);
	display_rows(out, source_columns, sources);
	if (display_number(result, "more") > 0) {
		char *more = display_member(SHOW_COUNT, result, "more");

		(void)fprintf(out, "and %s more: ask for them with -n\n", more);
		free(more);
	}
}

static const struct table_column drop_columns[] = {
	{"STAGE", false},
	{"DROP", false},
	{"COUNT", true},
	{"MEANING AND CURE", false},
	{0},
};

static void add_drop(struct table *table, const json_t *drop)
{
	const char *cure = json_string_value(json_object_get(drop, "cure"));
	char *text;

	table_add(table, display_member(SHOW_TEXT, drop, "stage"));
	table_add(table, display_member(SHOW_TEXT, drop, "name"));
	table_add(table, display_member(SHOW_COUNT, drop, "count"));
	table_add(table, display_member(SHOW_TEXT, drop, "meaning"));
	if (cure == NULL || *cure == '\0')
		return;
	for (int i = 0; i < 3; i++)
		table_add(table, NULL);
	text = display_member(SHOW_TEXT, drop, "cure");
	table_add(table, display_text("cure: %s", text));
	free(text);
}

void display_drops(const struct cli *cli, const json_t *result, FILE *out)
{
	const json_t *drops = json_object_get(result, "drops");
	struct table *table = table_new(drop_columns);
	unsigned shown = 0;
	size_t i;
	json_t *drop;

	json_array_foreach(drops, i, drop) {
		if (!cli->all && display_number(drop, "count") == 0)
			continue;
		add_drop(table, drop);
		shown++;
	}
	if (shown == 0)
		(void)fputs("nothing was dropped\n", out);
	table_print(table, out);
}

static const struct display_column rule_columns[] = {
	{"type", "TYPE", SHOW_TEXT},
	{"rule", "RULE", SHOW_TEXT},
	{"then", "THEN", SHOW_TEXT},
	{"hits", "HITS", SHOW_COUNT},
	{"removed", "REMOVED", SHOW_COUNT},
	{"topic", "TOPIC", SHOW_TEXT},
	{"copy", "COPY", SHOW_TEXT},
	{0},
};

void display_rules(const struct cli *cli, const json_t *result, FILE *out)
{
	const json_t *rules = json_object_get(result, "rules");
	json_t *shown = json_array(), *rule;
	size_t i;

	json_array_foreach(rules, i, rule)
		if (cli->all || display_number(rule, "hits") > 0)
			json_array_append(shown, rule);
	if (json_array_size(rules) == 0)
		(void)fputs("no type has rules\n", out);
	display_rows(out, rule_columns, shown);
	if (json_array_size(shown) < json_array_size(rules))
		(void)fprintf(out, "%zu of %zu rules decided on nothing yet: -a shows them\n",
			json_array_size(rules) - json_array_size(shown), json_array_size(rules));
	json_decref(shown);
}

void display_generation(const struct cli *cli, const json_t *result, FILE *out)
{
	static const struct {
		const char *key, *label;
		enum display_kind kind;
	} rows[] = {
		{"generation", "generation", SHOW_COUNT},
		{"types", "types", SHOW_COUNT},
		{"loading", "loading", SHOW_TEXT},
	};
	char *text = display_member(SHOW_TEXT, result, "text");

	(void)cli;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char *value = display_member(rows[i].kind, result, rows[i].key);

		display_line(out, rows[i].label, value);
		free(value);
	}
	if (display_number(result, "done") > 0) {
		char *at = display_member(SHOW_TIME, result, "at"), *took = display_member(SHOW_COUNT, result, "took_ms");
		char *line = display_text("%s %s, in %s ms",
			json_is_true(json_object_get(result, "ok")) ? "went well" : "failed", at, took);

		display_line(out, "last reload", line);
		free(line);
		free(took);
		free(at);
	}
	if (*text != '\0' && strcmp(text, "-") != 0)
		display_line(out, "", text);
	free(text);
}

void display_config(const struct cli *cli, const json_t *result, FILE *out)
{
	const char *text = json_string_value(json_object_get(result, "text"));
	char *path = display_member(SHOW_TEXT, result, "path"), *restart = display_member(SHOW_TEXT, result, "needs_restart");
	size_t len = text == NULL ? 0 : strlen(text);

	(void)cli;
	(void)fprintf(out, "# %s\n", path);
	if (json_string_length(json_object_get(result, "needs_restart")) > 0)
		(void)fprintf(out, "# %s\n", restart);
	free(restart);
	free(path);
	if (len > 0)
		display_escaped_lines(out, text);
	if (len > 0 && text[len - 1] != '\n')
		(void)fputc('\n', out);
}
