/* SPDX-License-Identifier: Apache-2.0 */
#include "spool/log.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "spool/log_priv.h"

static void free_log(struct spool_log *log)
{
	spool_tail_close(log);
	spool_reader_fini(&log->reader);
	spool_state_close(&log->state);
	spool_window_fini(&log->window);
	free(log->segments);
	free(log);
}

static int open_state(struct spool_log *log, struct error *error)
{
	int rc = spool_state_open(&log->state, log->disk, log->name);

	if (rc == -ENOTSUP)
		return error_set(error, rc,
			"%s: its state is of a newer format than this program's %u: start the version that wrote it",
			log->name, SPOOL_VERSION);
	return rc == 0 ? 0 : error_set(error, rc, "%s: its state cannot be read: %s", log->name, strerror(-rc));
}

static int recover(struct spool_log *log, struct error *error)
{
	int rc = spool_recover(log);

	if (rc == 0)
		rc = spool_window_init(&log->window, log->frontier.position);
	if (rc == 0)
		rc = spool_window_extend(&log->window, log->end.position);
	if (rc != 0)
		return error_set(error, rc, "%s: cannot be opened: %s", log->name, strerror(-rc));
	log->recovered = spool_events_between(log->frontier, log->end);
	return 0;
}

int spool_log_open(struct spool_log **out, const struct spool_log_config *config, struct error *error)
{
	struct spool_log *log = calloc(1, sizeof(*log));
	int rc;

	if (log == NULL)
		return error_set(error, -ENOMEM, "%s: no memory", config->name);
	(void)snprintf(log->name, sizeof(log->name), "%s", config->name);
	log->disk = config->disk;
	log->segment_bytes = config->segment_bytes > SPOOL_SEGMENT_MIN ? config->segment_bytes : SPOOL_SEGMENT_MIN;
	log->tail.file = -1;
	log->state.file = -1;
	log->no_reserve = config->no_reserve;
	log->removed_dirty = 1; /* by a former process, perhaps */
	rc = spool_reader_init(&log->reader, log->disk);
	if (rc != 0)
		rc = error_set(error, rc, "%s: no memory", log->name);
	if (rc == 0)
		rc = open_state(log, error);
	if (rc == 0)
		rc = spool_directory_read(log, error);
	if (rc == 0)
		rc = recover(log, error);
	if (rc != 0) {
		free_log(log);
		return rc;
	}
	*out = log;
	return 0;
}

void spool_log_close(struct spool_log *log)
{
	int rc;

	if (log == NULL)
		return;
	rc = spool_log_sync(log);
	if (rc != 0 && rc != -EAGAIN)
		log_write(LOG_ERROR, "%s: %s while syncing it for the last time: what was not durable may be lost",
			log->name, strerror(-rc));
	log->closing = 1;
	spool_tail_close(log); /* so that it goes too when all in it is settled */
	(void)spool_log_commit(log);
	free_log(log);
}

void spool_log_info(const struct spool_log *log, struct spool_log_info *info)
{
	*info = (struct spool_log_info){
		.frontier = log->frontier.position,
		.end = log->end.position,
		.synced = log->synced.position,
		.frontier_offset = log->frontier.offset,
		.end_offset = log->end.offset,
		.recovered = log->recovered,
		.damaged = log->damaged,
		.given_up = log->given_up,
		.empty = log->empty,
		.segments = log->count,
		.suspect = log->suspect,
	};
	for (unsigned i = 0; i < log->count; i++)
		info->bytes += log->segments[i].bytes;
}
