/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * A YAML document as a tree whose every node knows where it stands, and the memory that belongs to it: one arena, freed as
 * a whole. Only what a configuration needs is taken: one document of maps, lists and scalars. Anchors, aliases, tags,
 * duplicate keys, NUL bytes and anything beyond the limits below are refused with a line that says where.
 *
 * Threads: one tree belongs to one thread.
 */

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

#define TREE_BYTES    (4u << 20) /* of text */
#define TREE_DEPTH    8u         /* of nesting */
#define TREE_NODES    100000u    /* in all */
#define TREE_CHILDREN 2048u      /* of one map or list */

enum tree_kind { TREE_SCALAR, TREE_LIST, TREE_MAP };

struct tree_node {
	enum tree_kind kind;
	unsigned line, column; /* from 1, in characters */
	size_t begin, end;     /* scalar: as it is written, from and to, in characters of the text */
	int plain;             /* scalar: written without quotes */
	int one_line;          /* scalar: begins and ends on one line */
	const char *text;      /* scalar: UTF-8, ends with NUL, holds no other */
	size_t length;
	const char *key; /* entry of a map: its key, and where that stands; else NULL */
	unsigned key_line, key_column;
	struct tree_node *first, *last, *next; /* children in the order of the text; next sibling */
	unsigned count;                        /* children */
};

struct tree;

/*
 * Reads `length` bytes of `text`; `name` stands before line and column in errors. 0, -EINVAL (the content; one line in
 * `error`) or -ENOMEM. Free with tree_free.
 */
int tree_read(struct tree **tree, const char *name, const char *text, size_t length, struct error *error);

/* NULL is fine. Everything that tree_allocate gave goes too. */
void tree_free(struct tree *tree);

/* The document's node. NULL: the document is empty. */
const struct tree_node *tree_root(const struct tree *tree);

/* Zeroed memory that lives as long as the tree, aligned for any type. NULL: none left. */
void *tree_allocate(struct tree *tree, size_t size);

/* Whether both say the same: kind, scalars' texts, and entries by key or in order. NULL equals NULL alone. */
int tree_equal(const struct tree_node *a, const struct tree_node *b);

/* The entry of a map with this key; NULL: none, or `map` is NULL or no map. */
const struct tree_node *tree_find(const struct tree_node *map, const char *key);
