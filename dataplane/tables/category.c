/* SPDX-License-Identifier: Apache-2.0 */
#include "tables/category.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "tables/category_file.h"
#include "tables/category_priv.h"
#include "tables/category_source.h"

struct category *category_alloc(const char *member, uint64_t budget)
{
	struct category *category = calloc(1, sizeof(*category));

	if (category == NULL)
		return NULL;
	category->budget = budget;
	category->member = strdup(member);
	if (category->member != NULL)
		return category;
	free(category);
	return NULL;
}

static uint64_t bytes_of(const struct category *category)
{
	return category_slots_bytes(category->slots.count) + category->fragments.bytes +
	       category_names_bytes(&category->names);
}

int category_complete(struct category *category, const char *what, struct error *error)
{
	int rc =
		category_fragments_init(&category->fragments, &category->names, category->member, category->slots.node);

	if (rc != 0)
		return error_set(error, rc, "%s: no memory for %u categories", what, category->names.count);
	return category_afford(category, what, bytes_of(category), error);
}

int category_afford(const struct category *category, const char *what, uint64_t bytes, struct error *error)
{
	const uint64_t mebibyte = 1u << 20;

	if (bytes <= category->budget)
		return 0;
	return error_set(error, -EFBIG,
		"%s: the table would take %llu MiB, its budget is %llu MiB; raise the budget, or take entries "
		"out of the file",
		what, (unsigned long long)((bytes + mebibyte - 1) / mebibyte),
		(unsigned long long)(category->budget / mebibyte));
}

int category_new(struct category **category, const struct category_config *config, struct error *error)
{
	struct category *c = category_alloc(config->name, config->budget_bytes);
	struct category_source *source = NULL;
	int64_t begin = clock_ms();
	int rc;

	if (c == NULL)
		return error_set(error, -ENOMEM, "%s: out of memory", config->path);
	rc = category_source_open(&source, config->path, config->leave, error);
	if (rc == 0)
		rc = category_file_is_one(source) ? category_file_load(c, source, config->node, error)
						  : category_text_load(c, source, config->node, error);
	category_source_close(source);
	if (rc == 0)
		rc = category_complete(c, config->path, error);
	if (rc != 0) {
		category_free(c);
		return rc;
	}
	c->loaded_us = clock_wall_us();
	c->build_ms = (uint32_t)(clock_ms() - begin);
	*category = c;
	return 0;
}

int category_copy(struct category **copy, const struct category *category, int node)
{
	struct category *c = category_alloc(category->member, category->budget);
	int rc;

	if (c == NULL)
		return -ENOMEM;
	c->secret = category->secret;
	c->built_us = category->built_us;
	c->loaded_us = category->loaded_us;
	c->build_ms = category->build_ms;
	rc = category_slots_copy(&c->slots, &category->slots, category->slots.count, node);
	if (rc == 0)
		rc = category_fragments_copy(&c->fragments, &category->fragments, node);
	if (rc == 0)
		rc = category_names_init(&c->names, &category->names, category->names.seed);
	if (rc == 0)
		*copy = c;
	else
		category_free(c);
	return rc;
}

void category_free(struct category *category)
{
	if (category == NULL)
		return;
	category_slots_fini(&category->slots);
	category_fragments_fini(&category->fragments);
	category_names_fini(&category->names);
	free(category->member);
	free(category);
}

void category_describe(const struct category *category, struct category_info *info)
{
	*info = (struct category_info){.entries = category->slots.entries,
		.values = category->names.count,
		.bytes = bytes_of(category),
		.built_us = category->built_us,
		.loaded_us = category->loaded_us,
		.build_ms = category->build_ms};
}

void category_prefetch(const struct category *category, struct category_key key)
{
	category_slots_prefetch(&category->slots, key);
}

uint32_t category_find(const struct category *category, struct category_key key)
{
	return category_slots_find(&category->slots, key);
}

struct slice category_fragment(const struct category *category, uint32_t value)
{
	return category_fragments_get(&category->fragments, value);
}
