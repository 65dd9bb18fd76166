/* SPDX-License-Identifier: Apache-2.0 */
#include "options.h"

#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "value.h"

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
	X(pcap, 0, "FILE", "write a capture file instead of sending")                                                  \
	X(dpdk, 0, "ARGUMENTS", "send through DPDK with these EAL arguments; needs --dst-mac")                         \
	X(dpdk_port, 0, "N", "which of DPDK's ports (0)")                                                              \
	X(addresses, 0, "N", "source addresses from --from upwards, with --pcap and --dpdk (as --sources)")            \
	X(src_mac, 0, "MAC", "with --pcap (02:50:53:54:4b:01) and --dpdk (the port's)")                                \
	X(dst_mac, 0, "MAC", "with --pcap (02:50:53:54:4b:02) and --dpdk")                                             \
	X(mtu, 0, "BYTES", "longer datagrams go as fragments, with --pcap and --dpdk (1500)")                          \
	X(vlan, 0, "N|OUTER.INNER", "tags, with --pcap and --dpdk")                                                    \
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

static int read_ports(struct options *options, const char *text, struct error *error)
{
	uint64_t ports[FORMATS];
	int rc;

	for (unsigned i = 0; i < FORMATS; i++)
		ports[i] = options->ports[i];
	rc = value_per_format(error, "port", text, UINT16_MAX, ports);
	for (unsigned i = 0; rc == 0 && i < FORMATS; i++) {
		if (ports[i] == 0)
			return value_bad(error, "port", text, "ports from 1 to 65535");
		options->ports[i] = (uint16_t)ports[i];
	}
	return rc;
}

static int read_format(struct options *options, const char *text, struct error *error)
{
	uint64_t weights[FORMATS] = {0};
	int rc = 0;

	if (strcmp(text, "mix") == 0)
		rc = value_per_format(error, "format", "json=5,frame=4,raw=1", 1000, weights);
	else if (strchr(text, '=') != NULL)
		rc = value_per_format(error, "format", text, 1000, weights);
	else
		for (unsigned i = 0; i < FORMATS; i++)
			weights[i] = strcmp(text, format_names[i]) == 0;
	if (rc != 0)
		return rc;
	if (weights[0] + weights[1] + weights[2] == 0)
		return value_bad(error, "format", text, "json, frame, raw, mix or weights");
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
		return value_bad(error, "print", text, "N..M");
	snprintf(first, sizeof(first), "%.*s", (int)(dots - text), text);
	if (value_plain(first, 0, UINT64_MAX, &options->print_first) != 0 ||
		value_plain(dots + 2, options->print_first, UINT64_MAX - 1, &options->print_last) != 0)
		return value_bad(error, "print", text, "N..M, N not above M");
	return 0;
}

static int read_time_base(struct options *options, const char *text, struct error *error)
{
	uint64_t seconds = (uint64_t)time(NULL);
	int rc = strcmp(text, "now") == 0 ? 0 : value_number(error, "time-base", text, 100, 4000000000, &seconds);

	options->events.time_base_us = (int64_t)seconds * 1000000;
	return rc;
}

static int read_raw_type(struct options *options, const char *text, struct error *error)
{
	if (*text == 0 ||
		strspn(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-") >=
			sizeof(options->raw_type) ||
		text[strspn(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-")] != 0)
		return value_bad(error, "raw-type", text, "up to 47 letters, digits, '_', '.' and '-'");
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
		return value_bad(error, "preset", text, "mix512 or mix225");
	return 0;
}

/* Options that shape events. Returns 1 when the option is none of these. */
static int event_option(struct options *o, int id, const char *name, const char *text, struct error *error)
{
	switch (id) {
	case OPTION_seed:
		return value_number(error, name, text, 0, UINT64_MAX, &o->events.seed);
	case OPTION_types:
		return value_number32(error, name, text, 1, TYPES_MAX, &o->events.types);
	case OPTION_preset:
		return read_preset(o, text, error);
	case OPTION_first:
		return value_number(error, name, text, 0, UINT64_MAX - 1, &o->first);
	case OPTION_time_base:
		return read_time_base(o, text, error);
	case OPTION_time_step:
		return value_number32(error, name, text, 0, 1000000000, &o->events.time_step_us);
	case OPTION_pretty:
		return value_number32(error, name, text, 0, 100, &o->events.pretty_percent);
	case OPTION_max_body:
		return value_number32(error, name, text, EVENT_BODY_MIN + 100, EVENT_BODY_MAX, &o->events.body_max);
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
		return value_address(error, name, text, o->targets, &o->target_count);
	case OPTION_from:
		return value_address(error, name, text, o->from, &o->from_count);
	case OPTION_port:
		return read_ports(o, text, error);
	case OPTION_format:
		return read_format(o, text, error);
	case OPTION_events_per_datagram:
		return value_number32(error, name, text, 1, 4000, &o->events_per_datagram);
	case OPTION_max_datagram:
		return value_number32(error, name, text, 100, 65507, &o->datagram_max);
	case OPTION_sources:
		return value_number32(error, name, text, 1, SOURCES_MAX, &o->sources);
	case OPTION_source_id:
		return value_number(error, name, text, 0, UINT64_MAX, &o->source_id);
	case OPTION_epoch:
		return value_number32(error, name, text, 1, UINT32_MAX, &o->epoch);
	case OPTION_start_sequence:
		return value_number(error, name, text, 0, UINT64_MAX, &o->start_sequence);
	case OPTION_heartbeats:
		return value_number32(error, name, text, 0, 1000, &o->heartbeats);
	case OPTION_sockets:
		return value_number32(error, name, text, 1, SOCKETS_MAX, &o->sockets);
	case OPTION_spread:
		o->spread = 1;
		return 0;
	default:
		return 1;
	}
}

/* Options of the outputs without a kernel. Returns 1 when the option is none of these. */
static int wire_option(struct options *o, int id, const char *name, const char *text, struct error *error)
{
	uint32_t port = 0;
	int rc;

	switch (id) {
	case OPTION_pcap:
		o->pcap = text;
		return 0;
	case OPTION_dpdk:
		o->dpdk = text;
		return 0;
	case OPTION_dpdk_port:
		rc = value_number32(error, name, text, 0, 1023, &port);
		o->dpdk_port = (uint16_t)port;
		return rc;
	case OPTION_addresses:
		return value_number32(error, name, text, 1, SOURCES_MAX, &o->addresses);
	case OPTION_src_mac:
		o->source_mac_given = 1;
		return value_mac(error, name, text, o->source_mac);
	case OPTION_dst_mac:
		o->destination_mac_given = 1;
		return value_mac(error, name, text, o->destination_mac);
	case OPTION_mtu:
		return value_number32(error, name, text, 576, 9000, &o->mtu);
	case OPTION_vlan:
		return value_vlan(error, name, text, o->vlan);
	default:
		return 1;
	}
}

/* Options of the run. Returns 1 when the option is none of these. */
static int run_option(struct options *o, int id, const char *name, const char *text, struct error *error)
{
	switch (id) {
	case OPTION_count:
		return value_number(error, name, text, 1, UINT64_MAX, &o->count);
	case OPTION_duration:
		return value_double(error, name, text, 0.001, 1e9, &o->duration_s);
	case OPTION_rate:
		return value_double(error, name, text, 0, 1e12, &o->rate);
	case OPTION_lose:
		return value_number(error, name, text, 0, UINT32_MAX, &o->faults[FAULT_lose]);
	case OPTION_duplicate:
		return value_number(error, name, text, 0, UINT32_MAX, &o->faults[FAULT_duplicate]);
	case OPTION_reorder:
		return value_number(error, name, text, 0, UINT32_MAX, &o->faults[FAULT_reorder]);
	case OPTION_reorder_depth:
		return value_number32(error, name, text, 1, 1000000, &o->reorder_depth);
	case OPTION_corrupt:
		return value_number(error, name, text, 0, UINT32_MAX, &o->faults[FAULT_corrupt]);
	case OPTION_restart:
		return value_number(error, name, text, 0, 1000000, &o->faults[FAULT_restart]);
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
		rc = wire_option(o, id, name, text, error);
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
		.mtu = 1500,
		.source_mac = {0x02, 0x50, 0x53, 0x54, 0x4b, 0x01},
		.destination_mac = {0x02, 0x50, 0x53, 0x54, 0x4b, 0x02},
	};
}

/* A capture is written as fast as it goes: its seconds are those of its frames' times, of which the rate says how many events
 * they have. */
static int count_duration(struct options *o, struct error *error)
{
	double due = o->rate * o->duration_s;

	if (o->pcap == NULL || due == 0)
		return 0;
	if (due >= 1e18 && o->count == 0)
		return error_set(error, -EINVAL, "--rate and --duration together are more events than a capture can have");
	if (o->count == 0 || due < (double)o->count)
		o->count = due < 1 ? 1 : (uint64_t)(due + 0.5);
	o->duration_s = 0;
	return 0;
}

/* What single options cannot see, and defaults that depend on others. */
static int finish(struct options *o, struct error *error)
{
	if (count_duration(o, error) != 0)
		return -EINVAL;
	if (o->count == 0 && o->duration_s == 0)
		o->count = 100000;
	if (o->first + o->count < o->first)
		return error_set(error, -EINVAL, "--first and --count together go beyond 2^64");
	if (o->first != 0 && o->mode == MODE_PRINT)
		return error_set(error, -EINVAL, "--print N..M says which events, and excludes --first");
	if (o->target_count == 0)
		o->targets[o->target_count++] = (struct address){.bytes = {127, 0, 0, 1}, .family = ADDRESS_IPV4};
	if (o->epoch == 0)
		o->epoch = (uint32_t)time(NULL);
	if (o->addresses == 0)
		o->addresses = o->sources;
	if (o->dpdk != NULL && (o->pcap != NULL || !o->destination_mac_given))
		return error_set(error, -EINVAL,
			"--dpdk needs --dst-mac, the appliance's (or router's) MAC, and excludes --pcap");
	for (unsigned i = 0; i < o->target_count; i++)
		if ((o->pcap != NULL || o->dpdk != NULL) && o->targets[i].family == ADDRESS_IPV6 && o->mtu < 1280)
			return error_set(error, -EINVAL, "--mtu: IPv6 needs at least 1280");
	if (o->faults[FAULT_corrupt] != 0 && o->weights[FORMAT_JSON] + o->weights[FORMAT_FRAME] == 0)
		return error_set(error, -EINVAL, "--corrupt needs json or frame: raw bytes cannot be wrong");
	if (o->faults[FAULT_restart] != 0 && o->weights[FORMAT_FRAME] == 0)
		return error_set(error, -EINVAL, "--restart needs frame: the other formats have no epoch");
	if (o->faults[FAULT_restart] > UINT32_MAX - o->epoch)
		return error_set(error, -EINVAL, "--epoch and --restart together go beyond 2^32: epochs must rise");
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
