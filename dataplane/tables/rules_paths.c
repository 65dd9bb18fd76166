/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <string.h>

#include "tables/rules.h"

int rules_path_add(struct rules_paths *paths, const char *name)
{
	size_t len = strnlen(name, RULES_PATH_MAX + 1);

	if (len == 0 || len > RULES_PATH_MAX)
		return -EINVAL;
	for (unsigned i = 0; i < paths->count; i++)
		if (strcmp(paths->names[i], name) == 0)
			return (int)i;
	if (paths->count == RULES_PATHS)
		return -ENOSPC;
	memcpy(paths->names[paths->count], name, len + 1);
	return (int)paths->count++;
}

size_t rules_path_part(const char **path, char out[RULES_PATH_MAX + 1])
{
	const char *at = *path;
	size_t len = 0;

	for (; *at != '\0' && *at != '.' && len < RULES_PATH_MAX; at++) {
		at += at[0] == '\\' && at[1] != '\0';
		out[len++] = *at;
	}
	out[len] = '\0';
	*path = *at == '.' ? at + 1 : at;
	return len;
}
