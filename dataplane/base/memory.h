/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Node-local memory for pools and tables: mapped, zeroed, bound to a NUMA node and touched at once, so that the hot path
 * never faults. Huge pages are used where the kernel grants them (transparent or reserved), ordinary pages otherwise.
 */

#include <stddef.h>
#include <stdint.h>

#define MEMORY_ANY_NODE (-1)

/*
 * Maps `size` bytes (rounded up to 2 MiB when at least that, else to a page) at an address that is a multiple of `align`
 * (a power of two, at most 2 MiB), prefers NUMA node `node` (MEMORY_ANY_NODE: wherever) and touches every page.
 * Returns NULL with errno set (ENOMEM, EINVAL). Free with memory_unmap and the same size. Control threads only.
 */
void *memory_map(size_t size, size_t align, int node);

/* NULL is fine. */
void memory_unmap(void *base, size_t size);

/* Bytes now held through memory_map, for the printed budget. Any thread. */
uint64_t memory_mapped_bytes(void);

/* Number of NUMA nodes that have memory here, at least 1. Any thread. */
unsigned memory_nodes(void);
