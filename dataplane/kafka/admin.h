/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Questions to the cluster from a control thread: which topics are there, with how many partitions, and making those that are
 * not. All calls block up to a limit; nothing here is for a producer or a poll core.
 *
 * Ownership: the caller's, one thread at a time. A connection stays open between calls. librdkafka's threads inherit the CPUs
 * of the thread that calls kafka_admin_new.
 */

#include <stdatomic.h>

#include "base/error.h"
#include "kafka/settings.h"

#define KAFKA_PROBLEM 256

struct kafka_admin;

/* Makes the client from the producers' properties; needs no broker to be there. 0 or -errno with a sentence. */
int kafka_admin_new(struct kafka_admin **admin, const struct kafka_property *properties, unsigned count,
	struct error *error);

/* Once `leave`, which any thread may set, is not 0, no further topic is asked for, and no question waits for a broker that is not
 * there, nor for topics to be made. NULL: none. */
void kafka_admin_obey(struct kafka_admin *admin, const atomic_int *leave);

/* NULL is fine. */
void kafka_admin_free(struct kafka_admin *admin);

enum kafka_topic_state { KAFKA_TOPIC_EXISTS, KAFKA_TOPIC_MISSING, KAFKA_TOPIC_UNKNOWN };

struct kafka_topic_info {
	const char *name; /* asked for; the caller's */
	enum kafka_topic_state state;
	int partitions;              /* 0 unless it exists */
	int replicas;                /* of its first partition */
	int leaderless;              /* partitions that have no leader now */
	char problem[KAFKA_PROBLEM]; /* why it is unknown, such as an authorization that lacks; else "" */
};

/* Fills in what the cluster says of each topic; asking never makes one. 0, or -ETIMEDOUT or -EIO with a sentence when the
 * cluster did not answer within `limit_ms` in all: topics not answered by then are KAFKA_TOPIC_UNKNOWN, and the next call begins
 * with them, so that some calls for the same topics reach all of them. */
int kafka_topics_describe(struct kafka_admin *admin, struct kafka_topic_info *topics, unsigned count, unsigned limit_ms,
	struct error *error);

#define KAFKA_TOPICS_TOGETHER 16u

/* The same with `limit_ms` for every KAFKA_TOPICS_TOGETHER of the topics: many of them, of a cluster that is far away, take long,
 * one that is gone is told of soon. Ends at the first that are not answered; the `state` of those behind is not set. */
int kafka_topics_describe_all(struct kafka_admin *admin, struct kafka_topic_info *topics, unsigned count, unsigned limit_ms,
	struct error *error);

/* Whether the brokers have made all partitions of a topic: each that has a leader answers when asked for its offsets. Metadata
 * tell of a partition before its log is there. Returns 1 or 0 (not yet, or not known within `limit_ms`). */
int kafka_topic_is_made(struct kafka_admin *admin, const char *name, unsigned limit_ms);

struct kafka_topic_wish {
	const char *name;
	int partitions; /* -1: the cluster's default */
	int replicas;   /* same */
	int made;     /* out: 1 when the cluster made it */
	char problem[KAFKA_PROBLEM]; /* out: why it was not made; "" when it was */
};

/* Asks the cluster to make the topics, all in one request, and tells of each what came of it. 0 when the cluster answered
 * (look at each), or -ETIMEDOUT or -EIO with a sentence. `only_check`: the cluster says what it would do and does nothing. */
int kafka_topics_create(struct kafka_admin *admin, struct kafka_topic_wish *wishes, unsigned count, int only_check,
	unsigned limit_ms, struct error *error);
