/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include "control/api/protocol.h"
#include "control/cli/cli.h"
#include "control/cli/commands.h"
#include "control/cli/display.h"
#include "control/cli/lookup.h"

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
		return cli_usage(cli, "\"%s %s\" takes keys, or - for those of standard input", cli->command->words, cli->words[0]);
	return cli->file != NULL ? cli_offline(cli) : lookup_run(&lookup);
}
