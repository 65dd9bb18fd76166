/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * The `ingest` member that every JSON record carries: its identity and how it came in. An array, to stay short:
 *
 *   "ingest":["dc1-6921b0c2-0-1f-3a9",1763779650123456,489938,1]
 *              |   |        | |  |    |                |      generation of rules and tables
 *              |   |        | |  |    |                landing hour, hours since 1970
 *              |   |        | |  |    receive time, UTC microseconds
 *              |   |        | |  sequence of the lane's records of this topic, from 1
 *              |   |        | topic's index
 *              |   |        lane
 *              |   epoch: rises with every start, UTC seconds if the clock was right
 *              node, from the configuration          (epoch, lane, topic, sequence in lower-case hexadecimal)
 *
 * A fifth element, event time in UTC microseconds, follows when the body does not say its time in that form, and a
 * sixth, "late", when the event's own hour was closed on this box (the fifth is null when there is no time).
 * Prefixes (per topic) and tails (per burst) are rendered ahead, not per event.
 */

#include <stdint.h>

#define INGEST_PREFIX 64 /* room for ,"ingest":["node-epoch-lane-topic- */
#define INGEST_TAIL   80
#define INGEST_END    2 /* the tail's ]} */
#define INGEST_MAX    (INGEST_PREFIX + 16 + INGEST_TAIL)

/* Renders up to the sequence, with a comma in front; returns the length. Control thread. */
unsigned ingest_prefix(char out[INGEST_PREFIX], const char *node, uint32_t epoch, unsigned lane, unsigned topic);

/* Renders from behind the sequence to the end of the object: `",<receive>,<hour>,<generation>]}`. Returns the length. */
unsigned ingest_tail(char out[INGEST_TAIL], int64_t receive_us, int64_t hour, uint32_t generation);

/* Goes on from a tail of `len` bytes, which may stand in `out`, with event time (EVENT_NO_TIME: null) and, if `late`, the
 * mark. Returns the length. */
unsigned ingest_tail_time(char out[INGEST_TAIL], const char *tail, unsigned len, int64_t event_us, int late);

/* Lower-case hexadecimal digits of `value` without leading zeros; returns how many (1 to 16). */
unsigned ingest_hex_digits(uint64_t value);
void ingest_hex(uint8_t *out, uint64_t value, unsigned digits);
