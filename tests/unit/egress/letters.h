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
