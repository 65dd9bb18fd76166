/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "control/cli/cli.h"
#include "control/cli/commands.h"
#include "control/cli/display.h"

#define COLUMN 20

static void show_option(FILE *out, const struct grammar_option *option)
{
	(void)fprintf(out, "  -%c, --%s%s%s\n%*s%s\n", option->letter, option->name,
		option->argument != NULL ? " " : "", option->argument != NULL ? option->argument : "", COLUMN, "",
		option->text);
}

static void show_one(FILE *out, const struct grammar_command *command)
{
	(void)fprintf(out, "penstock %s%s%s%s\n\n%s.\n\nOptions:\n", command->words,
		command->argument != NULL ? " " : "", command->argument != NULL ? command->argument : "",
		*command->options != '\0' ? " [OPTION]..." : "", command->text);
	for (const char *letter = command->options; *letter != '\0'; letter++)
		show_option(out, grammar_option_of(*letter));
}

static void show_all(FILE *out)
{
	(void)fputs("Usage: penstock [-s SOCKET] [-j] [-w SECONDS] COMMAND [OPTION]...\n\nCommands:\n", out);
	for (const struct grammar_command *command = grammar_commands; command->words != NULL; command++)
		(void)fprintf(out, "  %-*s%s\n", COLUMN - 2, command->words, command->text);
	(void)fputs("\nOptions, which each command takes as `penstock help COMMAND` tells:\n", out);
	for (const struct grammar_option *option = grammar_options; option->name != NULL; option++)
		show_option(out, option);
	(void)fprintf(out,
		"\nExit codes: 0 fine, %d the daemon refused or has an alarm or damage was found, %d no spool, %d usage, %d bad data,\n"
		"  %d no daemon answers, %d a part of the program is missing, %d output failed, %d bad configuration\n",
		EXIT_ALARM, EXIT_SPOOL, EXIT_USAGE, EXIT_DATA, EXIT_UNREACHABLE, EXIT_MISSING, EXIT_OUTPUT, EXIT_CONFIG);
}

/* Help for a word with which several commands begin. */
static unsigned show_beginning(FILE *out, const char *word)
{
	size_t len = strlen(word);
	unsigned shown = 0;

	for (const struct grammar_command *command = grammar_commands; command->words != NULL; command++) {
		if (strncmp(command->words, word, len) != 0 || command->words[len] != ' ')
			continue;
		(void)fprintf(out, "  %-*s%s\n", COLUMN - 2, command->words, command->text);
		shown++;
	}
	return shown;
}

int run_help(struct cli *cli)
{
	const struct grammar_command *command;
	int used = 0;

	if (cli->completion)
		completion_write(cli->out);
	else if (cli->word_count == 0)
		show_all(cli->out);
	if (cli->completion || cli->word_count == 0)
		return 0;
	command = grammar_find(cli->words, cli->word_count, &used);
	if (command != NULL && used == cli->word_count) {
		show_one(cli->out, command);
		return 0;
	}
	if (cli->word_count == 1 && show_beginning(cli->out, cli->words[0]) > 0)
		return 0;
	(void)fputs("penstock: there is no command \"", cli->err);
	for (int i = 0; i < cli->word_count; i++) {
		(void)fputs(i > 0 ? " " : "", cli->err);
		display_escaped(cli->err, cli->words[i]);
	}
	(void)fputs("\"; see `penstock help`\n", cli->err);
	return EXIT_USAGE;
}
