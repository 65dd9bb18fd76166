/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * The whole path in one process, as the daemon puts it together, but fed by net_pcap in an endless loop: ports, workers
 * and lanes, and either a Kafka producer or a sink that sends each batch home at once on the worker's own thread.
 * Types, ids and names are the generator's, or those of a configuration with rules and tables. Main thread, unless a
 * call says otherwise.
 */

#include "base/error.h"
#include "control/daemon/tables.h"
#include "egress/producer.h"
#include "feed.h"
#include "worker/worker.h"

#define RIG_PORT_JSON  9000
#define RIG_PORT_FRAME 9001
#define RIG_WORKERS    8
#define RIG_PROPERTIES 32

enum rig_format { RIG_JSON, RIG_FRAME };

struct rig_settings {
	const char *pcap;   /* every queue reads this file again and again */
	const char *config; /* types, rules, topics and tables are those of this file; NULL: types and topics as said
			       below */
	enum rig_format format;
	int trusted;           /* the senders' structure */
	int quotas;            /* senders have quotas, which are enough for them */
	unsigned types;        /* the generator's, 1 to 600 */
	unsigned topics;       /* type t goes to topic t % topics */
	uint8_t form;          /* of all types: enum event_form */
	unsigned partitions;   /* of each topic */
	unsigned workers;      /* 1 to RIG_WORKERS */
	int cpus[RIG_WORKERS]; /* -1: anywhere */
	int control_cpu;       /* EAL's, -1: where the caller runs */
	uint64_t rate;         /* events a second and worker, 0: as many as the sink takes */
	uint64_t pool_bytes;   /* of batches, a worker */
	int64_t utc;           /* seconds since 1970 that the clock tells at the start, 0: the true time */
	int blind;             /* 1: frames are not looked at */
	int kafka;             /* 1: a producer delivers; 0: batches go home at once */
	int still;             /* time stands still for batches: only full ones are handed over */
	unsigned handles;      /* Kafka clients */
	const char *topic_prefix;
	struct kafka_property properties[RIG_PROPERTIES];
	unsigned property_count;
};

struct rig {
	struct rig_settings settings;
	struct source *source;
	struct source_config source_config;
	char device[1024];
	struct input inputs[2];
	struct senders *senders;
	struct generation *generation;
	struct generation_slot slot;
	struct config *config; /* what the first generation was made of; NULL: none */
	struct tables_marks marks;
	struct feed feed;
	struct topic_table topics;
	struct sources *sources;
	struct hours hours;
	struct lane lanes[RIG_WORKERS];
	struct bench_feed feeds[RIG_WORKERS];
	struct worker *workers[RIG_WORKERS];
	struct producer *producer;
};

/* Starts EAL, opens the port, makes workers and, with Kafka, the producer; nothing runs yet. 0, or -errno with a
 * sentence. rig_close in any case. */
int rig_open(struct rig *rig, const struct rig_settings *settings, struct error *error);

/*
 * A sealed generation of the settings; the rig's first one also gives it its topics. Every next one builds the geo
 * table anew and takes the category table over from the present one. 0 or -errno with a
 * sentence.
 */
int rig_generation_new(struct rig *rig, struct generation **generation, struct error *error);

/* Publishes the generation and frees the one before it after a grace period. */
void rig_swap(struct rig *rig, struct generation *generation);

/* Begins reception on the port; the caller or rig_run_workers takes from the queues. */
int rig_start(struct rig *rig, struct error *error);

/* Starts the workers' threads. */
int rig_run_workers(struct rig *rig, struct error *error);

/* Ends workers and producer. */
void rig_stop(struct rig *rig);
void rig_close(struct rig *rig);

/* Sums over all workers; any thread. `dropped` counts datagrams and events, and frames dropped by the source. */
struct rig_sums {
	uint64_t frames, datagrams, found, numbered, bytes, dropped;
};
void rig_sum(const struct rig *rig, struct rig_sums *sums);
