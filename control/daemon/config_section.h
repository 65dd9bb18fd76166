/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Reads one section of the configuration by the table in config_schema.h: every key known and given once, every missing one
 * filled from its default or refused, every value of the right type and in range.
 */

#include "base/error.h"
#include "control/daemon/config_schema.h"

struct reading {
	const char *name; /* of the file, for messages */
	struct tree *tree; /* gives memory that lives as long as the configuration */
	struct error *error;
};

/*
 * Reads the keys of `section` into `base`, the struct that the table's offsets mean. `path` names this section in messages
 * ("ports[0]", "" at the top); `map` may be NULL when the file does not have it, `parent` is then where a missing key is
 * missed. Sections below are read too. 0, -EINVAL with the line in reading->error, or -ENOMEM.
 */
int section_read(const struct reading *reading, const char *section, const char *path, const struct tree_node *map,
	const struct tree_node *parent, void *base);

/* One value, whatever its kind, into its field. */
int section_read_value(const struct reading *reading, const struct config_key *key, const char *path,
	const struct tree_node *node, void *base);

/* Writes "file:line:column: sentence" and returns -EINVAL. `node`: the value it is about; NULL: the file's start. */
__attribute__((format(printf, 3, 4))) int reading_fail(const struct reading *reading, const struct tree_node *node,
	const char *fmt, ...);

/* The same at a byte of a text, if the text stands on one line without escapes; else at its beginning. */
__attribute__((format(printf, 4, 5))) int reading_fail_in(const struct reading *reading, const struct tree_node *node,
	uint32_t offset, const char *fmt, ...);

/* The same at the key of an entry of a map. */
__attribute__((format(printf, 3, 4))) int reading_fail_key(const struct reading *reading, const struct tree_node *node,
	const char *fmt, ...);

/* "path: "text" why; expected ...", the sentence of every bad value. */
int reading_fail_value(const struct reading *reading, const struct config_key *key, const char *path,
	const struct tree_node *node, const char *why);

/* True for a scalar without content: nothing, ~ or null, not in quotes. */
int node_is_empty(const struct tree_node *node);

/* Lists (config_list.c): CPUs, workers, VLANs, addresses, and the RSS key. */
int list_read(const struct reading *reading, const struct config_key *key, const char *path, const struct tree_node *node,
	void *base);
