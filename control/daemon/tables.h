/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * The tables of a generation: loaded from the files that the configuration names, or taken over from the generation before
 * when neither files nor settings have changed.
 */

#include "control/daemon/config.h"
#include "tables/generation.h"

#define TABLES_MARK 1024

/* What a table was made of: settings, and identity, size and time of each file. Equal texts, equal tables. */
struct tables_marks {
	char geo[TABLES_MARK];
	char category[TABLES_MARK];
};

/*
 * Gives `generation` its tables. `before` (NULL: none) and its marks tell what can be taken over. 0 with *marks; or -errno with
 * a sentence that names file, place and cure. Takes seconds. Loader, or the main thread before there is one.
 */
int tables_load(struct generation *generation, const struct config *config, const struct generation *before,
	const struct tables_marks *marks_before, struct tables_marks *marks, struct error *error);

/* Leaves to `after` what it has taken over from `before`, which may then be freed. */
void tables_hand_over(struct generation *before, const struct generation *after);

/* Whether the files of `config` are others than when `marks` was made. */
int tables_changed(const struct config *config, const struct tables_marks *marks);
