/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Traffic: which source sends which datagram when, and what goes wrong with it. Datagrams come in bursts; everything
 * that happened to them is in the truth by then. With the same options (--epoch included) the traffic is the same.
 */

#include "event.h"
#include "output.h"
#include "truth.h"

struct traffic;

/* Makes the traffic; `maker`, `options` and `truth` outlive it. 0, or -ENOMEM. Free with traffic_free. */
int traffic_new(
	struct traffic **traffic, const struct options *options, const struct event_maker *maker, struct truth *truth);

/* NULL is fine. */
void traffic_free(struct traffic *traffic);

/* Fills `out` (OUTPUT_BURST places) until it is full or some `events` events more are made. Returns the number of
 * datagrams; 0 also when all that was made is lost or held back. The data is valid until the next call. */
unsigned traffic_burst(struct traffic *traffic, uint32_t events, struct outgoing *out);

/* Whether all events are made. */
int traffic_ended(const struct traffic *traffic);

/* After the last burst: what is still held back, then heartbeats. Call until it returns 0. */
unsigned traffic_finish(struct traffic *traffic, struct outgoing *out);

/* Events made so far. */
uint64_t traffic_made(const struct traffic *traffic);

/* Faults that were asked for and found no datagram. */
uint64_t traffic_faults_left(const struct traffic *traffic);

/* The sources' present lives, options->sources of them. */
const struct source_life *traffic_sources(const struct traffic *traffic);
