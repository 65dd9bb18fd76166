/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <string.h>

#include "wire/json.h"

int json_plan_init(struct json_plan *plan, int trusted)
{
	if (plan == NULL)
		return -EINVAL;
	memset(plan, 0, sizeof(*plan));
	plan->trusted = trusted != 0;
	return 0;
}

/* The name's start as it looks in an event, as far as a word holds it. */
static void set_pattern(struct json_plan *plan, unsigned index, const char *name, size_t len)
{
	size_t shown = len < 6 ? len + 2 : 8;
	uint64_t pattern = '"';

	for (size_t i = 1; i < shown; i++)
		pattern |= (uint64_t)(i == len + 1 ? '"' : (uint8_t)name[i - 1]) << (8 * i);
	plan->patterns[index] = pattern;
	plan->masks[index] = ~UINT64_C(0) >> (8 * (8 - shown));
}

int json_plan_add(struct json_plan *plan, const char *name)
{
	size_t len;
	unsigned index;

	if (plan == NULL || name == NULL)
		return -EINVAL;
	len = strnlen(name, JSON_NAME_MAX + 1);
	if (len == 0 || len > JSON_NAME_MAX)
		return -EINVAL;
	for (index = 0; index < plan->count; index++)
		if (plan->lens[index] == len && memcmp(plan->names[index], name, len) == 0)
			return (int)index;
	if (index == JSON_WANTED)
		return -ENOSPC;
	memcpy(plan->names[index], name, len);
	plan->names[index][len] = '"';
	plan->lens[index] = (uint8_t)len;
	set_pattern(plan, index, name, len);
	plan->count++;
	return (int)index;
}
