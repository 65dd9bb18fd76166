/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * librdkafka's mock cluster for the tests of producing: for errors on demand, and for counting only what is small (it keeps
 * some megabytes a partition). One test thread.
 */

#include <stddef.h>
#include <stdint.h>

#define MOCK_UNKNOWN_TOPIC         3  /* Kafka protocol error codes */
#define MOCK_MSG_SIZE_TOO_LARGE    10
#define MOCK_NOT_ENOUGH_REPLICAS   19
#define MOCK_TOPIC_AUTHORIZATION   29
#define MOCK_INVALID_TIMESTAMP     32
#define MOCK_OUT_OF_ORDER_SEQUENCE 45
#define MOCK_INVALID_RECORD        87
#define MOCK_NO_LEADER             (-1)

struct mock;

/* A cluster of `brokers` on loopback; topics are made by hand. Ends the test program when it cannot be made. */
struct mock *mock_new(int brokers);
void mock_free(struct mock *mock);
const char *mock_servers(const struct mock *mock);

void mock_topic(struct mock *mock, const char *name, int partitions);

/* What metadata says of the topic: a code, 0 for all is well. */
void mock_topic_error(struct mock *mock, const char *name, int code);

/* The mock's metadata for a forbidden topic carries its partitions too, which no real broker's does, and clients before
 * 2.10.0 dereference a partition that they do not know (librdkafka #4907; 2.0.2 is spared). Skips the running test there. */
void mock_skip_forbidden(void);
void mock_leader(struct mock *mock, const char *name, int32_t partition, int32_t broker);

/* Whether records may be on their way to a partition that loses its leader: from 2.4 on the library's mock follows a null pointer
 * to answer for it. */
int mock_answers_without_leader(void);

/* The next `count` produce requests are answered with `code`. */
void mock_refuse_produce(struct mock *mock, unsigned count, int code);
/* The next `count` requests for a producer id are answered with `code`. */
void mock_refuse_producer_id(struct mock *mock, unsigned count, int code);
/* The next `count` partitions that are asked for an offset are answered with `code`. */
void mock_refuse_offsets(struct mock *mock, unsigned count, int code);
void mock_broker_down(struct mock *mock, int32_t broker);
void mock_broker_up(struct mock *mock, int32_t broker);
void mock_delay(struct mock *mock, int ms);

/* Records that a partition has taken so far. */
int64_t mock_records(struct mock *mock, const char *name, int32_t partition);

/* Reads a partition from its beginning: calls `record` for each, with key (NULL: none), value and timestamp. Returns how
 * many. */
typedef void mock_record(
	void *context, const void *key, size_t key_len, const void *value, size_t value_len, int64_t time_ms);
int64_t mock_read(struct mock *mock, const char *name, int32_t partition, mock_record *record, void *context);
