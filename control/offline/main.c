/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "base/compiler.h"
#include "base/log.h"
#include "control/cli/display.h"
#include "control/offline/offline.h"

static const struct {
	const char *words;
	offline_run *run;
	int least, most; /* words that follow; most 0: any number */
} commands[] = {
	{"rules test", offline_rules_test, 1, 1},
	{"tables build", offline_tables_build, 2, 2},
	{"tables lookup", offline_tables_lookup, 2, 0},
};

int offline_fail(const struct offline *offline, int code, const char *fmt, ...)
{
	char text[1024];
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	(void)fputs("penstock: ", offline->err);
	display_escaped(offline->err, text);
	(void)fputc('\n', offline->err);
	return code;
}

static int usage(const struct offline *offline)
{
	(void)fputs("penstock-offline is run by penstock(1): see `penstock help rules` and `penstock help tables`\n",
		offline->err);
	return EX_USAGE;
}

static int parse(struct offline *offline, int argc, char **argv)
{
	int letter;

	opterr = 0;
	while ((letter = getopt(argc, argv, "+c:f:p:j")) != -1) {
		switch (letter) {
		case 'c':
			offline->config = optarg;
			break;
		case 'f':
			offline->file = optarg;
			break;
		case 'p':
			offline->port = (unsigned)strtoul(optarg, NULL, 10);
			break;
		case 'j':
			offline->json = 1;
			break;
		default:
			return -EINVAL;
		}
	}
	offline->words = argv + optind;
	offline->count = argc - optind;
	return 0;
}

static int run(struct offline *offline, int argc, char **argv)
{
	if (argc < 2 || parse(offline, argc - 1, argv + 1) != 0)
		return usage(offline);
	for (size_t i = 0; i < ARRAY_LENGTH(commands); i++)
		if (strcmp(argv[1], commands[i].words) == 0 && offline->count >= commands[i].least &&
			(commands[i].most == 0 || offline->count <= commands[i].most))
			return commands[i].run(offline);
	return usage(offline);
}

int main(int argc, char **argv)
{
	struct offline offline = {.out = stdout, .err = stderr};
	int code;

	log_set_level(LOG_WARNING);
	code = run(&offline, argc, argv);
	if (fflush(stdout) == 0 && !ferror(stdout))
		return code;
	return offline_fail(&offline, EX_IOERR, "cannot write the output: %s", strerror(errno));
}
