/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * A spool's directory belongs to one process at a time: the one that has locked the file `lock` in it (an open file
 * description lock, which the kernel takes back when the process ends, however it ends). Spools of one process share
 * it. Control thread.
 */

#include "base/error.h"

#define SPOOL_LOCK_NAME "lock"

struct spool_lock;

/*
 * Takes the lock, or one more share of it when this process has it. The directory must be there. 0; -EBUSY with a
 * sentence: another process has it. A file system that cannot lock is said once in the log, and gone on: *lock is then
 * NULL.
 */
int spool_lock_take(struct spool_lock **lock, const char *directory, struct error *error);

/* NULL is fine. */
void spool_lock_release(struct spool_lock *lock);

/* Whether a process has the lock; takes nothing, so that nobody who starts now is refused. 1, 0, or -errno. */
int spool_lock_is_held(const char *directory);
