/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Reads one segment's entries in the order of the file. Where an entry should begin and none does, the next one is looked for
 * by its magic, its segment's id and its checksum, up to the file's end.
 */

#include "spool/format.h"

struct spool_reader {
	struct spool_disk *disk;
	int file;         /* -1: none is open */
	uint64_t first;   /* the segment's first position */
	uint64_t id;      /* the segment's; 0: the first whole entry says */
	int header;       /* of spool_segment_check */
	struct spool_segment_header segment; /* when header is 0 */
	uint64_t at, position, offset; /* where the caller is: bytes in the file, what is expected there */
	uint8_t *buffer;
};

/* No segment yet. 0 or -ENOMEM. */
int spool_reader_init(struct spool_reader *reader, struct spool_disk *disk);
void spool_reader_fini(struct spool_reader *reader);

/* Opens the segment that begins with this position and reads its header. 0 or -errno. `suffix` of its name: "", or
 * SPOOL_NEW for one that has not been given its name yet. */
int spool_reader_open(struct spool_reader *reader, uint64_t first);
int spool_reader_open_as(struct spool_reader *reader, uint64_t first, const char *suffix);
void spool_reader_close(struct spool_reader *reader);

/* The first entry at `at` or behind it whose position is `position` or above: 1; 0 when there is none; -errno. Its payload may
 * be damaged. */
int spool_reader_next(struct spool_reader *reader, uint64_t at, uint64_t position, struct spool_found *found);

/* Reads and checks the entry's payload into `data`; NULL: checks it only. 1; 0: it is damaged; -errno. */
int spool_reader_payload(struct spool_reader *reader, const struct spool_found *found, void *data);

/* Writes bytes of the file once more as they are, so that the next sync has to write them. 0 or -errno. */
int spool_reader_rewrite(struct spool_reader *reader, uint64_t from, uint64_t to);

/* True when nothing but zeros stands in the file; -errno. */
int spool_reader_blank(struct spool_reader *reader);
