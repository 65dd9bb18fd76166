/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * The feed of category changes: a file to which lines are appended (tables/category.h). What is new of it becomes an overlay; one
 * that has grown large is merged into the table. A file that was replaced, or is shorter than it was, is read anew from its
 * beginning, over what it said before.
 */

#include <stdatomic.h>
#include <stdint.h>

#include "base/error.h"
#include "tables/category.h"

#define FEED_KEYS 262144u /* changed keys; more are merged into the table */
#define FEED_TAIL 64u     /* bytes by which what was read is known again */

/* Which file it is, and when it was made: file systems give an inode out again at once. All 0: there is none. */
struct feed_file {
	uint64_t device, inode;
	int64_t born_ns;
};

struct feed {
	struct feed_file file;
	uint64_t offset; /* what was read of it, and its last line */
	uint64_t line;
	uint64_t bad;  /* lines among these that were passed over */
	int in_long;   /* what comes next is of a line that is longer than what is read at once: a bad one */
	char tail[FEED_TAIL]; /* what stands before the offset, at its end */
	uint64_t anew; /* times that what had been read was no longer there, and stayed in force: only a load gets rid of it */
};

/* The file that stands there now. Any thread but a poll core. */
void feed_file_at(struct feed_file *file, const char *path);

/*
 * Reads complete lines that were added to the file. 0: there are none, or no such file; 1: *category and *overlay are replaced
 * by what is in force with them (those that were given stay, and are still their owner's); -errno with a sentence. Bad lines, and
 * those of more than 8 MiB, are passed over and counted; the log says how many and names the first, once a minute at most. Takes
 * seconds for millions of lines, unless `leave` (NULL: never) is not 0 any more: then -ECANCELED. Loader.
 */
int feed_read(struct feed *feed, const char *path, struct category **category, struct category_overlay **overlay,
	const atomic_int *leave, struct error *error);

/* The same for tables that nobody else has: what is replaced is freed. On -errno *category and *overlay are still the caller's,
 * and good for nothing but to be freed. Loader; main thread at start. */
int feed_load(struct feed *feed, const char *path, struct category **category, struct category_overlay **overlay,
	const atomic_int *leave, struct error *error);

/* Frees what a feed_read made that is not to be used after all. */
void feed_let_go(const struct category *category_before, const struct category_overlay *overlay_before,
	struct category *category, struct category_overlay *overlay);
