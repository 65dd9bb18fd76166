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

struct kafka_property {
	const char *name;
	const char *value;
};

struct kafka_client;

/* What a delivery report, or an error of the whole handle, asks the producer to do. The table is in kafka/errors.c. */
enum kafka_verdict {
	KAFKA_ACKED,    /* persisted with acks=all */
	KAFKA_RETRY,    /* not delivered; hand it over again, later */
	KAFKA_TOO_LARGE, /* refused for good: the record exceeds the broker's or client's limit */
	KAFKA_INVALID,   /* refused for good: the broker calls the record invalid */
	KAFKA_REBUILD,   /* the handle is dead (fatal error): make a new one and hand over again */
};

struct kafka_record {
	struct slice key;
	struct slice value;
	void *tag; /* comes back in the report */
};

/* Called from kafka_client_poll, for each report. `code` is the library's error name ("" when acked). */
typedef void kafka_report(void *context, void *tag, enum kafka_verdict verdict, const char *code);

struct kafka_client_status {
	int connected;        /* at least one broker is up */
	int fatal;            /* the handle has to be rebuilt */
	uint64_t queued;      /* records in the library's queue or in flight */
	char last_error[256]; /* the last error of the whole handle, "" when none since the last success */
	char brokers[256];    /* host:port list as the cluster told */
};

/* Checks every property with the library itself, without a broker: unknown name, impossible value, or one that would load
 * code into the process (plugin.library.paths, ssl.engine.location, ssl_engine_*...) or take a setting away that the ledger stands on
 * (acks, enable.idempotence=false, delivery reports). 0 or -EINVAL with the sentence. Any thread. */
int kafka_properties_check(const struct kafka_property *properties, unsigned count, struct error *error);

/* Makes a handle; needs no broker to be there. 0 or -errno with a sentence. See Threads above. */
int kafka_client_new(struct kafka_client **client, const struct kafka_property *properties, unsigned count,
	kafka_report *report, void *context, struct error *error);

/* Ends the handle at once: what was not delivered comes back as KAFKA_RETRY reports before this returns. NULL is fine. */
void kafka_client_free(struct kafka_client *client);

/* Hands over `count` records of one topic to one partition (or BATCH_UNASSIGNED, -1: by each record's key, murmur2).
 * Returns how many were taken, from the front; fewer when the library's queue is full or the handle is dead. The rest stay
 * the caller's. Refusals of single records come back as reports. */
unsigned kafka_client_produce(struct kafka_client *client, const char *topic, int32_t partition,
	const struct kafka_record *records, unsigned count);

/* Serves reports and errors; waits up to `ms` for the first. Returns the number of reports. */
unsigned kafka_client_poll(struct kafka_client *client, int ms);

void kafka_client_status(struct kafka_client *client, struct kafka_client_status *status);
