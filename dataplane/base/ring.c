/* SPDX-License-Identifier: Apache-2.0 */
#include "base/ring.h"

#include <errno.h>

#include "base/compiler.h"
#include "base/memory.h"

static unsigned ring_size(unsigned count)
{
	unsigned size = 2;

	while (size <= count)
		size *= 2;
	return size;
}

struct rte_ring *ring_new(unsigned count, int node)
{
	unsigned size = ring_size(count);
	ssize_t bytes = rte_ring_get_memsize(size);
	struct rte_ring *ring;
	int rc;

	if (bytes < 0) {
		errno = EINVAL;
		return NULL;
	}
	ring = memory_map((size_t)bytes, CACHE_LINE, node);
	if (ring == NULL)
		return NULL;
	rc = rte_ring_init(ring, "", size, RING_F_SP_ENQ | RING_F_SC_DEQ);
	if (rc != 0) {
		memory_unmap(ring, (size_t)bytes);
		errno = -rc;
		return NULL;
	}
	return ring;
}

void ring_free(struct rte_ring *ring)
{
	if (ring != NULL)
		memory_unmap(ring, (size_t)rte_ring_get_memsize(ring->size));
}
