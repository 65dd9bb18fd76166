/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The examples of docs/record-format.md: `<` is a datagram, `>` a line of the records that come of it, two spaces go on with the
 * line before. They are what the worker writes, but for the time of receiving.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "judge_rig.h"

#define MANUAL_HOUR 490000
#define LINE        4096
#define TIME_DIGITS 16

struct examples {
	struct judged judged;
	char types[LINE]; /* the configuration that they go by */
	char line[LINE];  /* the one that is being read */
	char *record, *next; /* the one that is being compared, and its next line */
	unsigned records;
};

/* Where a record tells when it was received; NULL: nowhere. */
static char *receive_time(char *line)
{
	char *at = strstr(line, "\"ingest\":[\"");

	at = at != NULL ? strstr(at + 11, "\",") : NULL;
	return at != NULL ? at + 2 : NULL;
}

static void expect_no_more(struct examples *e)
{
	if (e->record == NULL)
		return;
	if (e->next != NULL)
		fail_msg("the manual lacks: %s", e->next);
	free(e->record);
	e->record = NULL;
}

static void expect_line(struct examples *e, char *line)
{
	char *end, *now, *then = receive_time(line);

	if (e->next == NULL) {
		expect_no_more(e);
		e->record = e->next = rig_take(e->judged.rig, NULL, NULL);
		e->records++;
	}
	if (e->next == NULL)
		fail_msg("no record for: %s", line);
	end = strchr(e->next, '\n');
	if (end != NULL)
		*end = '\0';
	now = receive_time(e->next);
	assert_int_equal(now != NULL, then != NULL);
	if (now != NULL) {
		assert_int_equal(strspn(then, "0123456789"), TIME_DIGITS);
		memcpy(now, then, TIME_DIGITS);
	}
	assert_string_equal(e->next, line);
	e->next = end != NULL ? end + 1 : NULL;
}

/* A whole line of an example, with what continues it. */
static void end_line(struct examples *e)
{
	if (e->line[0] == '<') {
		expect_no_more(e);
		expect_none(&e->judged);
		rig_put_json(e->judged.rig, e->line + 2);
	} else if (e->line[0] != '\0') {
		assert_int_equal(e->line[0], '>');
		expect_line(e, e->line + 2);
	}
	e->line[0] = '\0';
}

static void read_example(struct examples *e, const char *line)
{
	int goes_on = strncmp(line, "  ", 2) == 0;

	if (!goes_on)
		end_line(e);
	(void)snprintf(e->line + strlen(e->line), sizeof(e->line) - strlen(e->line), "%s", line + (goes_on ? 2 : 0));
}

/* The configuration stands before the first example. */
static void begin(struct examples *e)
{
	if (e->judged.rig != NULL)
		return;
	e->judged = judged_new(e->types, "", 1);
	atomic_store(&e->judged.rig->hours.current, MANUAL_HOUR);
	atomic_store(&e->judged.rig->hours.oldest, MANUAL_HOUR);
}

static void the_examples_of_the_documentation_are_what_is_written(void **state)
{
	struct examples e = {.records = 0};
	FILE *file = fopen(MANUAL, "r");
	char line[LINE], inside[16] = "";

	(void)state;
	assert_non_null(file);
	while (fgets(line, sizeof(line), file) != NULL) {
		line[strcspn(line, "\n")] = '\0';
		if (strncmp(line, "```", 3) == 0) {
			(void)snprintf(inside, sizeof(inside), "%.15s", inside[0] != '\0' ? "" : line + 3);
			if (strcmp(inside, "example") == 0)
				begin(&e);
			else if (e.judged.rig != NULL)
				end_line(&e);
		} else if (strcmp(inside, "yaml") == 0) {
			(void)snprintf(e.types + strlen(e.types), sizeof(e.types) - strlen(e.types), "%s\n", line);
		} else if (strcmp(inside, "example") == 0) {
			read_example(&e, line);
		}
	}
	(void)fclose(file);
	assert_true(e.records >= 5);
	expect_no_more(&e);
	judged_free(&e.judged);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_examples_of_the_documentation_are_what_is_written),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
