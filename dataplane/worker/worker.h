/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * A worker: one pinned thread that owns a queue of a source, a pool of batches and a lane. It takes a burst of datagrams,
 * decodes them, writes each event as a finished record into the open batch of its topic and partition, and hands full or
 * aged batches over by pointer. It never waits, allocates, logs, locks or makes a system call inside a burst: what cannot
 * be done is counted by name.
 *
 * Memory: everything is taken in worker_new. Threads: new/start/stop/free on a control thread; counters are read by any.
 */

#include "base/counter.h"
#include "base/error.h"
#include "batch/batch.h"
#include "batch/lane.h"
#include "batch/topic.h"
#include "nic/source.h"
#include "tables/generation.h"
#include "worker/drops.h"
#include "worker/hours.h"

#define WORKER_NODE_NAME_MAX 16
#define WORKER_KEY_MAX       1024  /* bytes of a partition key */
#define WORKER_EXTRAS_MAX    712u  /* of geo and category, or of the reason in a quarantine topic */
#define WORKER_RECORD_ROOM   2048u /* that a record may need beyond its datagram: framing, key, ingest and the above */

enum worker_idle { WORKER_SPIN, WORKER_PAUSE, WORKER_SLEEP };

struct senders;
struct sources;

struct worker_config {
	uint16_t lane;            /* index, part of every identity */
	int cpu;                  /* -1: not pinned */
	int node;                 /* NUMA node of pool and counters; -1: any */
	enum worker_idle idle;
	const struct source_ops *ops;
	struct source_queue *queue;
	const struct input *inputs;
	unsigned input_count;
	const struct generation_slot *generation; /* holds one before worker_start */
	const struct topic_table *topics;
	const struct hours *hours;
	struct sources *sources;  /* windows of numbered senders, shared by all workers; NULL when no input is `frame` */
	struct senders *senders;  /* what each sender has used of its quota, shared by all workers; NULL: quotas do not count */
	const char *node_name;    /* identity: at most WORKER_NODE_NAME_MAX of [a-z0-9_] */
	uint32_t epoch;           /* identity: UTC seconds or more */
	uint64_t first_seq;       /* of each topic, 1 unless a test wants to see a wrap */
	uint64_t pool_bytes;
	uint32_t batch_bytes;
	unsigned credit_percent;  /* of the pool that one topic may hold */
	unsigned age_min_us, age_max_us;
};

struct worker_type_counters {
	counter events;  /* numbered */
	counter bytes;   /* of their values */
	counter dropped; /* by whatever reason once the type was known */
	counter filtered, sampled_out; /* by its rules */
	counter quarantined;           /* numbered in a quarantine topic */
	counter clamped;               /* numbered, and copies, whose own time lies too far from the box's for Kafka's */
	counter time_missing;          /* numbered, without an event time, or with one in no known form; as the next, not if raw */
	counter late;                  /* numbered, whose own hour was closed */
	counter reserved;              /* numbered, with a member of our name, which was replaced */
	counter key_too_long;          /* numbered, without its key, which has more bytes than WORKER_KEY_MAX */
};

struct worker_rule_counters {
	counter hits;    /* events that it decided on */
	counter removed; /* of these, filtered or sampled out */
};

/*
 * Written by the worker alone: outcomes as they happen, totals at the end of the burst (base/counter.h). A gauge `open` that the
 * reader adds to what rings and producers hold makes every event visible somewhere at any moment.
 */
struct worker_counters {
	counter bursts;       /* that brought at least one datagram */
	counter polls;        /* all */
	counter busy_ticks;   /* TSC ticks spent in bursts that brought something */
	counter datagrams;    /* taken from the source */
	counter decoded;      /* datagrams with at least one event found, or a heartbeat */
	counter found;        /* events found in datagrams */
	counter numbered;     /* events written into a batch with their identity */
	counter filtered;     /* events that a rule dropped */
	counter sampled_out;  /* events that a rule's sample leaves out */
	counter copies_asked; /* copies that rules and types ask for */
	counter copies;       /* of these, those written into a batch, with an identity of their own */
	counter open;         /* gauge: events in open batches */
	counter open_batches; /* gauge */
	counter sealed;       /* batches handed over */
	counter datagram_drops[DATAGRAM_DROPS];
	counter event_drops[EVENT_DROPS];
	counter copy_drops[EVENT_DROPS]; /* of copies; only those of WORKER_COPY_DROPS occur */
	struct worker_type_counters types[TYPE_MAX];
	struct worker_rule_counters rules[RULE_SLOTS];
};

struct worker;

/* Takes all memory. 0, -ENOMEM or -EINVAL with a sentence. `lane` is where sealed batches go; the pool's size, which
 * lane rings must have, is worker_pool_count(config). */
int worker_new(struct worker **worker, const struct worker_config *config, struct lane *lane, struct error *error);
unsigned worker_pool_count(const struct worker_config *config);

/* NULL is fine. Every batch must be home; the number that is not is returned. The thread must have been joined. */
unsigned worker_free(struct worker *worker);

/*
 * Makes room for the topics below `topics`, and for partition keys if `keyed` (once asked for, it stays): the worker may meet them
 * in a generation that is published afterwards. 0 or -ENOMEM. Control thread.
 */
int worker_prepare(struct worker *worker, unsigned topics, int keyed);

/* Starts the thread. 0 or -errno with a sentence. */
int worker_start(struct worker *worker, struct error *error);

/* Stop in two steps, since the producers need the lane in between: `halt` ends reception and seals what is open, and
 * returns when that is done, the thread going on to take batches home; `join` ends the thread. */
void worker_halt(struct worker *worker);
void worker_join(struct worker *worker);

const struct worker_counters *worker_counters(const struct worker *worker);
const struct worker_config *worker_config(const struct worker *worker);

/* Batches at home and in all, for `show workers`. Any thread. */
unsigned worker_pool_available(const struct worker *worker);

/*
 * The first hour in [from, to) of which batches of this worker may still be open or away, else `to`; never beyond the oldest
 * open hour that the worker has heard of. What lies before the result is settled for good. Any thread.
 */
int64_t worker_hours_settled(const struct worker *worker, int64_t from, int64_t to);

/* Highest sequence given to a topic so far on this lane; 0: none. Any thread; a recent value. */
uint64_t worker_last_seq(const struct worker *worker, unsigned topic);

/* For tests and benchmarks: takes one burst through the worker on the caller's thread, in place of the worker's own. */
void worker_burst(struct worker *worker, const struct datagram *datagrams, unsigned count, uint64_t tsc);

/* For the same: seals all open batches, and takes home all settled ones there are. */
void worker_flush(struct worker *worker);
void worker_homecoming(struct worker *worker);
