/* SPDX-License-Identifier: Apache-2.0 */
/* Commands that need no daemon, and the code that it is made of: a program beside this one runs them. */
#include <errno.h>
#include <limits.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "control/cli/cli.h"
#include "control/cli/commands.h"

#define PROGRAM       "penstock-offline"
#define OPTION_WORDS  14 /* program, command, options with what they take */
#define PORT_TEXT_MAX 16

/* Where the program is: in the folder of this one. */
static int find_program(char *path, size_t size)
{
	ssize_t len = readlink("/proc/self/exe", path, size - sizeof(PROGRAM));
	char *slash;

	if (len < 0)
		return -errno;
	path[len] = '\0';
	slash = strrchr(path, '/');
	if (slash == NULL)
		return -ENOENT;
	memcpy(slash + 1, PROGRAM, sizeof(PROGRAM));
	return 0;
}

static void add_option(const char **words, int *count, const char *option, const char *argument)
{
	if (argument == NULL || *argument == '\0')
		return;
	words[(*count)++] = option;
	words[(*count)++] = argument;
}

static int run_program(struct cli *cli, const char **words)
{
	char path[PATH_MAX] = PROGRAM, port[PORT_TEXT_MAX] = "";
	int count = 0, rc = find_program(path, sizeof(path));

	if (cli->port > 0)
		(void)snprintf(port, sizeof(port), "%u", cli->port);
	words[count++] = path;
	words[count++] = cli->command->words;
	add_option(words, &count, "-c", cli->config);
	add_option(words, &count, "-f", cli->file);
	add_option(words, &count, "-p", port);
	add_option(words, &count, "-T", cli->topic);
	if (cli->json)
		words[count++] = "-j";
	if (cli->all)
		words[count++] = "-a";
	if (cli->yes)
		words[count++] = "-y";
	words[count++] = "--";
	for (int i = 0; i < cli->word_count; i++)
		words[count++] = cli->words[i];
	words[count] = NULL;
	(void)fflush(cli->out);
	if (rc == 0) {
		(void)execv(path, (char *const *)(uintptr_t)words);
		rc = -errno;
	}
	(void)fprintf(cli->err,
		"penstock: cannot run %s: %s; it belongs into the same folder, and comes with the same package\n", path,
		strerror(-rc));
	return EXIT_MISSING;
}

int cli_offline(struct cli *cli)
{
	const char **words = calloc(OPTION_WORDS + 4 + (size_t)cli->word_count, sizeof(*words));
	int code;

	if (words == NULL)
		return EXIT_MISSING;
	code = run_program(cli, words);
	free(words);
	return code;
}

int run_rules_test(struct cli *cli)
{
	if (cli->config == NULL)
		return cli_usage(cli, "-c FILE is missing: the configuration whose rules are tested");
	if (cli->word_count != 1)
		return cli_usage(cli, "\"%s\" takes one file of samples, or - for standard input", cli->command->words);
	return cli_offline(cli);
}

int run_tables_build(struct cli *cli)
{
	if (cli->word_count != 2)
		return cli_usage(cli, "\"%s\" takes two files: what to read, and what to write", cli->command->words);
	return cli_offline(cli);
}
