/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include "control/api/protocol.h"
#include "control/cli/cli.h"
#include "control/cli/commands.h"
#include "control/cli/display.h"
#include "control/cli/lookup.h"

static const struct display_column columns[] = {
	{"table", "TABLE", SHOW_TEXT},
	{"entries", "ENTRIES", SHOW_COUNT},
	{"values", "VALUES", SHOW_COUNT},
	{"bytes", "MEMORY", SHOW_BYTES},
	{"built_us", "BUILT", SHOW_TIME},
	{"age_s", "AGE", SHOW_SECONDS},
	{"loaded_us", "LOADED", SHOW_TIME},
	{"load_ms", "TOOK MS", SHOW_COUNT},
	{"changes", "CHANGES", SHOW_COUNT},
	{"bad_lines", "BAD LINES", SHOW_COUNT},
	{"files", "FILES", SHOW_TEXT},
	{0},
};

void display_tables(const struct cli *cli, const json_t *result, FILE *out)
{
	const json_t *tables = json_object_get(result, "tables");
	char *generation = display_member(SHOW_COUNT, result, "generation");
	char *revision = display_member(SHOW_COUNT, result, "revision");

	(void)cli;
	(void)fprintf(out, "generation %s, revision %s\n\n", generation, revision);
	free(generation);
	free(revision);
	display_rows(out, columns, tables);
	if (json_array_size(tables) == 0)
		(void)fputs("there are none: name their files under geo and category in the configuration\n", out);
}

static int ask_daemon(void *context, json_t *keys, json_t **rows)
{
	struct cli *cli = context;
	json_t *params = json_pack("{s:s,s:O}", "kind", cli->words[0], "keys", keys), *result;
	struct api_error error;
	int rc = api_call(cli->socket, API_TABLES_LOOKUP, params, cli->command->timeout_ms, &result, &error);

	json_decref(params);
	if (rc != 0)
		return cli_fail(cli, rc, &error);
	*rows = json_incref(json_object_get(result, "rows"));
	json_decref(result);
	return 0;
}

int run_tables_lookup(struct cli *cli)
{
	const struct lookup lookup = {.keys = cli->words + 1,
		.count = cli->word_count - 1,
		.json = cli->json,
		.in = stdin,
		.out = cli->out,
		.ask = ask_daemon,
		.context = cli};

	if (cli->word_count == 0 || (strcmp(cli->words[0], "ip") != 0 && strcmp(cli->words[0], "item") != 0))
		return cli_usage(cli, "\"%s\" takes ip or item first", cli->command->words);
	if (cli->word_count == 1)
		return cli_usage(cli, "\"%s %s\" takes keys, or - for those of standard input", cli->command->words,
			cli->words[0]);
	return cli->file != NULL ? cli_offline(cli) : lookup_run(&lookup);
}
