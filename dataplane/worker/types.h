/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Finding an event type by the name that JSON events carry or by the id that frames carry: two small hash tables, built
 * once, read by every worker. A look-up costs the same for 6 types as for 600.
 */

#include "base/slice.h"
#include "worker/input.h"

struct type_index;

/* Builds the tables over `types`, which must outlive them. NULL with errno set. Control thread. */
struct type_index *type_index_new(const struct event_types *types);

/* NULL is fine. */
void type_index_free(struct type_index *index);

/* The type's index, or the one for unknown types, which may be TYPE_NONE. Any thread. */
uint32_t type_by_name(const struct type_index *index, struct slice name);
uint32_t type_by_id(const struct type_index *index, uint32_t id);
