/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * The tables of a generation: loaded from the files that the configuration names, or taken over from the generation before
 * when neither files nor settings have changed.
 */

#include "control/daemon/config.h"
#include "control/daemon/feed.h"
#include "tables/generation.h"

/*
 * What a table was made of: settings, and path, identity, size and time of every file, as one sum of 64 bits. Equal sums, equal
 * tables. Of a file of changes only which one it is, and how often it was begun anew: lines that are added are the feed's.
 */
struct tables_marks {
	uint64_t config; /* the file's own */
	uint64_t geo;
	uint64_t category;
};

/*
 * Gives `generation` its tables. `before` (NULL: none) tells, with its marks, what can be taken over: generation_free(..., heir)
 * knows what they share. 0 with *marks and *feed as they are from then on; or -errno with a sentence that names file, place (the
 * configuration's first) and cure, and both as they were. Takes seconds, unless `leave` (NULL: never) is not 0 any more: then
 * -ECANCELED. Loader, or the main thread before there is one.
 */
int tables_load(struct generation *generation, const struct config *config, const struct generation *before,
	struct tables_marks *marks, struct feed *feed, const atomic_int *leave, struct error *error);

/* The marks of the files as they are. */
void tables_mark(const struct config *config, const struct feed *feed, struct tables_marks *marks);

/* The first of them, of a configuration that is yet to be read. */
uint64_t tables_mark_config(const char *path);

/* Whether the configuration's file or those of its tables are others than when `marks` was made. */
int tables_changed(const struct config *config, const struct feed *feed, const struct tables_marks *marks);
