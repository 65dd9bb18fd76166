/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* One file of the simulated disk: what is seen of it, what is durable, and what lies between. */

#include <stdint.h>

#include "spool/disk.h"

struct sim_bytes {
	uint8_t *data;
	uint64_t size, room; /* what lies between is zero */
};

struct sim_write {
	uint64_t offset, len;
	uint8_t *data;
};

struct sim_inode {
	struct sim_bytes seen, durable;
	struct sim_write *writes; /* not synced, in their order */
	unsigned count, room;
	int reserved; /* what was not written is zero for sure */
};

void sim_inode_fini(struct sim_inode *inode);
void sim_inode_write(struct sim_inode *inode, uint64_t offset, const void *data, uint64_t len);
void sim_inode_grow(struct sim_inode *inode, uint64_t size);

/* Everything is durable; or, in failing, some of it by chance, and the rest never. */
void sim_inode_sync(struct sim_inode *inode);
void sim_inode_fail_sync(struct sim_inode *inode, uint64_t *random);

/* What is left is seen. `stale` (may be NULL): what a part that was never written shows. */
void sim_inode_crash(struct sim_inode *inode, uint64_t *random, const struct sim_bytes *stale);
