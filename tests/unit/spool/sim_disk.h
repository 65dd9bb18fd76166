/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * A disk in memory that forgets as real ones do. What was written and not synced is lost at a crash, kept, or torn at sectors of
 * 512 bytes, each write for itself; a file's size and the directory's changes likewise. A sync that fails has written some of it,
 * and calls all of it clean: it stays to be seen until the machine ends, and no later sync makes it durable.
 */

#include "spool/disk.h"

/* How often what fails, in ten thousand calls; what a failed write leaves is random. `full`: no room, for any write; `grow`: none
 * for a new file, or a longer one. */
struct sim_faults {
	unsigned write, full, read, sync, names, grow;
};

struct sim_disk;

/* Everything it does follows from the seed. `reserves`: whether files can be reserved; without, a file that grew and was not
 * synced may show what other files held. Ends the program when memory does. */
struct sim_disk *sim_disk_new(uint64_t seed, int reserves);
void sim_disk_free(struct sim_disk *sim);

struct spool_disk *sim_disk_of(struct sim_disk *sim);
void sim_disk_set_faults(struct sim_disk *sim, const struct sim_faults *faults);

/* From the `changes`-th change on (0: at once; -1: never) nothing is done any more, and everything fails: whoever used the disk is
 * dead and only has to let go of its memory. */
void sim_disk_freeze(struct sim_disk *sim, int changes);
int sim_disk_is_frozen(const struct sim_disk *sim);

/* The process ends and another begins: what was written is there. Thaws. */
void sim_disk_restart(struct sim_disk *sim);

/* The machine ends and begins anew: what was not synced is a matter of chance. Thaws. */
void sim_disk_crash(struct sim_disk *sim);

/* A file as bytes, durable: NULL when there is none; and made, or replaced, from bytes. */
const uint8_t *sim_disk_get(struct sim_disk *sim, const char *name, uint64_t *size);
void sim_disk_put(struct sim_disk *sim, const char *name, const void *data, uint64_t size);

/* Files opened, and reads, since it was made; those that failed, too. */
uint64_t sim_disk_reads(const struct sim_disk *sim);

/* Files open and not closed again since the last crash. */
int sim_disk_open_files(const struct sim_disk *sim);
