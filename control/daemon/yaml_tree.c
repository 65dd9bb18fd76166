/* SPDX-License-Identifier: Apache-2.0 */
#include "control/daemon/yaml_tree.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <yaml.h>

#include "control/daemon/config_value.h"

#define BLOCK_BYTES 65536u
#define ALIGNMENT   16u
#define MARK        "\xef\xbb\xbf" /* of byte order, one character: editors put it at the start */

struct block {
	struct block *next;
	size_t used, size;
	uint8_t data[] __attribute__((aligned(ALIGNMENT)));
};

struct tree {
	struct block *blocks;
	struct tree_node *root;
};

struct reader {
	yaml_parser_t parser;
	yaml_event_t event;
	struct tree *tree;
	const char *name;
	const char *text;
	size_t length;
	struct error *error;
	unsigned nodes;
	unsigned skipped; /* characters before `text` */
};

void *tree_allocate(struct tree *tree, size_t size)
{
	struct block *block = tree->blocks;
	size_t need = (size + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;

	if (size > TREE_BYTES * 4u)
		return NULL;
	if (block == NULL || block->size - block->used < need) {
		size_t room = need > BLOCK_BYTES ? need : BLOCK_BYTES;

		block = calloc(1, sizeof(*block) + room);
		if (block == NULL)
			return NULL;
		block->size = room;
		block->next = tree->blocks;
		tree->blocks = block;
	}
	block->used += need;
	return block->data + block->used - need;
}

void tree_free(struct tree *tree)
{
	if (tree == NULL)
		return;
	while (tree->blocks != NULL) {
		struct block *next = tree->blocks->next;

		free(tree->blocks);
		tree->blocks = next;
	}
	free(tree);
}

const struct tree_node *tree_root(const struct tree *tree)
{
	return tree->root;
}

const struct tree_node *tree_find(const struct tree_node *map, const char *key)
{
	if (map == NULL || map->kind != TREE_MAP)
		return NULL;
	for (const struct tree_node *n = map->first; n != NULL; n = n->next)
		if (strcmp(n->key, key) == 0)
			return n;
	return NULL;
}

/* Bytes that are no UTF-8 have an offset only: line and column are counted from the text. */
static int fail_at_offset(struct reader *r, size_t offset, const char *problem)
{
	unsigned line = 1, column = 1;

	for (size_t i = 0; i < offset && i < r->length; i++) {
		if (r->text[i] == '\n') {
			line++;
			column = 1;
		} else if (((uint8_t)r->text[i] & 0xc0) != 0x80) {
			column++;
		}
	}
	return error_set(r->error, -EINVAL, "%s:%u:%u: not UTF-8 text: %s", r->name, line, column, problem);
}

static int fail_syntax(struct reader *r)
{
	const yaml_parser_t *p = &r->parser;
	const char *problem = p->problem != NULL ? p->problem : "the parser gave up";

	if (p->error == YAML_MEMORY_ERROR)
		return error_set(r->error, -ENOMEM, "%s: out of memory while reading", r->name);
	if (p->error == YAML_READER_ERROR)
		return fail_at_offset(r, p->problem_offset, problem);
	if (p->context != NULL)
		return error_set(r->error, -EINVAL, "%s:%zu:%zu: not YAML: %s (%s that began at line %zu)", r->name,
			p->problem_mark.line + 1, p->problem_mark.column + 1, problem, p->context,
			p->context_mark.line + 1);
	return error_set(r->error, -EINVAL, "%s:%zu:%zu: not YAML: %s", r->name, p->problem_mark.line + 1,
		p->problem_mark.column + 1, problem);
}

static int fail(struct reader *r, const char *what)
{
	return error_set(r->error, -EINVAL, "%s:%zu:%zu: %s", r->name, r->event.start_mark.line + 1,
		r->event.start_mark.column + 1, what);
}

static int next_event(struct reader *r)
{
	yaml_event_delete(&r->event);
	if (!yaml_parser_parse(&r->parser, &r->event))
		return fail_syntax(r);
	return 0;
}

static int has_anchor_or_tag(const yaml_event_t *event)
{
	switch (event->type) {
	case YAML_SCALAR_EVENT:
		return event->data.scalar.anchor != NULL || event->data.scalar.tag != NULL;
	case YAML_SEQUENCE_START_EVENT:
		return event->data.sequence_start.anchor != NULL || event->data.sequence_start.tag != NULL;
	case YAML_MAPPING_START_EVENT:
		return event->data.mapping_start.anchor != NULL || event->data.mapping_start.tag != NULL;
	default:
		return 0;
	}
}

static int copy_scalar(struct reader *r, const char **text, size_t *length)
{
	const char *value = (const char *)r->event.data.scalar.value;
	size_t n = r->event.data.scalar.length;
	char *copy;

	if (memchr(value, '\0', n) != NULL)
		return fail(r, "a NUL byte in a text; expected none");
	copy = tree_allocate(r->tree, n + 1);
	if (copy == NULL)
		return error_set(r->error, -ENOMEM, "%s: out of memory while reading", r->name);
	memcpy(copy, value, n);
	*text = copy;
	*length = n;
	return 0;
}

static void append(struct tree_node *parent, struct tree_node *child)
{
	if (parent->last != NULL)
		parent->last->next = child;
	else
		parent->first = child;
	parent->last = child;
	parent->count++;
}

static int read_node(struct reader *r, unsigned depth, struct tree_node **out);

/* The current event is the key; afterwards it is the first one of the value. */
static int read_key(struct reader *r, const struct tree_node *map, struct tree_node *at)
{
	const struct tree_node *twin;
	char quoted[256];
	size_t length;
	int rc;

	if (r->event.type != YAML_SCALAR_EVENT)
		return fail(r, r->event.type == YAML_ALIAS_EVENT ? "aliases (*name) are not taken here; write the value out"
								 : "a key that is no text; expected a name and a colon");
	if (has_anchor_or_tag(&r->event))
		return fail(r, "anchors (&name) and tags (!name) are not taken here; write the value out");
	at->key_line = (unsigned)r->event.start_mark.line + 1;
	at->key_column = (unsigned)r->event.start_mark.column + 1;
	rc = copy_scalar(r, &at->key, &length);
	if (rc != 0)
		return rc;
	twin = tree_find(map, at->key);
	if (twin != NULL)
		return error_set(r->error, -EINVAL, "%s:%u:%u: key %s is here a second time, first in line %u; "
						    "expected it once", r->name, at->key_line, at->key_column,
			value_quote(quoted, sizeof(quoted), at->key), twin->key_line);
	return next_event(r);
}

static int read_children(struct reader *r, unsigned depth, struct tree_node *parent)
{
	yaml_event_type_t end = parent->kind == TREE_MAP ? YAML_MAPPING_END_EVENT : YAML_SEQUENCE_END_EVENT;
	int rc = next_event(r);

	while (rc == 0 && r->event.type != end) {
		struct tree_node key = {0}, *child = NULL;

		if (parent->count == TREE_CHILDREN)
			return fail(r, "too many entries in one list or map; expected 2048 at the most");
		if (parent->kind == TREE_MAP) {
			rc = read_key(r, parent, &key);
			if (rc != 0)
				return rc;
		}
		rc = read_node(r, depth + 1, &child);
		if (rc != 0)
			return rc;
		child->key = key.key;
		child->key_line = key.key_line;
		child->key_column = key.key_column;
		append(parent, child);
		rc = next_event(r);
	}
	return rc;
}

static int check_limits(struct reader *r, unsigned depth)
{
	if (r->event.type == YAML_ALIAS_EVENT)
		return fail(r, "aliases (*name) are not taken here; write the value out");
	if (has_anchor_or_tag(&r->event))
		return fail(r, "anchors (&name) and tags (!name) are not taken here; write the value out");
	if (depth > TREE_DEPTH)
		return fail(r, "nested too deep; expected 8 levels at the most");
	if (++r->nodes > TREE_NODES)
		return fail(r, "too many values; expected 100000 at the most");
	return 0;
}

/* The current event opens the node; afterwards it is the node's last one. */
static int read_node(struct reader *r, unsigned depth, struct tree_node **out)
{
	struct tree_node *node;
	int rc = check_limits(r, depth);

	if (rc != 0)
		return rc;
	node = tree_allocate(r->tree, sizeof(*node));
	if (node == NULL)
		return error_set(r->error, -ENOMEM, "%s: out of memory while reading", r->name);
	*out = node;
	node->line = (unsigned)r->event.start_mark.line + 1;
	node->column = (unsigned)r->event.start_mark.column + 1;
	if (r->event.type == YAML_SCALAR_EVENT) {
		node->kind = TREE_SCALAR;
		node->begin = r->skipped + r->event.start_mark.index;
		node->end = r->skipped + r->event.end_mark.index;
		node->one_line = r->event.start_mark.line == r->event.end_mark.line;
		node->plain = r->event.data.scalar.style == YAML_PLAIN_SCALAR_STYLE;
		return copy_scalar(r, &node->text, &node->length);
	}
	node->kind = r->event.type == YAML_MAPPING_START_EVENT ? TREE_MAP : TREE_LIST;
	return read_children(r, depth, node);
}

static int read_stream(struct reader *r)
{
	int rc;

	do {
		rc = next_event(r);
	} while (rc == 0 && (r->event.type == YAML_STREAM_START_EVENT || r->event.type == YAML_DOCUMENT_START_EVENT));
	if (rc != 0 || r->event.type == YAML_STREAM_END_EVENT)
		return rc;
	rc = read_node(r, 1, &r->tree->root);
	if (rc != 0)
		return rc;
	rc = next_event(r);
	if (rc == 0)
		rc = next_event(r);
	if (rc == 0 && r->event.type != YAML_STREAM_END_EVENT)
		return fail(r, "a second document (---); expected one");
	return rc;
}

int tree_read(struct tree **tree, const char *name, const char *text, size_t length, struct error *error)
{
	struct reader r = {.name = name, .text = text, .length = length, .error = error};
	int rc;

	if (length > TREE_BYTES)
		return error_set(error, -EINVAL, "%s:1:1: the file is larger than 4 MiB; expected a configuration", name);
	if (length >= strlen(MARK) && memcmp(text, MARK, strlen(MARK)) == 0) {
		r.text += strlen(MARK);
		r.length -= strlen(MARK);
		r.skipped = 1;
	}
	r.tree = calloc(1, sizeof(*r.tree));
	if (r.tree == NULL || !yaml_parser_initialize(&r.parser)) {
		free(r.tree);
		return error_set(error, -ENOMEM, "%s: out of memory while reading", name);
	}
	yaml_parser_set_encoding(&r.parser, YAML_UTF8_ENCODING);
	yaml_parser_set_input_string(&r.parser, (const unsigned char *)r.text, r.length);
	rc = read_stream(&r);
	yaml_event_delete(&r.event);
	yaml_parser_delete(&r.parser);
	if (rc != 0) {
		tree_free(r.tree);
		return rc;
	}
	*tree = r.tree;
	return 0;
}

int tree_equal(const struct tree_node *a, const struct tree_node *b)
{
	const struct tree_node *other;

	if (a == NULL || b == NULL)
		return a == b;
	if (a->kind != b->kind || a->count != b->count)
		return 0;
	if (a->kind == TREE_SCALAR)
		return a->length == b->length && memcmp(a->text, b->text, a->length) == 0;
	other = b->first;
	for (const struct tree_node *n = a->first; n != NULL; n = n->next, other = other->next)
		if (!tree_equal(n, a->kind == TREE_MAP ? tree_find(b, n->key) : other))
			return 0;
	return 1;
}
