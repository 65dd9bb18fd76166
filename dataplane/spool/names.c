/* SPDX-License-Identifier: Apache-2.0 */
#include "spool/names.h"

#include <errno.h>
#include <stdio.h>

#define ASIDE 100u /* files of one name */

void spool_lane_name(char name[SPOOL_LANE_NAME_MAX], unsigned lane, unsigned class)
{
	if (class == 0)
		(void)snprintf(name, SPOOL_LANE_NAME_MAX, "lane.%u", lane);
	else
		(void)snprintf(name, SPOOL_LANE_NAME_MAX, "lane.%u.%u", lane, class);
}

int spool_lane_of(const char *name, unsigned *lane, unsigned *class)
{
	int length = 0;

	*class = 0;
	if (sscanf(name, "lane.%u%n", lane, &length) == 1 && name[length] == '\0')
		return 1;
	length = 0;
	return sscanf(name, "lane.%u.%u%n", lane, class, &length) == 2 && name[length] == '\0' && *class > 0;
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
