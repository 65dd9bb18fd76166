/* SPDX-License-Identifier: Apache-2.0 */
#include "control/offline/verdict.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/compiler.h"
#include "control/cli/display.h"

static const char *const outcomes[] = {"kept", "filtered", "sampled_out", "quarantined", "dropped"};
static const char *const phrases[] = {"kept", "filtered", "sampled out", "quarantined", "dropped"};

static json_t *text_or_null(const char *text)
{
	return text != NULL && *text != '\0' ? json_string(text) : json_null();
}

/* A key may be any bytes where the sender is trusted. */
static json_t *key_of(struct slice key)
{
	json_t *text;

	if (key.data == NULL)
		return json_null();
	text = json_stringn((const char *)key.data, key.len);
	return text != NULL ? text : json_stringn_nocheck((const char *)key.data, 0);
}

static json_t *value_of(struct slice text)
{
	json_t *value = NULL;

	if (text.data != NULL)
		value = json_loadb((const char *)text.data, text.len, JSON_DECODE_ANY, NULL);
	return value != NULL ? value : json_null();
}

json_t *verdict_json(const struct trial_verdict *verdict)
{
	return json_pack("{s:s,s:o,s:o,s:o,s:o,s:o,s:o,s:o,s:o}", "outcome", outcomes[verdict->outcome], "type",
		text_or_null(verdict->type), "rule", text_or_null(verdict->rule), "topic", text_or_null(verdict->topic),
		"copy", text_or_null(verdict->copy), "key", key_of(verdict->key), "geo", value_of(verdict->geo),
		"category", value_of(verdict->category), "reason", text_or_null(verdict->reason));
}

/* --- expectations --- */

static int is_outcome(const json_t *value)
{
	const char *text = json_string_value(value);

	for (size_t i = 0; text != NULL && i < ARRAY_LENGTH(outcomes); i++)
		if (strcmp(text, outcomes[i]) == 0)
			return 1;
	return 0;
}

static int compare_one(const json_t *is, const char *name, json_t *expected, json_t *differences, struct error *error)
{
	json_t *value = json_object_get(is, name);

	if (value == NULL)
		return error_set(error, -EINVAL,
			"expect: there is no \"%.64s\"; expected outcome, type, rule, topic, copy, key, "
			"geo, category or reason",
			name);
	if (strcmp(name, "outcome") == 0 && !is_outcome(expected))
		return error_set(
			error, -EINVAL, "expect: outcome is kept, filtered, sampled_out, quarantined or dropped");
	if (!json_equal(value, expected))
		json_array_append_new(
			differences, json_pack("{s:s,s:O,s:O}", "name", name, "is", value, "expected", expected));
	return 0;
}

int verdict_compare(const json_t *is, struct slice expect, json_t **differences, struct error *error)
{
	json_error_t problem;
	json_t *wanted, *expected;
	const char *name;
	int rc = 0;

	*differences = json_array();
	if (expect.data == NULL)
		return 0;
	wanted = json_loadb((const char *)expect.data, expect.len, JSON_REJECT_DUPLICATES, &problem);
	if (wanted == NULL)
		rc = error_set(error, -EINVAL, "expect: %s", problem.text);
	json_object_foreach(wanted, name, expected)
		if (rc == 0)
			rc = compare_one(is, name, expected, *differences, error);
	json_decref(wanted);
	return rc;
}

/* --- for a person --- */

static void print_value(FILE *out, const json_t *value)
{
	char *text = json_dumps(value, JSON_ENCODE_ANY | JSON_COMPACT);

	display_escaped(out, text != NULL ? text : "-");
	free(text);
}

/* ", name value", but for what there is none of; a category that is not known is a member all the same. */
static void print_member(FILE *out, const json_t *is, const char *name, int is_there, const char **before)
{
	const json_t *value = json_object_get(is, name);

	if (json_is_null(value) && !is_there)
		return;
	(void)fprintf(out, "%s%s ", *before, name);
	if (strcmp(name, "topic") == 0 || strcmp(name, "copy") == 0)
		display_escaped(out, json_string_value(value));
	else
		print_value(out, value);
	*before = ", ";
}

static void print_differences(FILE *out, const json_t *differences)
{
	const json_t *difference;
	size_t i;

	json_array_foreach(differences, i, difference) {
		(void)fprintf(
			out, "    NOT AS EXPECTED: %s is ", json_string_value(json_object_get(difference, "name")));
		print_value(out, json_object_get(difference, "is"));
		(void)fputs(", expected ", out);
		print_value(out, json_object_get(difference, "expected"));
		(void)fputc('\n', out);
	}
}

void verdict_print(FILE *out, const struct trial_verdict *verdict, const json_t *is, const json_t *differences)
{
	static const char category[] = "category";
	static const char *const members[] = {"topic", "copy", "key", "geo", category};
	const char *before = ": ";

	if (verdict->type != NULL)
		(void)fprintf(out, "%s ", verdict->type);
	(void)fputs(phrases[verdict->outcome], out);
	if (verdict->rule != NULL)
		(void)fprintf(out, " by rule %s", verdict->rule);
	if (verdict->outcome == TRIAL_DROPPED) {
		(void)fprintf(out, " as %s: ", verdict->reason);
		display_escaped(out, *verdict->detail != '\0' ? verdict->detail : verdict->meaning);
	}
	if (verdict->outcome == TRIAL_QUARANTINED && verdict->rule == NULL) {
		(void)fputs(" since ", out);
		display_escaped(out, verdict->reason);
	}
	for (size_t i = 0; i < ARRAY_LENGTH(members); i++)
		print_member(out, is, members[i], members[i] == category && verdict->category.data != NULL, &before);
	if (verdict->copy_drop != NULL)
		(void)fprintf(out, "; its copy is dropped as %s", verdict->copy_drop);
	(void)fputc('\n', out);
	if (verdict->outcome == TRIAL_DROPPED)
		(void)fprintf(out, "    cure: %s\n", verdict->cure);
	print_differences(out, differences);
}
