/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* What the producer's files share. Everything in it belongs to the producer's thread unless it says otherwise. */

#include <pthread.h>
#include <semaphore.h>
#include <sys/queue.h>

#include "base/log.h"
#include "egress/producer.h"

#define BACKOFF_MIN_MS 100
#define BACKOFF_MAX_MS 5000
#define STALLED_MS     3000 /* without progress, after which a topic is shown as stalled */
#define WINDOW_OPEN    UINT32_MAX
#define WINDOW_FIRST   64u   /* records at once after a first refusal; then a quarter, a quarter ... */
#define WINDOW_LAST    4096u /* above this a window opens altogether */

struct batch_list {
	struct batch *head, *tail;
};

struct topic_state {
	TAILQ_ENTRY(topic_state) link; /* in producer.waiting, when `listed` */
	int listed;
	struct batch_list fresh;  /* from the lanes, in their order */
	struct batch_list again;  /* to be handed over once more: before the fresh ones */
	struct batch *current;    /* handed over in part, up to: */
	uint32_t offset, index;
	int64_t outstanding; /* records with the egress */
	uint32_t window;     /* outstanding at the most */
	int refused;         /* a set was refused since `outstanding` was last 0 */
	uint32_t backoff_ms; /* 0: none since the last acknowledgement */
	int64_t retry_ms;    /* monotonic; nothing is handed over before */
	int64_t moved_ms;    /* monotonic; when something last came back, or came in when there was nothing */
	const char *code;    /* of the last failure; the library's constant */
};

TAILQ_HEAD(topic_queue, topic_state);

/* Acknowledgements of one batch in a row, counted once. */
struct settled_run {
	struct batch *batch;
	uint64_t events, bytes;
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
	struct log_limit stall_log;
	struct topic_state topics[TOPIC_MAX];
	struct lane *home[UINT16_MAX + 1]; /* by batch->lane */

	pthread_mutex_t status_lock; /* guards the two */
	unsigned status_count;
	struct kafka_client_status status[PRODUCER_HANDLES];
};

/* flow.c: batches on their way to the egress */
void flow_take(struct producer *producer, struct lane *lane, struct batch *batch);
unsigned flow_submit(struct producer *producer);
void flow_again(struct producer *producer, struct batch *batch);
void flow_give_up_waiting(struct producer *producer);

/* settle.c: what comes back */
void settle_record(void *context, const struct kafka_report *report);
void settle_flush(struct producer *producer);
void settle_finish(struct producer *producer, struct batch *batch); /* nothing of it is outstanding */
void settle_sweep(struct producer *producer); /* stalled topics; once a second or so */
