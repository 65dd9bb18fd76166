/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/json_paths.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/compiler.h"

#define NONE (-1)

/* Up to JSON_WANTED names of one object. */
struct level {
	struct json_plan plan;
	int16_t place[JSON_WANTED]; /* of the path that ends here, or NONE */
	int16_t below[JSON_WANTED]; /* the level of what the member holds, or NONE */
	int16_t next;               /* more names of the same object, or NONE */
	int16_t first;              /* place of the first path, when those of all are one after the other; or NONE */
};

struct json_paths {
	unsigned count, level_count;
	struct level *levels; /* the first is the top */
};

static int new_level(struct json_paths *paths)
{
	struct level *levels = realloc(paths->levels, (paths->level_count + 1) * sizeof(*levels)), *level;

	if (levels == NULL)
		return -ENOMEM;
	paths->levels = levels;
	level = &levels[paths->level_count];
	(void)json_plan_init(&level->plan, 0);
	for (unsigned i = 0; i < JSON_WANTED; i++)
		level->place[i] = level->below[i] = NONE;
	level->next = level->first = NONE;
	return (int)paths->level_count++;
}

/* Moves *level along those of its object to the one that has the name, or gets it. Its index there, or -errno. */
static int add_name(struct json_paths *paths, int *level, const char *name)
{
	for (;;) {
		struct level *l = &paths->levels[*level];
		int index = json_plan_add(&l->plan, name), next;

		if (index != -ENOSPC)
			return index;
		next = l->next != NONE ? l->next : new_level(paths);
		if (next < 0)
			return next;
		paths->levels[*level].next = (int16_t)next;
		*level = next;
	}
}

/* Copies the first part of *path and moves it behind. */
static int take_part(const char **path, char part[JSON_NAME_MAX + 1])
{
	const char *at = *path;
	size_t len = 0;

	for (; *at != '\0' && *at != '.'; at++) {
		at += at[0] == '\\' && at[1] != '\0';
		if (len == JSON_NAME_MAX)
			return -ENAMETOOLONG;
		part[len++] = *at;
	}
	part[len] = '\0';
	*path = at;
	return len > 0 ? 0 : -EINVAL;
}

static int add_below(struct json_paths *paths, int level, int index)
{
	int below = paths->levels[level].below[index];

	if (below == NONE) {
		below = new_level(paths);
		if (below >= 0)
			paths->levels[level].below[index] = (int16_t)below;
	}
	return below;
}

static int add_path(struct json_paths *paths, const char *path, unsigned place)
{
	char part[JSON_NAME_MAX + 1];
	int level = 0, index, rc;

	for (unsigned parts = 1;; parts++) {
		rc = parts > JSON_PATH_PARTS ? -E2BIG : take_part(&path, part);
		if (rc != 0)
			return rc;
		index = add_name(paths, &level, part);
		if (index < 0)
			return index;
		if (*path == '\0')
			break;
		path++;
		level = add_below(paths, level, index);
		if (level < 0)
			return level;
	}
	if (paths->levels[level].place[index] != NONE)
		return -EINVAL;
	paths->levels[level].place[index] = (int16_t)place;
	return 0;
}

/* Such members need not be copied to their places. */
static void find_runs(struct json_paths *paths)
{
	for (unsigned i = 0; i < paths->level_count; i++) {
		struct level *l = &paths->levels[i];
		int run = l->plan.count > 0;

		for (int k = 0; k < l->plan.count; k++)
			run &= l->place[k] != NONE && l->place[k] == l->place[0] + k && l->below[k] == NONE;
		if (run)
			l->first = l->place[0];
	}
}

int json_paths_new(struct json_paths **paths, const char *const *names, unsigned count, unsigned *bad)
{
	struct json_paths *p = calloc(1, sizeof(*p));
	int rc = p != NULL ? new_level(p) : -ENOMEM;

	rc = rc < 0 ? rc : count > JSON_PATHS ? -E2BIG : 0;
	*bad = JSON_PATHS;
	for (unsigned i = 0; rc == 0 && i < count; i++) {
		*bad = i;
		rc = add_path(p, names[i], i);
	}
	if (rc != 0) {
		json_paths_free(p);
		return rc;
	}
	p->count = count;
	find_runs(p);
	*paths = p;
	return 0;
}

void json_paths_free(struct json_paths *paths)
{
	if (paths == NULL)
		return;
	free(paths->levels);
	free(paths);
}

static int find_level(const struct json_paths *paths, int level, struct json_object *object, struct json_member *out);

static __attribute__((cold, noinline)) void find_wide(
	const struct json_paths *paths, int level, const struct json_member *member, struct json_member *out);

/* What cannot be read here belongs to a sender whose structure is trusted, and counts as absent. */
ALWAYS_INLINE void find_below(const struct json_paths *paths, int level, const struct json_member *member, struct json_member *out)
{
	static const struct json_plan nothing;
	__attribute__((uninitialized)) struct json_object object;
	uint32_t offset = 0;

	if (member->kind != JSON_OBJECT)
		return;
	if (LIKELY(json_next(&nothing, member->value.data, member->value.len, &offset, &object) == JSON_FOUND))
		(void)find_level(paths, level, &object, out);
	else
		find_wide(paths, level, member, out);
}

/* Puts what was found of a level's names where the paths want it. */
ALWAYS_INLINE void place_members(
	const struct json_paths *paths, const struct level *l, const struct json_member *members, struct json_member *out)
{
	for (unsigned i = 0; i < l->plan.count; i++) {
		if (l->place[i] != NONE)
			out[l->place[i]] = members[i];
		if (l->below[i] != NONE)
			find_below(paths, l->below[i], &members[i], out);
	}
}

static int find_level(const struct json_paths *paths, int level, struct json_object *object, struct json_member *out)
{
	__attribute__((uninitialized)) struct json_member members[JSON_WANTED];
	const struct level *l;

	do {
		l = &paths->levels[level];
		if (UNLIKELY(json_pick(&l->plan, object, l->first != NONE ? out + l->first : members) != 0))
			return JSON_BAD_SYNTAX;
		if (l->first == NONE)
			place_members(paths, l, members, out);
		level = l->next;
	} while (level != NONE);
	return 0;
}

/* Of an object of more members than the scanner marks. */
static void find_wide(const struct json_paths *paths, int level, const struct json_member *member, struct json_member *out)
{
	__attribute__((uninitialized)) struct json_member members[JSON_WANTED];

	for (; level != NONE; level = paths->levels[level].next) {
		const struct level *l = &paths->levels[level];

		if (json_find_wide(&l->plan, member->value.data, member->value.len, members) != JSON_FOUND)
			return;
		place_members(paths, l, members, out);
	}
}

int json_paths_find(const struct json_paths *paths, struct json_object *object, struct json_member *out)
{
	const struct level *top = &paths->levels[0];

	if (LIKELY(top->first == 0 && top->plan.count == paths->count))
		return json_pick(&top->plan, object, out);
	for (unsigned i = 0; i < paths->count; i++)
		out[i] = (struct json_member){.kind = JSON_ABSENT};
	return find_level(paths, 0, object, out);
}
