/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Every command and option of penstock(1), once: what is parsed, what help and completion say, and, as a test proves,
 * what the man page says.
 */

#include <stdio.h>

#include <jansson.h>

struct cli;
struct grammar_command;

/* What goes with the request, a new object; NULL: it cannot be made, and nothing is asked. */
typedef json_t *cli_params(const struct cli *cli);

/* Writes the daemon's result for a person. */
typedef void cli_display(const struct cli *cli, const json_t *result, FILE *out);

/* The exit code that a result asks for. */
typedef int cli_judge(const json_t *result);

/* A command that is more than one call. Returns the exit code. */
typedef int cli_run(struct cli *cli);

struct grammar_option {
	char letter;
	const char *name;     /* --name */
	const char *argument; /* NULL: none; alternatives are separated by | */
	const char *text;     /* one line, a sentence without its full stop */
};

struct grammar_command {
	const char *words;    /* such as "show ports" */
	const char *argument; /* a further word that may follow, or NULL */
	const char *options;  /* the letters that it takes */
	const char *text;
	const char *method; /* of the control protocol; NULL: see run */
	int timeout_ms;     /* of the call */
	cli_params *params; /* NULL: none */
	cli_display *display;
	cli_judge *judge; /* NULL: 0 */
	cli_run *run;     /* NULL: call, display, judge */
};

/* Both end with an entry that is all zero. */
extern const struct grammar_option grammar_options[];
extern const struct grammar_command grammar_commands[];

/* NULL when there is none. */
const struct grammar_option *grammar_option_of(int letter);

/* The command that `count` words begin with, and in `*used` how many words it took; NULL when there is none. */
const struct grammar_command *grammar_find(char *const *words, int count, int *used);

/* Writes the next word of each command that begins with `words` ("": all), each once, separated by `separator`.
 * Returns how many. */
unsigned grammar_write_next(FILE *out, const char *words, const char *separator);
