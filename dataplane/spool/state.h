/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * The state record: two slots in the file `state`, each in a block of its own. Only the slot that is not in force is written to, so
 * that a torn write leaves the other; the file has its full size from the start, so that a full disk does not stop it.
 */

#include "spool/format.h"

#define SPOOL_STATE_NAME "state"

struct spool_state {
	struct spool_disk *disk;
	int file;                          /* -1: there is none yet */
	unsigned slot;                     /* in force */
	int half;                          /* the other one was damaged when it was opened */
	int proven;                        /* it is durable, and not only what a former process wrote */
	int uncertain;                     /* a store failed, and may have come to the disk all the same */
	struct spool_state_record records[2]; /* as far as they are known to be durable; generation 0: nothing is */
};

/* Reads what is in force; a file without a good slot is put aside as state.bad. 0 (also when there is none), -ENOTSUP: of a newer
 * version, or -errno. */
int spool_state_open(struct spool_state *state, struct spool_disk *disk, const char *log_name);
void spool_state_close(struct spool_state *state);

/* The record in force; all zero when there is none. */
static inline const struct spool_state_record *spool_state_now(const struct spool_state *state)
{
	return &state->records[state->slot];
}

/* False when the disk may hold something else than the record in force: it is to be stored again. */
static inline int spool_state_is_certain(const struct spool_state *state)
{
	return !state->uncertain && (state->proven || spool_state_now(state)->generation == 0);
}

/* Makes the file when there is none yet, without a record. Before a log's first segment: were room needed to say that its segments
 * are settled, a full disk would keep them for ever. 0 or -errno. */
int spool_state_make(struct spool_state *state);

/* Makes the record (what precedes and follows its content is filled in) durable in the slot that is not in force, which then is. 0
 * or -errno: the other slot still is. */
int spool_state_store(struct spool_state *state, const struct spool_state_record *record);
