/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * A ring of pointers between exactly two threads: one pushes, one pops. Built on rte_ring in its single-producer,
 * single-consumer mode, in our own node-local memory, so it needs no EAL. Rings are made as large as the pool whose
 * objects travel through them and are therefore never full; a push that fails is a bug in the owner's arithmetic.
 */

#include <rte_ring.h>

/* Makes a ring that holds at least `count` pointers, on NUMA node `node`. Returns NULL with errno set.
 * Control thread. Free with ring_free. */
struct rte_ring *ring_new(unsigned count, int node);

/* NULL is fine. Both ends must have stopped. */
void ring_free(struct rte_ring *ring);

/* Pushes one pointer; 0 when the ring is full. The pushing thread only. */
static inline unsigned ring_push(struct rte_ring *ring, void *object)
{
	return rte_ring_sp_enqueue_bulk(ring, &object, 1, NULL);
}

/* Pops up to `count` pointers, returns how many. The popping thread only. */
static inline unsigned ring_pop(struct rte_ring *ring, void **objects, unsigned count)
{
	return rte_ring_sc_dequeue_burst(ring, objects, count, NULL);
}

/* Pointers in the ring now: exact for its two threads, a recent value for others. */
static inline unsigned ring_count(const struct rte_ring *ring)
{
	return rte_ring_count(ring);
}
