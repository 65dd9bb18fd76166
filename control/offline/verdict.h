/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* A verdict for people and programs, and compared with what was expected. One thread. */

#include <stdio.h>

#include <jansson.h>

#include "base/error.h"
#include "base/slice.h"
#include "control/offline/trial.h"

/* A new object with outcome, type, rule, topic, copy, key, geo, category and reason; null where there is none. */
json_t *verdict_json(const struct trial_verdict *verdict);

/*
 * Compares it with an object of expected values under the same names, whose text `expect` is (data NULL: nothing is
 * expected). 0 with *differences, a new array of {"name","is","expected"}; or -EINVAL with a sentence.
 */
int verdict_compare(const json_t *is, struct slice expect, json_t **differences, struct error *error);

/* Writes a line that says what becomes of the event and why, and one for each difference. */
void verdict_print(FILE *out, const struct trial_verdict *verdict, const json_t *is, const json_t *differences);
