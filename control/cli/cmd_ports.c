/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>

#include "control/cli/cli.h"
#include "control/cli/commands.h"
#include "control/cli/display.h"

static const struct display_column columns[] = {
	{"name", "PORT", SHOW_TEXT},
	{"source", "SOURCE", SHOW_TEXT},
	{"device", "DEVICE", SHOW_TEXT},
	{"driver", "DRIVER", SHOW_TEXT},
	{"link_up", "LINK", SHOW_LINK},
	{"speed_mbps", "MBIT/S", SHOW_COUNT},
	{"mtu", "MTU", SHOW_COUNT},
	{"node", "NODE", SHOW_ADDRESS},
	{"queues", "QUEUES", SHOW_COUNT},
	{"missed", "MISSED", SHOW_COUNT},
	{"link_changes", "LINK CHANGES", SHOW_COUNT},
	{"resets", "RESETS", SHOW_COUNT},
	{"removed", "REMOVED", SHOW_TEXT},
	{0},
};

/* What does not fit the table: a line each, below the port's name. */
static const struct display_column details[] = {
	{"mac", "address", SHOW_TEXT},
	{"rss", "rss", SHOW_TEXT},
	{"checksum_offload", "checksums", SHOW_TEXT},
	{"receive_buffer", "buffer", SHOW_BYTES},
	{"reports_missed", "tells loss", SHOW_TEXT},
	{"notes", "notes", SHOW_TEXT},
	{0},
};

static void show_counters(const struct cli *cli, FILE *out, const json_t *port)
{
	json_t *counters = json_object_get(port, "counters"), *value;
	const char *key;

	json_object_foreach(counters, key, value) {
		char *count = display_value(SHOW_COUNT, value);

		if (cli->all || json_number_value(value) != 0) {
			(void)fprintf(out, "%18s  ", count);
			display_escaped(out, key);
			(void)fputc('\n', out);
		}
		free(count);
	}
}

static void show_details(const struct cli *cli, FILE *out, const json_t *port)
{
	char *name = display_member(SHOW_TEXT, port, "name");

	(void)fprintf(out, "\n%s\n", name);
	free(name);
	for (const struct display_column *detail = details; detail->title != NULL; detail++) {
		char *text = display_member(detail->kind, port, detail->key);

		(void)fputs("  ", out);
		display_line(out, detail->title, text);
		free(text);
	}
	show_counters(cli, out, port);
}

void display_ports(const struct cli *cli, const json_t *result, FILE *out)
{
	const json_t *ports = json_object_get(result, "ports");
	size_t i;
	json_t *port;

	display_rows(out, columns, ports);
	json_array_foreach(ports, i, port)
		show_details(cli, out, port);
}
