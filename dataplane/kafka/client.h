/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * One librdkafka producer handle. The only folder that includes rdkafka.h is this one; the words here are ours.
 *
 * Threads: a handle is made, fed and polled by one producer thread. librdkafka's own threads inherit the CPUs of the
 * thread that calls kafka_client_new, so that thread must already be pinned to its node's producer CPUs, and never be a
 * poll core. Payload memory stays the caller's (no copy is promised to be taken at once) until the record's report.
 */

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "base/slice.h"
#include "kafka/settings.h"

#define KAFKA_TOPICS       1024 /* topic numbers of one handle: 0 to KAFKA_TOPICS - 1 */
#define KAFKA_PRODUCE_MAX  512u /* records of one kafka_client_produce */
#define KAFKA_BY_KEY       (-1) /* partition: let the client place each record by its key, murmur2 */

struct kafka_client;

/*
 * What a delivery report asks the producer to do. The table of all codes is in kafka/errors.c. What is to be tried again waits
 * in memory or in the spool, as the topic and the whole client make progress: that is for the egress to see. No verdict stops
 * the daemon.
 */
enum kafka_verdict {
	KAFKA_ACKED,     /* persisted with acks=all: the broker named its offset */
	KAFKA_RETRY,     /* not known to be delivered; hand it over again, later. NO_OFFSET: the library guesses that it was */
	KAFKA_MISPLACED, /* not delivered: the client knows of no such partition, and asks for the topic's at once. Hand it over
			    again, with KAFKA_BY_KEY when the partition is really gone */
	KAFKA_TOO_LARGE, /* refused: it exceeds the broker's or the client's limit (see `alone`) */
	KAFKA_INVALID,   /* refused: the broker calls it invalid (see `alone`) */
	KAFKA_FORBIDDEN, /* not delivered: the box's user may not write to the topic, until somebody gives it the right */
	KAFKA_REBUILD,   /* the handle is dead (fatal error): make a new one and hand over again */
};

struct kafka_record {
	struct slice key;
	struct slice value;
	void *tag;       /* comes back in the report */
	int64_t time_ms; /* Kafka's timestamp, UTC ms; 0, of all records of a call: that of the call */
};

/* What became of one record. */
struct kafka_report {
	void *tag;
	uint32_t bytes; /* of key and value */
	enum kafka_verdict verdict;
	/* A refusal that concerns this record by itself, certainly. Otherwise the broker refused the whole set of records
	 * that it travelled in, and any one of them may be the cause: a broker's limit too is on the set. */
	int alone;
	int mistimed; /* KAFKA_RETRY: the broker refuses the time of a record of the set */
	const char *code; /* the library's error name, or NO_OFFSET; "" when acked */
};

/* Called from kafka_client_poll and kafka_client_free, and from kafka_client_produce for records refused at once. */
typedef void kafka_settle(void *context, const struct kafka_report *report);

struct kafka_client_status {
	int connected;        /* at least one broker's connection is up */
	int fatal;            /* the handle is dead and about to be rebuilt */
	uint64_t queued;      /* records in the library's queue or in flight, and reports not yet served */
	char last_error[256]; /* the last error of the handle or of a record, "" when none since the last success */
	char brokers[256];    /* addresses of the brokers connected now */
};

/* Makes a handle; needs no broker to be there. 0 or -errno with a sentence. See Threads above. */
int kafka_client_new(struct kafka_client **client, const struct kafka_property *properties, unsigned count,
	kafka_settle *settle, void *context, struct error *error);

/* Reports of records that were not acked go to `failure` too, before they go to `settle`. Before the first record. */
void kafka_client_on_failure(struct kafka_client *client, kafka_settle *failure, void *context);

/* Ends the handle: what was not delivered comes back as KAFKA_RETRY reports before this returns; some of it may have been
 * persisted all the same, which is where duplicates come from. Waits for the library's threads to end, which is some
 * milliseconds, or as long as the system's resolver takes when one of them asks it for a name. NULL is fine. */
void kafka_client_free(struct kafka_client *client);

/* Hands over `count` (<= KAFKA_PRODUCE_MAX) records of one topic to one partition or KAFKA_BY_KEY. `topic` is a number that
 * the caller keeps for `name`. Returns how many were taken, from the front; fewer when the library's queue is full or the
 * handle is dead: the rest stay the caller's. Records refused at once count as taken and have had their reports. Records with
 * a time are handed over one by one, which costs more. */
unsigned kafka_client_produce(struct kafka_client *client, unsigned topic, const char *name, int32_t partition,
	const struct kafka_record *records, unsigned count);

/* Serves reports, errors and log lines; waits up to `ms` for the first. Returns the number of reports. */
unsigned kafka_client_poll(struct kafka_client *client, int ms);

/* Sends what waits for its linger time to pass; returns when all is delivered, else after `ms`. Serves no reports. */
void kafka_client_flush(struct kafka_client *client, int ms);

/* What helps when a topic's records come back with this report's code, to stand behind a sentence that names the topic; "": not
 * known. Any thread. */
const char *kafka_topic_cure(const char *code);

/* True when a fatal error has ended the handle: kafka_client_free it and make a new one. */
int kafka_client_dead(const struct kafka_client *client);

/* Whether the cluster says now, within `ms`, that each partition of a topic that was produced to has a leader and all its replicas
 * in sync. What else the client knows is brought up to date by the way. */
int kafka_client_topic_is_well(struct kafka_client *client, unsigned topic, int ms);

/* Makes the handle dead, for this reason. */
void kafka_client_end(struct kafka_client *client, const char *why);

/* For tests and the fault point kafka_fatal: raises a fatal error as the library would. */
void kafka_client_kill(struct kafka_client *client);

/* The producer thread only; producer_status passes it on to others. */
void kafka_client_status(struct kafka_client *client, struct kafka_client_status *status);
