/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * The spool of one producer: a thread that writes batches to logs on disk (spool/log.h), makes them durable in groups, and reads
 * back what nobody has in memory. The producer orders, one pointer a batch, and gets an answer by the same way; poll cores and the
 * producer never wait for the disk.
 *
 * A log belongs to a class of a lane's topics, or to a topic that is parked. Logs that are found on disk and belong to nobody any
 * more (there were more workers once) are read out in the same way.
 *
 * Dead letters: a record that Kafka refuses for good goes to a log of the producer's own, with the reason, and stays there until
 * somebody asks for it to be tried once more (spool_exhume). Then it goes the way of all that is read, and is settled there when it
 * is delivered, or a letter anew, or in the log of its topic because that stands still. Who asked is not remembered over a restart:
 * what was not delivered is a letter as before. Letters may take SPOOL_DEAD_SHARE of the spool's size; beyond it they are refused.
 *
 * Classes of priority share the spool's size. When a class has used up its share, its policy says what is given up; each time it
 * is counted, and recorded in given-up.N.ndjson beside the logs. Where the disk itself is full, all of them are.
 *
 * The ledger: as everywhere, an event's next place is raised before its last one is lowered. What is on its way between the
 * two threads is in `passing` and `returning`, which both write.
 */

#include <stdatomic.h>

#include "base/counter.h"
#include "base/error.h"
#include "batch/batch.h"
#include "batch/lane.h"
#include "spool/reached.h"
#include "batch/topic.h"

#define SPOOL_LANE    UINT16_MAX /* batch->lane of a batch that was read from disk */
#define SPOOL_LANES   1024u      /* lanes of one producer, and logs left over, at the most */
#define SPOOL_LOGS    (SPOOL_LANES + TOPIC_MAX)
#define SPOOL_LETTERS 64u        /* orders SPOOL_BURY that are not answered, at the most */
#define SPOOL_REASONS 16u        /* that are told apart; the last one stands for more */
#define SPOOL_DEAD_SHARE 16u
#define SPOOL_CLASS_MAX  31u     /* bytes of a class's name */

/* What the producer orders. A batch has one order at a time. */
enum spool_order {
	SPOOL_WRITE,  /* into the log of its lane and class, and keep the memory -> SPOOL_WRITTEN, SPOOL_REFUSED or SPOOL_FULL */
	SPOOL_LEAVE,  /* leave it to that log -> SPOOL_LEFT, SPOOL_REFUSED, SPOOL_FULL or SPOOL_SAMPLED */
	SPOOL_PARK,   /* leave it to the log of its topic -> the same */
	SPOOL_SETTLE, /* what is on disk of it is done with -> SPOOL_FREE */
	SPOOL_STAY,   /* a letter that was read, and for which the disk had no room when it was refused again: it stays as it was */
	SPOOL_BURY,   /* a dead letter: a batch of one record, made for it, with a reason -> SPOOL_LEFT or SPOOL_REFUSED */
};

/* A batch that was read from disk is answered with nothing: its memory is the spool's from the order on. What it holds is
 * counted in `returning` by the producer when it orders LEAVE, PARK or STAY. */
enum spool_answer {
	SPOOL_WRITTEN, /* accepted: it survives kill -9 now, and a power cut from the next group on */
	SPOOL_REFUSED, /* the disk cannot take it now, or has failed to keep it for some seconds: it is as it was */
	SPOOL_FULL,    /* the same, for want of room for its class */
	SPOOL_SAMPLED, /* its class keeps a part of its batches, and not this one: it is to be given up */
	SPOOL_LEFT,    /* durable; the memory is free */
	SPOOL_FREE,    /* the memory is free */
	SPOOL_READ,    /* read from disk, to be delivered; its events are in `passing` until the producer has taken them */
};

/* One writer: the spool's thread, but for `passing` and `returning` (both, with atomic additions). */
struct spool_counters {
	counter recovered;    /* events found unsettled on disk at start */
	counter spooled;      /* gauge: events that only the logs of lanes hold */
	counter parked;       /* gauge: events that only the logs of topics hold */
	_Atomic uint64_t returning; /* gauge: events that were read and are given back, on their way from the producer */
	_Atomic uint64_t passing;   /* gauge: events that were read, on their way to the producer */
	counter damaged;      /* events that could not be read back: given up by name */
	counter made_room;    /* events given up to make room for younger ones of their class */
	counter settled;      /* events that were found at start and had been settled before */
	counter accepted;     /* events of batches that were written before the client had them */
	counter written;      /* events appended, for whatever reason */
	counter refused;      /* orders refused */
	counter unwritten;    /* events that were to be written before Kafka gets them, and go on without */
	counter unwritten_ms; /* monotonic; when that was last so */
	counter crowded;      /* gauge: 1 when the file system has less free than it is to have */
	counter syncs, sync_failures;
	counter replayed;     /* events read back for delivery */
	counter exhumed;      /* events of dead letters that were taken out to be delivered */
	counter reburied;     /* of them, those that came back undelivered, and are letters as before */
	counter exhuming;     /* gauge: letters that are yet to be delivered of those that were asked for; about */
	counter dead;         /* gauge: events in the log of dead letters, from before the start too; not in `recovered` */
	counter dead_bytes;   /* gauge: of its files */
	counter dead_since_us; /* UTC of the eldest of them; 0: there is none */
};

/* Dead letters of one reason since the start. One writer, as above. */
struct spool_reason {
	_Atomic(const char *) name; /* a constant; NULL behind the last */
	counter events;
};

struct spool_log_state {
	_Atomic uint64_t left; /* entries that only the log holds; lowered after the SPOOL_READ answer is on its way */
	atomic_uint go;        /* the producer: so many entries may be read back and not done with at one time; UINT_MAX: the log is
	                        * not that of a sick topic, which all together may have half of the memory for it; of a lane's
	                        * that was left over, always */
	counter left_events;   /* events in them */
	counter bytes, segments; /* of its files */
	counter suspect;       /* files that a sync has failed on */
	counter frontier, end; /* positions: first unsettled, and next */
};

/* What a class gives up when its share is used up. */
enum spool_policy {
	SPOOL_KEEP_OLDEST, /* nothing of what is there: what comes waits in memory, and is turned away on the way in */
	SPOOL_KEEP_NEWEST, /* the oldest file of its largest log, as often as it takes */
	SPOOL_SAMPLE,      /* from half of the share on, what comes: all but one batch in two, four, eight ... as room gets short */
};

struct spool_class {
	char name[SPOOL_CLASS_MAX + 1];
	unsigned percent; /* of the spool's size, less what dead letters may take */
	enum spool_policy policy;
};

/* How far the sequences of accepted records had come when the process before ended. */
struct spool_reached {
	uint32_t epoch;     /* in which something was written last; 0: not known */
	int exact;          /* neither more nor less was accepted in that epoch; else it was at least so much */
	struct reached set;
};

struct spool_config {
	const char *directory;  /* made when missing; shared by all producers' spools */
	unsigned index;         /* of the producer; the first one reads out logs that belong to nobody */
	unsigned index_count;   /* producers */
	uint32_t epoch;         /* 0: how far it comes is not kept */
	unsigned all_lanes;     /* lanes of all producers */
	const int *cpus;        /* of the thread; count 0: anywhere */
	unsigned cpu_count;
	struct lane *const *lanes; /* the producer's */
	unsigned lane_count;
	unsigned class_count;   /* 0: one that has all of it, and keeps the oldest */
	struct spool_class classes[TOPIC_CLASSES]; /* the highest first */
	unsigned batches;       /* of all its lanes' pools together */
	uint32_t batch_bytes;   /* of one */
	uint64_t replay_bytes;  /* memory for batches that are read back; as much again for larger ones than batch_bytes */
	uint64_t replay_rate;   /* bytes a second that are read back; 0: as many as Kafka takes */
	uint64_t segment_bytes;
	uint64_t size_bytes;    /* of all logs together; beyond it orders are refused */
	unsigned free_percent;  /* of the file system that stay free: else orders are refused */
	uint64_t sync_bytes;    /* a group is made durable when it has so many bytes ... */
	unsigned sync_us;       /* ... or its first entry is so old */
	unsigned rest_ms;       /* a log that has held nothing for so long has no file, at once when room is wanted; 0: a minute */
	const struct topic_table *topics;
	/* Index of a topic by its name, which is added if it is new; negative when there is no room. The spool's thread. */
	int (*topic_of)(void *context, const char *name);
	void *context;
};

struct spool;

/* Bytes that a class has of a spool of `size`, beside the dead letters. */
static inline uint64_t spool_share(uint64_t size, unsigned percent)
{
	return (size - size / SPOOL_DEAD_SHARE) / 100 * percent;
}

/* Opens all logs and starts the thread. What is unsettled in them is counted in recovered and spooled (parked) when this
 * returns. The directory is locked (spool/lock.h) until spool_stop. 0 or -errno with a sentence. Control thread. */
int spool_start(struct spool **spool, const struct spool_config *config, struct error *error);

/* Ends the thread: all orders must have been answered. Batches in its hands that were read from disk stay on disk. Then frees.
 * NULL is fine. Control thread, after the producer has ended. */
void spool_stop(struct spool *spool);

/* Gives an order. Producer's thread. spool_wake after one or many. */
void spool_order(struct spool *spool, struct batch *batch, enum spool_order order);
void spool_wake(struct spool *spool);

/* Up to `count` answers; returns how many. Producer's thread. */
unsigned spool_answers(struct spool *spool, struct batch **batches, enum spool_answer *answers, unsigned count);

/* The class of a topic, as the spool tells them apart. Any thread. */
unsigned spool_class_of(const struct spool *spool, unsigned topic);

/* Tells of a batch that the disk did not take, and that ends with the producer: its unsettled events are recorded when the spool
 * stops. Producer. */
void spool_gave_up(struct spool *spool, const struct batch *batch);

/* The classes by number, from 0; NULL behind the last. `bytes`: what their logs take. Any thread, until spool_stop. */
const struct spool_class *spool_class_at(const struct spool *spool, unsigned number, uint64_t *bytes, uint64_t *share);

/* Whether a batch was read from the log of a topic. Producer's thread. */
int spool_is_parked(const struct spool *spool, const struct batch *batch);

/* The reason number `number`, from 0; NULL behind the last. Any thread, until spool_stop. */
const struct spool_reason *spool_reason_at(const struct spool *spool, unsigned number);

/* Whether it was read from a log of dead letters. Producer's thread. */
int spool_is_letter(const struct spool *spool, const struct batch *batch);

/* Whether anything is read back at all, from whatever log; at first, nothing is. Producer's thread. */
void spool_allow_reads(struct spool *spool, int allowed);

/* Turns that the spool's thread has begun. When they are more than they were after reads were forbidden, all that was read is among
 * the answers, and nothing more will be. Producer's thread. */
unsigned spool_turns(const struct spool *spool);

/* Has the dead letters that there are now tried once more: those of a topic, or all (NULL). Waits `ms` at the most until they are
 * counted, and tells how many they are. -EBUSY: others are being counted, -ETIMEDOUT: the count goes on, and so does what was
 * asked; else -errno. One control thread at a time. */
int spool_exhume(struct spool *spool, const char *topic, unsigned ms, uint64_t *letters, uint64_t *events);

/* The state of a lane's log for a class, of a topic's (NULL until it has one). In place until spool_stop. Producer's thread. */
struct spool_log_state *spool_lane_state(struct spool *spool, uint16_t lane, unsigned class);
struct spool_log_state *spool_topic_state(struct spool *spool, uint16_t topic);

/* Any thread, until spool_stop. */
struct spool_counters *spool_counters(struct spool *spool);
const struct spool_counters *spool_count(const struct spool *spool);

/* The logs by number, from 0; NULL behind the last. `name` gets the directory's name. Any thread, until spool_stop. */
const struct spool_log_state *spool_log_at(const struct spool *spool, unsigned number, const char **name);

/* What the process before had reached with this producer's spool. Fixed; control thread, until spool_stop. */
const struct spool_reached *spool_reached_before(const struct spool *spool);

/* The first hour in [from, to) that entries on disk may still belong to, or `to`. Any thread. */
int64_t spool_hours_settled(const struct spool *spool, int64_t from, int64_t to);
