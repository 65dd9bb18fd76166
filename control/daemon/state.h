/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * The state directory: what must outlive the process. Each file is replaced whole and durably (state_file.h); a damaged one
 * is renamed NAME.bad, said once in the log, and never makes an epoch fall.
 *
 *   lock        held while a daemon lives; its number inside
 *   instance    UUID of this box, made once
 *   epoch       the last epoch that was begun
 *   hours       the current landing hour, the oldest open one, and the first that is not known to be complete (worker/hours.h)
 *   spools      directories of spools that were used (former.h)
 *   partitions  topic -> partition count, as Kafka said last
 *   reached.E   how far epoch E came, until that is published (reached_file.h)
 *
 * Threads: control threads, one at a time for each file.
 */

#include <stdint.h>

#include "base/error.h"
#include "batch/topic.h"

struct state;

/*
 * Opens the directory, made if it is missing (its parent must be there), takes its lock and reads or makes the instance's
 * UUID. 0, -EBUSY (another daemon has it) or -errno, with a sentence. Free with state_close.
 */
int state_open(struct state **state, const char *directory, struct error *error);

/* NULL is fine. Gives the lock back. */
void state_close(struct state *state);

/* 36 characters, lower case; lives as long as the state. */
const char *state_uuid(const struct state *state);

/* Whether the 36 bytes at `text` are such a UUID: hexadecimal digits, small, and dashes. Any thread. */
int state_uuid_is_valid(const char *text);

/* The open directory, for who keeps files of his own in it (state_file.h). */
int state_directory(const struct state *state);

/*
 * Begins an epoch: larger than every one before it in this directory, and not below the UTC seconds since 1970 at start,
 * whatever the clock says. It is durable when this returns 0; -errno with a sentence otherwise, and then no event may be
 * numbered. Once per start.
 */
int state_epoch_begin(struct state *state, int64_t utc_seconds, uint32_t *epoch, struct error *error);

struct state_hours {
	int64_t current, oldest, complete;
};

/* The marks that were kept last; all 0 when there are none. Where no complete ones were kept, those that are not open count. */
void state_hours_load(struct state *state, struct state_hours *hours);

/* Keeps the marks, durably when this returns 0; -errno with a sentence otherwise. */
int state_hours_store(struct state *state, const struct state_hours *hours, struct error *error);

/* Gives topics of the table their last known partition counts; others keep what they have. Returns how many got one. */
unsigned state_partitions_load(struct state *state, struct topic_table *topics);

/* Keeps the known counts of the table; writes only when they differ from what is kept. 0 or -errno with a sentence, the old
 * counts then stay. */
int state_partitions_store(struct state *state, const struct topic_table *topics, struct error *error);
