/* SPDX-License-Identifier: Apache-2.0 */
#include "tables/category_file.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "tables/category_line.h"
#include "tables/category_priv.h"
#include "tables/category_source.h"

#define CURE "copy it again, or build it anew with `penstock tables build`"

/* The body as it is read: block by block, each checked before anybody sees it. */
struct body {
	struct category_source *source;
	uint8_t *block;
	uint32_t begin, end; /* of what is left of the block */
	uint64_t left;       /* bytes behind the block */
	uint64_t number;     /* of the next block */
	uint64_t seed;
};

uint64_t category_file_checksum(const void *data, size_t len, uint64_t seed)
{
	return XXH3_64bits_withSeed(data, len, seed);
}

uint64_t category_file_body(const struct category_file_header *header)
{
	return header->names_bytes + category_slots_bytes(header->buckets);
}

int category_file_is_one(const struct category_source *source)
{
	return category_source_begins(source, CATEGORY_FILE_MAGIC, 8);
}

static int check_size(
	const struct category_source *source, const struct category_file_header *header, struct error *error)
{
	uint64_t body = category_file_body(header), size = category_source_size(source);
	uint64_t blocks = (body + CATEGORY_FILE_BLOCK - 1) / CATEGORY_FILE_BLOCK;
	uint64_t expected = sizeof(*header) + body + blocks * sizeof(uint64_t);

	if (size == expected)
		return 0;
	return error_set(error, -EBADMSG, "%s: the prebuilt table has %llu bytes instead of %llu; " CURE,
		category_source_path(source), (unsigned long long)size, (unsigned long long)expected);
}

static int check_counts(
	const struct category_source *source, const struct category_file_header *header, struct error *error)
{
	if (header->values <= CATEGORY_MAX && header->buckets >= 2 && header->buckets <= CATEGORY_BUCKETS &&
		header->entries <= (uint64_t)header->buckets * CATEGORY_WAYS &&
		header->names_bytes <= (uint64_t)header->values * (CATEGORY_TEXT + 1) && header->made_us >= 0)
		return 0;
	return error_set(error, -EBADMSG, "%s: the prebuilt table contradicts itself in its header; " CURE,
		category_source_path(source));
}

static int read_header(struct category_source *source, struct category_file_header *header, struct error *error)
{
	const char *path = category_source_path(source);
	int rc = category_source_bytes(source, header, sizeof(*header), error);

	if (rc != 0)
		return rc;
	if (header->byte_order != CATEGORY_FILE_BYTE_ORDER)
		return error_set(error, -EBADMSG,
			"%s: the prebuilt table is damaged in its header, or of another byte order; " CURE, path);
	if (header->version != CATEGORY_FILE_VERSION)
		return error_set(error, -ENOTSUP,
			"%s: the prebuilt table is of version %u, this program reads version %u; build it "
			"anew with this version's `penstock tables build`",
			path, header->version, CATEGORY_FILE_VERSION);
	if (category_file_checksum(header, offsetof(struct category_file_header, checksum), 0) != header->checksum)
		return error_set(error, -EBADMSG, "%s: the prebuilt table is damaged in its first %zu bytes; " CURE,
			path, sizeof(*header));
	rc = check_counts(source, header, error);
	return rc == 0 ? check_size(source, header, error) : rc;
}

static int next_block(struct body *body, struct error *error)
{
	uint32_t len = body->left < CATEGORY_FILE_BLOCK ? (uint32_t)body->left : CATEGORY_FILE_BLOCK;
	uint64_t checksum,
		offset = sizeof(struct category_file_header) + body->number * (CATEGORY_FILE_BLOCK + sizeof(checksum));
	int rc = category_source_bytes(body->source, body->block, len, error);

	if (rc == 0)
		rc = category_source_bytes(body->source, &checksum, sizeof(checksum), error);
	if (rc != 0)
		return rc;
	if (category_file_checksum(body->block, len, body->seed + body->number) != checksum)
		return error_set(error, -EBADMSG, "%s: the prebuilt table is damaged between byte %llu and %llu; " CURE,
			category_source_path(body->source), (unsigned long long)offset,
			(unsigned long long)(offset + len + sizeof(checksum)));
	body->begin = 0;
	body->end = len;
	body->left -= len;
	body->number++;
	return 0;
}

static int read_body(struct body *body, void *out, uint64_t len, struct error *error)
{
	uint8_t *to = out;

	while (len > 0) {
		uint32_t n = body->end - body->begin;
		int rc = n == 0 ? next_block(body, error) : 0;

		if (rc != 0)
			return rc;
		n = body->end - body->begin;
		n = n < len ? n : (uint32_t)len;
		memcpy(to, body->block + body->begin, n);
		body->begin += n;
		to += n;
		len -= n;
	}
	return 0;
}

static int add_names(struct category_names *names, const uint8_t *text, uint64_t len, uint32_t count)
{
	for (uint32_t value = 1; value <= count; value++) {
		struct slice name = {text + 1, len > 0 ? text[0] : 0};
		uint32_t number;

		if (name.len + (uint64_t)1 > len || category_line_check_name(name) != NULL)
			return -EBADMSG;
		if (category_names_add(names, name, CATEGORY_MAX, &number) != 0)
			return -ENOMEM;
		if (number != value)
			return -EBADMSG;
		text += name.len + 1;
		len -= name.len + 1;
	}
	return len == 0 ? 0 : -EBADMSG;
}

static int fail_sense(const struct body *body, struct error *error, int rc)
{
	const char *path = category_source_path(body->source);

	if (rc == -ENOMEM)
		return error_set(error, rc, "%s: out of memory", path);
	return error_set(error, rc, "%s: the prebuilt table contradicts itself; " CURE, path);
}

static int read_names(
	struct category_names *names, struct body *body, const struct category_file_header *header, struct error *error)
{
	uint8_t *text = malloc(header->names_bytes + 1);
	int rc = text != NULL ? read_body(body, text, header->names_bytes, error) : fail_sense(body, error, -ENOMEM);

	if (rc == 0) {
		rc = add_names(names, text, header->names_bytes, header->values);
		if (rc != 0)
			rc = fail_sense(body, error, rc);
	}
	free(text);
	return rc;
}

static int read_slots(struct category_slots *slots, struct body *body, const struct category_file_header *header,
	int node, struct error *error)
{
	int rc = category_slots_init(slots, header->buckets, node);

	if (rc != 0)
		return fail_sense(body, error, -ENOMEM);
	rc = read_body(body, slots->buckets, category_slots_bytes(header->buckets), error);
	if (rc != 0)
		return rc;
	slots->entries = header->entries;
	return category_slots_sound(slots, header->values) ? 0 : fail_sense(body, error, -EBADMSG);
}

int category_file_load(struct category *category, struct category_source *source, int node, struct error *error)
{
	struct body body = {.source = source};
	struct category_file_header header;
	int rc = read_header(source, &header, error);

	if (rc == 0)
		rc = category_afford(
			category, category_source_path(source), category_slots_bytes(header.buckets), error);
	if (rc != 0)
		return rc;
	category->secret = header.secret;
	category->built_us = header.made_us;
	body.left = category_file_body(&header);
	body.seed = header.checksum;
	body.block = malloc(body.left < CATEGORY_FILE_BLOCK ? body.left : CATEGORY_FILE_BLOCK);
	rc = body.block != NULL ? category_names_init(&category->names, NULL, header.secret.number[3]) : -ENOMEM;
	if (rc != 0)
		rc = fail_sense(&body, error, rc);
	if (rc == 0)
		rc = read_names(&category->names, &body, &header, error);
	if (rc == 0)
		rc = read_slots(&category->slots, &body, &header, node, error);
	if (rc == 0)
		rc = category_source_unchanged(source, error);
	free(body.block);
	return rc;
}
