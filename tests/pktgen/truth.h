/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * The truth: what was really sent, told at the end as JSON, and on demand a line per event while it goes. Everything
 * here is counted where it happens, never derived from what was asked for. One thread.
 */

#include "damage.h"
#include "options.h"
#include "result.h"

/* How often a reader can find an event. */
enum fate { FATE_LOST, FATE_SENT, FATE_TWICE, FATE_CORRUPT };

/* One life of a source: from its start or restart to the next. */
struct source_life {
	uint64_t id;
	uint64_t first;      /* sequence of the first frame */
	uint64_t next;       /* sequence that the next frame would take */
	uint64_t sent;       /* sequences that were sent whole, each once however often the frame went out */
	uint64_t skipped;    /* sequences a reader cannot see: lost or damaged */
	uint64_t duplicated; /* second copies sent */
	uint64_t reordered;  /* frames sent after a successor */
	uint32_t epoch;
	uint32_t heartbeats;
	int tail; /* whether the last sequence was skipped */
};

struct tally {
	uint64_t datagrams, events, bytes;
};

struct truth {
	uint64_t generated;  /* events made: unique + lost + corrupted */
	uint64_t bodies;     /* bytes of the bodies of generated events */
	struct tally sent;   /* on the wire, copies, damaged ones and heartbeats included; events: whole ones */
	struct tally unique; /* whole datagrams and their events, each once; bytes of payload */
	struct tally formats[FORMATS];    /* `unique` by format */
	struct tally types[TYPES_MAX];    /* `unique` by type, bodies only; datagrams unused */
	struct tally raw;                 /* events of raw datagrams: types[] does not have them */
	struct tally faults[FAULT_COUNT]; /* datagrams and their events; restart: datagrams counts restarts */
	uint64_t damages[DAMAGE_COUNT];
	uint64_t heartbeats;
	struct source_life *lives; /* those that are over */
	uint64_t life_count;
	double seconds;
	struct event_log *log; /* NULL: no line per event */
};

/* Opens the file of --truth-events, at once by its name. 0, or -errno with a sentence. */
int event_log_open(struct event_log **log, const char *path, struct error *error);

/* Adds a line: number, type, CRC-32 in hex, length, copies that reach a reader. */
void event_log_add(
	struct event_log *log, const struct generated *event, const uint8_t *body, const char *type, unsigned copies);

/* Writes the rest and closes; NULL is fine. `rc`: what became of the run; if that is no 0, the list is not true and goes.
 * Returns rc, or -errno with a sentence when any line was not kept. */
int event_log_close(struct event_log *log, int rc, struct error *error);

/* Writes the JSON object of --truth with the sources' present lives after the past ones. result_close tells whether all
 * of it was kept. */
void truth_write(
	FILE *file, const struct truth *truth, const struct options *options, const struct source_life *sources);
