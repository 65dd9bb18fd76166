/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * The directory of a spool, and its logs: lane.N and lane.N.C of a worker, topic.P.NAME of a topic that was parked by producer P.
 * Nothing here changes anything. One thread.
 */

#include <jansson.h>
#include <stdio.h>

#include "base/error.h"
#include "spool/inspect.h"

#define SPOOL_EXIT_DAMAGE 1
#define SPOOL_EXIT_BAD    2 /* no spool, or it cannot be read */

struct spool_tree {
	const char *path; /* the caller's */
	char **names;     /* of the logs, lanes first */
	unsigned count;
	int in_use; /* a daemon has it */
};

/* 0, or -errno with a sentence. Close it in each case. */
int spool_tree_open(struct spool_tree *tree, const char *path, struct error *error);
void spool_tree_close(struct spool_tree *tree);

/* Whether a log holds what Kafka has refused for good: nobody delivers it unasked. */
int spool_tree_is_dead(const char *name);

/* A log of it, to be read. */
struct spool_tree_log {
	const char *name;
	struct spool_disk *disk;
	struct spool_inspection *inspection;
	struct spool_log_info info;
};

/* 0, or -errno with a sentence; then there is nothing to close. */
int spool_tree_log_open(struct spool_tree_log *log, const struct spool_tree *tree, unsigned index, struct error *error);
void spool_tree_log_close(struct spool_tree_log *log);

/* A place in a log for people, on a line of its own; and for programs, as a new object. */
void spool_place_print(FILE *out, const char *log, const struct spool_sight *sight);
json_t *spool_place_json(const char *log, const struct spool_sight *sight);
