/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * The parts of the configuration that the table alone cannot read: lists whose entries refer to each other, and what only
 * several keys together make right or wrong. Each returns 0, -EINVAL with the line in reading->error, or -ENOMEM. In this
 * order: ports, types, inputs, properties, check.
 */

#include "control/daemon/config_section.h"

int ports_read(const struct reading *reading, struct config_file *file);

/* Types and the topics that follow from them. */
int types_read(const struct reading *reading, struct config_file *file);

/* Needs ports and types. */
int inputs_read(const struct reading *reading, struct config_file *file);

int properties_read(const struct reading *reading, struct config_file *file);

/* Names, paths, and that memory, batches and topics fit each other. */
int config_check(const struct reading *reading, const struct config_file *file);

/* The table's entry for a key; it must be there. */
const struct config_key *config_key_find(const char *section, const char *name);
