/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * What a log of this history may and must hold. Of each position: what was written there since it was last certain (a write that
 * failed, or that a crash undid, may show up as well as not), whether it is promised, and the mark. Everything is told to it
 * by the history; it fails the history, by name, when the log disagrees.
 */

#include <setjmp.h>
#include <stdint.h>

#include "spool/log.h"

#define ORACLE_TRIES 8u

/* An entry that was written, or tried to be: everything else of it follows from the serial. */
struct oracle_try {
	uint32_t serial;
	int empty;
};

struct oracle_slot {
	struct oracle_try tries[ORACLE_TRIES];
	unsigned count;   /* the last is what stands there, if the position is below `end` */
	int promised;     /* synced */
	int certain;      /* one try, that stands there for sure */
	enum spool_mark mark;
};

struct oracle {
	struct oracle_slot *slots;
	uint64_t room;
	uint64_t frontier, end, top, synced; /* top: beyond `end` after a failed sync; what is to be written again */
	uint64_t committed, reach;           /* what the state's frontier is at least, and may be at the most */
	uint64_t given_up;
	int given_up_open;                   /* a drop failed, and may have come to the disk */
	jmp_buf *failed;
	char text[256];
};

void oracle_init(struct oracle *oracle, jmp_buf *failed);
void oracle_fini(struct oracle *oracle);

__attribute__((format(printf, 3, 4))) void oracle_require(struct oracle *oracle, int truth, const char *fmt, ...);

struct oracle_slot *oracle_at(struct oracle *oracle, uint64_t position);

/* What follows from a serial. `payload` has room for ORACLE_BYTES. */
#define ORACLE_BYTES (80u << 10)
uint32_t oracle_events(uint32_t serial);
void oracle_make(uint32_t serial, struct spool_entry *entry, uint8_t *payload);

/* An entry was written at the position, or may have been; what is certain is so no longer. */
void oracle_tried(struct oracle *oracle, uint64_t position, uint32_t serial, int empty);
void oracle_mark(struct oracle *oracle, uint64_t position, enum spool_mark mark);

/* Whether what stands there may stand for an entry that was settled. */
int oracle_may_be_empty(const struct oracle_slot *slot);

/* Compares what the log says of itself with what it should, and takes over what it promises. */
void oracle_compare(struct oracle *oracle, const struct spool_log *log);

/* The log was opened after the process or the machine had ended. `whole`: nothing may be missing;
 * `faulty`: the disk failed on the way. */
void oracle_reopened(struct oracle *oracle, const struct spool_log *log, int whole, int faulty);

/* An entry was read: checks it, and knows it then for certain. */
void oracle_read(struct oracle *oracle, const struct spool_entry *entry, const uint8_t *data);
