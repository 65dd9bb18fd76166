/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * The category of an item: millions of keys, each with one of a few thousand categories. A look-up hashes the key with a
 * secret of the table's own (crafted keys cannot collide on purpose), reads one cache line that was fetched ahead, and
 * gives a fragment of JSON that was rendered ahead. The table keeps 96 bits of a key's hash, not the key: one that
 * it does not have is taken for one that it has with a chance below 2^-60.
 *
 * Keys are texts. One that is a whole number below 2^64 in plain decimal is the number, so that 7 in a frame, 7 and "7" in
 * JSON and 7 in a file are one key.
 *
 * A table is read-only. Changes since it was loaded are a small overlay that is built anew for each revision and published
 * with it; a key's entry in the overlay, a deletion too, counts before the table's.
 */

#include <stdatomic.h>
#include <stddef.h>

#include "base/error.h"
#include "base/slice.h"

#define CATEGORY_UNKNOWN 0u /* value of a key that the table does not have; rendered as null */
#define CATEGORY_MAX     65534u /* different categories */
#define CATEGORY_TEXT    96u    /* bytes of a category's name */
#define CATEGORY_KEY     255u   /* bytes of a key's text */

struct category;

struct category_config {
	const char *path;      /* TSV or CSV, plain or zstd, or a prebuilt file: told by content and name (.tsv, .csv, .zst) */
	const char *name;      /* of the member that is rendered: "category" */
	uint64_t budget_bytes; /* what the table may take; -EFBIG beyond */
	int node;              /* NUMA node, or MEMORY_ANY_NODE */
	const atomic_int *leave; /* NULL; or once it is not 0 the file is not wanted any more: -ECANCELED. Any thread: w */
};

struct category_info {
	uint64_t entries;
	uint32_t values;   /* different categories */
	uint64_t bytes;
	int64_t built_us;  /* UTC microseconds of the prebuilt file's making, else the file's modification time */
	int64_t loaded_us; /* the same, of when category_new was done */
	uint32_t build_ms; /* how long it took */
};

struct category_key {
	uint64_t check;
	uint32_t place;
};

/*
 * Loads a file: one `key<TAB>category` or CSV (RFC 4180) line an entry, no header; a key twice is an error that names both
 * lines. 0, or -errno with a sentence that names file, line and cure (-EAGAIN: somebody wrote to it meanwhile). Takes 16 bytes
 * an entry beside the table while it reads text. Control thread; takes seconds.
 */
int category_new(struct category **category, const struct category_config *config, struct error *error);

/* A copy on another NUMA node. 0 or -ENOMEM. Control thread. */
int category_copy(struct category **copy, const struct category *category, int node);

/* NULL is fine. After a grace period. */
void category_free(struct category *category);

void category_describe(const struct category *category, struct category_info *info);

/* Writes the prebuilt file beside `path` and renames it there: checksummed, versioned, loads without parsing. What is there
 * and is neither a file nor a link stays: -EINVAL. 0 or -errno with a sentence. Control thread. */
int category_save(const struct category *category, const char *path, struct error *error);

/* A key's hash; of a JSON string its text without escapes. Any thread. */
struct category_key category_key_text(const struct category *category, struct slice text);
struct category_key category_key_number(const struct category *category, uint64_t number);

/* Asks for the line of a key ahead of its use. Any thread. */
void category_prefetch(const struct category *category, struct category_key key);

/* The key's value, or CATEGORY_UNKNOWN: one cache line, of some keys (3 % in a fresh table) a second one. Any thread. */
uint32_t category_find(const struct category *category, struct category_key key);

/* A value as text: `,"category":"shoes"`; unknown: `,"category":null`. At least 64 bytes behind its end may be read. Lives as
 * long as the table. Any thread. */
struct slice category_fragment(const struct category *category, uint32_t value);

/* --- changes --- */

struct category_overlay;

struct category_tally {
	uint64_t line; /* of its file, the last one read; for the next call too */
	unsigned bad;  /* lines of this call */
};

/*
 * What changed since the table was loaded: `lines` of `set<TAB>key<TAB>category` or `delete<TAB>key`, each ended by a line feed,
 * put over `before` (NULL: none), which was made over the same table and stays as it is. A bad line is skipped and counted, the
 * first named in `error`; `tally` is renewed when it goes well. 0 or -errno with a sentence (-EFBIG: more than `limit` keys; merge
 * first). The categories may be new ones. Control thread; takes a millisecond and, for each 10,000 lines, some two more.
 */
int category_overlay_new(struct category_overlay **overlay, const struct category *category,
	const struct category_overlay *before, struct slice lines, size_t limit,
	struct category_tally *tally, struct error *error);
void category_overlay_free(struct category_overlay *overlay);
size_t category_overlay_count(const struct category_overlay *overlay);

/* A table with the overlay's changes in it, as large as the old one unless that would be crowded. 0 or -errno with a sentence.
 * Control thread; takes a second. */
int category_merge(struct category **merged, const struct category *category, const struct category_overlay *overlay,
	struct error *error);

/*
 * The same in the table itself, which nobody else may have, and without memory for another. 0; -ENOSPC with nothing changed when it
 * would be crowded, or is so small that a second one costs nothing: category_merge then; or another -errno with a sentence: the
 * table is of no use. Control thread.
 */
int category_absorb(struct category *category, const struct category_overlay *overlay, struct error *error);

/* As the functions above, looking in the overlay first; `overlay` may be NULL, and `category` a copy of the table that it was made
 * over. Any thread. */
void category_view_prefetch(
	const struct category *category, const struct category_overlay *overlay, struct category_key key);
struct slice category_view_find(
	const struct category *category, const struct category_overlay *overlay, struct category_key key);
