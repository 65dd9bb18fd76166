/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* The Kafka client's properties, as a start takes them. */

#include "control/daemon/config.h"

/* Reads the values that are in files of their own, and lets the client judge all. 0, or -errno with a sentence that names the place
 * and no secret. Takes some milliseconds. Main thread, or the loader of a configuration that nobody else has yet. */
int properties_check(struct config *config, struct error *error);
