/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * How far one epoch came, kept in the state directory as reached.E (E: the epoch in decimal) from its start until it is
 * published. A text as state_file.h has it:
 *
 *   node NAME            of that time, as the instance
 *   instance UUID
 *   boot UUID            of the machine's boot that it ran in
 *   mode wal|direct|off
 *   state running|ended  ended: what follows is all that will be known
 *   exact 0|1            0: at least so far
 *   bound BYTES          of records that may lie beyond, with those of the second between two stores
 *   lanes COUNT
 *   producers COUNT
 *   spool DIRECTORY
 *
 * and then the lines of spool/reached.h. Control threads, one at a time.
 */

#include <stdint.h>

#include "spool/reached.h"

#define REACHED_NODE 64
#define REACHED_UUID 40
#define REACHED_PATH 1024

struct reached_epoch {
	uint32_t epoch;
	char node[REACHED_NODE], instance[REACHED_UUID], boot[REACHED_UUID];
	char mode[8];
	int ended, exact;
	uint64_t bound;
	unsigned lanes, producers;
	char spool[REACHED_PATH];
	struct reached set;
};

void reached_epoch_fini(struct reached_epoch *epoch);

/* Replaces the file, durably. 0 or -errno. */
int reached_file_store(int dir, const struct reached_epoch *epoch);

/* Fills `epoch`, whose number is set, and which is else zero. 0, -EBADMSG: damaged, or -errno. */
int reached_file_load(int dir, struct reached_epoch *epoch);

/* Takes the file away. */
void reached_file_remove(int dir, uint32_t epoch);

/* Epochs of which there is a file, ascending; returns how many, at most `max`: the highest ones. */
unsigned reached_file_list(int dir, uint32_t *epochs, unsigned max);
