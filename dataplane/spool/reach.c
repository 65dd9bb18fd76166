/* SPDX-License-Identifier: Apache-2.0 */
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/fault.h"
#include "spool/internal.h"
#include "spool/text.h"

/*
 * reached.N, N the producer's number: how far the sequences of what was accepted had come (docs/spool-format.md). It is written
 * whole, beside, and renamed: now and then, and before anything goes of which only the logs tell. What was accepted after it stands
 * in the logs behind the positions that it names. A file that cannot be written is taken away: none says that nothing is known.
 */

#define TITLE "penstock reached 1\n"
#define LOOSE "loose\n"

/* The file of the process before, as it was found. */
struct found_file {
	struct spool *spool;
	char *text, *logs; /* where the lines of the logs begin */
};

static const char *name_of(const struct spool *spool, const char *behind, char name[SPOOL_NAME_MAX])
{
	(void)snprintf(name, SPOOL_NAME_MAX, "reached.%u%s", spool->config.index, behind);
	return name;
}

/* --- what a start finds --- */

/* A line "@NAME POSITION" of a log; NULL: it was not there when the file was written. */
static const char *line_of(const char *logs, const char *name)
{
	size_t length = strlen(name);

	for (const char *line = logs; line != NULL && *line == '@'; line = strchr(line, '\n') + 1)
		if (strncmp(line + 1, name, length) == 0 && line[1 + length] == ' ')
			return line + 1 + length;
	return NULL;
}

static void take_entry(void *context, const struct spool_entry *entry)
{
	struct spool *spool = context;

	if (entry->lane == SPOOL_LANE || entry->records == 0 || strcmp(entry->reason, SPOOL_CARRIED) == 0)
		return; /* it may be of an epoch before; where it was first written it is counted */
	if (reached_raise(&spool->reached.before.set, entry->topic, entry->lane, spool_entry_last_seq(entry)) < 0)
		spool->reached.before.exact = 0;
}

/* What was accepted after the file was written. */
static void take_log(const struct found_file *found, const struct shelf *shelf)
{
	struct spool *spool = found->spool;
	const char *at = line_of(found->logs, shelf->name);
	char own[SPOOL_NAME_MAX];

	(void)snprintf(own, sizeof(own), "topic.%u.", spool->config.index);
	if (shelf->is_dead || (at == NULL && counter_read(&shelf->state.end) == 0))
		return;
	if (at == NULL && strncmp(shelf->name, own, strlen(own)) != 0) /* another producer's, once */
		spool->reached.before.exact = 0;
	else if (spool_log_each(shelf->log, at != NULL ? strtoull(at, NULL, 10) : 0, take_entry, spool) != 0)
		spool->reached.before.exact = 0;
}

static int take_topics(struct reached *set, const char *line)
{
	int rc = 0;

	for (const char *end; rc == 0 && *line != '\0'; line = end + 1) {
		end = strchr(line, '\n');
		rc = end != NULL ? reached_parse(set, line, (size_t)(end - line)) : -EBADMSG;
		if (end == NULL)
			break;
	}
	return rc;
}

static void take_file(struct found_file *found)
{
	struct spool_reached *before = &found->spool->reached.before;
	char *line = found->text + strlen(TITLE);
	unsigned epoch;
	int end = 0;

	if (sscanf(line, "epoch %10u\n%n", &epoch, &end) != 1 || end == 0)
		return;
	line += end;
	before->epoch = epoch;
	before->exact = strncmp(line, LOOSE, strlen(LOOSE)) != 0;
	line += before->exact ? 0 : strlen(LOOSE);
	found->logs = line;
	while (*line == '@' && strchr(line, '\n') != NULL)
		line = strchr(line, '\n') + 1;
	if (take_topics(&before->set, line) != 0)
		before->exact = 0;
	for (unsigned i = 0; i < found->spool->shelf_count; i++)
		take_log(found, found->spool->shelves[i]);
}

int reached_open(struct spool *spool, struct error *error)
{
	struct found_file found = {.spool = spool};
	char name[SPOOL_NAME_MAX];
	int rc;

	if (spool->config.epoch == 0)
		return 0;
	for (unsigned i = 0; i < TOPIC_MAX; i++)
		spool->reached.places[i] = -1;
	rc = spool_disk_posix_new(&spool->reached.disk, spool->directory, error);
	if (rc != 0)
		return rc;
	found.text = text_read(spool->reached.disk, name_of(spool, "", name), TITLE);
	if (found.text != NULL && found.text[0] != '\0')
		take_file(&found);
	else if (found.text != NULL)
		log_write(LOG_WARNING,
			"spool %s: %s is damaged, or cannot be read: what the last epoch had reached is not known exactly",
			spool->directory, name);
	free(found.text);
	spool->reached.dirty = spool->reached.before.epoch != 0; /* of it the file says what the logs do not */
	if (spool->reached.before.epoch == 0) /* a process that writes nothing is to be told from one that nothing is known of */
		reached_begin(spool);
	return 0;
}

void reached_close(struct spool *spool)
{
	spool_disk_posix_free(spool->reached.disk);
	reached_fini(&spool->reached.before.set);
	reached_fini(&spool->reached.now);
}

/* --- what this process keeps --- */

/* Until there is something of its own to tell, all that is known of the process before. */
static void print_head(const struct spool *spool, FILE *out)
{
	const struct spool_reach *reach = &spool->reached;
	uint32_t epoch = reach->begun ? spool->config.epoch : reach->before.epoch;
	int loose = reach->begun ? reach->loose : !reach->before.exact;

	(void)fprintf(out, TITLE "epoch %u\n%s", epoch, loose ? LOOSE : "");
}

static char *print(const struct spool *spool, size_t *length)
{
	char *text = NULL;
	FILE *out = open_memstream(&text, length);

	if (out == NULL)
		return NULL;
	print_head(spool, out);
	for (unsigned i = 0; i < spool->shelf_count; i++)
		(void)fprintf(out, "@%s %llu\n", spool->shelves[i]->name,
			(unsigned long long)counter_read(&spool->shelves[i]->state.end));
	reached_print(spool->reached.begun ? &spool->reached.now : &spool->reached.before.set, out);
	return text_end(out, &text, length);
}

static int replace(struct spool *spool)
{
	struct spool_disk *disk = spool->reached.disk;
	char beside[SPOOL_NAME_MAX], name[SPOOL_NAME_MAX];
	size_t length = 0;
	char *text = print(spool, &length);
	int rc = text != NULL ? text_write(disk, name_of(spool, ".new", beside), text, length) : -ENOMEM;

	free(text);
	FAULT_KILL("spool_reached_begin");
	if (rc == 0)
		rc = disk->ops->rename(disk, beside, name_of(spool, "", name));
	if (rc == 0)
		rc = disk->ops->sync_names(disk);
	FAULT_KILL("spool_reached_done");
	return rc;
}

/* None says that nothing is known, which is true; an old one would say too little. */
static void take_away(struct spool *spool, int rc)
{
	struct spool_disk *disk = spool->reached.disk;
	char name[SPOOL_NAME_MAX];
	unsigned more;

	if (disk->ops->unlink(disk, name_of(spool, "", name)) == 0)
		(void)disk->ops->sync_names(disk);
	if (log_allowed(&spool->reached.said, 60, &more))
		log_write(LOG_WARNING, "spool %s: %s cannot be written: %s; tried again, and until then a kill leaves it unknown how far "
				       "the epoch had come", spool->directory, name, strerror(-rc));
}

void reached_store(struct spool *spool)
{
	int rc;

	if (!spool->reached.dirty || spool->reached.disk == NULL)
		return;
	rc = replace(spool);
	spool->reached.dirty = rc != 0;
	if (rc != 0)
		take_away(spool, rc);
}

void reached_keep(struct spool *spool)
{
	if (spool->reached.begun)
		reached_store(spool);
}

void reached_begin(struct spool *spool)
{
	if (spool->reached.begun)
		return;
	spool->reached.begun = 1;
	spool->reached.dirty = 1;
	reached_store(spool);
}

static void raise_now(struct spool *spool, const struct batch *batch)
{
	int *place = &spool->reached.places[batch->topic], rc;

	if (*place < 0)
		*place = reached_place(&spool->reached.now, spool->config.topics->topics[batch->topic].name);
	rc = *place >= 0 ? reached_raise_at(&spool->reached.now, (unsigned)*place, batch->lane, batch_last_seq(batch)) : *place;
	spool->reached.dirty |= rc > 0;
	spool->reached.loose |= rc < 0;
}

void reached_note(struct spool *spool, const struct batch *batch)
{
	if (spool->reached.disk != NULL && batch->lane != SPOOL_LANE && batch->records > 0)
		raise_now(spool, batch);
}

void reached_loosen(struct spool *spool, const struct batch *batch)
{
	if (batch->lane == SPOOL_LANE || batch->log != BATCH_UNLOGGED) /* it was accepted before */
		return;
	reached_note(spool, batch);
	if (spool->reached.loose)
		return;
	spool->reached.loose = spool->reached.dirty = spool->reached.begun = 1;
	reached_store(spool);
}

const struct spool_reached *spool_reached_before(const struct spool *spool)
{
	return &spool->reached.before;
}
