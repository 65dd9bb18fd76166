/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* What `penstock status` warns of: what does not stop the daemon and is no alarm, but wants to be looked after. Main thread. */

#include <jansson.h>

#include "control/daemon/box.h"

/* A new array of sentences: of all but the ports. */
json_t *warnings_of(struct box *box);

/* Appends one when the port receives nothing and will not by itself, or not yet. */
void warn_of_port(json_t *warnings, const char *name, const struct source_status *status);
