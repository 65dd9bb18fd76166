/* SPDX-License-Identifier: Apache-2.0 */

/* penstock-pktgen: the load generator. Exit codes: 0 done, 1 failed, 64 wrong command line. */

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "options.h"
#include "run.h"

/* Also what was written before may have failed, and then there is nothing left to flush. */
static int finish_output(void)
{
	if (fflush(stdout) == 0 && !ferror(stdout))
		return 0;
	fprintf(stderr, "penstock-pktgen: cannot write to standard output: %s\n", strerror(errno));
	return 1;
}

static int list_types(const struct options *options)
{
	for (uint32_t i = 0; i < options->events.types; i++) {
		char name[48];

		type_name(i, name);
		printf("%" PRIu32 " %s\n", i + 1, name);
	}
	return finish_output();
}

static int print_events(const struct options *options)
{
	static uint8_t body[EVENT_BODY_MAX + EVENT_SLACK];
	struct event_maker *maker;
	struct generated event;

	if (event_maker_new(&maker, &options->events) != 0) {
		fprintf(stderr, "penstock-pktgen: no memory\n");
		return 1;
	}
	for (uint64_t n = options->print_first; n <= options->print_last && !ferror(stdout); n++) {
		event_make(maker, n, 1, body, &event);
		body[event.len] = '\n';
		fwrite(body, 1, event.len + 1, stdout);
	}
	event_maker_free(maker);
	return finish_output();
}

int main(int argc, char **argv)
{
	static struct options options;
	struct error error = {""};

	if (options_read(&options, argc, argv, &error) != 0) {
		fprintf(stderr, "penstock-pktgen: %s\n", error.text);
		return 64;
	}
	switch (options.mode) {
	case MODE_HELP:
		options_help();
		return finish_output();
	case MODE_VERSION:
		printf("penstock-pktgen %s\n", PENSTOCK_VERSION);
		return finish_output();
	case MODE_LIST_TYPES:
		return list_types(&options);
	case MODE_PRINT:
		return print_events(&options);
	default:
		break;
	}
	if (run(&options, &error) != 0) {
		fprintf(stderr, "penstock-pktgen: %s\n", error.text);
		return 1;
	}
	return 0;
}
