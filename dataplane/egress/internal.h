/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* What the producer's files share. Everything in it belongs to the producer's thread unless it says otherwise. */

#include <pthread.h>
#include <semaphore.h>
#include <sys/queue.h>

#include "base/log.h"
#include "egress/producer.h"
#include "spool/spool.h"

#define BACKOFF_MIN_MS 100
#define BACKOFF_MAX_MS 5000
#define BURY_MS        20   /* for the disk to take dead letters, when there are as many as may be */
#define STALLED_MS     3000 /* without progress, after which a topic is shown as stalled */
#define STUCK_MS       120000 /* without a record coming back: twice the client's own longest time-out */
#define STUCK_AGAIN_MS 10000  /* after which that is looked at again */
#define ASK_MS         1000   /* between two askings whether the cluster is well, of whatever topics */
#define SICK_MS        5000 /* without progress, while others make some: after which a topic is parked */
#define AWAY_MS        2000 /* without any acknowledgement: Kafka is away; of one topic, while others have some: it is silent */
#define REPLAY_FIRST   4u /* batches read from disk that the client gets of a topic at first; one more with each that is acked */
#define WINDOW_OPEN    UINT32_MAX
#define WINDOW_FIRST   64u   /* records at once after a first refusal; then a quarter, a quarter ... */
#define WINDOW_LAST    4096u /* above this a window opens altogether */

struct batch_list {
	struct batch *head, *tail;
	uint64_t bytes;
};

struct topic_state {
	TAILQ_ENTRY(topic_state) link; /* in producer.waiting, when `listed` */
	int listed;
	struct batch_list fresh;  /* from the lanes, in their order */
	struct batch_list read;   /* from disk: before the fresh ones */
	struct batch_list again;  /* to be handed over once more: before the fresh ones */
	struct batch *current;    /* handed over in part, up to: */
	uint32_t offset, index;
	int64_t outstanding; /* records with the egress */
	uint32_t window;     /* outstanding at the most */
	int refused;         /* a set was refused since `outstanding` was last 0 */
	uint32_t backoff_ms; /* 0: none since the last acknowledgement */
	int64_t retry_ms;    /* monotonic; nothing is handed over before */
	int64_t moved_ms;    /* monotonic; when something last came back, or came in when there was nothing */
	int64_t look_ms;     /* monotonic; when it is next looked whether the cluster is well, though nothing is heard */
	int was_well;        /* it was, the last time */
	int64_t heard_ms;    /* monotonic; when a record last came back, however, or was handed over when none was outstanding */
	const char *code;    /* of the last failure; the library's constant */
	unsigned parking;    /* batches on their way to its log */
	uint64_t writing;    /* events that the disk is to have before Kafka gets them */
	unsigned replaying, replay_window; /* batches read from disk that the client has, and may have */
	uint8_t sick;        /* it makes no progress while others do: what comes is parked */
	uint8_t has_log;     /* listed in producer.parked */
	uint8_t has_backlog; /* as a lane's */
	uint64_t left_in;    /* producer.fill when a batch of it was last left to the log of a lane */
};

TAILQ_HEAD(topic_queue, topic_state);

/* Acknowledgements of one batch in a row, counted once. */
struct settled_run {
	struct batch *batch;
	uint64_t events, bytes;
};

/* A record on its way to the log of dead letters. */
struct burial {
	struct batch *letter; /* a copy of it alone; NULL: this place is free */
	struct batch *batch;  /* that it stands in, and that waits for the answer */
	uint32_t index;       /* its place in that */
	counter *given_up;    /* what it counts as when the disk refuses it; NULL: it is handed over again */
};

struct producer {
	struct producer_config config;
	const struct egress_ops *ops;
	struct egress *egress;
	struct producer_counters counters;
	pthread_t thread;
	atomic_int stop; /* control writes */
	int started;     /* control's own */
	sem_t opened;    /* the thread tells that its egress is open or that it failed: */
	int open_rc;
	struct error *open_error;

	int64_t now_ms; /* of this turn */
	int giving_up;  /* the drain time is over */
	struct topic_queue waiting;
	struct settled_run run;

	int64_t collect_ms;  /* between two hand-overs to the client of what is not in a hurry; 0: at once */
	int64_t handed_ms;   /* monotonic; of the last one */
	int64_t read_ms;     /* monotonic; when a batch was last read from disk */
	uint8_t collecting;  /* of this turn: what is not in a hurry waits for others */
	uint8_t crowded;     /* so much of a lane's pool is held that nothing waits for others */
	uint8_t hurried;     /* something waits that is not kept for others, in this turn */

	struct log_limit stall_log;
	unsigned asked;      /* the topic of which it was last asked whether the cluster is well */
	int64_t ask_ms;      /* monotonic; when that may be asked again, of any */
	struct topic_state topics[TOPIC_MAX];
	struct lane *home[UINT16_MAX + 1]; /* by batch->lane */

	struct spool *spool; /* NULL: none */
	unsigned class_count; /* of the spool's classes */
	uint8_t is_away;     /* the client has records of topics that are not silent, and nothing was acknowledged for a while */
	uint8_t is_connected; /* a client with a broker; as of the last quarter second */
	unsigned with_client; /* batches */
	unsigned silent;     /* those of them that are of silent topics; as of the last quarter second */
	uint64_t fill;       /* raised while the logs of all lanes are empty: since then they hold what was left in this fill */
	unsigned ordered;    /* batches of lanes, and letters, with the spool */
	int orders_given;    /* since the spool was last woken */
	int64_t acked_ms;    /* monotonic; when something was last acknowledged, or handed over when all there was was silent */
	int64_t refused_ms;  /* monotonic; when the spool last refused a batch */
	int64_t full_ms[TOPIC_CLASSES]; /* the same, for want of room for the class */
	struct burial burials[SPOOL_LETTERS];
	struct log_limit bury_log;
	unsigned parked_count;
	uint16_t parked[TOPIC_MAX]; /* topics that have a log */

	pthread_mutex_t status_lock; /* guards the two */
	unsigned status_count;
	struct kafka_client_status status[PRODUCER_HANDLES];
};

/* flow.c: batches on their way to the egress */
void flow_take(struct producer *producer, struct lane *lane, struct batch *batch);
unsigned flow_submit(struct producer *producer);
void flow_again(struct producer *producer, struct batch *batch);
void flow_give_up_waiting(struct producer *producer);

/* flow.c, for spill.c and linger.c */
void flow_place(struct producer *producer, struct batch *batch);
int flow_is_unplaced(const struct producer *producer, const struct batch *batch); /* where its records go is not known */
void flow_hold(struct producer *producer, struct batch *batch, uint64_t events);

/*
 * linger.c: batches of topics that are not in a hurry are handed over together, once in the time that the client would let their
 * records linger, and the thread rests between. Whatever wakes the client's thread of a broker makes it look at every partition
 * it knows, which at low rates costs more than the records do.
 */
void linger_open(struct producer *producer);
void linger_look(struct producer *producer); /* once a turn, before flow_submit */
int linger_keeps(const struct producer *producer, const struct topic_state *topic); /* it waits for others in this turn */
int linger_rests(const struct producer *producer); /* has rested for some milliseconds; 0: something is in a hurry */

/* spill.c: what goes to the disk and comes from it. All do nothing without a spool. */
int spill_open(struct producer *producer, struct error *error);
void spill_look(struct producer *producer);           /* once a turn, first; and when it gives up */
unsigned spill_take_answers(struct producer *producer);
void spill_wake(struct producer *producer);           /* once a turn, last */
/* Of what waits for the disk alone, Kafka owes no sign of life: the topic's time begins anew. */
void spill_waits(struct producer *producer, uint16_t topic);
int spill_keeps(struct producer *producer, struct batch *batch);  /* a new batch is to be written before it goes on */
int spill_takes(struct producer *producer, struct batch *batch);  /* it is left to the disk, in place of the client */
int spill_takes_rest(struct producer *producer, struct batch *batch); /* the same at the end, whatever it is */
int spill_takes_settled(struct producer *producer, struct batch *batch); /* it stands in a log, which is to know */
void spill_held(struct lane *lane, uint16_t topic, int change); /* batches that came from the lane, and went home */
void spill_back(struct producer *producer, struct batch *batch); /* the client has nothing of it any more */
int spill_probes(const struct producer *producer, const struct topic_state *topic); /* it is sick: its first read one tries it */
void spill_stays(struct producer *producer, struct batch *batch); /* a letter that was refused again, and is not written anew */
int spill_has_window(const struct producer *producer, const struct topic_state *topic); /* for one more batch from disk */
int spill_has_room(struct producer *producer, struct batch *batch); /* the client may have one more batch of its lane */
void spill_order(struct producer *producer, struct batch *batch, enum spool_order what);
void spill_close(struct producer *producer);
void spill_free(struct producer *producer);

/*
 * away.c: whether Kafka is away, or topics say nothing while others are acknowledged: these are silent, tell nothing of Kafka, and
 * get no more until they are heard. While Kafka seems to be away, each topic of which neither the client nor a lane's log has
 * anything tries it with one batch. So it cannot be for silence alone that everything goes to disk.
 * What stands in others' way on disk is parked when its topic is sick, and no topic is that while Kafka seems to be away; so that
 * ends by itself where a broker stays connected.
 */
void away_look(struct producer *producer);  /* once a turn */
void away_sweep(struct producer *producer); /* each quarter second: counts what silent topics have with the client */
int away_is_silent(const struct producer *producer, const struct topic_state *topic);
int away_tries(const struct producer *producer, const struct lane *lane, uint16_t topic); /* with its next batch of this lane */
int away_has_room(const struct producer *producer, const struct lane *lane, uint16_t topic); /* the client, for one more */
void away_asked(struct producer *producer); /* the client gets a batch */

/* bury.c: what Kafka refuses for good, or forbids (given_up NULL: when the disk refuses it, it is handed over again). 0: the disk
 * has it, and the batch waits for the answer; -EAGAIN: not now; else -errno */
int bury_record(struct producer *producer, struct batch *batch, uint32_t index, const char *code, counter *given_up);
int bury_stays(const struct producer *producer, struct batch *batch); /* it was a letter, and can be one still */
void bury_answered(struct producer *producer, struct batch *letter, enum spool_answer answer);
void bury_free(struct producer *producer);

/* settle.c: what comes back */
void settle_home(struct producer *producer, struct batch *batch);
void settle_left(struct producer *producer, struct batch *batch, uint64_t events); /* held no longer, not acked either */
void settle_whole(struct producer *producer, struct batch *batch, counter *reason); /* what is left of it is given up, unasked */
void settle_stopped(struct producer *producer, struct batch *batch); /* because everything ends */
void settle_given_up(struct producer *producer, uint16_t topic, counter *reason, uint64_t events); /* Kafka has refused them */
void settle_buried(struct producer *producer, uint16_t topic, uint64_t events);
void settle_again(struct producer *producer, struct batch *batch, uint32_t index); /* no letter after all: later */
void settle_record(void *context, const struct kafka_report *report);
void settle_last(struct topic_state *topic); /* none of its records is outstanding any more: its window is set anew */
void settle_flush(struct producer *producer);
void settle_finish(struct producer *producer, struct batch *batch); /* nothing of it is outstanding */
int64_t settle_stuck_ms(const struct producer *producer); /* for which a client may keep records without a word */
void settle_sweep(struct producer *producer); /* stalled topics; once a second or so */
