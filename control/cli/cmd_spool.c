/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include "control/cli/cli.h"
#include "control/cli/commands.h"
#include "control/cli/display.h"

static const struct display_column columns[] = {
	{"log", "LOG", SHOW_TEXT},
	{"events", "EVENTS", SHOW_COUNT},
	{"entries", "BATCHES", SHOW_COUNT},
	{"frontier", "FRONTIER", SHOW_COUNT},
	{"end", "END", SHOW_COUNT},
	{"bytes", "ON DISK", SHOW_BYTES},
	{"files", "FILES", SHOW_COUNT},
	{"suspect", "SUSPECT", SHOW_COUNT},
	{0},
};

static const struct display_column totals[] = {
	{"spooled", "SPOOLED", SHOW_COUNT},
	{"parked", "PARKED", SHOW_COUNT},
	{"recovered", "RECOVERED", SHOW_COUNT},
	{"replayed", "REPLAYED", SHOW_COUNT},
	{"replay_rate", "A SECOND", SHOW_COUNT},
	{"damaged", "DAMAGED", SHOW_COUNT},
	{"made_room", "MADE ROOM", SHOW_COUNT},
	{"sampled", "SAMPLED", SHOW_COUNT},
	{"accepted", "ACCEPTED", SHOW_COUNT},
	{"sync_failures", "FAILED SYNCS", SHOW_COUNT},
	{"refused", "REFUSED", SHOW_COUNT},
	{0},
};

static const struct display_column bounds[] = {
	{"lost_bytes", "KILL -9 LOSES OF ACCEPTED", SHOW_BYTES},
	{"power_cut_bytes", "A POWER CUT, A LOG", SHOW_BYTES},
	{"repeated_bytes", "EITHER REPEATS", SHOW_BYTES},
	{0},
};

static const struct display_column classes[] = {
	{"class", "CLASS", SHOW_TEXT},
	{"full", "KEEPS", SHOW_TEXT},
	{"bytes", "ON DISK", SHOW_BYTES},
	{"share_bytes", "SHARE", SHOW_BYTES},
	{"turned_away", "TURNED AWAY", SHOW_COUNT},
	{0},
};

static const struct display_column letters[] = {
	{"events", "DEAD LETTERS", SHOW_COUNT},
	{"bytes", "ON DISK", SHOW_BYTES},
	{"eldest", "ELDEST", SHOW_TIME},
	{"replaying", "REPLAYING", SHOW_COUNT},
	{0},
};

static const struct display_column reasons[] = {
	{"reason", "REASON", SHOW_TEXT},
	{"events", "SINCE THE START", SHOW_COUNT},
	{0},
};

static void display_one(const json_t *row, const struct display_column *shown, FILE *out)
{
	json_t *rows = json_pack("[O]", row);

	display_rows(out, shown, rows);
	json_decref(rows);
	(void)fputc('\n', out);
}

static void display_letters(const json_t *dead, FILE *out)
{
	json_t *rows;

	if (display_number(dead, "events") == 0 && display_number(dead, "replaying") == 0)
		return;
	rows = json_pack("[O]", dead);
	(void)fputc('\n', out);
	display_rows(out, letters, rows);
	json_decref(rows);
	if (json_array_size(json_object_get(dead, "reasons")) == 0)
		return;
	(void)fputc('\n', out);
	display_rows(out, reasons, json_object_get(dead, "reasons"));
}

void display_spool(const struct cli *cli, const json_t *result, FILE *out)
{
	const char *mode = json_string_value(json_object_get(result, "mode"));

	(void)cli;
	if (mode == NULL || strcmp(mode, "off") == 0) {
		(void)fputs("there is none: set spool.mode in the configuration\n", out);
		return;
	}
	(void)fprintf(out, "mode %s, in %s\n\n", mode, json_string_value(json_object_get(result, "directory")));
	display_one(json_object_get(result, "bounds"), bounds, out);
	display_one(result, totals, out);
	display_rows(out, classes, json_object_get(result, "classes"));
	(void)fputc('\n', out);
	display_rows(out, columns, json_object_get(result, "logs"));
	if (display_number(result, "eta_s") > 0)
		(void)fprintf(out, "\nwhat waits is delivered in some %llu s at this rate\n",
			(unsigned long long)display_number(result, "eta_s"));
	display_letters(json_object_get(result, "dead_letters"), out);
}

int run_spool_status(struct cli *cli)
{
	if (cli->word_count == 0)
		return cli_ask(cli);
	if (cli->word_count > 1)
		return cli_usage(
			cli, "\"%s\" takes one directory, or none: then the daemon is asked", cli->command->words);
	if (cli->watch_s > 0)
		return cli_usage(cli, "\"%s\" of a directory takes no -w", cli->command->words);
	return cli_offline(cli);
}

int run_spool_directory(struct cli *cli)
{
	if (cli->word_count != 1)
		return cli_usage(cli, "\"%s\" takes one directory, that of a spool", cli->command->words);
	return cli_offline(cli);
}

int run_spool_quarantine(struct cli *cli)
{
	if (cli->word_count < 2)
		return cli_usage(cli,
			"\"%s\" takes the directory of a spool and files in it, such as "
			"lane.0/00000000000000000000.log",
			cli->command->words);
	return cli_offline(cli);
}
