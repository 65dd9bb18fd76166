/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * What waits in the directory of a spool that is not open here. Nothing there is changed, no lock is taken. One thread.
 */

#include <stdint.h>

#include "base/error.h"

struct spool_waiting {
	unsigned logs;   /* of lanes and of topics; dead letters wait for nobody */
	uint64_t events; /* that are not settled, in those that were looked at */
	int more;        /* others were not, for want of time */
};

/*
 * Looks at each log as a start would (spool/inspect.h), and begins with none after `limit_ms`. 0; -EBUSY: a process has the
 * directory; or -errno with a sentence: -ENOENT and -ENOTDIR, there is no such directory; else it or one of its logs cannot be
 * read, and `waiting` tells of the others.
 */
int spool_waiting_look(const char *directory, unsigned limit_ms, struct spool_waiting *waiting, struct error *error);
