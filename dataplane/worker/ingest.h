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
 * A fifth element, event time in UTC microseconds, follows when the body does not say its time in that form, or when a
 * sixth does: "late", when the event's own hour was closed on this box.
 * Prefixes (per topic) and heads (per burst) are rendered ahead, not per event.
 *
 * Digits: decimal by eights, as Khuong, "How to print integers really fast" (2017), does; hexadecimal by one table look-up of
 * 16 bytes.
 */

#include <stdint.h>

#define INGEST_PREFIX 64 /* room for ,"ingest":["node-epoch-lane-topic- */
#define INGEST_HEAD   64 /* room for ",receive,hour,generation */
#define INGEST_END    32 /* room for ,time,"late"]} */
#define INGEST_DIGITS 16 /* bytes that ingest_hex writes */

/* Renders up to the sequence, with a comma in front; returns the length. Control thread. */
unsigned ingest_prefix(char out[INGEST_PREFIX], const char *node, uint32_t epoch, unsigned lane, unsigned topic);

/* Renders what follows the sequence: `",<receive>,<hour>,<generation>`. Returns the length. */
unsigned ingest_head(char out[INGEST_HEAD], int64_t receive_us, int64_t hour, uint32_t generation);

/* The rest with an event's own time: `,<time>]}`, or with the mark `,<time>,"late"]}`. Returns the length. */
unsigned ingest_end_time(char out[INGEST_END], int64_t event_us, int late);

/* Lower-case hexadecimal digits of `value` without leading zeros; returns how many (1 to 16). */
unsigned ingest_hex_digits(uint64_t value);

/* Writes that many; junk follows, INGEST_DIGITS bytes in all. */
void ingest_hex(uint8_t out[INGEST_DIGITS], uint64_t value, unsigned digits);
