/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * The ledger: the equations that prove where every event is, evaluated each second over counters that other threads write
 * meanwhile.
 *
 * How a mismatch is told from movement: writers store an event's outcome before the total it belongs to, and raise the next
 * station's gauge before they lower the last one's (base/counter.h). The reader loads the left side first. Whatever moves
 * while it reads can then only make the right side larger: left - right is never above zero unless something is lost, so a
 * single positive sample is a loss. Some equations have a side that cannot be ordered so; for these only the smallest of
 * many samples counts. A surplus must last for seconds before it is believed, since movement looks like one.
 */

#include <pthread.h>
#include <stdint.h>

struct box;
struct sources_pause;

#define LEDGER_TERMS     40
#define LEDGER_EQUATIONS 8
#define LEDGER_MORE      2
#define LEDGER_SAMPLES   32 /* a check */
#define LEDGER_WALKS     4  /* a check, at most: samples that walk over the numbered senders */

struct ledger_term {
	char name[40];
	int moves; /* what is on its way: nothing once all has stopped */
	uint64_t value;
};

struct ledger_equation {
	const char *name;
	int ordered;  /* a positive difference is a loss by itself */
	struct ledger_term left;
	unsigned more_count;
	struct ledger_term more[LEDGER_MORE]; /* added to the left side */
	unsigned term_count;
	struct ledger_term right[LEDGER_TERMS];
	int64_t difference; /* left - right of the last sample */
	int64_t highest, lowest; /* over the last check's samples */
	unsigned losing, gaining; /* checks in a row that said so */
	int alarm;
};

struct ledger {
	pthread_mutex_t lock;
	unsigned equation_count;
	struct ledger_equation equations[LEDGER_EQUATIONS];
	uint64_t checks, alarms; /* alarms: equations that went from right to wrong */
	int64_t checked_us;
	int64_t alarm_since_us;
};

void ledger_init(struct ledger *ledger);

/* Takes LEDGER_SAMPLES samples and judges them. The numbered senders, which may be millions, are walked over by the first sample,
 * and by further ones only while their equation is off: its smallest difference counts. `pause` (worker/sources.h) is taken during
 * a walk, may be NULL, and may end the check, which then judges nothing. Keeper thread, once a second. */
void ledger_check(struct ledger *ledger, const struct box *box, const struct sources_pause *pause);

/* Refreshes the values alone, without judging. The caller holds `lock`. Control threads. */
void ledger_read(struct ledger *ledger, const struct box *box);

/* After the drain, when nothing moves any more: every difference must be zero, and nothing on its way. Logs the closing line of
 * each equation that is wrong, and what is left on its way, and returns their number. The thread that drains. */
unsigned ledger_settle(struct ledger *ledger, const struct box *box);

/* True when an equation is in alarm. Any thread. */
int ledger_alarmed(struct ledger *ledger);
