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
 * is synced, and renamed to given-up.N.1.ndjson when it is large.
 */

#define FILE_MAX (4u << 20) /* bytes */

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

void loss_add(struct loss *loss, const struct loss_of *of)
{
	struct loss_range *range = range_of(loss, of);

	loss->events += of->events;
	loss->entries++;
	if (of->us != 0 && (loss->from_us == 0 || of->us < loss->from_us))
		loss->from_us = of->us;
	if (of->us > loss->to_us)
		loss->to_us = of->us;
	if (range == NULL)
		return;
	range->events += of->events;
	if (of->first < range->first)
		range->first = of->first;
	if (of->last > range->last)
		range->last = of->last;
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

static void print_head(FILE *out, const struct spool *spool, unsigned class, const char *what, uint64_t events, int64_t from_us,
	int64_t to_us)
{
	char now[40], from[40], to[40];

	(void)fprintf(out, "{\"time\": %s, \"class\": \"%s\", \"what\": \"%s\", \"events\": %llu, \"received_from\": %s, \"received_to\": %s",
		print_time(now, clock_wall_us()), spool->config.classes[class].name, what, (unsigned long long)events,
		print_time(from, from_us), print_time(to, to_us));
}

static void print_ranges(FILE *out, const struct loss *loss)
{
	if (loss->log != NULL)
		(void)fprintf(out, ", \"log\": \"%s\"", loss->log);
	(void)fprintf(out, ", \"batches\": %llu, \"sequences\": [", (unsigned long long)loss->entries);
	for (unsigned i = 0; i < loss->range_count; i++) {
		const struct loss_range *r = &loss->ranges[i];
		char epoch[16] = "null";

		if (r->epoch != 0)
			(void)snprintf(epoch, sizeof(epoch), "\"%x\"", r->epoch);
		(void)fprintf(out, "%s{\"topic\": \"%s\", \"epoch\": %s, \"lane\": %u, \"first\": %llu, \"last\": %llu, \"events\": %llu}",
			i > 0 ? ", " : "", r->topic, epoch, r->lane, (unsigned long long)r->first, (unsigned long long)r->last,
			(unsigned long long)r->events);
	}
	(void)fputc(']', out);
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

static int sync_names(const struct spool *spool)
{
	int directory = open(spool->directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC), rc;

	if (directory < 0)
		return -errno;
	rc = fsync(directory) == 0 ? 0 : -errno;
	(void)close(directory);
	return rc;
}

static int append(const struct spool *spool, const char *text, size_t length)
{
	char path[4096], old[4096];
	struct stat st;
	int file, is_new, rc;

	(void)snprintf(path, sizeof(path), "%s/given-up.%u.ndjson", spool->directory, spool->config.index);
	(void)snprintf(old, sizeof(old), "%s/given-up.%u.1.ndjson", spool->directory, spool->config.index);
	is_new = stat(path, &st) != 0;
	if (!is_new && st.st_size > (off_t)FILE_MAX)
		is_new = rename(path, old) == 0;
	file = open(path, O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0640);
	if (file < 0)
		return -errno;
	rc = append_line(file, text, length);
	(void)close(file);
	return rc == 0 && is_new ? sync_names(spool) : rc;
}

static void store(struct spool *spool, char *text, size_t length)
{
	int rc = text != NULL ? append(spool, text, length) : -ENOMEM;
	unsigned more;

	if (rc != 0 && log_allowed(&spool->loss_log, 60, &more))
		log_write(LOG_ERROR, "spool %s: given-up.%u.ndjson cannot be written: %s; what was given up is counted all the same: %s",
			spool->directory, spool->config.index, strerror(-rc), text != NULL ? text : "");
	free(text);
}

static void record(struct spool *spool, unsigned class, const char *what, struct loss *loss)
{
	char *text = NULL;
	size_t length = 0;
	FILE *out;

	if (loss->events == 0) {
		loss->log = NULL;
		return;
	}
	out = open_memstream(&text, &length);
	if (out != NULL) {
		print_head(out, spool, class, what, loss->events, loss->from_us, loss->to_us);
		print_ranges(out, loss);
		(void)fputs("}\n", out);
		(void)fclose(out);
	}
	store(spool, text, length);
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
	char *text = NULL;
	size_t length = 0;
	FILE *out;

	spool->turned_away[class] = events;
	spool->turned_ms[class] = now_us / 1000;
	if (events == before)
		return;
	out = open_memstream(&text, &length);
	if (out != NULL) {
		print_head(out, spool, class, "turned away", events - before, from_us, now_us);
		(void)fputs("}\n", out);
		(void)fclose(out);
	}
	store(spool, text, length);
}

void loss_record_all(struct spool *spool)
{
	for (unsigned class = 0; class < spool->config.class_count; class++) {
		loss_record(spool, class);
		record_turned_away(spool, class);
	}
}
