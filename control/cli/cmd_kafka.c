/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>

#include "control/cli/cli.h"
#include "control/cli/commands.h"
#include "control/cli/display.h"
#include "control/cli/table.h"

static const struct table_column producer_columns[] = {
	{"NODE", true},
	{"CPUS", false},
	{"ACKED", true},
	{"HELD", true},
	{"GIVEN UP", true},
	{"DEAD LETTERS", true},
	{"REBUILDS", true},
	{"ACK P50", true},
	{"P99", true},
	{"MAX MS", true},
	{0},
};

static const struct table_column handle_columns[] = {
	{"NODE", true},
	{"HANDLE", true},
	{"CONNECTED", false},
	{"QUEUED", true},
	{"BROKERS", false},
	{"LAST ERROR", false},
	{0},
};

static const struct display_column topic_columns[] = {
	{"name", "TOPIC", SHOW_TEXT},
	{"partitions", "PARTITIONS", SHOW_COUNT},
	{"acked", "ACKED", SHOW_COUNT},
	{"held", "HELD", SHOW_COUNT},
	{"given_up", "GIVEN UP", SHOW_COUNT},
	{"dead_lettered", "DEAD LETTERS", SHOW_COUNT},
	{"retries", "RETRIES", SHOW_COUNT},
	{"stalled_s", "STALLED", SHOW_SECONDS},
	{"answer", "LAST FAILURE", SHOW_TEXT},
	{0},
};

static void add_producer(struct table *table, const json_t *producer)
{
	static const char *const counts[] = {"acked", "held", "given_up", "dead_lettered", "rebuilds"};
	static const char *const times[] = {"p50", "p99", "max"};
	const json_t *ack = json_object_get(producer, "ack_ms");

	table_add(table, display_member(SHOW_ADDRESS, producer, "node"));
	table_add(table, display_member(SHOW_ADDRESS, producer, "cpus"));
	for (size_t i = 0; i < sizeof(counts) / sizeof(counts[0]); i++)
		table_add(table, display_member(SHOW_COUNT, producer, counts[i]));
	for (size_t i = 0; i < sizeof(times) / sizeof(times[0]); i++)
		table_add(table, display_member(SHOW_DECIMAL, ack, times[i]));
}

static void add_handles(struct table *table, const json_t *producer)
{
	const json_t *handles = json_object_get(producer, "handles");
	size_t i;
	json_t *handle;

	json_array_foreach(handles, i, handle) {
		table_add(table, display_member(SHOW_ADDRESS, producer, "node"));
		table_add(table, display_text("%zu", i));
		table_add(table, display_member(SHOW_TEXT, handle, "connected"));
		table_add(table, display_member(SHOW_COUNT, handle, "queued"));
		table_add(table, display_member(SHOW_TEXT, handle, "brokers"));
		table_add(table, display_member(SHOW_TEXT, handle, "last_error"));
	}
}

void display_kafka(const struct cli *cli, const json_t *result, FILE *out)
{
	const json_t *producers = json_object_get(result, "producers"), *topics = json_object_get(result, "topics");
	struct table *table = table_new(producer_columns), *handles = table_new(handle_columns);
	char *version = display_member(SHOW_TEXT, result, "version");
	size_t i;
	json_t *producer;

	(void)cli;
	json_array_foreach(producers, i, producer) {
		add_producer(table, producer);
		add_handles(handles, producer);
	}
	(void)fprintf(out, "librdkafka %s\n\n", version);
	free(version);
	table_print(table, out);
	(void)fputc('\n', out);
	table_print(handles, out);
	if (json_array_size(topics) > 0)
		(void)fputc('\n', out);
	display_rows(out, topic_columns, topics);
}
