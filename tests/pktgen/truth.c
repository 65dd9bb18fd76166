/* SPDX-License-Identifier: Apache-2.0 */
#include "truth.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "render.h"

#define LOG_BUFFER   (1 << 20)
#define LINE_MAX_LEN 128

struct event_log {
	struct result result;
	int failed; /* -errno of the first write that failed */
	uint32_t used;
	uint8_t buffer[LOG_BUFFER + LINE_MAX_LEN];
};

int event_log_open(struct event_log **out, const char *path, struct error *error)
{
	struct event_log *log = malloc(sizeof(*log));
	int rc;

	if (log == NULL)
		return error_set(error, -ENOMEM, "no memory for the list of events");
	rc = result_open(&log->result, path, 1, error);
	if (rc != 0) {
		rc = result_close(&log->result, rc, NULL);
		free(log);
		return rc;
	}
	log->failed = 0;
	log->used = 0;
	*out = log;
	return 0;
}

static void log_flush(struct event_log *log)
{
	if (fwrite(log->buffer, 1, log->used, log->result.file) != log->used && log->failed == 0)
		log->failed = -errno;
	log->used = 0;
}

void event_log_add(
	struct event_log *log, const struct generated *event, const uint8_t *body, const char *type, unsigned copies)
{
	uint8_t *to = log->buffer + log->used;
	size_t type_len = strlen(type);

	to = render_decimal(to, event->number);
	*to++ = ' ';
	memcpy(to, type, type_len);
	to += type_len;
	*to++ = ' ';
	render_crc(to, event_crc(event, body));
	to += 8;
	*to++ = ' ';
	to = render_decimal(to, event->len);
	*to++ = ' ';
	to = render_decimal(to, copies);
	*to++ = '\n';
	log->used = (uint32_t)(to - log->buffer);
	if (log->used >= LOG_BUFFER)
		log_flush(log);
}

int event_log_close(struct event_log *log, int rc, struct error *error)
{
	if (log == NULL)
		return rc;
	log_flush(log);
	if (rc == 0 && log->failed != 0)
		rc = error_set(error, log->failed, "cannot write %s: %s", log->result.path, strerror(-log->failed));
	rc = result_close(&log->result, rc, error);
	free(log);
	return rc;
}

static void write_tally(FILE *file, const char *name, const struct tally *tally, const char *end)
{
	fprintf(file, "\"%s\": {\"datagrams\": %" PRIu64 ", \"events\": %" PRIu64 ", \"bytes\": %" PRIu64 "}%s", name,
		tally->datagrams, tally->events, tally->bytes, end);
}

static void write_settings(FILE *file, const struct options *options)
{
	const struct event_settings *s = &options->events;

	fprintf(file, "  \"seed\": %" PRIu64 ",\n  \"settings\": {\"preset\": \"%s\", \"types\": %" PRIu32, s->seed,
		s->preset == PRESET_MIX512 ? "mix512" : "mix225", s->types);
	fprintf(file, ", \"time_base_us\": %" PRId64 ", \"time_step_us\": %" PRIu32 ", \"pretty_percent\": %" PRIu32,
		s->time_base_us, s->time_step_us, s->pretty_percent);
	fprintf(file, ", \"body_max\": %" PRIu32 ", \"first\": %" PRIu64 ", \"raw_type\": \"%s\", \"ports\": {",
		s->body_max, options->first, options->raw_type);
	for (unsigned i = 0; i < FORMATS; i++)
		fprintf(file, "%s\"%s\": %u", i == 0 ? "" : ", ", format_names[i], options->ports[i]);
	fprintf(file, "}},\n");
}

static void write_type(FILE *file, const char *name, uint32_t id, const struct tally *tally, int *any)
{
	fprintf(file, "%s\n    \"%s\": {", *any ? "," : "", name);
	if (id != 0)
		fprintf(file, "\"id\": %" PRIu32 ", ", id);
	fprintf(file, "\"events\": %" PRIu64 ", \"bytes\": %" PRIu64 "}", tally->events, tally->bytes);
	*any = 1;
}

static void tally_move(struct tally *to, struct tally *from)
{
	to->events += from->events;
	to->bytes += from->bytes;
	*from = (struct tally){0};
}

static void write_types(FILE *file, const struct truth *truth, const struct options *options)
{
	struct tally raw = truth->raw;
	int any = 0;

	fprintf(file, "  \"types\": {");
	for (uint32_t i = 0; i < options->events.types; i++) {
		struct tally tally = truth->types[i];
		char name[48];

		type_name(i, name);
		if (strcmp(name, options->raw_type) == 0)
			tally_move(&tally, &raw);
		if (tally.events != 0)
			write_type(file, name, i + 1, &tally, &any);
	}
	if (raw.events != 0)
		write_type(file, options->raw_type, 0, &raw, &any);
	fprintf(file, "\n  },\n");
}

static void write_life(FILE *file, const struct source_life *life, int *any)
{
	fprintf(file,
		"%s\n    {\"id\": %" PRIu64 ", \"epoch\": %" PRIu32 ", \"first\": %" PRIu64 ", \"next\": %" PRIu64,
		*any ? "," : "", life->id, life->epoch, life->first, life->next);
	fprintf(file,
		", \"sent\": %" PRIu64 ", \"skipped\": %" PRIu64 ", \"duplicated\": %" PRIu64
		", \"reordered\": %" PRIu64 ", \"heartbeats\": %" PRIu32 "}",
		life->sent, life->skipped, life->duplicated, life->reordered, life->heartbeats);
	*any = 1;
}

static void write_sources(
	FILE *file, const struct truth *truth, const struct options *options, const struct source_life *sources)
{
	int any = 0;

	fprintf(file, "  \"sources\": [");
	for (uint64_t i = 0; i < truth->life_count; i++)
		write_life(file, &truth->lives[i], &any);
	for (uint32_t i = 0; options->weights[FORMAT_FRAME] != 0 && i < options->sources; i++)
		write_life(file, &sources[i], &any);
	fprintf(file, "\n  ],\n");
}

static void write_faults(FILE *file, const struct truth *truth)
{
	fprintf(file, "  \"faults\": {\n");
	for (unsigned i = 0; i < FAULT_COUNT; i++) {
		fprintf(file, "    ");
		write_tally(file, fault_names[i], &truth->faults[i], ",\n");
	}
	fprintf(file, "    \"damages\": {");
	for (unsigned i = 0; i < DAMAGE_COUNT; i++)
		fprintf(file, "%s\"%s\": %" PRIu64, i == 0 ? "" : ", ", damage_names[i], truth->damages[i]);
	fprintf(file, "}\n  },\n");
}

void truth_write(
	FILE *file, const struct truth *truth, const struct options *options, const struct source_life *sources)
{
	fprintf(file, "{\n  \"schema_version\": 1,\n");
	write_settings(file, options);
	fprintf(file, "  \"generated\": %" PRIu64 ",\n  ", truth->generated);
	write_tally(file, "sent", &truth->sent, ",\n  ");
	write_tally(file, "unique", &truth->unique, ",\n  ");
	fprintf(file, "\"mean_body\": %.2f,\n  \"formats\": {",
		truth->generated == 0 ? 0.0 : (double)truth->bodies / (double)truth->generated);
	for (unsigned i = 0; i < FORMATS; i++)
		write_tally(file, format_names[i], &truth->formats[i], i + 1 < FORMATS ? ", " : "},\n");
	write_types(file, truth, options);
	write_sources(file, truth, options, sources);
	write_faults(file, truth);
	fprintf(file, "  \"heartbeats\": %" PRIu64 ",\n  \"seconds\": %.3f\n}\n", truth->heartbeats, truth->seconds);
}
