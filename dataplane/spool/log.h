/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * A log of batches on disk: what was appended and is not settled survives. Entries have positions 0, 1, 2 ... for ever, and an
 * offset in events, as Kafka's records have: the difference of two offsets says how many events lie between, also when what lies
 * there cannot be read. docs/spool-format.md has the files byte by byte.
 *
 *   settled ... settled | unsettled, some settled | end
 *                       frontier                  next position
 *
 * Durable is what spool_log_sync has covered; in the state record, the frontier of the last spool_log_commit. A log is
 * opened from its state and the tail of its last segment alone, however much lies between.
 *
 * A damaged log opens all the same: what cannot be read is skipped, counted in events (spool_log_info.damaged), and its file is
 * kept beside as NAME.bad. Threads: one a log at a time.
 */

#include <stdint.h>

#include "base/error.h"
#include "base/slice.h"
#include "spool/disk.h"

#define SPOOL_TOPIC_MAX    249u            /* bytes of a topic's name, as Kafka allows */
#define SPOOL_REASON_MAX   31u             /* of a reason */
#define SPOOL_CARRIED      "carried"       /* the reason of an entry whose batch was read back, and may be of an epoch before */
#define SPOOL_PAYLOAD_MAX  (4u << 20)      /* bytes of an entry's payload */
#define SPOOL_SEGMENT_MIN  (64u << 10)
#define SPOOL_RESERVE      (4u << 20)      /* at a time: a log that is opened often leaves less behind than by whole segments */

/* One batch. The payload is the batch's own Kafka records, unchanged. */
struct spool_entry {
	uint64_t position;  /* set by the log */
	uint64_t offset;    /* events before it in the log; set by the log */
	char topic[SPOOL_TOPIC_MAX + 1]; /* a name: indexes change with the configuration */
	char reason[SPOOL_REASON_MAX + 1]; /* why Kafka refused it: the library's error name; "" in all logs but of dead letters */
	int32_t partition;
	uint32_t lane;
	uint32_t records;
	uint32_t events;
	uint32_t pack;      /* events of each record but the last */
	uint32_t bytes;     /* of the payload */
	uint64_t first_seq;
	uint32_t skipped;   /* its last sequence is first_seq + records - 1 + skipped */
	int64_t hour;       /* the oldest landing hour of its records */
	int64_t opened_us;  /* UTC */
	int64_t base_ms;    /* UTC; what the records' timestamp deltas count from; 0: they carry no time */
};

static inline uint64_t spool_entry_last_seq(const struct spool_entry *entry)
{
	return entry->first_seq + entry->records - 1 + entry->skipped;
}

/* What its owner knows of a position that is not below the frontier. After an open all of them are SPOOL_ON_DISK. */
enum spool_mark {
	SPOOL_ON_DISK,   /* nowhere else: to be read and delivered */
	SPOOL_IN_MEMORY, /* its owner has it; an appended entry begins so */
	SPOOL_SETTLED,   /* done with */
};

struct spool_log_config {
	struct spool_disk *disk; /* stays the caller's, in place until spool_log_close */
	uint64_t segment_bytes;  /* of one file; an entry that is larger gets one of its own */
	const char *name;        /* in messages */
	int no_reserve;          /* the disk is not asked for room ahead: its files are as long as what is in them */
};

struct spool_log_info {
	uint64_t frontier, end, synced;   /* positions: first unsettled; the next; everything below is durable */
	uint64_t frontier_offset, end_offset; /* in events */
	uint64_t recovered;               /* events between frontier and end when it was opened */
	uint64_t damaged;                 /* events that could not be read, since it was opened; unsettled ones only */
	uint64_t given_up;                /* events dropped by spool_log_drop_oldest, for ever; in the state record */
	uint64_t empty;                   /* events of empty entries that spool_log_read met and settled, since it was
	                                   * opened: part of recovered, and never read */
	uint64_t bytes;                   /* of its files */
	unsigned segments;
	unsigned suspect;                 /* segments that a sync failed on, since it was opened */
};

struct spool_log;

/* Opens the log in the disk's directory, or makes it. A damaged one opens (see above); a format newer than this program's is
 * refused with -ENOTSUP. 0 or -errno with a sentence. */
int spool_log_open(struct spool_log **log, const struct spool_log_config *config, struct error *error);

/* Syncs and commits what it can; what is unsettled is there at the next open. NULL is fine. */
void spool_log_close(struct spool_log *log);

/*
 * Appends an entry whose payload is the `count` pieces in a row (entry->bytes together; not copied, not kept). 0 with
 * entry->position and ->offset set and the mark SPOOL_IN_MEMORY, or -errno (-ENOSPC ...; -ENOBUFS: 2^25 positions are
 * unsettled, or were at the last commit, so that the next one may make room; or positions are near their end) and nothing has
 * changed: the entry may be appended again. Returns when the write has: it survives the process, and the machine from the next
 * spool_log_sync on. A file that is full is synced here before the next one is made; when that fails, so does this, with -EIO from
 * then on, until spool_log_sync was called, which tells the failure as its own.
 */
int spool_log_append(struct spool_log *log, struct spool_entry *entry, const struct slice *pieces, unsigned count);

/* The same for a position whose entry is no longer needed, after a failed sync (see there): it holds `events` and no payload, and
 * is settled. */
int spool_log_append_empty(struct spool_log *log, uint32_t events);

/* Bytes appended since the last sync. */
uint64_t spool_log_unsynced(const struct spool_log *log);

/*
 * Makes everything appended durable. 0, or -errno: a second try on the same file would prove nothing (the kernel calls
 * pages clean that it failed to write), so the file is sealed as suspect, the log's end goes back to info.synced, and the caller
 * appends what it has of these entries once more, in the same order, to a new segment: each gets the position it had, and keeps its
 * mark. spool_log_append_empty stands in for those that were settled meanwhile. Until all of them are there again, this returns
 * -EAGAIN and changes nothing: what the suspect file has of them still counts, should the process end.
 */
int spool_log_sync(struct spool_log *log);

/* Sets the mark of a position in [frontier, end). SPOOL_SETTLED moves the frontier over all settled ones at its front. */
void spool_log_mark(struct spool_log *log, uint64_t position, enum spool_mark mark);
enum spool_mark spool_log_mark_of(const struct spool_log *log, uint64_t position);

/*
 * Makes the frontier durable and then unlinks the segments wholly below it: data before state before unlink. Writes nothing
 * when the frontier has not moved. What was settled before it was synced is synced here; when that fails, spool_log_sync has to
 * be called next, which tells it as its own. After a crash, entries settled since the last commit come back as SPOOL_ON_DISK:
 * duplicates. 0 or -errno; tried again at the next call.
 */
int spool_log_commit(struct spool_log *log);

/*
 * Reads the first entry at or behind `from` that is marked SPOOL_ON_DISK, and marks it SPOOL_IN_MEMORY. `data` has room for
 * `size` bytes. 1; 0 when there is none; -EMSGSIZE when the payload does not fit (entry->bytes says how much it takes; the mark
 * stays); -EIO when the disk fails (tried again). Entries that are damaged are settled and counted on the way.
 */
int spool_log_read(struct spool_log *log, uint64_t from, struct spool_entry *entry, void *data, uint32_t size);

/* The entry that was read just now is none that its owner can do anything with: it is settled, and counts as damaged. */
void spool_log_reject(struct spool_log *log, const struct spool_entry *entry);

/* Appends once more the entry of a position that is not settled, as it stands on disk; its mark stays. `reason` is put into
 * it unless it is NULL. `data` has room for `size` bytes. 0 with `entry` as appended, -ENODATA: it cannot be read, or -errno as
 * spool_log_append. */
int spool_log_copy(struct spool_log *log, uint64_t position, const char *reason, struct spool_entry *entry, void *data,
	uint32_t size);

/* Told of an entry. Its payload is not looked at. */
typedef void (*spool_told)(void *context, const struct spool_entry *entry);

/* Tells of each entry from `from` on that is still in a file, whatever its mark, but for empty ones. 0; 1: some cannot be read; or
 * -errno. After an open, before anything is written. */
int spool_log_each(struct spool_log *log, uint64_t from, spool_told each, void *context);

/* A log that waits for nothing need not hold a file that has room for more: when all in it is settled and durable, the next
 * commit takes its last file away, too, and the next append begins another. Returns whether that is so. */
int spool_log_rest(struct spool_log *log);

/* Whether the next commit takes files away. */
int spool_log_retires(const struct spool_log *log);

/* Gives up the oldest segment that is not the one written to: its unsettled entries that only the log holds are told to
 * `each` (may be NULL) if they can be read, and settled and counted in given_up, durably before the file goes. Entries that
 * are SPOOL_IN_MEMORY are only settled on disk, not counted. Returns the events given up, 0 when there is no such segment (or
 * nothing in it was to be counted: then spool_log_info has a segment less), or -errno: then what was told is still there. */
int64_t spool_log_drop_oldest(struct spool_log *log, spool_told each, void *context);

void spool_log_info(const struct spool_log *log, struct spool_log_info *info);
