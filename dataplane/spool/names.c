/* SPDX-License-Identifier: Apache-2.0 */
#include "spool/names.h"

#include <stdio.h>

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
