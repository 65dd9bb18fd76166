/* SPDX-License-Identifier: Apache-2.0 */
#include "spool/state.h"

#include <errno.h>
#include <string.h>

#include "base/fault.h"
#include "base/log.h"
#include "spool/names.h"

/* 0, also when nothing stands there; -EBADMSG: damaged; -ENOTSUP, or -errno of the disk. */
static int read_slot(struct spool_state *state, unsigned slot)
{
	struct spool_state_record record = {0}, none = {0};
	int64_t n = state->disk->ops->read(
		state->disk, state->file, (uint64_t)slot * SPOOL_STATE_BLOCK, &record, sizeof(record));
	int rc;

	if (n < 0)
		return (int)n;
	rc = spool_state_check(&record);
	if (rc == 0)
		state->records[slot] = record;
	else if (rc == -EBADMSG && n == (int64_t)sizeof(record) && memcmp(&record, &none, sizeof(record)) == 0)
		rc = 0;
	return rc;
}

void spool_state_close(struct spool_state *state)
{
	if (state->disk != NULL && state->file >= 0)
		state->disk->ops->close(state->disk, state->file);
	state->file = -1;
}

static int put_aside(struct spool_state *state, const char *log_name)
{
	log_write(LOG_WARNING,
		"%s: no slot of the state is whole: its file is kept aside, as .bad, and what was settled may come again",
		log_name);
	spool_state_close(state);
	return spool_put_aside(state->disk, SPOOL_STATE_NAME);
}

/* One good slot is enough. Without any, a disk that fails may do better at the next try; damage will not. */
static int read_slots(struct spool_state *state, const char *log_name)
{
	int rcs[2] = {read_slot(state, 0), read_slot(state, 1)};

	if (rcs[0] == -ENOTSUP || rcs[1] == -ENOTSUP)
		return -ENOTSUP;
	state->slot = state->records[1].generation > state->records[0].generation;
	if (spool_state_now(state)->generation != 0) {
		state->half = rcs[0] != 0 || rcs[1] != 0;
		if (state->half)
			log_write(LOG_WARNING, "%s: one slot of the state is damaged; the other one serves", log_name);
		return 0;
	}
	for (unsigned slot = 0; slot < 2; slot++)
		if (rcs[slot] != 0 && rcs[slot] != -EBADMSG)
			return rcs[slot];
	return rcs[0] != 0 || rcs[1] != 0 ? put_aside(state, log_name) : 0;
}

static int write_block(struct spool_state *state, unsigned slot, const struct spool_state_record *record)
{
	uint8_t block[SPOOL_STATE_BLOCK] = {0};
	struct iovec piece = {block, sizeof(block)};

	memcpy(block, record, sizeof(*record));
	return state->disk->ops->write(state->disk, state->file, (uint64_t)slot * SPOOL_STATE_BLOCK, &piece, 1);
}

/* The slot in force may be what a process wrote that ended before it was durable; the other one is needed until it is.
 * Writing it again as it is can do no harm. */
static int prove(struct spool_state *state)
{
	int rc;

	if (state->proven || spool_state_now(state)->generation == 0)
		return 0;
	rc = write_block(state, state->slot, spool_state_now(state));
	if (rc == 0)
		rc = state->disk->ops->sync(state->disk, state->file);
	state->proven = rc == 0;
	return rc;
}

int spool_state_open(struct spool_state *state, struct spool_disk *disk, const char *log_name)
{
	int rc;

	*state = (struct spool_state){.disk = disk, .file = disk->ops->open(disk, SPOOL_STATE_NAME, 0)};
	if (state->file == -ENOENT) {
		state->file = -1;
		return 0;
	}
	if (state->file == -EISDIR || state->file == -ELOOP) {
		state->file = -1;
		return put_aside(state, log_name);
	}
	if (state->file < 0)
		return state->file;
	rc = read_slots(state, log_name);
	if (rc != 0) {
		spool_state_close(state);
		return rc;
	}
	if (prove(state) == 0 && state->half) /* or else before the next one is stored, and by that */
		(void)spool_state_store(state, spool_state_now(state));
	return 0;
}

/* Both blocks are written, so that none has to be found later. */
static int create(struct spool_state *state)
{
	static const struct spool_state_record none;
	int file = state->disk->ops->open(state->disk, SPOOL_STATE_NAME, 1), rc;

	if (file < 0)
		return file;
	state->file = file;
	rc = write_block(state, 0, &none);
	if (rc == 0)
		rc = write_block(state, 1, &none);
	if (rc == 0)
		rc = state->disk->ops->sync(state->disk, file);
	FAULT_KILL("spool_state_new");
	if (rc == 0)
		rc = state->disk->ops->sync_names(state->disk);
	if (rc != 0) {
		spool_state_close(state);
		(void)state->disk->ops->unlink(state->disk, SPOOL_STATE_NAME);
	}
	return rc;
}

int spool_state_make(struct spool_state *state)
{
	return state->file < 0 ? create(state) : 0;
}

int spool_state_store(struct spool_state *state, const struct spool_state_record *record)
{
	unsigned slot = state->slot ^ 1;
	struct spool_state_record next = *record;
	int rc = spool_state_make(state);

	if (rc == 0)
		rc = prove(state);
	if (rc != 0)
		return rc;
	next.generation = spool_state_now(state)->generation + 1;
	next.zero = 0;
	spool_state_seal(&next);
	FAULT_KILL("spool_state_begin");
	rc = write_block(state, slot, &next);
	FAULT_KILL("spool_state_written");
	if (rc == 0)
		rc = state->disk->ops->sync(state->disk, state->file);
	state->uncertain = rc != 0;
	if (rc != 0)
		return rc;
	FAULT_KILL("spool_state_done");
	state->records[slot] = next;
	state->slot = slot;
	state->proven = 1;
	return 0;
}
