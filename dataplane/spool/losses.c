/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/write.h"
#include "batch/settled.h"
#include "spool/internal.h"

/*
 * given-up.N.ndjson, N the producer's number: a line each time that something was given up, or once a second for what goes on. It
 * is synced, and renamed to given-up.N.1.ndjson when it is large. What it cannot take is kept, and told by its next line.
 */

#define FILE_MAX (4u << 20) /* bytes */
#define LOG_TEXT 640u /* of the 1,023 bytes that a line of the log has: a range takes up to 400, the head with a long name 560 */

/* The last one of this epoch, lane and topic. */
static struct loss_range *last_of(struct loss *loss, const struct loss_of *of)
{
	for (unsigned i = loss->range_count; i > 0; i--) {
		struct loss_range *range = &loss->ranges[i - 1];

		if (range->epoch == of->epoch && range->lane == of->lane && strcmp(range->topic, of->topic) == 0)
			return range;
	}
	return NULL;
}

/* Of an epoch that is not known, sequences that go back are another one's. */
static struct loss_range *range_of(struct loss *loss, const struct loss_of *of)
{
	struct loss_range *range = last_of(loss, of);

	if (range != NULL && (of->epoch != 0 || of->first > range->last))
		return range;
	if (loss->range_count == LOSS_RANGES)
		return NULL;
	range = &loss->ranges[loss->range_count++];
	*range = (struct loss_range){.epoch = of->epoch, .lane = of->lane, .first = UINT64_MAX};
	(void)snprintf(range->topic, sizeof(range->topic), "%s", of->topic);
	return range;
}

static void add_range(struct loss *loss, const struct loss_of *of)
{
	struct loss_range *range = range_of(loss, of);

	if (range == NULL)
		return;
	range->events += of->events;
	if (of->first < range->first)
		range->first = of->first;
	if (of->last > range->last)
		range->last = of->last;
}

static void add_time(struct loss *loss, int64_t us)
{
	if (us != 0 && (loss->from_us == 0 || us < loss->from_us))
		loss->from_us = us;
	if (us > loss->to_us)
		loss->to_us = us;
}

void loss_add(struct loss *loss, const struct loss_of *of)
{
	loss->events += of->events;
	loss->entries++;
	add_time(loss, of->us);
	add_range(loss, of);
}

void loss_add_all(struct loss *loss, const struct loss *more)
{
	int is_one = loss->events == 0 || strcmp(loss->log, more->log) == 0;

	(void)snprintf(loss->log, sizeof(loss->log), "%s", is_one ? more->log : "");
	loss->events += more->events;
	loss->entries += more->entries;
	add_time(loss, more->from_us);
	add_time(loss, more->to_us);
	for (const struct loss_range *r = more->ranges; r < more->ranges + more->range_count; r++)
		add_range(loss, &(struct loss_of){.topic = r->topic, .epoch = r->epoch, .lane = r->lane, .first = r->first,
			.last = r->last, .events = r->events});
}

static const char *print_time(char text[40], int64_t us)
{
	time_t seconds = (time_t)(us / 1000000);
	struct tm tm;

	if (us == 0 || gmtime_r(&seconds, &tm) == NULL)
		(void)snprintf(text, 40, "null");
	else
		(void)snprintf(text, 40, "\"%04d-%02d-%02dT%02d:%02d:%02d.%06dZ\"", tm.tm_year + 1900, tm.tm_mon + 1, tm.tm_mday,
			tm.tm_hour, tm.tm_min, tm.tm_sec, (int)(us % 1000000));
	return text;
}

/* What a line tells. */
struct line {
	unsigned class;
	const char *what;
	uint64_t events;
	int64_t from_us, to_us;
	const struct loss *loss; /* NULL: they were given no numbers */
};

static void print_head(FILE *out, const struct spool *spool, const struct line *line)
{
	char now[40], from[40], to[40];

	(void)fprintf(out, "{\"time\": %s, \"class\": \"%s\", \"what\": \"%s\", \"events\": %llu, \"received_from\": %s, \"received_to\": %s",
		print_time(now, clock_wall_us()), spool->config.classes[line->class].name, line->what,
		(unsigned long long)line->events, print_time(from, line->from_us), print_time(to, line->to_us));
	if (line->loss == NULL)
		return;
	if (line->loss->log[0] != '\0')
		(void)fprintf(out, ", \"log\": \"%s\"", line->loss->log);
	(void)fprintf(out, ", \"batches\": %llu", (unsigned long long)line->loss->entries);
}

static void print_ranges(FILE *out, const struct loss_range *ranges, unsigned count)
{
	for (const struct loss_range *r = ranges; r < ranges + count; r++) {
		char epoch[16] = "null";

		if (r->epoch != 0)
			(void)snprintf(epoch, sizeof(epoch), "\"%x\"", r->epoch);
		(void)fprintf(out, "%s{\"topic\": \"%s\", \"epoch\": %s, \"lane\": %u, \"first\": %llu, \"last\": %llu, \"events\": %llu}",
			r > ranges ? ", " : "", r->topic, epoch, r->lane, (unsigned long long)r->first, (unsigned long long)r->last,
			(unsigned long long)r->events);
	}
}

/* NULL: there is no memory. */
static char *print_line(const struct spool *spool, const struct line *line, size_t *length)
{
	char *text = NULL;
	FILE *out = open_memstream(&text, length);

	if (out == NULL)
		return NULL;
	print_head(out, spool, line);
	if (line->loss != NULL) {
		(void)fputs(", \"sequences\": [", out);
		print_ranges(out, line->loss->ranges, line->loss->range_count);
		(void)fputc(']', out);
	}
	(void)fputs("}\n", out);
	if (fclose(out) == 0)
		return text;
	free(text);
	return NULL;
}

/* A former process may have left a part of a line. */
static int end_line(int file, off_t size)
{
	char last = '\n';

	if (size > 0 && pread(file, &last, 1, size - 1) != 1)
		return -EIO;
	return last == '\n' ? 0 : write_all(file, "\n", 1);
}

/* All of it, or nothing. */
static int append_line(int file, const char *text, size_t length)
{
	struct stat st;
	int rc;

	if (fstat(file, &st) != 0)
		return -errno;
	rc = end_line(file, st.st_size);
	if (rc == 0)
		rc = write_all(file, text, length);
	if (rc == 0 && fdatasync(file) != 0)
		rc = -errno;
	if (rc != 0 && ftruncate(file, st.st_size) != 0)
		rc = -errno; /* the next one ends the line */
	return rc;
}

/* The line is there, and is not written again for want of a durable name: the next one sees to that. */
static void sync_name(struct spool *spool)
{
	int directory = open(spool->directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC), rc = directory < 0 ? -errno : 0;
	unsigned more;

	if (rc == 0 && fsync(directory) != 0)
		rc = -errno;
	if (directory >= 0)
		(void)close(directory);
	spool->loss_named = rc == 0;
	if (rc != 0 && log_allowed(&spool->loss_log, TROUBLE_S, &more))
		log_write(LOG_ERROR, "spool %s: the name of given-up.%u.ndjson cannot be synced: %s (%u others before it); tried again "
			"with its next line", spool->directory, spool->config.index, strerror(-rc), more);
}

static int append(struct spool *spool, const char *text, size_t length)
{
	char path[4096], old[4096];
	struct stat st;
	int file, rc;

	(void)snprintf(path, sizeof(path), "%s/given-up.%u.ndjson", spool->directory, spool->config.index);
	(void)snprintf(old, sizeof(old), "%s/given-up.%u.1.ndjson", spool->directory, spool->config.index);
	if (stat(path, &st) != 0 || (st.st_size > (off_t)FILE_MAX && rename(path, old) == 0))
		spool->loss_named = 0;
	file = open(path, O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0640);
	if (file < 0)
		return -errno;
	rc = append_line(file, text, length);
	(void)close(file);
	if (rc == 0 && !spool->loss_named)
		sync_name(spool);
	return rc;
}

/* A line of the log: one range, or what stands before them all. */
static void log_part(const struct spool *spool, const struct line *line, const struct loss_range *range)
{
	char text[LOG_TEXT] = "what there is no memory to tell";
	FILE *out = fmemopen(text, sizeof(text), "w");

	if (out != NULL && range != NULL)
		print_ranges(out, range, 1);
	else if (out != NULL)
		print_head(out, spool, line);
	if (out != NULL)
		(void)fclose(out);
	log_write(LOG_ERROR, "spool %s: given-up.%u.ndjson lacks %s%s", spool->directory, spool->config.index, text,
		range == NULL ? "}" : "");
}

/* The file does not take it, and there is no later: all of it, in lines that the log has room for. */
static void log_all(const struct spool *spool, const struct line *line, int rc)
{
	unsigned ranges = line->loss != NULL ? line->loss->range_count : 0;

	log_write(LOG_ERROR, "spool %s: given-up.%u.ndjson cannot be written: %s; what it lacks follows: keep it for whoever audits gaps",
		spool->directory, spool->config.index, strerror(-rc));
	log_part(spool, line, NULL);
	for (unsigned i = 0; i < ranges; i++)
		log_part(spool, line, &line->loss->ranges[i]);
}

/* 0 or -errno: it is to be told again. */
static int store(struct spool *spool, const struct line *line)
{
	size_t length = 0;
	char *text = print_line(spool, line, &length);
	int rc = text != NULL ? append(spool, text, length) : -ENOMEM;
	unsigned more;

	if (rc != 0 && spool->loss_last)
		log_all(spool, line, rc);
	else if (rc != 0 && log_allowed(&spool->loss_log, TROUBLE_S, &more))
		log_write(LOG_ERROR, "spool %s: given-up.%u.ndjson cannot be written: %s (%u others before it); tried again until the stop, "
			"with what is given up meanwhile: %s", spool->directory, spool->config.index, strerror(-rc), more,
			text != NULL ? text : "");
	free(text);
	return rc;
}

static void record(struct spool *spool, unsigned class, const char *what, struct loss *loss)
{
	const struct line line = {class, what, loss->events, loss->from_us, loss->to_us, loss};

	if (loss->events == 0 || store(spool, &line) == 0)
		*loss = (struct loss){0};
}

void loss_record(struct spool *spool, unsigned class)
{
	static const char *const what[] = {"kept the oldest", "made room", "sampled"};

	record(spool, class, what[spool->config.classes[class].policy], &spool->loss[class]);
}

void loss_record_stopped(struct spool *spool)
{
	for (unsigned class = 0; class < spool->config.class_count; class++)
		record(spool, class, "stopped", &spool->stopped[class]);
}

void loss_add_batch(struct spool *spool, struct loss *loss, const struct batch *batch, uint64_t events)
{
	const struct loss_of of = {
		.topic = spool->config.topics->topics[batch->topic].name,
		.epoch = batch->lane == SPOOL_LANE ? 0 : spool->config.epoch,
		.lane = shelf_lane_of(batch),
		.first = batch->first_seq,
		.last = batch_last_seq(batch),
		.events = events,
		.us = shelf_opened_us(batch),
	};

	loss->log[0] = '\0'; /* what is kept with it may have stood in one */
	loss_add(loss, &of);
}

void spool_gave_up(struct spool *spool, const struct batch *batch)
{
	loss_add_batch(spool, &spool->stopped[spool_class_of(spool, batch->topic)], batch, batch_unsettled_events(batch));
}

static uint64_t turned_away(const struct spool *spool, unsigned class)
{
	uint64_t events = 0;

	for (unsigned i = 0; i < spool->config.lane_count; i++)
		events += counter_read(&spool->config.lanes[i]->turned_away[class]);
	return events;
}

/* What workers did not take was given no number: it has a time and a count. */
static void record_turned_away(struct spool *spool, unsigned class)
{
	uint64_t events = turned_away(spool, class), before = spool->turned_away[class];
	int64_t now_us = clock_wall_us(), from_us = spool->turned_ms[class] * 1000;
	const struct line line = {class, "turned away", events - before, from_us, now_us, NULL};

	if (events != before && store(spool, &line) != 0)
		return;
	spool->turned_away[class] = events;
	spool->turned_ms[class] = now_us / 1000;
}

void loss_record_all(struct spool *spool)
{
	for (unsigned class = 0; class < spool->config.class_count; class++) {
		loss_record(spool, class);
		record_turned_away(spool, class);
	}
}

void loss_record_last(struct spool *spool)
{
	spool->loss_last = 1;
	loss_record_all(spool);
	loss_record_stopped(spool);
}
