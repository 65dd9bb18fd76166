/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdlib.h>

#include "base/counter.h"
#include "base/memory.h"
#include "batch/batch.h"

struct batch_pool {
	struct batch *free; /* owning worker */
	counter available;
	unsigned count;
	uint32_t size;
	uint8_t *memory;
};

static void init(struct batch *batch, uint32_t size, uint16_t lane)
{
	batch->capacity = size - (uint32_t)sizeof(*batch);
	batch->lane = lane;
}

static void empty(struct batch *batch)
{
	batch->next = NULL;
	batch->records = 0;
	batch->events = 0;
	batch->pack = 1;
	batch->log = BATCH_UNLOGGED;
	batch->with_client = 0;
	batch->sampled_out = 0;
	batch->stays = 0;
	batch->bytes = 0;
	batch->base_ms = 0;
	batch->partition = BATCH_UNASSIGNED;
}

struct batch *batch_new(uint32_t size, uint16_t lane, int node)
{
	struct batch *batch = memory_map(size, BATCH_ALIGN, node);

	if (batch == NULL)
		return NULL;
	init(batch, size, lane);
	empty(batch);
	return batch;
}

void batch_free(struct batch *batch)
{
	memory_unmap(batch, sizeof(*batch) + batch->capacity);
}

int batch_pool_new(struct batch_pool **pool, unsigned count, uint32_t size, uint16_t lane, int node)
{
	struct batch_pool *p;

	if (count == 0 || size % BATCH_ALIGN != 0 || size <= sizeof(struct batch))
		return -EINVAL;
	p = calloc(1, sizeof(*p));
	if (p == NULL)
		return -ENOMEM;
	p->count = count;
	p->size = size;
	p->memory = memory_map((size_t)count * size, BATCH_ALIGN, node);
	if (p->memory == NULL) {
		free(p);
		return -ENOMEM;
	}
	for (unsigned i = count; i-- > 0;) {
		struct batch *batch = (struct batch *)(void *)(p->memory + (size_t)i * size);

		init(batch, size, lane);
		batch_put(p, batch);
	}
	*pool = p;
	return 0;
}

unsigned batch_pool_free(struct batch_pool *pool)
{
	unsigned away;

	if (pool == NULL)
		return 0;
	away = pool->count - batch_pool_available(pool);
	memory_unmap(pool->memory, (size_t)pool->count * pool->size);
	free(pool);
	return away;
}

struct batch *batch_get(struct batch_pool *pool)
{
	struct batch *batch = pool->free;

	if (batch == NULL)
		return NULL;
	pool->free = batch->next;
	counter_sub(&pool->available, 1);
	empty(batch);
	return batch;
}

void batch_put(struct batch_pool *pool, struct batch *batch)
{
	batch->next = pool->free;
	pool->free = batch;
	counter_add(&pool->available, 1);
}

unsigned batch_pool_available(const struct batch_pool *pool)
{
	return (unsigned)counter_read(&pool->available);
}
