/* SPDX-License-Identifier: Apache-2.0 */
#include "options.h"

#include <arpa/inet.h>
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

const char *const format_names[FORMATS] = {"json", "frame", "raw"};

const char *const fault_names[FAULT_COUNT] = {
#define X(name, ...) #name,
	FAULT_KINDS(X)
#undef X
};

/* X(long name, short letter or 0, argument or NULL, help) in the order of the help text. */
#define OPTIONS(X)                                                                                                     \
	X(to, 't', "ADDRESS", "send to this IPv4 or IPv6 address; may be repeated (127.0.0.1)")                        \
	X(port, 'p', "json=N,frame=N,raw=N", "UDP ports by format (json=9000,frame=9001,raw=9002)")                    \
	X(format, 'f', "FORMAT", "json, frame, raw, mix, or weights like json=5,frame=4,raw=1 (json)")                 \
	X(count, 'c', "N", "events to send (100k, unless --duration)")                                                 \
	X(duration, 'd', "SECONDS", "send for so long")                                                                \
	X(rate, 'r', "N", "events a second; 0: as fast as it goes (0)")                                                \
	X(seed, 's', "N", "of everything random (1)")                                                                  \
	X(types, 0, "N", "event types, 1 to 600 (64)")                                                                 \
	X(preset, 0, "mix512|mix225", "mean size of the bodies (mix512)")                                              \
	X(first, 0, "N", "number of the first event (0)")                                                              \
	X(time_base, 0, "SECONDS|now", "UTC time of event 0 (1767225600)")                                             \
	X(time_step, 0, "US", "time from event to event (1)")                                                          \
	X(pretty, 0, "PERCENT", "events printed over several lines (10)")                                              \
	X(max_body, 0, "BYTES", "largest body, 200 to 2000 (2000)")                                                    \
	X(events_per_datagram, 'k', "N", "events in a datagram, 1 to N (4)")                                           \
	X(max_datagram, 0, "BYTES", "payload, unless one event alone is longer (1400)")                                \
	X(raw_type, 0, "NAME", "the type under which raw events are counted (raw)")                                    \
	X(sources, 0, "N", "senders, each with its own sequence (16)")                                                 \
	X(source_id, 0, "N", "of the first sender (1)")                                                                \
	X(epoch, 0, "N", "of all senders (UTC seconds at start)")                                                      \
	X(start_sequence, 0, "N", "of all senders (0)")                                                                \
	X(heartbeats, 0, "N", "heartbeat frames of each sender at the end (1)")                                        \
	X(sockets, 0, "N", "sockets, or source ports (1)")                                                             \
	X(spread, 0, NULL, "each sender's sequence goes over all sockets in turn")                                     \
	X(from, 0, "ADDRESS", "send from this address; once for IPv4, once for IPv6")                                  \
	X(lose, 0, "N", "datagrams that take a sequence and are not sent")                                             \
	X(duplicate, 0, "N", "datagrams sent twice")                                                                   \
	X(reorder, 0, "N", "datagrams sent after their successors")                                                    \
	X(reorder_depth, 0, "N", "successors that overtake (1)")                                                       \
	X(corrupt, 0, "N", "datagrams damaged so that they must be refused")                                           \
	X(restart, 0, "N", "senders that begin anew with a higher epoch")                                              \
	X(truth, 0, "FILE", "write what was sent as JSON; - is standard output")                                       \
	X(truth_events, 0, "FILE", "write a line per event: number type crc32 length copies")                          \
	X(print, 0, "N..M", "print events N to M, one a line, and send nothing")                                       \
	X(list_types, 0, NULL, "print the numbers and names of the types")                                             \
	X(progress, 0, NULL, "a line each second, not only on a terminal")                                             \
	X(help, 'h', NULL, "this text")                                                                                \
	X(version, 'V', NULL, "the version")

enum option_id {
	OPTION_BASE = 255,
#define X(name, ...) OPTION_##name,
	OPTIONS(X)
#undef X
};

static const struct {
	const char *name, *argument, *help;
	int letter;
} table[] = {
#define X(name, letter, argument, help) {#name, argument, help, letter},
	OPTIONS(X)
#undef X
};
#define OPTION_COUNT (sizeof(table) / sizeof(table[0]))

/* Names in the table have underscores, on the command line they have hyphens. */
static void spell(char *out, const char *name)
{
	for (; *name != 0; name++)
		*out++ = *name == '_' ? '-' : *name;
	*out = 0;
}

void options_help(void)
{
	printf("penstock-pktgen sends a reproducible stream of events over UDP and tells what it sent.\n\n");
	for (unsigned i = 0; i < OPTION_COUNT; i++) {
		char name[40], left[80];

		spell(name, table[i].name);
		snprintf(left, sizeof(left), "%c%c%s --%s%s%s", table[i].letter != 0 ? '-' : ' ',
			table[i].letter != 0 ? table[i].letter : ' ', table[i].letter != 0 ? "," : " ", name,
			table[i].argument != NULL ? " " : "", table[i].argument != NULL ? table[i].argument : "");
		printf("  %-34s %s\n", left, table[i].help);
	}
	printf("\nNumbers may end in k, M or G. penstock-pktgen(1) explains the events and the truth.\n");
}

static int bad(struct error *error, const char *option, const char *value, const char *expected)
{
	return error_set(error, -EINVAL, "--%s %s: expected %s", option, value, expected);
}

/* A whole number with k, M or G behind it. */
static int number(const char *text, uint64_t min, uint64_t max, uint64_t *out)
{
	uint64_t scale = 1;
	char *end;

	if (*text < '0' || *text > '9')
		return -EINVAL;
	errno = 0;
	*out = strtoull(text, &end, 10);
	if (errno != 0)
		return -EINVAL;
	if (*end != 0) {
		scale = *end == 'k' ? 1000 : *end == 'M' ? 1000000 : *end == 'G' ? 1000000000 : 0;
		if (scale == 0 || end[1] != 0)
			return -EINVAL;
	}
	if (__builtin_mul_overflow(*out, scale, out) || *out < min || *out > max)
		return -EINVAL;
	return 0;
}

static int read_number(
	struct error *error, const char *option, const char *text, uint64_t min, uint64_t max, uint64_t *out)
{
	char expected[80];

	if (number(text, min, max, out) == 0)
		return 0;
	snprintf(expected, sizeof(expected), "a whole number from %" PRIu64 " to %" PRIu64, min, max);
	return bad(error, option, text, expected);
}

static int read_number32(
	struct error *error, const char *option, const char *text, uint32_t min, uint32_t max, uint32_t *out)
{
	uint64_t value = 0;
	int rc = read_number(error, option, text, min, max, &value);

	if (rc == 0)
		*out = (uint32_t)value;
	return rc;
}

static int read_double(struct error *error, const char *option, const char *text, double *out)
{
	uint64_t whole;
	char *end;

	if (number(text, 0, UINT64_MAX, &whole) == 0) {
		*out = (double)whole;
		return 0;
	}
	*out = strtod(text, &end);
	if (end == text || *end != 0 || !(*out >= 0) || *out > 1e12)
		return bad(error, option, text, "a number that is not negative");
	return 0;
}

static int read_address(
	struct error *error, const char *option, const char *text, struct address *list, unsigned *count)
{
	struct address address = {.family = ADDRESS_IPV4};

	if (inet_pton(AF_INET, text, address.bytes) != 1) {
		address.family = ADDRESS_IPV6;
		if (inet_pton(AF_INET6, text, address.bytes) != 1)
			return bad(error, option, text, "an IPv4 or IPv6 address");
	}
	if (*count == TARGETS_MAX)
		return error_set(error, -EINVAL, "--%s: at most %d addresses", option, TARGETS_MAX);
	list[(*count)++] = address;
	return 0;
}

/* "json=5,raw=1" into a value per format, at most `max`. Formats that are not named keep theirs. */
static int read_per_format(struct error *error, const char *option, const char *text, uint64_t max, uint64_t *values)
{
	char copy[96], *save = NULL;

	if (snprintf(copy, sizeof(copy), "%s", text) >= (int)sizeof(copy))
		return bad(error, option, text, "FORMAT=NUMBER,...");
	for (char *item = strtok_r(copy, ",", &save); item != NULL; item = strtok_r(NULL, ",", &save)) {
		char *value = strchr(item, '=');
		unsigned format = 0;

		if (value == NULL)
			return bad(error, option, text, "FORMAT=NUMBER,...");
		*value++ = 0;
		while (format < FORMATS && strcmp(item, format_names[format]) != 0)
			format++;
		if (format == FORMATS || number(value, 0, max, &values[format]) != 0)
			return bad(error, option, text, "json, frame or raw, = and a number");
	}
	return 0;
}

static int read_ports(struct options *options, const char *text, struct error *error)
{
	uint64_t ports[FORMATS];
	int rc;

	for (unsigned i = 0; i < FORMATS; i++)
		ports[i] = options->ports[i];
	rc = read_per_format(error, "port", text, UINT16_MAX, ports);
	for (unsigned i = 0; rc == 0 && i < FORMATS; i++) {
		if (ports[i] == 0)
			return bad(error, "port", text, "ports from 1 to 65535");
		options->ports[i] = (uint16_t)ports[i];
	}
	return rc;
}

static int read_format(struct options *options, const char *text, struct error *error)
{
	uint64_t weights[FORMATS] = {0};
	int rc = 0;

	if (strcmp(text, "mix") == 0)
		rc = read_per_format(error, "format", "json=5,frame=4,raw=1", 1000, weights);
	else if (strchr(text, '=') != NULL)
		rc = read_per_format(error, "format", text, 1000, weights);
	else
		for (unsigned i = 0; i < FORMATS; i++)
			weights[i] = strcmp(text, format_names[i]) == 0;
	if (rc != 0)
		return rc;
	if (weights[0] + weights[1] + weights[2] == 0)
		return bad(error, "format", text, "json, frame, raw, mix or weights");
	for (unsigned i = 0; i < FORMATS; i++)
		options->weights[i] = (uint32_t)weights[i];
	return 0;
}

static int read_print(struct options *options, const char *text, struct error *error)
{
	const char *dots = strstr(text, "..");
	char first[24];

	options->mode = MODE_PRINT;
	if (dots == NULL || dots - text >= (int)sizeof(first))
		return bad(error, "print", text, "N..M");
	snprintf(first, sizeof(first), "%.*s", (int)(dots - text), text);
	if (number(first, 0, UINT64_MAX, &options->first) != 0 ||
		number(dots + 2, options->first, UINT64_MAX - 1, &options->print_last) != 0)
		return bad(error, "print", text, "N..M, N not above M");
	return 0;
}

static int read_time_base(struct options *options, const char *text, struct error *error)
{
	uint64_t seconds = (uint64_t)time(NULL);
	int rc = strcmp(text, "now") == 0 ? 0 : read_number(error, "time-base", text, 100, 4000000000, &seconds);

	options->events.time_base_us = (int64_t)seconds * 1000000;
	return rc;
}

static int read_raw_type(struct options *options, const char *text, struct error *error)
{
	if (*text == 0 ||
		strspn(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-") >=
			sizeof(options->raw_type) ||
		text[strspn(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-")] != 0)
		return bad(error, "raw-type", text, "up to 47 letters, digits, '_', '.' and '-'");
	snprintf(options->raw_type, sizeof(options->raw_type), "%s", text);
	return 0;
}

static int read_preset(struct options *options, const char *text, struct error *error)
{
	if (strcmp(text, "mix512") == 0)
		options->events.preset = PRESET_MIX512;
	else if (strcmp(text, "mix225") == 0)
		options->events.preset = PRESET_MIX225;
	else
		return bad(error, "preset", text, "mix512 or mix225");
	return 0;
}

/* Options that shape events. Returns 1 when the option is none of these. */
static int event_option(struct options *o, int id, const char *name, const char *text, struct error *error)
{
	switch (id) {
	case OPTION_seed:
		return read_number(error, name, text, 0, UINT64_MAX, &o->events.seed);
	case OPTION_types:
		return read_number32(error, name, text, 1, TYPES_MAX, &o->events.types);
	case OPTION_preset:
		return read_preset(o, text, error);
	case OPTION_first:
		return read_number(error, name, text, 0, UINT64_MAX - 1, &o->first);
	case OPTION_time_base:
		return read_time_base(o, text, error);
	case OPTION_time_step:
		return read_number32(error, name, text, 0, 1000000000, &o->events.time_step_us);
	case OPTION_pretty:
		return read_number32(error, name, text, 0, 100, &o->events.pretty_percent);
	case OPTION_max_body:
		return read_number32(error, name, text, EVENT_BODY_MIN + 100, EVENT_BODY_MAX, &o->events.body_max);
	case OPTION_raw_type:
		return read_raw_type(o, text, error);
	default:
		return 1;
	}
}

/* Options of senders and datagrams. Returns 1 when the option is none of these. */
static int sender_option(struct options *o, int id, const char *name, const char *text, struct error *error)
{
	switch (id) {
	case OPTION_to:
		return read_address(error, name, text, o->targets, &o->target_count);
	case OPTION_from:
		return read_address(error, name, text, o->from, &o->from_count);
	case OPTION_port:
		return read_ports(o, text, error);
	case OPTION_format:
		return read_format(o, text, error);
	case OPTION_events_per_datagram:
		return read_number32(error, name, text, 1, 4000, &o->events_per_datagram);
	case OPTION_max_datagram:
		return read_number32(error, name, text, 100, 65507, &o->datagram_max);
	case OPTION_sources:
		return read_number32(error, name, text, 1, SOURCES_MAX, &o->sources);
	case OPTION_source_id:
		return read_number(error, name, text, 0, UINT64_MAX, &o->source_id);
	case OPTION_epoch:
		return read_number32(error, name, text, 1, UINT32_MAX, &o->epoch);
	case OPTION_start_sequence:
		return read_number(error, name, text, 0, UINT64_MAX, &o->start_sequence);
	case OPTION_heartbeats:
		return read_number32(error, name, text, 0, 1000, &o->heartbeats);
	case OPTION_sockets:
		return read_number32(error, name, text, 1, SOCKETS_MAX, &o->sockets);
	case OPTION_spread:
		o->spread = 1;
		return 0;
	default:
		return 1;
	}
}

/* Options of the run. Returns 1 when the option is none of these. */
static int run_option(struct options *o, int id, const char *name, const char *text, struct error *error)
{
	switch (id) {
	case OPTION_count:
		return read_number(error, name, text, 1, UINT64_MAX, &o->count);
	case OPTION_duration:
		return read_double(error, name, text, &o->duration_s);
	case OPTION_rate:
		return read_double(error, name, text, &o->rate);
	case OPTION_lose:
		return read_number(error, name, text, 0, UINT32_MAX, &o->faults[FAULT_lose]);
	case OPTION_duplicate:
		return read_number(error, name, text, 0, UINT32_MAX, &o->faults[FAULT_duplicate]);
	case OPTION_reorder:
		return read_number(error, name, text, 0, UINT32_MAX, &o->faults[FAULT_reorder]);
	case OPTION_reorder_depth:
		return read_number32(error, name, text, 1, 1000000, &o->reorder_depth);
	case OPTION_corrupt:
		return read_number(error, name, text, 0, UINT32_MAX, &o->faults[FAULT_corrupt]);
	case OPTION_restart:
		return read_number(error, name, text, 0, 1000000, &o->faults[FAULT_restart]);
	case OPTION_truth:
		o->truth = text;
		return 0;
	case OPTION_truth_events:
		o->truth_events = text;
		return 0;
	case OPTION_print:
		return read_print(o, text, error);
	default:
		return 1;
	}
}

static int apply_option(struct options *o, int id, const char *text, struct error *error)
{
	char name[40];
	int rc;

	spell(name, table[id - OPTION_BASE - 1].name);
	rc = event_option(o, id, name, text, error);
	if (rc == 1)
		rc = sender_option(o, id, name, text, error);
	if (rc == 1)
		rc = run_option(o, id, name, text, error);
	if (rc != 1)
		return rc;
	if (id == OPTION_progress)
		o->progress = 1;
	else
		o->mode = id == OPTION_list_types ? MODE_LIST_TYPES : id == OPTION_version ? MODE_VERSION : MODE_HELP;
	return 0;
}

static void set_defaults(struct options *o)
{
	*o = (struct options){
		.events = {.seed = 1,
			.types = TYPES_DEFAULT,
			.preset = PRESET_MIX512,
			.time_base_us = INT64_C(1767225600000000),
			.time_step_us = 1,
			.pretty_percent = 10,
			.body_max = EVENT_BODY_MAX},
		.ports = {9000, 9001, 9002},
		.weights = {1, 0, 0},
		.events_per_datagram = 4,
		.datagram_max = 1400,
		.raw_type = "raw",
		.sources = 16,
		.source_id = 1,
		.heartbeats = 1,
		.sockets = 1,
		.reorder_depth = 1,
	};
}

/* What single options cannot see, and defaults that depend on others. */
static int finish(struct options *o, struct error *error)
{
	if (o->count == 0 && o->duration_s == 0)
		o->count = 100000;
	if (o->first + o->count < o->first)
		return error_set(error, -EINVAL, "--first and --count together go beyond 2^64");
	if (o->target_count == 0)
		o->targets[o->target_count++] = (struct address){.bytes = {127, 0, 0, 1}, .family = ADDRESS_IPV4};
	if (o->epoch == 0)
		o->epoch = (uint32_t)time(NULL);
	if (o->faults[FAULT_corrupt] != 0 && o->weights[FORMAT_JSON] + o->weights[FORMAT_FRAME] == 0)
		return error_set(error, -EINVAL, "--corrupt needs json or frame: raw bytes cannot be wrong");
	if (o->faults[FAULT_restart] != 0 && o->weights[FORMAT_FRAME] == 0)
		return error_set(error, -EINVAL, "--restart needs frame: the other formats have no epoch");
	return 0;
}

/* The tables of getopt_long out of ours. */
static void make_getopt(struct option *longs, char (*names)[40], char *shorts)
{
	for (unsigned i = 0; i < OPTION_COUNT; i++) {
		spell(names[i], table[i].name);
		longs[i] = (struct option){names[i], table[i].argument != NULL ? required_argument : no_argument, NULL,
			(int)(OPTION_BASE + 1 + i)};
		if (table[i].letter == 0)
			continue;
		*shorts++ = (char)table[i].letter;
		if (table[i].argument != NULL)
			*shorts++ = ':';
	}
	*shorts = 0;
}

static int option_of_letter(int letter)
{
	for (unsigned i = 0; i < OPTION_COUNT; i++)
		if (table[i].letter == letter)
			return (int)(OPTION_BASE + 1 + i);
	return letter;
}

int options_read(struct options *options, int argc, char **argv, struct error *error)
{
	struct option longs[OPTION_COUNT + 1] = {0};
	char names[OPTION_COUNT][40], shorts[2 * OPTION_COUNT + 1];
	int id, rc;

	set_defaults(options);
	make_getopt(longs, names, shorts);
	optind = 1;
	opterr = 0;
	while ((id = getopt_long(argc, argv, shorts, longs, NULL)) != -1) {
		if (id == '?')
			return error_set(error, -EINVAL,
				"%s: not an option, or its value is missing; --help lists them", argv[optind - 1]);
		rc = apply_option(options, id <= OPTION_BASE ? option_of_letter(id) : id, optarg, error);
		if (rc != 0)
			return rc;
	}
	if (optind != argc)
		return error_set(error, -EINVAL, "%s: options begin with --; --help lists them", argv[optind]);
	return finish(options, error);
}
