/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "control/cli/display.h"
#include "control/daemon/config.h"
#include "control/offline/offline.h"
#include "control/offline/sample.h"
#include "control/offline/verdict.h"

#define EXIT_DIFFERS 1

struct test {
	const struct offline *offline;
	struct trial *trial;
	const char *name; /* of the file */
	unsigned line;
	unsigned events, expecting, differing;
};

static void print(const struct test *test, const struct trial_verdict *verdict, json_t *is, json_t *differences)
{
	FILE *out = test->offline->out;

	if (test->offline->json) {
		json_object_set_new(is, "line", json_integer(test->line));
		json_object_set(is, "differences", differences);
		(void)json_dumpf(is, out, JSON_COMPACT | JSON_ENSURE_ASCII);
		(void)fputc('\n', out);
		return;
	}
	display_escaped(out, test->name);
	(void)fprintf(out, ":%u: ", test->line);
	verdict_print(out, verdict, is, differences);
}

static int judge(struct test *test, const struct sample *sample, struct error *error)
{
	struct trial_verdict verdict;
	json_t *is, *differences = NULL;
	int rc = trial_run(test->trial, &sample->event, &verdict, error);

	if (rc != 0)
		return rc;
	is = verdict_json(&verdict);
	rc = verdict_compare(is, sample->expect, &differences, error);
	if (rc == 0) {
		print(test, &verdict, is, differences);
		test->events++;
		test->expecting += sample->expect.data != NULL;
		test->differing += json_array_size(differences) > 0;
	}
	json_decref(differences);
	json_decref(is);
	return rc;
}

static int judge_line(struct test *test, struct slice line, struct error *error)
{
	struct sample sample;
	int rc = sample_read(&sample, line, trial_type_member(test->trial), error);

	if (rc == 0)
		rc = judge(test, &sample, error);
	sample_fini(&sample);
	return rc < 0 ? rc : 0;
}

/* EX_DATAERR after a sentence that names the line. */
static int judge_lines(struct test *test, FILE *file)
{
	struct error error = {""};
	char *line = NULL;
	size_t size = 0;
	ssize_t len;
	int rc = 0;

	while (rc == 0 && (len = getline(&line, &size, file)) >= 0) {
		test->line++;
		len -= len > 0 && line[len - 1] == '\n';
		rc = len <= INT32_MAX ? judge_line(test, (struct slice){(const uint8_t *)line, (uint32_t)len}, &error)
				      : error_set(&error, -E2BIG, "the line is too long");
	}
	free(line);
	if (rc != 0)
		return offline_fail(test->offline, EX_DATAERR, "%s:%u: %s", test->name, test->line, error.text);
	if (ferror(file))
		return offline_fail(test->offline, EX_DATAERR, "%s: cannot be read: %s", test->name, strerror(errno));
	return 0;
}

static int judge_file(struct test *test)
{
	const struct offline *offline = test->offline;
	int is_input = strcmp(offline->words[0], "-") == 0, code;
	FILE *file = is_input ? stdin : fopen(offline->words[0], "re");

	test->name = is_input ? "standard input" : offline->words[0];
	if (file == NULL)
		return offline_fail(offline, EX_DATAERR, "%s: %s; expected a file of events, one a line", test->name,
			strerror(errno));
	code = judge_lines(test, file);
	if (!is_input)
		(void)fclose(file);
	if (code != 0)
		return code;
	if (!offline->json)
		(void)fprintf(offline->out, "%u events, %u with expectations, %u not as expected\n", test->events,
			test->expecting, test->differing);
	return test->differing > 0 ? EXIT_DIFFERS : 0;
}

int offline_rules_test(const struct offline *offline)
{
	struct test test = {.offline = offline};
	struct config *config = NULL;
	struct error error = {""};
	int rc, code;

	if (offline->config == NULL)
		return offline_fail(offline, EX_USAGE, "-c FILE is missing: the configuration whose rules are tested");
	rc = config_read(&config, offline->config, &error);
	if (rc == 0)
		rc = trial_new(&test.trial, config, offline->port, &error);
	code = rc == 0 ? judge_file(&test) : offline_fail(offline, EX_CONFIG, "%s", error.text);
	trial_free(test.trial);
	config_free(config);
	return code;
}
