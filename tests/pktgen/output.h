/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Where datagrams go. Back ends stand behind one table of functions; one thread calls them. An output keeps nothing of
 * the data after send() returns.
 */

#include <signal.h>

#include "options.h"

#define OUTPUT_BURST 64

/* Set by a signal: what waits for room does so for OUTPUT_PATIENCE_MS more, and fails then. */
extern volatile sig_atomic_t output_stopped;
#define OUTPUT_PATIENCE_MS 5000

struct outgoing {
	const uint8_t *data; /* UDP payload */
	uint32_t len;
	uint32_t source; /* index of the sender: chooses the target and, where addresses are made up, the source address
			  */
	uint32_t flow;   /* 0 to options.sockets - 1: chooses the source port */
	uint16_t port;   /* destination, host byte order */
	uint64_t due_us; /* since the start, at the rate asked for; without a rate a microsecond a datagram */
};

struct output;

struct output_ops {
	/* 0, or -errno with a sentence. The options outlive the output. */
	int (*open)(struct output **output, const struct options *options, struct error *error);
	/* Sends `count` (0 to OUTPUT_BURST) datagrams in order and waits where it must. 0, or -errno with a
	 * sentence. */
	int (*send)(struct output *output, const struct outgoing *datagrams, unsigned count, struct error *error);
	/* Completes what is under way and frees; NULL is fine. 0, or -errno with a sentence when something was not
	 * kept. */
	int (*close)(struct output *output, struct error *error);
	int unpaced; /* 1: time is only written down, so nothing need be waited for */
};

extern const struct output_ops output_socket; /* kernel sockets */
extern const struct output_ops output_pcap;   /* a capture file */
extern const struct output_ops output_dpdk;   /* a TX queue of an Ethernet device */
