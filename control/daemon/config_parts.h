/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * The parts of the configuration that the table alone cannot read: lists whose entries refer to each other, and what only
 * several keys together make right or wrong. Each returns 0, -EINVAL with the line in reading->error, or -ENOMEM. In this
 * order: ports, types, inputs, tables, properties, check.
 */

#include "control/daemon/config_section.h"

int ports_read(const struct reading *reading, struct config_file *file);

/* Quotas of senders. */
int quotas_read(const struct reading *reading, struct config_file *file);

/* Before types. */
int classes_read(const struct reading *reading, struct config_file *file);

/* Number of the class that a type names; NULL: the lowest. */
int class_of_type(const struct reading *reading, const struct config_file *file, const char *path, const struct tree_node *entry,
	const char *name, uint8_t *class);

/* All topics that a type names, its own among them, are at least of its class. */
void classes_apply(struct topic_table *topics, const struct event_type *type, uint8_t class);

/* Types and the topics that follow from them. */
int types_read(const struct reading *reading, struct config_file *file);

/*
 * Index of a topic in the configuration's table, which gets it if it is new. `path` and `node` say what named it: its text, or
 * a type's entry when the name came from a template.
 */
int topic_add(const struct reading *reading, struct config_file *file, const char *path, const struct tree_node *node,
	const char *name, uint16_t *index);

/* A topic template with a type's name in the place of {type}; longer than any topic may be when it does not fit. */
void template_fill(char *out, size_t size, const char *template, const char *type);

/* What a type asks of its events, into draft->type.plan; NULL when it asks nothing. */
int plan_read(const struct reading *reading, struct config_file *file, const char *path, const struct tree_node *entry,
	struct type_draft *draft);

/* Whether it asks nothing of its events that one would have to look into them for: key, require, rules and pack. */
int type_takes_raw(const struct event_type *type);

/* Needs ports and types. */
int inputs_read(const struct reading *reading, struct config_file *file);

/* Files and fields of the tables. */
int tables_read(const struct reading *reading, struct config_file *file);

#define PROPERTY_BYTES 65536u /* of one value: a certificate chain fits */

int properties_read(const struct reading *reading, struct config_file *file);

/* Names, paths, and that memory, batches and topics fit each other. */
int config_check(const struct reading *reading, const struct config_file *file);

/* The table's entry for a key; it must be there. */
const struct config_key *config_key_find(const char *section, const char *name);
