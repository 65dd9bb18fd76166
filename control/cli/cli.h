/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* One invocation of penstock(1): its options, its command, and what all commands do alike. One thread. */

#include <stdbool.h>
#include <stdio.h>

#include "control/api/client.h"
#include "control/cli/grammar.h"

/* Exit codes; from 64 on those of sysexits.h. */
#define EXIT_ALARM       1  /* the daemon refused, or what it answered carries an alarm, or a wait was in vain */
#define EXIT_SPOOL       2  /* a directory is no spool, or cannot be read */
#define EXIT_USAGE       64 /* the command line is wrong */
#define EXIT_DATA        65 /* a file of samples, or of a table, is wrong */
#define EXIT_UNREACHABLE 69 /* no daemon answers */
#define EXIT_MISSING     70 /* a part of this program is not there */
#define EXIT_OUTPUT      74 /* what was to be printed could not be written */
#define EXIT_CONFIG      78 /* the configuration is wrong, or a table that it names */

struct cli {
	const struct grammar_command *command;
	char *const *words; /* that follow the command's own; `word_count` of them */
	int word_count;
	FILE *out, *err;
	bool schema_told;
	json_int_t request, epoch; /* what `reload` waits for, of the daemon of that epoch */

	const char *socket;
	bool json;
	double watch_s; /* 0: once */
	bool all;
	long limit;
	const char *order;
	double timeout_s;
	const char *config, *file, *topic;
	bool yes;
	unsigned port; /* 0: not given */
	bool completion;
	bool help;
};

/* The whole program but for main(). Returns the exit code. */
int cli_main(int argc, char **argv, FILE *out, FILE *err);

/* Says what is wrong with the command line, and returns EXIT_USAGE. */
__attribute__((format(printf, 2, 3))) int cli_usage(const struct cli *cli, const char *fmt, ...);

/* What a command without a `run` of its own does: call, print, judge, and again when that is to be watched. */
int cli_ask(struct cli *cli);

/* Becomes the program that runs the commands that need no daemon. Returns the exit code when that cannot be. */
int cli_offline(struct cli *cli);

/* Calls the command's method. 0 with the result's reference, or -errno of api_call; -EINVAL: nothing was sent. */
int cli_call(struct cli *cli, int timeout_ms, json_t **result, struct api_error *error);

/* Says on standard error what api_call said, and returns the exit code for its `rc`. */
int cli_fail(const struct cli *cli, int rc, const struct api_error *error);

/* Prints the result as asked for: as it is, or for a person. */
void cli_print(const struct cli *cli, const json_t *result);
