/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>

#include "control/cli/cli.h"
#include "control/cli/commands.h"
#include "control/cli/display.h"
#include "control/cli/table.h"

static const struct table_column quota_columns[] = {
	{"SENDERS", false},
	{"DATAGRAMS", true},
	{"BYTES", true},
	{"BURST", true},
	{0},
};

static const struct display_column sender_columns[] = {
	{"address", "SENDER", SHOW_TEXT},
	{"dropped", "DROPPED", SHOW_COUNT},
	{"bytes", "BYTES", SHOW_BYTES},
	{"last_dropped_s", "LAST DROPPED", SHOW_SECONDS},
	{0},
};

json_t *params_limit(const struct cli *cli)
{
	return json_pack("{s:I}", "limit", (json_int_t)cli->limit);
}

/* "500,000/s"; a limit of 0 is none. */
static char *a_second(enum display_kind kind, const json_t *quota, const char *key)
{
	char *value, *text;

	if (display_number(quota, key) <= 0)
		return display_text("any");
	value = display_member(kind, quota, key);
	text = display_text("%s/s", value);
	free(value);
	return text;
}

static void add_quota(struct table *table, const json_t *quota)
{
	const json_t *from = json_object_get(quota, "from");

	table_add(table, json_array_size(from) > 0 ? display_value(SHOW_TEXT, from) : display_text("all others"));
	table_add(table, a_second(SHOW_COUNT, quota, "datagrams"));
	table_add(table, a_second(SHOW_BYTES, quota, "bytes"));
	table_add(table, display_text("%g ms", display_number(quota, "burst_us") / 1000));
}

static void show_quotas(const json_t *quotas, FILE *out)
{
	struct table *table = table_new(quota_columns);
	json_t *quota;
	size_t i;

	json_array_foreach(quotas, i, quota)
		add_quota(table, quota);
	if (json_array_size(quotas) == 0)
		(void)fputs("no quotas are configured\n", out);
	table_print(table, out);
}

/* A line such as "12 datagrams were dropped", when there are any. */
static void say(FILE *out, const json_t *result, const char *key, const char *what)
{
	char *count;

	if (display_number(result, key) <= 0)
		return;
	count = display_member(SHOW_COUNT, result, key);
	(void)fprintf(out, "%s %s\n", count, what);
	free(count);
}

void display_quotas(const struct cli *cli, const json_t *result, FILE *out)
{
	const json_t *senders = json_object_get(result, "senders");

	(void)cli;
	show_quotas(json_object_get(result, "quotas"), out);
	if (json_array_size(senders) > 0)
		(void)fputc('\n', out);
	display_rows(out, sender_columns, senders);
	say(out, result, "more", "more senders: ask for them with -n");
	if (display_number(result, "dropped") > 0 || display_number(result, "unlimited") > 0)
		(void)fputc('\n', out);
	say(out, result, "dropped", "datagrams were dropped in all");
	say(out, result, "unlimited", "datagrams were taken whatever their sender's quota: raise memory.senders");
}
