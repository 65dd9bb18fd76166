/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "spool/log.h"
#include "spool_rig.h"

/* The letters on disk, read as the tool does. Each must hold its one record, which a record's number begins. */
struct letters {
	unsigned count;
	unsigned numbers[2000];
	struct spool_entry last;
	uint32_t last_len; /* of its value */
};

/* Those of a rig that has ended. The caller frees them. */
struct letters *letters_read(void);

/* For cmocka: as spool_rig_setup, with the egress of picky.h, which refuses what it is told to. */
int letters_setup(void **state);

/* spool_rig_begin with a spool of so many bytes. */
void letters_begin(int write_first, uint64_t size);

const struct producer_counters *letters_counts(void);
