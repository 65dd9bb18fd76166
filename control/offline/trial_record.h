/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* What the worker put into a record, read back out of it; and what it only counts, found again. */

#include "batch/record.h"
#include "control/offline/trial.h"

struct type_plan;

/* Fills geo and category, of those in `enrich` (enum type_enrich), and of a quarantined event why. `trusted` is what
 * its input says of JSON. */
void trial_record_read(const struct record *record, int trusted, unsigned enrich, struct trial_verdict *verdict);

/* Writes which member that the type requires an event lacks, as it would be put aside with, to verdict->detail. */
void trial_find_lack(const struct type_plan *plan, struct slice body, int trusted, struct trial_verdict *verdict);
