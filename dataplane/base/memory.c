/* SPDX-License-Identifier: Apache-2.0 */
#include "base/memory.h"

#include <errno.h>
#include <numa.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/mman.h>

#define HUGE_PAGE  ((size_t)2 << 20)
#define SMALL_PAGE ((size_t)4096)

static _Atomic uint64_t mapped;

static size_t round_up(size_t size)
{
	size_t unit = size >= HUGE_PAGE ? HUGE_PAGE : SMALL_PAGE;

	return (size + unit - 1) / unit * unit;
}

unsigned memory_nodes(void)
{
	int nodes = numa_available() < 0 ? 1 : numa_num_configured_nodes();

	return nodes < 1 ? 1 : (unsigned)nodes;
}

void *memory_map(size_t size, size_t align, int node)
{
	size_t length = round_up(size), slack = align > SMALL_PAGE ? align : 0;
	uint8_t *base, *aligned;

	if (size == 0 || align == 0 || (align & (align - 1)) != 0 || align > HUGE_PAGE) {
		errno = EINVAL;
		return NULL;
	}
	if (length >= HUGE_PAGE)
		slack = HUGE_PAGE;
	base = mmap(NULL, length + slack, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (base == MAP_FAILED)
		return NULL;
	aligned = base;
	if (slack != 0) {
		size_t unit = length >= HUGE_PAGE ? HUGE_PAGE : align;
		size_t head = (unit - (uintptr_t)base % unit) % unit;

		aligned = base + head;
		if (head != 0)
			(void)munmap(base, head);
		if (slack != head)
			(void)munmap(aligned + length, slack - head);
	}
	if (length >= HUGE_PAGE)
		(void)madvise(aligned, length, MADV_HUGEPAGE);
	if (node != MEMORY_ANY_NODE && numa_available() >= 0)
		numa_tonode_memory(aligned, length, node);
	(void)madvise(aligned, length, MADV_DONTDUMP);
	memset(aligned, 0, length);
	atomic_fetch_add(&mapped, length);
	return aligned;
}

void memory_unmap(void *base, size_t size)
{
	if (base == NULL)
		return;
	size = round_up(size);
	(void)munmap(base, size);
	atomic_fetch_sub(&mapped, size);
}

uint64_t memory_mapped_bytes(void)
{
	return atomic_load(&mapped);
}
