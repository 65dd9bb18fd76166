/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * A spool in a directory of its own, made by the log's own code, and the commands that look at it. Entry number N of a
 * log has N + 1 records with one event each (or what `rig_append_records` is told), and segments are as small as they
 * may be.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <jansson.h>

#include "control/offline/offline.h"
#include "spool/log.h"

#define RIG_HOUR      490000
#define RIG_OPENED_US INT64_C(1764000000000000)

struct rig_output {
	char *out, *err;
	int code;
	json_t *json; /* when -j was asked for */
};

/* The spool's directory, new and empty. */
const char *rig_begin(void);
void rig_end(void);

/* Opens (makes) a log of the spool; one at a time. */
struct spool_log *rig_log(const char *name);
void rig_close(void);
/* Leaves the log as a daemon does that is killed. */
void rig_kill(void);

/* Appends `count` entries whose values take some `bytes` bytes each. */
void rig_append(unsigned count, uint32_t bytes);
/* Appends one of these bytes. */
void rig_append_payload(const char *topic, const void *data, uint32_t size, uint32_t records, int64_t base_ms);
/* Settles the positions below. */
void rig_settle(uint64_t below);

/* The file of a log, whole. */
uint8_t *rig_read(const char *log, const char *file, size_t *size);
void rig_write(const char *log, const char *file, const void *data, size_t size);
int rig_has(const char *log, const char *file);
void rig_remove(const char *log, const char *file);
/* The log's segments by position; how many there are. */
unsigned rig_segments(const char *log, uint64_t *firsts, unsigned room);
/* Where the entries of a segment begin in its file; how many there are. */
unsigned rig_entries(const char *log, uint64_t first, uint64_t *at, unsigned room);

/* Inverts a byte. */
void rig_flip(const char *log, const char *file, size_t at);

/* A number that says whether anything in the directory has changed. */
uint64_t rig_sum(void);

/* Runs a command with the directory and more words. */
struct rig_output rig_run(offline_run *run, const struct offline *options, ...) __attribute__((sentinel));
/* The same of one that must leave all as it is. */
struct rig_output rig_look(offline_run *run, const struct offline *options);
void rig_output_free(struct rig_output *output);

/* What a daemon that starts here would get: entries and events read, events counted as damaged. */
struct rig_read_out {
	uint64_t entries, events, damaged, recovered, end;
	int rc;
};
struct rig_read_out rig_read_out(const char *log);
