/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* A run: bursts at the pace asked for, until the events, the time or a signal end it, then the truth. */

#include "options.h"

/* Sends everything and writes the truth. Returns 0, or -errno with a sentence; a run that a signal ended is a good run.
 * Main thread; catches SIGINT and SIGTERM. */
int run(const struct options *options, struct error *error);
