/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "control/cli/commands.h"

/* clang-format off */
/* Words before the cursor that are neither options nor their arguments, in $words. */
static const char head[] =
	"# bash completion for penstock(1); made by: penstock help --completion\n"
	"_penstock()\n"
	"{\n"
	"\tlocal cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]} words= options= i\n"
	"\tfor ((i = 1; i < COMP_CWORD; i++)); do\n"
	"\t\tcase ${COMP_WORDS[i]} in\n";
static const char middle[] =
	"\t\t-*) ;;\n"
	"\t\t*) words+=\"${words:+ }${COMP_WORDS[i]}\" ;;\n"
	"\t\tesac\n"
	"\tdone\n"
	"\tcase $prev in\n";
static const char tail[] =
	"\tesac\n"
	"\t[[ $cur == -* ]] && next=$options\n"
	"\tmapfile -t COMPREPLY < <(compgen -W \"$next\" -- \"$cur\")\n"
	"}\n"
	"complete -F _penstock penstock\n";

/* clang-format on */

static void write_option_names(FILE *out, const struct grammar_option *option, const char *separator)
{
	(void)fprintf(out, "-%c%s--%s", option->letter, separator, option->name);
}

/* The options that take the next word. */
static void write_skipped(FILE *out)
{
	unsigned written = 0;

	(void)fputs("\t\t", out);
	for (const struct grammar_option *option = grammar_options; option->name != NULL; option++) {
		if (option->argument == NULL)
			continue;
		(void)fputs(written++ > 0 ? "|" : "", out);
		write_option_names(out, option, "|");
	}
	(void)fputs(") i=$((i + 1)) ;;\n", out);
}

static void write_values(FILE *out, const struct grammar_option *option)
{
	(void)fputs("\t", out);
	write_option_names(out, option, "|");
	(void)fputs(") mapfile -t COMPREPLY < <(compgen ", out);
	if (strchr(option->argument, '|') == NULL) {
		(void)fputs(strcmp(option->argument, "SOCKET") == 0 || strcmp(option->argument, "FILE") == 0 ? "-f" : "-W ''", out);
	} else {
		(void)fputs("-W '", out);
		for (const char *c = option->argument; *c != '\0'; c++)
			(void)fputc(*c == '|' ? ' ' : *c, out);
		(void)fputs("'", out);
	}
	(void)fputs(" -- \"$cur\"); return ;;\n", out);
}

/* What may follow `words`, and the options of the command that they are. */
static void write_state(FILE *out, const char *words, const char *options)
{
	(void)fprintf(out, "\t'%s') next='", words);
	(void)grammar_write_next(out, words, " ");
	(void)fputs("' options='", out);
	for (; *options != '\0'; options++) {
		write_option_names(out, grammar_option_of(*options), " ");
		(void)fputs(options[1] != '\0' ? " " : "", out);
	}
	(void)fputs("' ;;\n", out);
}

static void write_states(FILE *out)
{
	const char *last = "";
	size_t last_len = 0;

	write_state(out, "", "sjwhV");
	for (const struct grammar_command *command = grammar_commands; command->words != NULL; command++) {
		size_t len = strcspn(command->words, " ");
		char first[32];

		if (command->words[len] == ' ' && (len != last_len || strncmp(command->words, last, len) != 0)) {
			(void)snprintf(first, sizeof(first), "%.*s", (int)len, command->words);
			write_state(out, first, "sj");
		}
		write_state(out, command->words, command->options);
		last = command->words;
		last_len = len;
	}
}

void completion_write(FILE *out)
{
	(void)fputs(head, out);
	write_skipped(out);
	(void)fputs(middle, out);
	for (const struct grammar_option *option = grammar_options; option->name != NULL; option++)
		if (option->argument != NULL)
			write_values(out, option);
	(void)fputs(
		"\tesac\n\tlocal next=\n\t[[ $cur != -* ]] && words=${words#help} words=${words# }\n\tcase $words in\n",
		out);
	write_states(out);
	(void)fputs(tail, out);
}
