/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Looks at a log as a daemon that starts would see it, and changes nothing: where it begins and ends, what is damaged,
 * and what it holds. A daemon may be at work on it meanwhile: then what is seen is what its state said a moment ago,
 * and what it takes away or appends after that is not looked at. Memory: 64 KiB, and address space for the log's
 * positions. One thread a log.
 */

#include "spool/log.h"

enum spool_sight_kind {
	SPOOL_SIGHT_ENTRY,  /* a whole one */
	SPOOL_SIGHT_DAMAGE, /* something that was promised and is not there, or not as it was written */
	SPOOL_SIGHT_TORN,   /* what a crash left behind the log's end: it was never promised */
	SPOOL_SIGHT_NOTE,   /* worth knowing, and no damage */
};

struct spool_sight {
	enum spool_sight_kind kind;
	char file[SPOOL_NAME_MAX];
	uint64_t at, length;             /* bytes in it; length 0: all of it, or nothing that is there */
	uint64_t position, count;        /* the positions that it is about; count 0: about none */
	uint64_t events;                 /* damage: unsettled events that are lost */
	uint64_t next;                   /* damage: where the next entry begins in the file; 0: it has none */
	char what[128];                  /* a phrase, but of entries */
	const struct spool_entry *entry; /* whose header is whole; NULL: none */
	const uint8_t *payload;          /* of a whole one, when it was asked for */
	int is_empty;                    /* it stands for one that was settled before it was durable */
	uint64_t done;                   /* bytes of the log's files that lie before */
};

struct spool_inspection;

/* `under` must outlive it. 0; -ENOTSUP: of a newer format; or -errno, with a sentence. */
int spool_inspect_open(
	struct spool_inspection **inspection, struct spool_disk *under, const char *name, struct error *error);
void spool_inspect_close(struct spool_inspection *inspection);

/* What a start would say of it. `recovered` are the events that are unsettled. */
void spool_inspect_info(const struct spool_inspection *inspection, struct spool_log_info *info);

/* What was seen while opening: damage and notes. In place until it is closed. */
const struct spool_sight *spool_inspect_sights(const struct spool_inspection *inspection, unsigned *count);

/* The first entry that can be read and is not settled: 1; 0 when there is none, or much is damaged before it; -errno.
 */
int spool_inspect_oldest(struct spool_inspection *inspection, struct spool_entry *entry);

/* Returns non-zero to end the walk. */
typedef int spool_visit(void *context, const struct spool_sight *sight);

/*
 * Reads the log from a position on, and checks everything. `payload` has room for SPOOL_PAYLOAD_MAX bytes and gets each
 * entry's, or is NULL. 0, what `visit` ended it with, or -errno of a disk that cannot be read with a sentence.
 */
int spool_inspect_walk(struct spool_inspection *inspection, uint64_t from, uint8_t *payload, spool_visit *visit,
	void *context, struct error *error);

struct spool_segment_info {
	uint64_t first, end; /* positions */
	uint64_t unsettled;  /* events */
	uint64_t bytes;
};

/* 1, or 0 when the log has no such segment. */
int spool_inspect_segment(const struct spool_inspection *inspection, const char *name, struct spool_segment_info *info);

/* The name of the last segment; "" when there is none. */
void spool_inspect_last(const struct spool_inspection *inspection, char name[SPOOL_NAME_MAX]);
