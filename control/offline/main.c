/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "base/compiler.h"
#include "base/log.h"
#include "control/offline/offline.h"

static const struct {
	const char *words;
	offline_run *run;
	int least, most; /* words that follow; most 0: any number */
} commands[] = {
	{"rules test", offline_rules_test, 1, 1},
	{"tables build", offline_tables_build, 2, 2},
	{"tables lookup", offline_tables_lookup, 2, 0},
	{"spool status", offline_spool_status, 1, 1},
	{"spool check", offline_spool_check, 1, 1},
	{"spool export", offline_spool_export, 1, 1},
	{"spool quarantine", offline_spool_quarantine, 2, 0},
};

static int usage(const struct offline *offline)
{
	(void)fputs("penstock-offline is run by penstock(1): see `penstock help rules`, `penstock help tables` and "
		    "`penstock help spool`\n",
		offline->err);
	return EX_USAGE;
}

static int parse(struct offline *offline, int argc, char **argv)
{
	int letter;

	opterr = 0;
	while ((letter = getopt(argc, argv, "+c:f:p:T:ajy")) != -1) {
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
		case 'T':
			offline->topic = optarg;
			break;
		case 'a':
			offline->all = 1;
			break;
		case 'y':
			offline->yes = 1;
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
	if (strncmp(argv[1], "spool ", strlen("spool ")) == 0)
		log_set_level(LOG_ERROR); /* a log would tell what a start does about it, and none is started */
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
