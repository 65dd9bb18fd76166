/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include "control/cli/cli.h"
#include "control/cli/commands.h"
#include "control/cli/display.h"
#include "control/cli/table.h"

static const struct table_column columns[] = {
	{"EQUATION", false},
	{"ADDS UP", false},
	{"", false},
	{"VALUE", true},
	{"TERM", false},
	{0},
};

static void add_term(struct table *table, const char *sign, const json_t *term)
{
	table_add(table, display_text("%s", sign));
	table_add(table, display_member(SHOW_COUNT, term, "value"));
	table_add(table, display_member(SHOW_TEXT, term, "name"));
}

static void add_difference(struct table *table, const json_t *equation)
{
	bool ok = json_is_true(json_object_get(equation, "ok"));

	if (display_number(equation, "difference") == 0)
		return;
	table_add(table, NULL);
	table_add(table, NULL);
	table_add(table, display_text(ok ? "~" : "!"));
	table_add(table, display_member(SHOW_COUNT, equation, "difference"));
	table_add(table, display_text(ok ? "difference, for now: counters are not read at one moment" : "difference"));
}

/* A zero part of a term, such as dropped.REASON. */
static bool is_empty_part(const json_t *term)
{
	const char *name = json_string_value(json_object_get(term, "name"));

	return name != NULL && strchr(name, '.') != NULL && display_number(term, "value") == 0;
}

static void add_equation(struct table *table, const json_t *equation, bool all)
{
	const json_t *right = json_object_get(equation, "right");
	const json_t *more = json_object_get(equation, "more");
	const char *sign = "=";
	size_t i;
	json_t *term;

	table_add(table, display_member(SHOW_TEXT, equation, "name"));
	table_add(table, display_text("%s", json_is_true(json_object_get(equation, "ok")) ? "yes" : "NO"));
	add_term(table, "", json_object_get(equation, "left"));
	json_array_foreach(more, i, term) {
		if (!all && display_number(term, "value") == 0)
			continue;
		table_add(table, NULL);
		table_add(table, NULL);
		add_term(table, "+", term);
	}
	json_array_foreach(right, i, term) {
		if (!all && is_empty_part(term))
			continue;
		table_add(table, NULL);
		table_add(table, NULL);
		add_term(table, sign, term);
		sign = "+";
	}
	add_difference(table, equation);
}

static void show_missed(FILE *out, const json_t *missed)
{
	char *value = display_member(SHOW_COUNT, missed, "value"), *text;
	bool reported = json_is_true(json_object_get(missed, "reported"));

	text = display_text("%s frames before they reached us%s", value,
		reported ? "" : "; not all ports can tell: go by the sources' sequence numbers");
	display_line(out, "missed", text);
	free(text);
	free(value);
}

void display_ledger(const struct cli *cli, const json_t *result, FILE *out)
{
	const json_t *equations = json_object_get(result, "equations");
	char *at = display_member(SHOW_TIME, result, "checked_at"),
	     *checks = display_member(SHOW_COUNT, result, "checks");
	char *alarms = display_member(SHOW_COUNT, result, "alarms");
	struct table *table = table_new(columns);
	size_t i;
	json_t *equation;

	json_array_foreach(equations, i, equation)
		add_equation(table, equation, cli->all);
	table_print(table, out);
	if (json_integer_value(json_object_get(result, "checks")) == 0)
		(void)fprintf(out, "\n%-12snot yet\n", "checked");
	else
		(void)fprintf(out, "\n%-12s%s, %s times; %s alarms\n", "checked", at, checks, alarms);
	show_missed(out, json_object_get(result, "missed"));
	free(at);
	free(checks);
	free(alarms);
}

int judge_ledger(const json_t *result)
{
	const json_t *equations = json_object_get(result, "equations");
	size_t i;
	json_t *equation;

	json_array_foreach(equations, i, equation)
		if (json_is_false(json_object_get(equation, "ok")))
			return EXIT_ALARM;
	return display_number(result, "alarms") > 0 ? EXIT_ALARM : 0;
}
