/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Batches: node-local memory that a worker fills with finished records and hands to its node's producer as one pointer.
 * One batch holds records of one topic and one partition, in Kafka's record format v2 (batch/record.h).
 *
 * Ownership: pool -> worker (batch_get) -> lane ring -> producer -> return ring -> worker (batch_put). Exactly one owner.
 * Memory: every byte is taken when the pool is made; nothing here allocates afterwards. A batch starts at a multiple of
 * BATCH_ALIGN, so that a pointer to a batch has room for a record's index in its low bits (batch_tag).
 */

#include <stdint.h>

#include "base/compiler.h"

#define BATCH_ALIGN      4096u
#define BATCH_BYTES_MAX  (4u << 20) /* of one, header included, that a configuration may ask for */
#define BATCH_RECORDS    2048u /* records in one batch at the most; < BATCH_ALIGN */
#define BATCH_UNASSIGNED (-1)
#define BATCH_UNLOGGED   UINT16_MAX

struct batch {
	uint64_t first_seq;   /* worker until sealed, then everyone: read only; see batch_last_seq */
	uint64_t opened_tsc;  /* same */
	uint32_t records;     /* same */
	uint32_t events;      /* same; more than `records` when events are packed */
	uint32_t bytes;       /* same; used part of data[] */
	uint32_t capacity;    /* bytes of data[], fixed */
	int32_t partition;    /* same; or BATCH_UNASSIGNED when the client is to place each record by its key */
	uint16_t topic;       /* same; index into the table of topics */
	uint16_t lane;        /* fixed: the worker whose pool this is */
	uint32_t pack;        /* worker until sealed, then everyone: events of each record but the last; 1 unless packed */
	uint32_t skipped;     /* same; sequences between its first and its last record that are more than one for each: other
				 partitions', and those of packed events */
	uint32_t from_lane;   /* the spool, of a batch that was read back: the lane that numbered it ... */
	int64_t opened_us;    /* ... and when it was opened there, UTC; 0: not known */
	int64_t hour;         /* worker: the oldest landing hour of its records */
	int64_t base_ms;      /* worker until sealed, then producer, who may take it away: UTC ms that its records' times count
				 from; 0: they have none */
	uint64_t position;    /* the spool: of its entry in log number `log` */
	uint16_t log;         /* same; BATCH_UNLOGGED: it is on no disk */
	uint8_t order;        /* producer: the last one it gave the spool for it */
	uint8_t with_client;  /* producer: counted in its lane's with_client */
	uint8_t class;        /* producer: whose log it is in, or on its way to, of those of its lane */
	uint8_t sampled_out;  /* the spool: it is not one of those that its class keeps on disk */
	uint8_t stays;        /* producer: a letter that was refused again, and is to stay as it was */
	uint32_t outstanding; /* producer: records handed to the client whose delivery report is still to come */
	const char *reason;   /* same: of a dead letter, why Kafka refused it; a name that stays */
	struct batch *next;   /* whoever owns it */
	uint64_t unsettled[BATCH_RECORDS / 64]; /* producer: a bit a record: neither acked nor given up */
	uint8_t data[] __attribute__((aligned(CACHE_LINE)));
};

struct batch_pool;

/*
 * Makes a pool of `count` batches for lane `lane`, each of `size` bytes in all (header included, a multiple of
 * BATCH_ALIGN), on NUMA node `node`. Returns 0, -EINVAL or -ENOMEM. Control thread, before the worker starts.
 */
int batch_pool_new(struct batch_pool **pool, unsigned count, uint32_t size, uint16_t lane, int node);

/* NULL is fine. Returns the number of batches that were not home: a leak, which the caller reports. */
unsigned batch_pool_free(struct batch_pool *pool);

/* An empty batch of `size` bytes that is in no pool, or NULL: no memory. Its last owner frees it. Any thread but a worker's. */
struct batch *batch_new(uint32_t size, uint16_t lane, int node);
void batch_free(struct batch *batch);

/* An empty batch, or NULL when all are out: the caller counts a drop and goes on. Owning worker only; never waits. */
struct batch *batch_get(struct batch_pool *pool);

/* Takes a batch home. Owning worker only. */
void batch_put(struct batch_pool *pool, struct batch *batch);

/* Batches at home now. Exact for the owning worker, a recent value for others. */
unsigned batch_pool_available(const struct batch_pool *pool);

/* The last of its sequences. */
static inline uint64_t batch_last_seq(const struct batch *batch)
{
	return batch->first_seq + batch->records - 1 + batch->skipped;
}

/* Events that a record of a sealed batch holds. */
static inline uint64_t batch_events_at(const struct batch *batch, uint32_t index)
{
	uint32_t last = batch->records - 1;

	return index < last ? batch->pack : batch->events - (uint64_t)last * batch->pack;
}

/* One word that names a record of a batch, for a client library's opaque pointer, and back. */
static inline void *batch_tag(struct batch *batch, uint32_t index)
{
	return (uint8_t *)batch + index;
}

static inline struct batch *batch_of_tag(void *tag, uint32_t *index)
{
	*index = (uint32_t)((uintptr_t)tag & (BATCH_ALIGN - 1));
	return (struct batch *)(void *)((uint8_t *)tag - *index);
}
