/* SPDX-License-Identifier: Apache-2.0 */
#include "control/cli/cli.h"
#include "control/cli/commands.h"
#include "control/cli/display.h"

json_t *params_replay(const struct cli *cli)
{
	return cli->topic != NULL ? json_pack("{s:s}", "topic", cli->topic) : json_object();
}

void display_replay(const struct cli *cli, const json_t *result, FILE *out)
{
	unsigned long long letters = (unsigned long long)display_number(result, "letters");
	unsigned long long events = (unsigned long long)display_number(result, "events");

	if (letters == 0)
		(void)fputs("there are no dead letters", out);
	else
		(void)fprintf(out, "to be delivered once more: %llu events in %llu dead letters", events, letters);
	if (cli->topic != NULL) {
		(void)fputs(" of topic ", out);
		display_escaped(out, cli->topic);
	}
	(void)fputs(letters == 0 ? ": nothing is to be delivered\n" : "; `penstock show spool` tells how many are left\n", out);
}

/* Nobody delivers what lies in a directory but a daemon. */
int run_spool_replay(struct cli *cli)
{
	if (cli->word_count == 0)
		return cli_ask(cli);
	(void)fputs("penstock: only a daemon delivers what lies in ", cli->err);
	display_escaped(cli->err, cli->words[0]);
	(void)fputs(": start one whose spool.directory it is, and ask it without naming a directory; or print the letters with "
		    "`penstock spool export`\n", cli->err);
	return EXIT_SPOOL;
}
