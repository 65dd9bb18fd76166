/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Members by path: `user.country` is the member country of the object in the top-level member user. A dot or backslash in a
 * name stands behind a backslash. The paths of a set share the work: each object is looked through once for every
 * JSON_WANTED names wanted of it.
 */

#include "wire/json.h"

#define JSON_PATHS      64  /* in a set */
#define JSON_PATH_PARTS 8   /* of a path */

struct json_paths;

/*
 * Makes a set of `count` paths, all different. 0; -EINVAL (a name of no byte, or the same path twice), -ENAMETOOLONG (a name
 * beyond JSON_NAME_MAX), -E2BIG (too many paths, or parts of one) with the path's index in *bad; or -ENOMEM. Control thread.
 */
int json_paths_new(struct json_paths **paths, const char *const *names, unsigned count, unsigned *bad);

/* NULL is fine. */
void json_paths_free(struct json_paths *paths);

/*
 * Finds the members of an object that json_next found, into out[] by the paths' order; JSON_ABSENT where there is none, or where
 * what stands on the way is no object. 0, or JSON_BAD_SYNTAX (objects of trusted plans only). Any thread.
 */
int json_paths_find(const struct json_paths *paths, struct json_object *object, struct json_member *out);
