/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * The box: everything that runs, put together from the configuration in stages and taken apart in reverse. One thread (the
 * main thread) starts and stops it; the keeper thread and the control socket's handlers read it in between.
 */

#include <pthread.h>
#include <stdatomic.h>

#include "batch/lane.h"
#include "control/daemon/config.h"
#include "control/daemon/former.h"
#include "control/daemon/generations.h"
#include "control/daemon/landing.h"
#include "control/daemon/ledger.h"
#include "control/daemon/loader.h"
#include "control/daemon/namesake.h"
#include "control/daemon/rates.h"
#include "control/daemon/reached.h"
#include "control/daemon/state.h"
#include "control/daemon/topology.h"
#include "control/daemon/watcher.h"
#include "egress/producer.h"
#include "worker/senders.h"
#include "worker/sources.h"
#include "worker/worker.h"

#define BOX_WORKERS   64
#define BOX_PRODUCERS 8
#define BOX_WARNINGS  64

enum box_state { BOX_STARTING, BOX_RECEIVING, BOX_DRAINING };

struct box_port {
	const struct source_ops *ops;
	struct source *source;
};

struct box_worker {
	struct lane lane;
	struct worker *worker;
	const struct topology_worker *plan;
};

struct box_producer {
	struct producer *producer;
	const struct topology_producer *plan;
	struct lane *lanes[BOX_WORKERS];
};

struct box {
	struct config *config; /* as read at the start; types, topics, quotas and tables may have changed since: see generations */
	uint64_t config_mark;  /* of its file before it was read (tables.h) */
	struct generations generations;
	struct state *state;
	struct topology *plan; /* made once, after the ports have told their nodes */
	uint32_t epoch;
	int64_t started_ms; /* clock_ms */
	atomic_int stage;   /* enum box_state; main thread: rw */
	int has_received;   /* or could have: all ports and workers were started; main thread */
	atomic_int stop_asked; /* a signal's handler and `stop`: w; a generation that is being made is left */
	_Atomic(const char *) awaits; /* what the drain waits for, for people; the drain's thread: w */
	int64_t followed_ms; /* main thread: when ports were last looked after */

	unsigned port_count;
	struct box_port ports[CONFIG_PORTS];
	unsigned worker_count;
	struct box_worker workers[BOX_WORKERS];
	unsigned producer_count;
	struct box_producer producers[BOX_PRODUCERS];
	char spool_directory[1024];
	struct kafka_property properties[CONFIG_PROPERTIES];

	struct senders *senders; /* what each has used of its quota */
	struct sources *sources;
	struct hours hours;
	struct landing landing;
	struct former former;

	struct ledger ledger; /* keeper thread; read under its own lock */
	struct rates rates;   /* same */
	pthread_t keeper;
	int keeper_started;
	atomic_int keeper_stop;
	struct watcher watcher;
	struct loader loader;
	struct namesake namesake;
	struct box_reached reached;

	unsigned warning_count;
	char *warnings[BOX_WARNINGS]; /* for people, filled before the keeper starts */
};

/* Puts everything together and begins to receive. 0 or -errno with a sentence (-ECANCELED: it was asked to stop before it did);
 * box_stop takes apart what stands. */
int box_start(struct box *box, struct config *config, struct error *error);

/* While it receives, as often as may be: has the ports follow what their devices tell, once a second. Main thread. */
void box_follow(struct box *box);

/* Stops reception and seals what is open. Main thread: handlers read the ports too, and must not meanwhile. */
void box_halt(struct box *box);

/* After box_halt: ends the loader, waits for Kafka as long as configured, gives up the rest by name. In a thread of its own the
 * main thread may serve the control socket until it returns: what handlers read stays until box_stop. Returns the number of
 * equations that do not close. */
unsigned box_drain(struct box *box);

/* Takes apart what stands; after box_drain, or after a box_start that failed. Returns the number of batches that leaked: 0. */
unsigned box_stop(struct box *box);

/* What the mode of delivery may cost: bytes of records, at the most. */
struct box_bounds {
	uint64_t lost_bytes;      /* numbered, and lost by kill -9 or a power cut */
	uint64_t repeated_bytes;  /* delivered once more after either */
	uint64_t power_cut_bytes; /* of each log, written and lost by a power cut */
	unsigned power_cut_us;    /* or so old */
};

/* Any thread, when the daemon receives. */
struct box_bounds box_bounds(const struct box *box);

/* Adds a line to what `status` warns of, and logs it. Main thread, during box_start. */
__attribute__((format(printf, 2, 3))) void box_warn(struct box *box, const char *fmt, ...);
