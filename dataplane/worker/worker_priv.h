/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* What the files of a worker share among themselves. Every function here is for the worker's own thread. */

#include <pthread.h>

#include "batch/record.h"
#include "tables/category.h"
#include "tables/geo.h"
#include "tables/input_plan.h"
#include "tables/type_plan.h"
#include "wire/event.h"
#include "wire/json.h"
#include "worker/ingest.h"
#include "worker/worker.h"

#define WORKER_PARTITIONS 64       /* partitions of one topic that a worker keys itself; more: the client does */
#define HOLD_BYTES        1000000u /* an unkeyed topic stays on one partition for so many bytes: one client batch ... */
#define HOLD_US           100000u  /* ... or so long */
#define WAIT_AGE_US       5000000u /* what a batch that is not nearly full may age while others are on the way */
#define AHEAD_MAX         8u       /* batches of one topic on the way before such a one waits */
#define STAGE_EVENTS      32u      /* events whose look-ups are done together */
#define JUDGED_OUT        (-1)     /* an event that a rule has removed and counted */

/* Outlets of a topic for events with a key: 0 while the partition count is unknown or too large, then one a partition. Events
 * without a key have an outlet of their own. */
enum { OUTLET_UNPLACED, OUTLET_FIRST, OUTLETS_KEYED = OUTLET_FIRST + WORKER_PARTITIONS };

/* One line: what an event touches of it and of its batch. */
struct outlet {
	struct batch *batch; /* open, or NULL */
	struct record_writer writer;
	uint64_t deadline;   /* TSC at which it is handed over, full or not */
	uint64_t hold_until; /* TSC until which the partition is kept */
	uint32_t hold_bytes; /* handed over to this partition so far */
	uint32_t age_us;     /* follows the rate: between age_min_us and age_max_us */
	uint32_t place;      /* index in worker.open[] while a batch is open */
	int32_t partition;   /* -1: none chosen yet */
} __attribute__((aligned(CACHE_LINE)));

_Static_assert(sizeof(struct outlet) == CACHE_LINE, "an outlet is one line");

/* What an event touches of it is in its first line, with the prefix of a usual node's name. */
struct topic_out {
	counter next_seq;
	struct outlet *keyed; /* OUTLETS_KEYED of them; NULL: keys are not asked for */
	uint32_t batches;     /* of this topic that are open or away */
	uint16_t prefix_len;
	uint8_t packing;      /* events a record of the open batch of events without a key; 0: no batch, or one */
	uint8_t packed;       /* events of its last record */
	uint32_t packed_events; /* of the batch */
	uint32_t open;        /* of `batches` */
	uint8_t *packed_at;   /* where its last record begins */
	char prefix[INGEST_PREFIX + 1]; /* whoever leaves the comma out may read as far */
} __attribute__((aligned(CACHE_LINE)));

/* What is the same for a whole burst, rendered once. */
struct burst {
	uint64_t tsc;
	int64_t receive_us;
	int64_t hour, oldest_hour;
	int64_t hour_us; /* when `hour` began */
	uint32_t head_len;
	char head[INGEST_HEAD];
	uint64_t found, decoded, numbered, filtered, sampled_out, copies_asked, copies;
	char own_head[INGEST_HEAD], own_end[INGEST_END]; /* of an event that does not go on as the others do */
};

enum worker_stage { WORKER_RUNNING, WORKER_HALTING, WORKER_HALTED, WORKER_JOINING };

struct worker {
	struct worker_config config;
	struct lane *lane;
	struct batch_pool *pool;
	const struct generation *generation; /* of this burst */
	uint32_t timed_by;        /* number of the generation by which the open batches' records have times, or none */
	unsigned table_node;      /* whose copy of its tables the worker reads */
	struct topic_out *topics; /* room for TOPIC_MAX; those below `topic_count` are made (control: rw) */
	struct outlet *unkeyed;   /* by topic */
	unsigned topic_count;
	int keyed;                /* some input or type names a key; control: rw */
	struct outlet **open; /* those with a batch, in no order */
	uint16_t *open_topic; /* the topic of each */
	unsigned open_count;
	uint32_t credit;      /* batches one topic may have open or away */
	uint32_t pool_eighth; /* of the pool's batches */
	atomic_uint ahead;    /* batches of one topic on the way before one that is not nearly full waits; control: rw */
	uint64_t open_events; /* the truth behind counters->open, without those numbered in this burst */
	struct burst burst;
	uint8_t *input_of_port; /* index into the generation's plans, by UDP port */
	uint64_t us_ticks;      /* TSC ticks a microsecond */
	uint64_t next_tick;
	struct worker_counters *counters;
	counter hour_batches[HOUR_SLOTS]; /* open or away, by their oldest hour */
	_Atomic int64_t oldest_heard;     /* what lands from now on does not land before this hour */
	pthread_t thread;
	atomic_int stage; /* enum worker_stage; control asks, the worker answers */
	int started;
	unsigned staged_count;
	int scratch_used; /* the last staged event's key or item is here, so it cannot wait for others: */
	uint8_t key[WORKER_KEY_MAX], item[CATEGORY_KEY + 1];
	struct event staged[STAGE_EVENTS];
	char sources_text[STAGE_EVENTS][ADDRESS_TEXT_MAX + 1]; /* keys of staged events */
};

/* emit.c: writes one event as a record of its topic, or counts why not. */
void worker_emit(struct worker *worker, struct event *event);

/* outlet.c: the open batch of an outlet, taken from the pool when there is none; NULL with *reason when it cannot be. */
struct batch *outlet_batch(
	struct worker *worker, unsigned topic, struct outlet *outlet, enum worker_event_drop *reason);
struct outlet *outlet_of_key(struct worker *worker, unsigned topic, struct slice key);
void outlet_seal(struct worker *worker, struct outlet *outlet, int full);
void outlets_seal_aged(struct worker *worker, uint64_t tsc);
void outlets_seal_all(struct worker *worker);

static inline struct outlet *outlet_of(struct worker *worker, unsigned topic, struct slice key)
{
	if (LIKELY(key.data == NULL))
		return &worker->unkeyed[topic];
	return outlet_of_key(worker, topic, key);
}

/* decode_*.c: finds the events of one datagram and emits them. Returns 0, or 1 + the drop reason of the datagram. */
int decode_json(struct worker *worker, const struct input_plan *plan, const struct datagram *datagram);
int decode_frame(struct worker *worker, const struct input_plan *plan, const struct datagram *datagram);
int decode_raw(struct worker *worker, const struct input_plan *plan, const struct datagram *datagram);

/* quota.c: whether the datagram is more than its sender may send. Where quotas are. */
int worker_quota_spent(struct worker *worker, const struct datagram *datagram);

static inline int over_quota(struct worker *worker, const struct datagram *datagram)
{
	return UNLIKELY(worker->generation->quotas != NULL) && worker_quota_spent(worker, datagram);
}

/* Fills what an event needs from a scanned JSON object; 0, or 1 + the event's drop reason. Its type is known. */
int event_from_json(struct worker *worker, const struct input_plan *plan, const struct json_object *object,
	struct event *event);

/* Sets an event's partition key from a member, in place of what it had: one longer than the limit, which its form then says,
 * or none leaves the event without; numbers and the like key by their text. */
void worker_key(struct worker *worker, const struct json_member *member, struct event *event);

/* What stands of an event at first, once its type is known: its topics and what it is enriched with. */
static inline void event_begin(const struct worker *worker, struct event *event, uint32_t slot)
{
	const struct event_type *type = &worker->generation->types->types[slot];

	event->type = slot;
	event->way = type->way;
}

/* judge.c */
struct ip_address ip_of_address(const struct address *address);

/*
 * judge.c: what the type's plan says of an event; `object` is its body, NULL when the plan has no paths. 0: it stays; JUDGED_OUT:
 * it does not, and is counted; else 1 + the event's drop reason.
 */
int worker_judge(struct worker *worker, const struct type_plan *plan, const struct datagram *datagram,
	struct event *event, struct json_object *object);

/* timed.c: Kafka's time of an event's record in this topic, UTC ms; 0: its records carry none. *clamped is set when the event's
 * own time lies too far from the box's. */
int64_t timed_ms(const struct worker *worker, unsigned topic, const struct event *event, int *clamped);
/* A new generation: open batches whose topics' records have times by now, or no longer, go. */
void timed_adopt(struct worker *worker);

/* stage.c: emits the events that wait for each other. */
void stage_run(struct worker *worker);

/* Where the next event is to be put, and that it is there. */
static inline struct event *stage_next(struct worker *worker)
{
	return &worker->staged[worker->staged_count];
}

/* One that needs no look-up goes at once, if it does not overtake others of its topic by that. */
static inline void stage_keep(struct worker *worker)
{
	unsigned count = worker->staged_count;

	if (count == 0 && worker->staged[0].way.enrich == 0) {
		worker_emit(worker, &worker->staged[0]);
		worker->scratch_used = 0;
		return;
	}
	worker->staged_count = ++count;
	if (UNLIKELY(count == STAGE_EVENTS || worker->scratch_used))
		stage_run(worker);
}

/* The event drop that a result of json_next means. */
enum worker_event_drop json_drop(int result);

static inline void event_drop(struct worker *worker, enum worker_event_drop reason)
{
	counter_add(&worker->counters->event_drops[reason], 1);
}

/* hours.c: keeps count of batches by their oldest hour: one was opened, got a record of an older hour, or came home. */
void hours_batch_opened(struct worker *worker, struct batch *batch, int64_t hour);
void hours_batch_reaches(struct worker *worker, struct batch *batch, int64_t hour);
void hours_batch_home(struct worker *worker, const struct batch *batch);
/* Between bursts: hears which hours were closed. */
void hours_hear(struct worker *worker);

/* loop.c */
void *worker_main(void *worker);
/* Puts a batch back, whose topic may then have another. */
void worker_batch_home(struct worker *worker, struct batch *batch);
/* Makes what the burst changed visible, outcomes before totals. */
void worker_publish(struct worker *worker);
