/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Many keys, from the command line or standard input, asked about by parts and printed as they were given. One thread.
 */

#include <stdbool.h>
#include <stdio.h>

#include <jansson.h>

struct lookup {
	char *const *keys; /* `count` of them; - stands for the lines of `in` */
	int count;
	bool json; /* an object a key; else a line for a person */
	FILE *in, *out;
	/* Answers an array of strings, at most API_LOOKUP_KEYS, with a new array of rows (control/api/protocol.h).
	 * Returns 0, or the exit code when it has said why it cannot. */
	int (*ask)(void *context, json_t *keys, json_t **rows);
	void *context;
};

/* Returns the exit code: 0 all are known, EXIT_ALARM not all, or what `ask` returned. */
int lookup_run(const struct lookup *lookup);
