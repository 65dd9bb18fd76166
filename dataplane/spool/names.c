/* SPDX-License-Identifier: Apache-2.0 */
#include "spool/names.h"

#include <errno.h>
#include <stdio.h>

#define ASIDE 100u /* files of one name */

void spool_lane_name(char name[SPOOL_LANE_NAME_MAX], unsigned lane, unsigned number)
{
	if (number == 0)
		(void)snprintf(name, SPOOL_LANE_NAME_MAX, "lane.%u", lane);
	else
		(void)snprintf(name, SPOOL_LANE_NAME_MAX, "lane.%u.%u", lane, number);
}

int spool_lane_of(const char *name, unsigned *lane, unsigned *number)
{
	int length = 0;

	*number = 0;
	if (sscanf(name, "lane.%u%n", lane, &length) == 1 && name[length] == '\0')
		return 1;
	length = 0;
	return sscanf(name, "lane.%u.%u%n", lane, number, &length) == 2 && name[length] == '\0' && *number > 0;
}

static int is_free(struct spool_disk *disk, const char *name)
{
	int file = disk->ops->open(disk, name, 0);

	if (file >= 0)
		disk->ops->close(disk, file);
	return file == -ENOENT;
}

int spool_put_aside(struct spool_disk *disk, const char *name)
{
	char aside[SPOOL_NAME_MAX + 16];

	(void)snprintf(aside, sizeof(aside), "%s.bad", name);
	for (unsigned i = 1; i < ASIDE && !is_free(disk, aside); i++)
		(void)snprintf(aside, sizeof(aside), "%s.%u.bad", name, i);
	return disk->ops->rename(disk, name, aside);
}
