/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The table of keys agrees with what people read: the sample shows every key, the manual has every key's paragraph word for
 * word, every default is a value that the key takes. With --print the program writes the manual's paragraphs.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "control/daemon/config_section.h"

static char *read_file(const char *path, size_t *length)
{
	size_t size = 1 << 20;
	char *text = malloc(size);
	FILE *file = fopen(path, "r");

	assert_non_null(text);
	assert_non_null(file);
	*length = fread(text, 1, size - 1, file);
	text[*length] = '\0';
	(void)fclose(file);
	return text;
}

/* Marks that scdoc would take for formatting. */
static void escape(char *out, size_t size, const char *text)
{
	size_t n = 0;

	for (; *text != '\0' && n + 2 < size; text++) {
		if (strchr("_*\\#", *text) != NULL)
			out[n++] = '\\';
		out[n++] = *text;
	}
	out[n] = '\0';
}

static void print_paragraph(char *out, size_t size, const struct config_key *key)
{
	char expected[200], value[64] = "no default", plain[600], text[700], name[100];

	config_expected(expected, sizeof(expected), key);
	if (key->fallback == NULL)
		(void)snprintf(value, sizeof(value), "needed");
	else if (key->fallback[0] != '\0')
		(void)snprintf(value, sizeof(value), "default %s", key->fallback);
	(void)snprintf(plain, sizeof(plain), "%s; %s. %s", expected, value, key->help);
	escape(text, sizeof(text), plain);
	(void)snprintf(plain, sizeof(plain), "%s%s%s", key->section, key->section[0] != '\0' ? "." : "", key->name);
	escape(name, sizeof(name), plain);
	(void)snprintf(out, size, "*%s*\n\t%s\n", name, text);
}

/* The heading before it is its section's, unless it is at the top level. */
static int is_below_its_heading(const char *manual, const char *at, const struct config_key *key)
{
	size_t len = strcspn(key->section, "[.");
	const char *heading = at;

	if (len == 0)
		return 1;
	while (heading > manual && strncmp(heading, "\n## ", 4) != 0)
		heading--;
	return strncmp(heading + 4, key->section, len) == 0 && heading[4 + len] == '\n';
}

static void the_manual_has_every_key_word_for_word(void **state)
{
	size_t length;
	char *manual = read_file(MANUAL, &length), paragraph[900];
	unsigned missing = 0, keys = 0, found = 0;
	const char *there;

	(void)state;
	for (unsigned i = 0; i < config_key_count; i++) {
		if (config_keys[i].kind == KEY_SECTION)
			continue;
		print_paragraph(paragraph, sizeof(paragraph), &config_keys[i]);
		keys++;
		there = strstr(manual, paragraph);
		if (there == NULL || !is_below_its_heading(manual, there, &config_keys[i])) {
			print_error("docs/penstockd.yaml.5.scd lacks, below its heading:\n%s\n", paragraph);
			missing++;
		}
	}
	assert_int_equal(missing, 0);
	/* And no key that does not exist: paragraphs of keys are the only ones whose first line is bold throughout. */
	for (const char *at = strstr(manual, "# KEYS"); at != NULL; at = strstr(at + 1, "\n*"))
		found++;
	assert_int_equal(found - 1, keys);
	free(manual);
}

static int has_key(const struct tree_node *node, const char *name)
{
	if (tree_find(node, name) != NULL)
		return 1;
	for (const struct tree_node *n = node->first; n != NULL; n = n->next)
		if (n->kind != TREE_SCALAR && has_key(n, name))
			return 1;
	return 0;
}

static void the_sample_shows_every_key(void **state)
{
	size_t length;
	char *text = read_file(SAMPLE, &length);
	struct error error;
	struct tree *tree;

	(void)state;
	assert_int_equal(tree_read(&tree, "sample", text, length, &error), 0);
	for (unsigned i = 0; i < config_key_count; i++) {
		const struct tree_node *node = tree_root(tree);
		char section[64];

		(void)snprintf(section, sizeof(section), "%.*s", (int)strcspn(config_keys[i].section, "[."),
			config_keys[i].section);
		if (section[0] != '\0')
			node = tree_find(node, section);
		if (node == NULL || !has_key(node, config_keys[i].name))
			fail_msg("the sample lacks %s.%s", section, config_keys[i].name);
	}
	tree_free(tree);
	free(text);
}

static void every_default_is_a_value_that_its_key_takes(void **state)
{
	union {
		struct config_file file;
		struct config_port port;
		struct input_draft input;
		struct type_draft type;
	} *base = malloc(sizeof(*base));
	struct error error = {""};
	struct tree *tree;
	unsigned checked = 0;

	(void)state;
	assert_non_null(base);
	assert_int_equal(tree_read(&tree, "defaults", "", 0, &error), 0);
	for (unsigned i = 0; i < config_key_count; i++) {
		const struct config_key *key = &config_keys[i];
		struct tree_node node = {.kind = TREE_SCALAR, .plain = 1, .text = key->fallback};
		struct reading reading = {.name = "defaults", .tree = tree, .error = &error};

		if (key->fallback == NULL || key->fallback[0] == '\0' || strcmp(key->fallback, "[]") == 0)
			continue;
		node.length = strlen(key->fallback);
		memset(base, 0, sizeof(*base));
		if (section_read_value(&reading, key, key->name, &node, base) != 0)
			fail_msg("%s", error.text);
		checked++;
	}
	assert_true(checked > 30);
	tree_free(tree);
	free(base);
}

static void the_table_is_sound(void **state)
{
	(void)state;
	for (unsigned i = 0; i < config_key_count; i++) {
		const struct config_key *key = &config_keys[i];
		char expected[200];

		assert_true(strlen(config_expected(expected, sizeof(expected), key)) > 3);
		assert_true(strlen(expected) + 1 < sizeof(expected));
		for (unsigned j = 0; j < i; j++)
			assert_false(strcmp(key->section, config_keys[j].section) == 0 &&
				     strcmp(key->name, config_keys[j].name) == 0);
		if (key->kind == KEY_SECTION)
			continue;
		assert_non_null(key->help);
		if (key->kind <= KEY_PERCENT && key->kind != KEY_TEXT) {
			assert_true(key->unit >= 1 && key->min % key->unit == 0 && key->max % key->unit == 0);
			assert_true(key->width == 8 || key->max / key->unit < UINT64_C(1) << (8 * key->width));
		}
	}
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_table_is_sound),
		cmocka_unit_test(every_default_is_a_value_that_its_key_takes),
		cmocka_unit_test(the_sample_shows_every_key),
		cmocka_unit_test(the_manual_has_every_key_word_for_word),
	};

	if (argc == 2 && strcmp(argv[1], "--print") == 0) {
		for (unsigned i = 0; i < config_key_count; i++) {
			char paragraph[900];

			if (config_keys[i].kind == KEY_SECTION)
				continue;
			print_paragraph(paragraph, sizeof(paragraph), &config_keys[i]);
			printf("%s\n", paragraph);
		}
		return 0;
	}
	return cmocka_run_group_tests(tests, NULL, NULL);
}
