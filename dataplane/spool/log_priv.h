/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* What the files of the log share; nobody else includes it. */

#include "base/log.h"
#include "spool/reader.h"
#include "spool/state.h"
#include "spool/window.h"

/* A file of entries. Its positions end where the next segment's begin, or where the log does. */
struct spool_segment {
	uint64_t first, first_offset;
	uint64_t bytes;
	int damaged;  /* kept as NAME.bad when its time is over */
	int headless; /* its header is not whole */
};

/* The segment that is written to: the last of the list, or none. */
struct spool_tail {
	int file;          /* -1: none; the next append makes one */
	uint64_t id, at;   /* where the next entry goes */
	uint64_t reserved; /* bytes that the disk was asked to keep for it */
	int torn;          /* a write failed at `at`: the next entry must stand there too, and hide what it left */
	int full;          /* nothing more is to be written here */
	int suspect;       /* a sync failed: see spool_log_sync */
	enum {
		SPOOL_NAMED,     /* the file has its own name */
		SPOOL_BESIDE,    /* it is NAME.new, and there is no NAME yet */
		SPOOL_REPLACING, /* it is NAME.new, and there is a NAME, of which nothing counts */
	} aside;
};

struct spool_point {
	uint64_t position, offset;
};

/* None where files that were tampered with say that offsets fall. */
static inline uint64_t spool_events_between(struct spool_point from, struct spool_point to)
{
	return to.offset > from.offset ? to.offset - from.offset : 0;
}

struct spool_log {
	struct spool_disk *disk;
	uint64_t segment_bytes;
	char name[64];
	struct spool_segment *segments;
	unsigned count, room;
	struct spool_tail tail;
	struct spool_reader reader;
	struct spool_window window;
	struct spool_point frontier, end, synced;
	uint64_t rewrite_end; /* after a failed sync: what lies between `end` and this is to be appended again */
	struct spool_state state;
	uint64_t unsynced; /* bytes */
	int names_dirty;   /* files were made since the directory was synced */
	int removed_dirty; /* one was taken away */
	int no_reserve;
	int closing; /* the state is to say what is durable, also when the frontier has not moved */
	uint64_t recovered, damaged, given_up, empty;
	unsigned suspect;
	struct log_limit said; /* of damage */
};

/* The first position that a start would hold for unsettled: it lags behind the frontier by a commit. */
static inline uint64_t spool_frontier_on_disk(const struct spool_log *log)
{
	const struct spool_state_record *state = spool_state_now(&log->state);

	return state->generation != 0 || log->count == 0 ? state->frontier : log->segments[0].first;
}

/* segments.c: the list of files, in the order of their positions. */

/* -ENOMEM, or 0 with room for one more. */
int spool_segments_room(struct spool_log *log);
/* The last segment that begins at or before the position; -1 when there is none. */
int spool_segments_find(const struct spool_log *log, uint64_t position);
/* Where the positions of a segment end. */
struct spool_point spool_segments_end(const struct spool_log *log, unsigned index);
/* Takes the file out of the list and away: unlinked, or put aside when it was damaged. 0 or -errno: it stays. */
int spool_segments_remove(struct spool_log *log, unsigned index);
/* How many of them, the first ones, may go when they are settled: not the one that is written to, nor a suspect one as long as its
 * entries are not written anew. */
unsigned spool_segments_closed(const struct spool_log *log);
/* True when the first one lies wholly below the position and may go. */
int spool_segments_retirable(const struct spool_log *log, uint64_t below);
/* Removes all such. 0 or the first -errno. */
int spool_segments_retire(struct spool_log *log, uint64_t below);

/* tail.c */

/* A file that was not given its name counts for nothing then. */
void spool_tail_close(struct spool_log *log);
/* Makes what was appended durable, and keeps in mind when that failed: 0 or -errno, which spool_log_sync has to tell; or -EAGAIN:
 * after a failed sync, not all of what it took back has been appended again. */
int spool_tail_sync(struct spool_log *log);
/* A file to append `size` bytes to, in log->tail. 0 or -errno. */
int spool_tail_get(struct spool_log *log, uint64_t size);

/* marks.c */

/* Moves the frontier over what is settled at its front. */
void spool_marks_advance(struct spool_log *log);
/* Moves the frontier to `to`, whatever lies between. */
void spool_marks_jump(struct spool_log *log, struct spool_point to);
/* The events of [from, to) that are marked SPOOL_ON_DISK, when all of them together are `events`. */
uint64_t spool_marks_on_disk(const struct spool_log *log, uint64_t from, uint64_t to, uint64_t events);

/* read.c */

/* Where a position is: 1 with its entry, 0 with the hole it lies in (from begin to end, events by their offsets), or -errno. */
int spool_find(struct spool_log *log, uint64_t position, struct spool_found *found, struct spool_point hole[2]);

/* commit.c: makes the state durable. 0 or -errno. */
int spool_commit_state(struct spool_log *log, struct spool_point frontier, uint64_t given_up);

/* directory.c: fills the list from the disk's directory; what cannot be a segment is put aside. 0 or -errno with a sentence. */
int spool_directory_read(struct spool_log *log, struct error *error);

/* recover.c: finds the log's end, from the state and the last segments, and sets frontier, end and synced. 0 or -errno. */
int spool_recover(struct spool_log *log);
