/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Files that tell what was sent. A reader must never take the word of a run that failed, nor that of a run before: what was
 * there goes when the run begins, and what a failed run began goes when it ends. What is no plain file (a pipe, a device, a
 * link) is written to and stays. "-" is standard output.
 */

#include <stdio.h>

#include "base/error.h"

struct result {
	FILE *file;       /* to write to; NULL: not open */
	const char *path; /* the caller's */
	char *making;     /* the file's name until it is complete; NULL: `path` */
	int plain;        /* a plain file, which may be removed */
};

/* Opens the file at `path`. At once, or, where it is a plain one, as path.new until it is complete. 0, or -errno with a
 * sentence. Close it also after an error. */
int result_open(struct result *result, const char *path, int at_once, struct error *error);

/* Closes what was opened, if anything. `rc`: what became of the run; if that is no 0, or not all could be written, no file
 * is left. Returns rc, or -errno with a sentence. */
int result_close(struct result *result, int rc, struct error *error);
