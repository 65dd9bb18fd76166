/* SPDX-License-Identifier: Apache-2.0 */
#include "control/daemon/warnings.h"

#include <stdio.h>

#include "base/clock.h"
#include "control/daemon/json_text.h"
#include "control/daemon/landing.h"
#include "control/daemon/totals.h"

#define QUOTA_WARN_SECONDS 60u
#define UNWRITTEN_WARN_MS  60000u
#define SPOOL_WARN_PERCENT 80u

struct over_quota {
	uint64_t since_tsc;
	unsigned senders;
};

static int count_over(void *context, const struct senders_row *row)
{
	struct over_quota *over = context;

	over->senders += (int64_t)(row->last_tsc - over->since_tsc) > 0;
	return 0;
}

static void warn_of_senders(const struct box *box, json_t *warnings)
{
	struct over_quota over = {.since_tsc = clock_tsc() - QUOTA_WARN_SECONDS * clock_hz()};

	(void)senders_read(box->senders, count_over, &over);
	if (over.senders > 0)
		json_array_append_new(warnings, json_sprintf("%u sender%s more than the quota in the last minute; see `penstock show quotas`",
							over.senders, over.senders == 1 ? " sent" : "s sent"));
}

/* In mode wal: what Kafka gets without the disk having had it. */
static void warn_of_unwritten(const struct box *box, json_t *warnings)
{
	uint64_t last_ms = 0;

	for (unsigned i = 0; i < box->producer_count; i++) {
		const struct spool *spool = producer_spool(box->producers[i].producer);
		uint64_t ms = spool != NULL ? counter_read(&spool_count(spool)->unwritten_ms) : 0;

		last_ms = ms > last_ms ? ms : last_ms;
	}
	if (last_ms == 0 || (uint64_t)clock_ms() > last_ms + UNWRITTEN_WARN_MS)
		return;
	json_array_append_new(warnings,
		json_sprintf("the spool has no room, or its disk fails: %llu events so far went on to Kafka without having been written, "
			     "the last within a minute; see `penstock show spool` and the log",
			(unsigned long long)TOTAL_SPOOL(box, unwritten)));
}

/* Told ahead: it is hours, or minutes, until something is given up. */
static void warn_of_class(const struct box *box, unsigned number, json_t *warnings)
{
	static const char *const then[] = {
		[SPOOL_KEEP_OLDEST] = "when it is full, what comes is turned away",
		[SPOOL_KEEP_NEWEST] = "when it is full, its oldest events are given up",
		[SPOOL_SAMPLE] = "only a sample of what comes is kept",
	};
	const struct spool_class *class = &box->config->classes[number];
	uint64_t bytes, share;

	total_class(box, number, &bytes, &share);
	if (share == 0 || bytes < share / 100 * SPOOL_WARN_PERCENT)
		return;
	json_array_append_new(warnings,
		json_sprintf("class %s has %llu%% of its share of the spool (%llu of %llu MiB): %s; see `penstock show spool`",
			class->name, (unsigned long long)(bytes * 100 / share), (unsigned long long)(bytes >> 20),
			(unsigned long long)(share >> 20), then[class->policy]));
}

static void warn_of_spool(const struct box *box, json_t *warnings)
{
	for (unsigned i = 0; i < box->config->class_count; i++)
		warn_of_class(box, i, warnings);
	if (TOTAL_SPOOL(box, crowded) > 0)
		json_array_append_new(warnings,
			json_sprintf("the file system of %s has less than %u%% free (spool.keep_free): the spool takes nothing more; make room there",
				box->spool_directory, box->config->spool_keep_free));
}

/* The file that a restart would read is not what is in force. */
static void warn_of_reload(struct box *box, json_t *warnings)
{
	char text[LOADER_TEXT + 160];
	struct loader_result last;

	(void)loader_last(box, &last);
	if (last.request == 0 || last.ok || last.left)
		return;
	(void)snprintf(text, sizeof(text), "the last reload failed, and generation %u stays in force: %s", last.generation, last.text);
	json_array_append_new(warnings, json_text(text));
}

static void warn_of_changes(struct box *box, json_t *warnings)
{
	struct generations *all = &box->generations;
	char text[sizeof(all->feed_error.text) + 80];
	struct error error;

	pthread_mutex_lock(&all->lock);
	error = all->feed_error;
	pthread_mutex_unlock(&all->lock);
	if (error.text[0] == '\0')
		return;
	(void)snprintf(text, sizeof(text), "changes of categories are not taken in: %s", error.text);
	json_array_append_new(warnings, json_text(text));
}

json_t *warnings_of(struct box *box)
{
	int64_t behind = landing_behind_minutes(box);
	json_t *warnings = json_array();

	for (unsigned i = 0; i < box->warning_count; i++)
		json_array_append_new(warnings, json_text(box->warnings[i]));
	if (behind > 0)
		json_array_append_new(warnings, json_sprintf(LANDING_BEHIND, (long long)behind));
	warn_of_senders(box, warnings);
	warn_of_unwritten(box, warnings);
	warn_of_spool(box, warnings);
	warn_of_reload(box, warnings);
	warn_of_changes(box, warnings);
	return warnings;
}

void warn_of_port(json_t *warnings, const char *name, const struct source_status *status)
{
	char text[256];

	if (status->removed)
		(void)snprintf(text, sizeof(text), "port %s: the device has been removed: nothing is received here until a restart", name);
	else if (status->awaits_reset)
		(void)snprintf(text, sizeof(text), "port %s: the device asked for a reset, which has failed so far: nothing is received here",
			name);
	else if (!status->link_up)
		(void)snprintf(text, sizeof(text), "port %s: the link is down: nothing is received here until it is up", name);
	else
		return;
	json_array_append_new(warnings, json_string(text));
}
