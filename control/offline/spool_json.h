/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/slice.h"

/* Whether a text is JSON of any kind and depth, by a reader that is slow. The scanner of the poll cores (wire/json.h)
 * takes objects within its limits only. Any thread. */
int spool_json_is(struct slice text);
