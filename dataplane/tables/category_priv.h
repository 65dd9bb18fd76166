/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* The category table as it lies in memory; private to tables/category*.c. */

#include "tables/category.h"
#include "tables/category_hash.h"
#include "tables/category_names.h"
#include "tables/category_slots.h"

struct category {
	struct category_slots slots;
	struct category_fragments fragments;
	struct category_secret secret;
	struct category_names names;
	char *member;
	uint64_t budget;
	int64_t built_us, loaded_us;
	uint32_t build_ms;
};

/* One without anything in it, or NULL. */
struct category *category_alloc(const char *member, uint64_t budget);

/* 0, or -EFBIG with a sentence when a table of so many bytes is beyond the budget. */
int category_afford(const struct category *category, const char *what, uint64_t bytes, struct error *error);

/* The last step of making a table: renders the fragments of its names. 0, -ENOMEM or -EFBIG with a sentence. */
int category_complete(struct category *category, const char *what, struct error *error);
