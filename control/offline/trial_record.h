/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* What the worker put into a record, read back out of it. */

#include "batch/record.h"
#include "control/offline/trial.h"

/* Fills geo and category, of those in `enrich` (enum type_enrich), and of a quarantined event why. `trusted` is what
 * its input says of JSON. */
void trial_record_read(const struct record *record, int trusted, unsigned enrich, struct trial_verdict *verdict);
