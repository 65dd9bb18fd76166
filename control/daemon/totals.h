/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Sums of one counter over all workers' queues, all workers, or all producers. Any thread while the box stands. */

#include <stddef.h>
#include <stdint.h>

#include "control/daemon/box.h"

/* `offset` is the counter's place in struct source_counters, worker_counters, producer_counters or spool_counters. */
uint64_t total_sources(const struct box *box, size_t offset);
uint64_t total_workers(const struct box *box, size_t offset);
uint64_t total_producers(const struct box *box, size_t offset);
uint64_t total_spools(const struct box *box, size_t offset);

/* Events in the rings between workers and producers. */
uint64_t total_rings(const struct box *box);

/* What a class of the configuration takes of all spools, and its share of them. */
void total_class(const struct box *box, unsigned number, uint64_t *bytes, uint64_t *share);

#define TOTAL_SOURCE(box, field)   total_sources(box, offsetof(struct source_counters, field))
#define TOTAL_WORKER(box, field)   total_workers(box, offsetof(struct worker_counters, field))
#define TOTAL_PRODUCER(box, field) total_producers(box, offsetof(struct producer_counters, field))
#define TOTAL_SPOOL(box, field)    total_spools(box, offsetof(struct spool_counters, field))
