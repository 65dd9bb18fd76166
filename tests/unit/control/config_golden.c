/* SPDX-License-Identifier: Apache-2.0 */
/* Every broken configuration of tests/golden/config/broken.txt is refused with exactly its line. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "control/daemon/config.h"
#include "control/daemon/yaml_tree.h"

#define CASES_EXPECTED 150 /* at the least: a file that lost its cases must not pass */

struct golden {
	char name[128];
	char text[16384];
	size_t length;
	char line[512];
};

/* Appends a line of the file, with \xHH as the byte. */
static void append(struct golden *g, const char *line)
{
	while (*line != '\0') {
		unsigned byte;

		assert_true(g->length + 1 < sizeof(g->text));
		if (sscanf(line, "\\x%2x", &byte) == 1) {
			g->text[g->length++] = (char)byte;
			line += 4;
		} else {
			g->text[g->length++] = *line++;
		}
	}
}

static int next_case(FILE *file, struct golden *g)
{
	char line[8192];

	g->length = 0;
	g->name[0] = '\0';
	while (fgets(line, sizeof(line), file) != NULL) {
		if (strncmp(line, "=== ", 4) == 0) {
			(void)snprintf(g->name, sizeof(g->name), "%.*s", (int)strcspn(line + 4, "\n"), line + 4);
		} else if (strncmp(line, ">>> ", 4) == 0) {
			(void)snprintf(g->line, sizeof(g->line), "%.*s", (int)strcspn(line + 4, "\n"), line + 4);
			return 1;
		} else if (g->name[0] != '\0') {
			append(g, line);
		}
	}
	return 0;
}

static void every_broken_file_is_refused_with_its_line(void **state)
{
	static struct golden g;
	FILE *file = fopen(GOLDEN, "r");
	unsigned cases = 0, wrong = 0;

	(void)state;
	assert_non_null(file);
	while (next_case(file, &g)) {
		struct config *config = NULL;
		struct error error = {""};
		int rc = config_read_text(&config, "f", g.text, g.length, &error);

		cases++;
		if (rc != -EINVAL || config != NULL || strcmp(error.text, g.line) != 0) {
			print_error("%s: %d\n  is  %s\n  not %s\n", g.name, rc, error.text, g.line);
			wrong++;
		}
		config_free(config);
	}
	(void)fclose(file);
	assert_int_equal(wrong, 0);
	assert_true(cases >= CASES_EXPECTED);
}

/* A file cut anywhere is refused or read, never more; each line says where. */
static void every_truncation_of_the_sample_is_judged(void **state)
{
	static char text[16384];
	FILE *file = fopen(SAMPLE, "r");
	size_t length;
	unsigned refused = 0;

	(void)state;
	assert_non_null(file);
	length = fread(text, 1, sizeof(text), file);
	(void)fclose(file);
	assert_in_range(length, 1000, sizeof(text) - 1);
	for (size_t n = 0; n < length; n++) {
		struct config *config = NULL;
		struct error error = {""};
		char *copy = malloc(n + 1); /* of exact size, so that a read beyond it is seen */

		assert_non_null(copy);
		memcpy(copy, text, n);
		if (config_read_text(&config, "f", copy, n, &error) != 0) {
			assert_null(config);
			assert_int_equal(strncmp(error.text, "f:", 2), 0);
			refused++;
		}
		config_free(config);
		free(copy);
	}
	assert_true(refused > length / 2);
}

static int refuse(const char *text, size_t length, struct error *error)
{
	struct config *config = NULL;

	error->text[0] = '\0';
	return config_read_text(&config, "f", text, length, error);
}

static void text_without_measure_is_refused(void **state)
{
	size_t size = TREE_BYTES + 1, n = 0;
	char *text = malloc(size + 64);
	struct error error;

	(void)state;
	assert_non_null(text);
	memset(text, ' ', size);
	assert_int_equal(refuse(text, size, &error), -EINVAL);
	assert_string_equal(error.text, "f:1:1: the file is larger than 4 MiB; expected a configuration");
	while (n < size - 16)
		n += (size_t)sprintf(text + n, "k%zu: 1\n", n);
	assert_int_equal(refuse(text, n, &error), -EINVAL);
	assert_string_equal(error.text, "f:2049:1: too many entries in one list or map; expected 2048 at the most");
	memset(text, '[', size - 1);
	assert_int_equal(refuse(text, size - 1, &error), -EINVAL);
	assert_string_equal(error.text, "f:1:9: nested too deep; expected 8 levels at the most");
	n = 0;
	for (unsigned i = 0; i < 1000; i++) {
		n += (size_t)sprintf(text + n, "k%u: [", i);
		for (unsigned j = 0; j < 200; j++)
			n += (size_t)sprintf(text + n, "1, ");
		n += (size_t)sprintf(text + n, "1]\n");
	}
	assert_int_equal(refuse(text, n, &error), -EINVAL);
	assert_non_null(strstr(error.text, "too many values; expected 100000 at the most"));
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_broken_file_is_refused_with_its_line),
		cmocka_unit_test(every_truncation_of_the_sample_is_judged),
		cmocka_unit_test(text_without_measure_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
