/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* A ledger over counters that a test sets, in the place of control/daemon/totals.c. One test program each: it defines functions. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "control/daemon/ledger.h"
#include "control/daemon/totals.h"

/* What the box is said to have counted. */
static struct {
	uint8_t sources[sizeof(struct source_counters)];
	uint8_t workers[sizeof(struct worker_counters)];
	uint8_t producers[sizeof(struct producer_counters)];
	uint8_t spools[sizeof(struct spool_counters)];
	uint64_t rings;
} counted;

/* A sample, from 1 in its check, that finds one more acked record missing, or one more frame: 0: none. The samples so far are
 * counted by the reading of `acked` and of `frames`; a test begins them anew. */
static unsigned odd_acked_sample, odd_frame_sample, acked_samples, frame_samples;

static int is_odd(unsigned *samples, unsigned odd, size_t offset, size_t of)
{
	return offset == of && ++*samples == odd;
}

static struct box box;
static struct ledger ledger;

static uint64_t value_at(const uint8_t *counters, size_t offset)
{
	uint64_t value;

	memcpy(&value, counters + offset, sizeof(value));
	return value;
}

static void put(uint8_t *counters, size_t offset, uint64_t value)
{
	memcpy(counters + offset, &value, sizeof(value));
}

#define WORKERS(field, value)   put(counted.workers, offsetof(struct worker_counters, field), value)
#define PRODUCERS(field, value) put(counted.producers, offsetof(struct producer_counters, field), value)
#define SPOOLS(field, value)    put(counted.spools, offsetof(struct spool_counters, field), value)

/* In the place of control/daemon/totals.c. */
uint64_t total_sources(const struct box *of, size_t offset)
{
	(void)of;
	return value_at(counted.sources, offset) +
	       (uint64_t)is_odd(&frame_samples, odd_frame_sample, offset, offsetof(struct source_counters, frames));
}

uint64_t total_workers(const struct box *of, size_t offset)
{
	(void)of;
	return value_at(counted.workers, offset);
}

uint64_t total_producers(const struct box *of, size_t offset)
{
	(void)of;
	return value_at(counted.producers, offset) -
	       (uint64_t)is_odd(&acked_samples, odd_acked_sample, offset, offsetof(struct producer_counters, acked));
}

uint64_t total_spools(const struct box *of, size_t offset)
{
	(void)of;
	return value_at(counted.spools, offset);
}

uint64_t total_rings(const struct box *of)
{
	(void)of;
	return counted.rings;
}

static int ledger_rig_setup(void **state)
{
	(void)state;
	memset(&counted, 0, sizeof(counted));
	odd_acked_sample = odd_frame_sample = 0;
	ledger_init(&ledger);
	WORKERS(found, 10);
	WORKERS(numbered, 10);
	return 0;
}
