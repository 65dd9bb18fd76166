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
	return value_at(counted.sources, offset);
}

uint64_t total_workers(const struct box *of, size_t offset)
{
	(void)of;
	return value_at(counted.workers, offset);
}

uint64_t total_producers(const struct box *of, size_t offset)
{
	(void)of;
	return value_at(counted.producers, offset);
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
	ledger_init(&ledger);
	WORKERS(found, 10);
	WORKERS(numbered, 10);
	return 0;
}
