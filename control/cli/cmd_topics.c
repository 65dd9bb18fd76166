/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include "control/cli/cli.h"
#include "control/cli/commands.h"
#include "control/cli/display.h"

static const struct display_column columns[] = {
	{"name", "TOPIC", SHOW_TEXT},
	{"state", "STATE", SHOW_TEXT},
	{"partitions", "PARTITIONS", SHOW_COUNT},
	{"wanted_partitions", "WANTED", SHOW_COUNT},
	{"text", "WHAT", SHOW_TEXT},
	{0},
};

static size_t count_state(const json_t *result, const char *state)
{
	const json_t *topics = json_object_get(result, "topics");
	size_t i, count = 0;
	json_t *topic;

	json_array_foreach(topics, i, topic) {
		const char *own = json_string_value(json_object_get(topic, "state"));

		count += own != NULL && strcmp(own, state) == 0;
	}
	return count;
}

void display_topics(const struct cli *cli, const json_t *result, FILE *out)
{
	static const char *const states[] = {"exists", "missing", "differs", "created", "failed", "unknown"};
	size_t topics = json_array_size(json_object_get(result, "topics"));

	(void)cli;
	display_rows(out, columns, json_object_get(result, "topics"));
	(void)fprintf(out, "%s%zu topics", topics > 0 ? "\n" : "", topics);
	for (size_t i = 0; i < sizeof(states) / sizeof(states[0]); i++) {
		size_t count = count_state(result, states[i]);

		if (count > 0)
			(void)fprintf(out, ", %zu %s", count, states[i]);
	}
	(void)fputs(count_state(result, "missing") > 0 ? "; `penstock topics create` creates what is missing\n" : "\n",
		out);
}

int judge_topics(const json_t *result)
{
	static const char *const bad[] = {"failed", "missing", "unknown"};
	size_t count = 0;

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		count += count_state(result, bad[i]);
	return count > 0 ? EXIT_ALARM : 0;
}
