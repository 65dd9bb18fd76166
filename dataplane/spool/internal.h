/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* What the files of the spool's thread share. Everything in it belongs to that thread unless it says otherwise. */

#include <pthread.h>
#include <rte_ring.h>
#include <semaphore.h>

#include "base/log.h"
#include "spool/reached.h"
#include "spool/log.h"
#include "spool/spool.h"

#define SHELF_NAME_MAX 288
#define TROUBLE_S      60 /* between two lines of one kind: an outage may be long, and concern many logs */
#define SHELF_DEAD     "dead." /* the names of logs of dead letters begin so, and no others */
#define LOSS_RANGES    128
#define SPOOL_CLASS_ALL "all" /* the one that there is without classes */
#define SPOOL_CLASS_NUMBERS 64u /* of classes, in the names of lanes' logs: those that are gone keep theirs while they have logs */
#define HOURS          64 /* hours that are told apart; a power of 2 */

/* An entry that is not known to be durable. */
struct pending {
	struct batch *batch; /* NULL: settled meanwhile, or a copy (carry.c) */
	uint32_t events;
	uint16_t from;       /* the log that it also stands in, and is to be settled in once it is durable here; BATCH_UNLOGGED */
	uint64_t from_position;
	uint8_t leave;       /* its memory is wanted */
	uint8_t accepted;    /* it was written before the client had it, and stays here whatever becomes of its memory */
	uint8_t part;        /* only its unsettled records are here */
};

/* A log, and what is on its way to it and from it. */
struct shelf {
	char name[SHELF_NAME_MAX];
	struct spool_disk *disk;
	struct spool_log *log;
	struct spool_log_state state;
	uint16_t index;       /* in spool.shelves */
	int topic;            /* index, of a parked topic's; -1 */
	int lane;             /* of a lane's; -1 */
	unsigned class;       /* of the same, and of a lane's that was left over */
	int is_dead;          /* it holds dead letters */
	unsigned uncommitted; /* entries settled since the last commit: what a crash would bring back */
	unsigned ahead;       /* entries settled beyond the frontier, about */
	struct exhumation *exhumation; /* its letters are wanted (exhume.c); NULL */
	struct carried *carried; /* entries that stand elsewhere than their batches know */
	unsigned carried_count, carried_room;
	unsigned carrying;    /* of them whose new place is not durable yet */
	int64_t carry_ms;     /* monotonic; none is carried before */
	uint64_t recovered_end; /* positions below were there at start, and keep `recovering`; 0: of dead letters, which do not */
	uint64_t damaged, empty; /* as the log said last */
	uint64_t cursor;      /* where the next read begins */
	uint32_t next_bytes;  /* of what was to be read next, and did not fit; 0: that was read, or was not looked at */
	unsigned reading;     /* entries that were read and are not done with */
	unsigned read_size;   /* of the last of them: which of spool.pools is for it, or pool_count */
	struct pending *pending; /* by position, from `first_pending` on */
	uint64_t first_pending;
	unsigned pending_count, pending_room;
	unsigned rewritten;   /* of them that stand in the log: fewer than pending_count after a failed sync */
	int failed;           /* the log wants to be synced, which tells how it failed */
	int64_t group_ms;     /* monotonic; when its group is to be durable; 0: nothing is pending */
	int64_t wrote_ms;     /* monotonic; the last entry */
	int64_t retry_ms;     /* nothing is tried before */
	int64_t failing_ms;   /* since when nothing could be made durable; 0: it could */
	unsigned hours[HOURS]; /* its part of the spool's */
	int hours_damaged;    /* some of them may be of what is lost */
	int64_t again_ms;     /* nothing is read before: what was, nobody could take */
	int64_t unread_ms;    /* since when the disk could not read the next entry; 0: it could */
};

/* Sequences of a topic's records between the first and the last that were given up; with others between, perhaps. */
struct loss_range {
	char topic[SPOOL_TOPIC_MAX + 1];
	uint32_t epoch; /* that numbered them; 0: not known */
	uint32_t lane;
	uint64_t first, last, events;
};

/* A batch, or an entry, that was given up. */
struct loss_of {
	const char *topic;
	uint32_t epoch; /* 0: it was found on disk, or read back: entries do not tell theirs */
	uint32_t lane;
	uint64_t first, last, events;
	int64_t us; /* UTC of its opening; 0: not known */
};

/* What a class gave up and is not recorded yet. */
struct loss {
	char log[SHELF_NAME_MAX]; /* that it stood in; "": several, or none */
	uint64_t events, entries;
	int64_t from_us, to_us; /* UTC of the first and the last batch's opening; 0: unknown */
	unsigned range_count;   /* beyond LOSS_RANGES they are counted in events alone */
	struct loss_range ranges[LOSS_RANGES];
};

/* What is asked of the log of dead letters: by the control thread while it is not WISH_ASKED, and answered by the spool's. */
struct exhume_wish {
	atomic_int state;
	sem_t done;
	char topic[SPOOL_TOPIC_MAX + 1]; /* "": all of them */
	int rc;
	uint64_t letters, events;        /* that are to be tried */
	unsigned shelf;                  /* the count of a topic's is here ... */
	uint64_t position, here;         /* ... and here, and has found so many in this log */
};

enum { WISH_NONE, WISH_ASKED, WISH_DONE };

/* How far the sequences came. */
struct spool_reach {
	struct spool_disk *disk;     /* of the directory; NULL: it is not kept */
	struct spool_reached before; /* found at the start; fixed from then on */
	struct reached now;
	int places[TOPIC_MAX];       /* in `now`, of a topic's index; -1 */
	int begun;                   /* the file is of this epoch, or was; else it is of the one before */
	int dirty;                   /* it does not say all */
	int loose;                   /* something goes to Kafka without having been accepted */
	struct log_limit said;
};

/* Batches of one size for what is read back. */
struct replay_pool {
	struct batch_pool *batches;
	unsigned count;
	uint32_t capacity; /* bytes of payload in one */
};

#define REPLAY_POOLS 2u

/* Logs that were found with something in them, and whose topics have no place: they stay as they are until a start that has one. */
struct spool_unread {
	unsigned logs;
	uint64_t events, bytes;
	char example[SHELF_NAME_MAX];
};

struct spool {
	struct spool_config config;
	char *directory;
	struct spool_lock *lock; /* of the directory; control thread */
	struct spool_counters counters;
	struct rte_ring *orders, *answers;
	sem_t wake;
	pthread_t thread;
	int started;
	atomic_int stop;
	int64_t now_ms, commit_ms, record_ms;
	int64_t wanted_ms;             /* until then there was no room for something lately */
	int group_full;                /* a log has as much to be made durable as it may: nothing more is written before */
	atomic_uint shelf_count;       /* written by the thread, and at start */
	struct shelf *shelves[SPOOL_LOGS];
	char class_names[SPOOL_CLASS_NUMBERS][SPOOL_CLASS_MAX + 1]; /* by number; "": nobody's. Fixed from the start on */
	uint16_t lanes[UINT16_MAX + 1][TOPIC_CLASSES]; /* shelf of a lane's class; BATCH_UNLOGGED */
	_Atomic(struct shelf *) topics[TOPIC_MAX]; /* shelf of a topic; the producer reads it too */
	struct replay_pool pools[REPLAY_POOLS]; /* the smaller batches first */
	unsigned pool_count;
	unsigned outsize;              /* batches in no pool, for what is larger */
	unsigned tried[REPLAY_POOLS + 1]; /* by size, logs of sick topics that something of is being tried */
	int64_t tokens;                /* thousandths of bytes that may be read back now; below 0: a batch was larger than that */
	int64_t filled_ms;             /* monotonic; when tokens were last added */
	uint8_t *scratch;              /* SPOOL_PAYLOAD_MAX bytes: what is left of a batch in part */
	struct shelf *dead;            /* for this producer's dead letters; NULL: there were none yet */
	struct exhume_wish wish;
	atomic_int reads;              /* the producer: something may be read back */
	atomic_uint turns;             /* the thread; the producer reads it */
	struct spool_reason reasons[SPOOL_REASONS];
	counter hours[HOURS];          /* entries left on disk, and letters on their way from it, by landing hour */
	atomic_uint recovering;        /* logs that have unsettled entries from before the start */
	struct log_limit trouble_log, topic_log, dead_log, full_log, slow_log, memory_log;
	struct loss loss[TOPIC_CLASSES];
	struct loss stopped[TOPIC_CLASSES]; /* given up with the producer: its thread, then this one's */
	uint64_t turned_away[TOPIC_CLASSES];  /* of all lanes, that are recorded */
	int64_t turned_ms[TOPIC_CLASSES];     /* UTC, until which they are */
	unsigned sample_at[TOPIC_CLASSES];    /* of the batches in a row of which one is kept */
	struct loss dropped;                  /* of the file that is making room */
	int loss_named;                       /* the name of the record's file is durable */
	int loss_last;                        /* what the file does not take now, the log gets */
	struct log_limit loss_log;
	struct spool_reach reached;
	struct spool_unread unread; /* fixed from the start on */
};

/* shelf.c: one log */
int shelf_open(struct spool *spool, const char *name, int lane, unsigned class, int topic, struct error *error);
void shelf_close(struct shelf *shelf);
int shelf_write(struct spool *spool, struct batch *batch, int leave, struct shelf *shelf);
void shelf_leave(struct spool *spool, struct batch *batch);
void shelf_settle(struct spool *spool, uint16_t log, uint64_t position, int64_t hour);
uint32_t shelf_lane_of(const struct batch *batch); /* that numbered its records */
int64_t shelf_opened_us(const struct batch *batch); /* the wall clock at its opening; 0: not known */
void shelf_group(struct spool *spool, struct shelf *shelf); /* makes its group durable when it is time */
void shelf_account(struct spool *spool, struct shelf *shelf); /* takes over what the log says of damage, size and frontier */

/* Events that only the log held are held no longer: they are counted `as`. */
void shelf_take_off(struct spool *spool, struct shelf *shelf, uint64_t events, counter *as);
/* The gauge of events that only the log holds, in the account of all. */
counter *shelf_gauge(struct spool *spool, const struct shelf *shelf);

/* gather.c: the unsettled records of a batch in a row, in memory that the next call overwrites. 0, or -EMSGSIZE: no entry has room
 * for them. */
int shelf_gather(struct spool *spool, const struct batch *batch, struct slice *payload);

/* policy.c: what a class has room for */
unsigned policy_class(const struct spool *spool, const struct shelf *shelf);
int policy_make_room(struct spool *spool, unsigned class); /* 0, or -EDQUOT: there is none */
int policy_samples_out(struct spool *spool, struct batch *batch, unsigned class); /* it is not to be kept; decided once a batch */
void policy_look_for_room(struct spool *spool); /* asks the file system */

static inline int policy_is_crowded(const struct spool *spool)
{
	return counter_read(&spool->counters.crowded) != 0;
}

/* losses.c: the record of what was given up */
void loss_add(struct loss *loss, const struct loss_of *of);
void loss_add_batch(struct spool *spool, struct loss *loss, const struct batch *batch, uint64_t events);
void loss_add_all(struct loss *loss, const struct loss *more);
void loss_record(struct spool *spool, unsigned class); /* to the file, when there is any; empties it if the file takes it */
void loss_record_all(struct spool *spool);             /* and what was turned away */
void loss_record_stopped(struct spool *spool);         /* what spool_gave_up was told */
void loss_record_last(struct spool *spool); /* what could not be recorded: to the file or the log; when the thread has ended */

/* classes.c: the numbers that classes have in the names of lanes' logs */
int classes_open(struct spool *spool, struct error *error); /* at the start, before the logs: 0 or -errno */
unsigned classes_number(const struct spool *spool, unsigned class);
int classes_of(const struct spool *spool, unsigned number); /* -1: it is gone */
unsigned classes_left_over(const struct spool *spool, unsigned number); /* that a log counts for, also when its own is gone */

/* logs.c: opens those of the lanes, and what is found; of topics that nobody uses, only what has something in it */
int logs_open(struct spool *spool, struct error *error);
/* shelf.c, for carry.c */
int shelf_takes(const struct spool *spool, const struct shelf *shelf); /* an entry may be appended now */
struct pending *shelf_new_pending(struct shelf *shelf); /* room for one more; NULL: there is no memory */
void shelf_pend(struct spool *spool, struct shelf *shelf, struct pending pending, uint64_t position);
void shelf_fail(const struct spool *spool, struct shelf *shelf, int rc); /* an append did */

/* carry.c: entries in the way of the frontier */
void carry(struct spool *spool, struct shelf *shelf); /* when there is reason to */
void carry_durable(struct spool *spool, struct shelf *shelf, uint64_t below); /* what stands below this position */
void carry_undo(struct spool *spool, struct shelf *shelf); /* a sync has failed: copies that are not durable are no more */
uint64_t carry_follow(struct spool *spool, struct shelf *shelf, uint64_t from); /* where it stands now, once for each entry */

/* dead.c: the log of dead letters */
/* One that was found on disk, its own or of a producer that is no more. */
int dead_adopt(struct spool *spool, const char *name, unsigned index, struct error *error);
void dead_order(struct spool *spool, struct batch *letter);

/* It is durable, and counted. */
void dead_put_away(struct spool *spool, struct shelf *shelf, struct batch *letter, uint64_t events);
void dead_look(struct spool *spool); /* since when there are any */
void dead_count_bytes(struct spool *spool);

/* exhume.c: dead letters that are wanted */
unsigned exhume_turn(struct spool *spool); /* returns whether something was done */
int exhume_goes_on(const struct spool *spool, const struct shelf *shelf); /* or is about to begin */
int exhume_may_read(const struct spool *spool, const struct shelf *shelf);
int exhume_wants(struct shelf *shelf, uint64_t position, int topic); /* the letter that was read */
void exhume_end_reached(struct shelf *shelf); /* no more is to be read, unless one comes back */
void exhume_taken(struct spool *spool, struct shelf *shelf, const struct batch *letter); /* it goes to the producer */
void exhume_came_back(struct spool *spool, struct shelf *shelf, uint64_t position);      /* and is to be tried again */
void exhume_forget(struct shelf *shelf);

/* hours.c: an entry that is counted at its landing hour, or no more; the commits see to what nobody takes off. */
void hours_add(struct spool *spool, struct shelf *shelf, int64_t hour);
void hours_take(struct spool *spool, struct shelf *shelf, int64_t hour);
void hours_forget_damaged(struct spool *spool, struct shelf *shelf);

/* replay.c: what is read back */
int replay_open(struct spool *spool); /* takes the memory: 0 or -ENOMEM */
void replay_close(struct spool *spool);
unsigned replay_max(const struct spool *spool); /* batches there may be at one time */
unsigned replay_read(struct spool *spool); /* returns of how many logs */
int64_t replay_due(const struct spool *spool); /* monotonic; when the rate lets more be read; 0: it does not matter */
void replay_home(struct spool *spool, struct batch *batch);

/* reach.c: how far the sequences came, for the next start. A batch of this process is told of when it was written (note),
 * or when it goes on unwritten (loosen). */
int reached_open(struct spool *spool, struct error *error); /* at the start: what the process before has left */
void reached_close(struct spool *spool);
void reached_begin(struct spool *spool); /* before the first batch is written */
void reached_note(struct spool *spool, const struct batch *batch);
void reached_loosen(struct spool *spool, const struct batch *batch);
void reached_store(struct spool *spool); /* unless nothing has changed; before anything goes from a log */
void reached_keep(struct spool *spool);  /* the same, now and then: as long as nothing of this process is in it, it need not be */

/* orders.c: what the producer wants */
void spool_answer(struct spool *spool, struct batch *batch, enum spool_answer answer);
unsigned orders_take(struct spool *spool); /* returns how many */
/* The disk had no room: for a while logs give what they only reserve back at once. */
void spool_want_room(struct spool *spool);

/* turns.c: the thread; its argument is the spool */
void *spool_main(void *argument);

/* spool.c */
void spool_trouble(struct spool *spool, const char *what, const struct shelf *shelf, int rc);

/* Says that the disk took so long to make a group durable, if that is long: a log takes no more than a group meanwhile. */
void spool_slow(struct spool *spool, const struct shelf *shelf, int64_t took_ms);
