/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Puts fragmented datagrams together, IPv4 and IPv6 alike, in a table of fixed size. Each piece is copied at once to its
 * place in the datagram's own buffer, so that no packet buffer is held back and the whole is contiguous.
 * A datagram whose pieces overlap is refused as a whole (RFC 5722), an exact repetition of a piece is ignored (RFC 8200
 * 4.5), and a table that is full takes no new datagrams until an old one is complete or has waited its time. The last of its
 * room is for senders that hold little of it.
 * DPDK's rte_ip_frag is not used: as Debian builds it, it takes 8 pieces at the most, 11.6 kB at an MTU of 1,500.
 *
 * Memory: all of it at fragments_new, about `count` times (`most` + 1.3 kB). Threads: the owning worker only.
 */

#include <stdint.h>

#include "nic/source.h"
#include "wire/packet.h"

#define FRAGMENT_PIECES 256 /* of one datagram at the most; an MTU of 576 needs 119 */

enum fragment_result {
	FRAGMENT_HELD,      /* the frame waits for others */
	FRAGMENT_WHOLE,     /* the datagram is complete */
	FRAGMENT_BAD,       /* overlap, contradiction or too many pieces */
	FRAGMENT_REPEATED,  /* this piece was there already; the datagram goes on waiting */
	FRAGMENT_OVERSIZE,  /* longer than `most` */
	FRAGMENT_NO_ROOM,   /* the table is full */
	FRAGMENT_NO_SHARE   /* it is nearly, and its sender holds more of it than others (base/shares.h) */
};

struct fragment_outcome {
	enum fragment_result result;
	unsigned freed;      /* frames that were held before and are no longer */
	const uint8_t *data; /* FRAGMENT_WHOLE: what follows the IP headers; valid until fragments_release */
	uint32_t len;
	uint8_t protocol;    /* of data, as the first piece said */
};

struct fragments;

/*
 * Makes a table for `count` datagrams of up to `most` bytes (65,535 at the most) of IP payload, on NUMA node `node`; each
 * may wait `ticks`. Returns 0, -EINVAL or -ENOMEM. Control thread.
 */
int fragments_new(struct fragments **fragments, unsigned count, uint32_t most, uint64_t ticks, int node);

/* NULL is fine. */
void fragments_free(struct fragments *fragments);

/* Takes one frame that packet_parse called PACKET_FRAGMENT. At most SOURCE_BURST datagrams may be whole before a release. */
void fragments_add(struct fragments *fragments, const struct packet *packet, uint64_t tsc, struct fragment_outcome *outcome);

/* Gives back the buffers of all datagrams that were whole. */
void fragments_release(struct fragments *fragments);

/* Gives up datagrams that have waited too long; returns how many frames were held for them. */
unsigned fragments_expire(struct fragments *fragments, uint64_t tsc);
