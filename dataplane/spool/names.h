/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "spool/disk.h"

/* What the logs of lanes are called: lane.N for the class that has number 0 there, lane.N.C for the others (`classes`, in
 * docs/spool-format.md). */

#define SPOOL_LANE_NAME_MAX 32

/* Bytes of a topic's name that can have a log of its own: with "topic.P." before it, P the producer's number of up to two digits,
 * it is what a folder may be called. */
#define SPOOL_PARKED_NAME_MAX 246u

void spool_lane_name(char name[SPOOL_LANE_NAME_MAX], unsigned lane, unsigned number);

/* The other way round; false when the name is not that of a lane's log. */
int spool_lane_of(const char *name, unsigned *lane, unsigned *number);

/* Calls a file that is never to be read again NAME.bad; when there is one already, NAME.1.bad and so on, up to NAME.99.bad, in
 * whose place the next one comes. 0 or -errno. */
int spool_put_aside(struct spool_disk *disk, const char *name);
