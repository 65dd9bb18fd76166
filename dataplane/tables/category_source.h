/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * A file that a category table is read from, once and in order: as bytes, or as lines, through zstd when it begins as
 * zstd does; private to tables/category*.c. The file is not mapped: someone may replace it or write to it meanwhile,
 * which is noticed at the end. Control thread.
 */

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "base/slice.h"

#define CATEGORY_LINE 4096u /* bytes of a line, at most */

struct category_source;

/* Opens a regular file. 0, or -errno with a sentence. Once `leave` (NULL: never) is not 0, no more is read: -ECANCELED. */
int category_source_open(struct category_source **source, const char *path, const atomic_int *leave, struct error *error);
void category_source_close(struct category_source *source);

const char *category_source_path(const struct category_source *source);
uint64_t category_source_size(const struct category_source *source); /* of the file as opened */
int64_t category_source_modified_us(const struct category_source *source);
int category_source_is_zstd(const struct category_source *source);

/* Nobody wants it any more: -ECANCELED with a sentence, else 0. */
int category_source_left(const struct category_source *source, struct error *error);

/* The file's first bytes are these. */
int category_source_begins(const struct category_source *source, const void *magic, size_t len);

/* The next line without its line feed and the carriage return before it; valid until the next call. A last line needs
 * no line feed. 1, 0 at the end, or -errno with a sentence. */
int category_source_line(struct category_source *source, struct slice *line, struct error *error);

/* Exactly the next `len` bytes. 0, or -errno with a sentence (-EBADMSG: the file is shorter). */
int category_source_bytes(struct category_source *source, void *out, size_t len, struct error *error);

/* At the end: 0, or -EAGAIN with a sentence when the file is not what it was when it was opened. */
int category_source_unchanged(const struct category_source *source, struct error *error);
