/* SPDX-License-Identifier: Apache-2.0 */
#include "control/daemon/config_section.h"

#include <errno.h>
#include <string.h>

#include "control/daemon/config_value.h"

#define PATH_SIZE   192
#define QUOTE_SIZE  256
#define EXPECT_SIZE 192
#define CLOSE       2u /* edits that still look like a slip of the finger */

__attribute__((format(printf, 4, 0))) static int fail_at(const struct reading *reading, unsigned line, unsigned column,
	const char *fmt, va_list ap)
{
	char text[480];

	error_cut(text, sizeof(text), vsnprintf(text, sizeof(text), fmt, ap));
	return error_set(reading->error, -EINVAL, "%s:%u:%u: %s", reading->name, line, column, text);
}

int reading_fail(const struct reading *reading, const struct tree_node *node, const char *fmt, ...)
{
	va_list ap;
	int rc;

	va_start(ap, fmt);
	rc = fail_at(reading, node != NULL ? node->line : 1, node != NULL ? node->column : 1, fmt, ap);
	va_end(ap);
	return rc;
}

int reading_fail_in(const struct reading *reading, const struct tree_node *node, uint32_t offset, const char *fmt, ...)
{
	int one_line = node->one_line;
	unsigned column = node->column;
	va_list ap;
	int rc;

	/* Columns are characters: bytes that begin none do not count. */
	for (uint32_t i = 0; one_line && i < offset && node->text[i] != '\0'; i++)
		column += ((uint8_t)node->text[i] & 0xC0) != 0x80;
	va_start(ap, fmt);
	rc = fail_at(reading, node->line, column + (one_line && !node->plain), fmt, ap);
	va_end(ap);
	return rc;
}

int reading_fail_key(const struct reading *reading, const struct tree_node *node, const char *fmt, ...)
{
	va_list ap;
	int rc;

	va_start(ap, fmt);
	rc = fail_at(reading, node->key_line, node->key_column, fmt, ap);
	va_end(ap);
	return rc;
}

int reading_fail_value(const struct reading *reading, const struct config_key *key, const char *path,
	const struct tree_node *node, const char *why)
{
	char expected[EXPECT_SIZE], quoted[QUOTE_SIZE];

	config_expected(expected, sizeof(expected), key);
	if (node->kind != TREE_SCALAR || node_is_empty(node))
		return reading_fail(reading, node, "%s %s; expected %s", path, why, expected);
	return reading_fail(reading, node, "%s: %s %s; expected %s", path,
		value_quote(quoted, sizeof(quoted), node->text), why, expected);
}

int node_is_empty(const struct tree_node *node)
{
	return node->kind == TREE_SCALAR && node->plain &&
	       (node->length == 0 || strcmp(node->text, "~") == 0 || strcmp(node->text, "null") == 0);
}

static void store(void *base, const struct config_key *key, uint64_t value)
{
	uint8_t *field = (uint8_t *)base + key->offset;
	uint8_t byte = (uint8_t)value;
	uint16_t half = (uint16_t)value;
	uint32_t word = (uint32_t)value;

	switch (key->width) {
	case 1:
		memcpy(field, &byte, sizeof(byte));
		break;
	case 2:
		memcpy(field, &half, sizeof(half));
		break;
	case 4:
		memcpy(field, &word, sizeof(word));
		break;
	default:
		memcpy(field, &value, sizeof(value));
		break;
	}
}

/* Index of the word among "a|b|c"; -1: none. */
static int choice_index(const char *words, const char *text)
{
	size_t length = strlen(text);

	for (int i = 0; length != 0; i++) {
		size_t n = strcspn(words, "|");

		if (n == length && memcmp(words, text, n) == 0)
			return i;
		if (words[n] == '\0')
			break;
		words += n + 1;
	}
	return -1;
}

static const char *parse_number(const struct config_key *key, const char *text, uint64_t *value)
{
	int index;

	switch (key->kind) {
	case KEY_SIZE:
		return value_size(text, value);
	case KEY_DURATION:
		return value_duration(text, value);
	case KEY_PERCENT:
		return value_percent(text, value);
	case KEY_MODE:
		return value_mode(text, value);
	case KEY_CHOICE:
	case KEY_BOOLEAN:
		index = choice_index(key->kind == KEY_CHOICE ? key->form : "false|true", text);
		*value = (uint64_t)index;
		return index < 0 ? "is not known here" : NULL;
	default:
		return value_number(text, value);
	}
}

static int read_number(const struct reading *reading, const struct config_key *key, const char *path,
	const struct tree_node *node, void *base)
{
	int ranged = key->kind != KEY_CHOICE && key->kind != KEY_BOOLEAN && key->kind != KEY_MODE;
	uint64_t value = 0;
	const char *why;

	if (!node->plain && (key->kind == KEY_NUMBER || key->kind == KEY_BOOLEAN))
		return reading_fail_value(reading, key, path, node, "is a text in quotes");
	why = parse_number(key, node->text, &value);
	if (why == NULL && ranged && value < key->min)
		why = "is too small";
	if (why == NULL && ranged && value > key->max)
		why = "is too large";
	if (why == NULL && ranged && value % key->unit != 0)
		why = key->kind == KEY_SIZE ? "is no whole number of MiB" :
		      key->unit == 1000     ? "is no whole number of milliseconds" :
					      "is no whole number of seconds";
	if (why != NULL)
		return reading_fail_value(reading, key, path, node, why);
	store(base, key, ranged ? value / key->unit : value);
	return 0;
}

static int read_text(const struct reading *reading, const struct config_key *key, const char *path,
	const struct tree_node *node, void *base)
{
	if (node->length < key->min)
		return reading_fail_value(reading, key, path, node, "is too short");
	if (node->length > key->max)
		return reading_fail_value(reading, key, path, node, "is too long");
	for (size_t i = 0; i < node->length; i++)
		if (((uint8_t)node->text[i] < 0x20 || node->text[i] == 0x7f) &&
			(key->kind != KEY_LINES || strchr("\t\n\r", node->text[i]) == NULL))
			return reading_fail_value(reading, key, path, node, "holds a control character");
	memcpy((uint8_t *)base + key->offset, &node->text, sizeof(node->text));
	return 0;
}

static int read_node(const struct reading *reading, const struct config_key *key, const char *path,
	const struct tree_node *node, void *base)
{
	if (node->kind != (enum tree_kind)key->width)
		return reading_fail_value(reading, key, path, node,
			node->kind == TREE_SCALAR ? "is a single value" : node->kind == TREE_LIST ? "is a list" : "is a map");
	if (node->count < key->min)
		return reading_fail_value(reading, key, path, node, "is empty");
	if (node->count > key->max)
		return reading_fail_value(reading, key, path, node, "has too many entries");
	memcpy((uint8_t *)base + key->offset, &node, sizeof(node));
	return 0;
}

int section_read_value(const struct reading *reading, const struct config_key *key, const char *path,
	const struct tree_node *node, void *base)
{
	if (node_is_empty(node))
		return reading_fail_value(reading, key, path, node, "has no value");
	switch (key->kind) {
	case KEY_NODE:
		return read_node(reading, key, path, node, base);
	case KEY_SECTION:
		return section_read(reading, key->name, path, node, node, base);
	case KEY_CPUS:
	case KEY_WORKERS:
	case KEY_VLAN:
	case KEY_ADDRESSES:
		return list_read(reading, key, path, node, base);
	default:
		break;
	}
	if (node->kind != TREE_SCALAR)
		return reading_fail_value(reading, key, path, node, node->kind == TREE_LIST ? "is a list" : "is a map");
	if (key->kind == KEY_RSS_KEY)
		return list_read(reading, key, path, node, base);
	if (key->kind == KEY_TEXT || key->kind == KEY_LINES)
		return read_text(reading, key, path, node, base);
	return read_number(reading, key, path, node, base);
}

static int read_default(const struct reading *reading, const struct config_key *key, const char *path,
	const struct tree_node *parent, void *base)
{
	struct tree_node node = {.kind = TREE_SCALAR, .plain = 1, .text = key->fallback};
	char expected[EXPECT_SIZE];

	if (key->kind == KEY_SECTION)
		return section_read(reading, key->name, path, NULL, parent, base);
	if (key->fallback == NULL)
		return reading_fail(reading, parent, "%s is missing; expected %s", path,
			config_expected(expected, sizeof(expected), key));
	if (key->fallback[0] == '\0' || strcmp(key->fallback, "[]") == 0)
		return 0;
	node.length = strlen(key->fallback);
	if (parent != NULL) {
		node.line = parent->line;
		node.column = parent->column;
	}
	return section_read_value(reading, key, path, &node, base);
}

static const struct config_key *closest_key(const char *section, const char *name)
{
	const struct config_key *best = NULL;
	unsigned least = CLOSE + 1;

	for (unsigned i = 0; i < config_key_count; i++) {
		unsigned distance = value_distance(config_keys[i].name, name);

		if (strcmp(config_keys[i].section, section) == 0 && distance < least && distance < strlen(name)) {
			best = &config_keys[i];
			least = distance;
		}
	}
	return best;
}

static const struct config_key *find_key(const char *section, const char *name)
{
	for (unsigned i = 0; i < config_key_count; i++)
		if ((section == NULL || strcmp(config_keys[i].section, section) == 0) &&
			strcmp(config_keys[i].name, name) == 0)
			return &config_keys[i];
	return NULL;
}

static int fail_unknown(const struct reading *reading, const char *section, const char *path,
	const struct tree_node *entry)
{
	const struct config_key *close = closest_key(section, entry->key), *elsewhere = find_key(NULL, entry->key);
	char quoted[QUOTE_SIZE], list[300] = "";
	size_t n = 0;

	value_quote(quoted, sizeof(quoted), entry->key);
	if (path[0] == '\0')
		path = "the top level";
	if (elsewhere != NULL)
		return reading_fail_key(reading, entry, "unknown key %s in %s; it belongs in %s", quoted, path,
			elsewhere->section[0] != '\0' ? elsewhere->section : "the top level");
	if (close != NULL)
		return reading_fail_key(reading, entry, "unknown key %s in %s; did you mean \"%s\"?", quoted, path,
			close->name);
	for (unsigned i = 0; i < config_key_count && n < sizeof(list) - 40; i++)
		if (strcmp(config_keys[i].section, section) == 0)
			n += (size_t)snprintf(list + n, sizeof(list) - n, "%s%s", n > 0 ? ", " : "",
				config_keys[i].name);
	return reading_fail_key(reading, entry, "unknown key %s in %s; expected one of %s", quoted, path, list);
}

static int check_known(const struct reading *reading, const char *section, const char *path,
	const struct tree_node *map)
{
	for (const struct tree_node *n = map->first; n != NULL; n = n->next)
		if (find_key(section, n->key) == NULL)
			return fail_unknown(reading, section, path, n);
	return 0;
}

int section_read(const struct reading *reading, const char *section, const char *path, const struct tree_node *map,
	const struct tree_node *parent, void *base)
{
	int rc;

	if (map != NULL && map->kind != TREE_MAP)
		return reading_fail(reading, map, "%s is no map; expected keys with values", path[0] ? path : "the file");
	rc = map != NULL ? check_known(reading, section, path, map) : 0;
	for (unsigned i = 0; i < config_key_count && rc == 0; i++) {
		const struct config_key *key = &config_keys[i];
		const struct tree_node *node;
		char full[PATH_SIZE];

		if (strcmp(key->section, section) != 0)
			continue;
		(void)snprintf(full, sizeof(full), "%s%s%s", path, path[0] != '\0' ? "." : "", key->name);
		node = tree_find(map, key->name);
		if (node != NULL)
			rc = section_read_value(reading, key, full, node, base);
		else
			rc = read_default(reading, key, full, map != NULL ? map : parent, base);
	}
	return rc;
}
