/* SPDX-License-Identifier: Apache-2.0 */
#include "spool/internal.h"

/*
 * Entries left on disk by this process, and letters on their way from it, by landing hour: an hour is not complete while there
 * are some. They are counted by log, too. What of a log cannot be read any more tells no hour: when all else of it is
 * delivered, what is still counted was damaged.
 */

void hours_add(struct spool *spool, struct shelf *shelf, int64_t hour)
{
	shelf->hours[(uint64_t)hour % HOURS]++;
	counter_add(&spool->hours[(uint64_t)hour % HOURS], 1);
}

void hours_take(struct spool *spool, struct shelf *shelf, int64_t hour)
{
	if (shelf->hours[(uint64_t)hour % HOURS] == 0)
		return;
	shelf->hours[(uint64_t)hour % HOURS]--;
	counter_sub(&spool->hours[(uint64_t)hour % HOURS], 1);
}

void hours_forget_damaged(struct spool *spool, struct shelf *shelf)
{
	int is_empty = shelf->is_dead || atomic_load(&shelf->state.left) == 0;

	if (!shelf->hours_damaged || shelf->reading != 0 || !is_empty)
		return;
	for (unsigned i = 0; i < HOURS; i++) {
		counter_sub(&spool->hours[i], shelf->hours[i]);
		shelf->hours[i] = 0;
	}
	shelf->hours_damaged = 0;
}
