/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* What the command line asks for. docs/penstock-pktgen.1.scd explains every option. */

#include <stdint.h>

#include "base/error.h"
#include "event.h"
#include "wire/datagram.h"

#define TARGETS_MAX 8
#define SOCKETS_MAX 1024
#define SOURCES_MAX 1000000
#define FORMATS     3

enum format { FORMAT_JSON, FORMAT_FRAME, FORMAT_RAW };
extern const char *const format_names[FORMATS];

/* Faults on demand, in the order of their options. X(name, what one of them is) */
#define FAULT_KINDS(X)                                                                                                 \
	X(lose, "a datagram takes its sequence and is not sent")                                                       \
	X(duplicate, "a datagram is sent twice")                                                                       \
	X(reorder, "a datagram is sent after its successors")                                                          \
	X(corrupt, "a datagram is sent damaged, so that a reader must refuse it")                                      \
	X(restart, "a source begins anew: its epoch rises and its sequence starts again")

enum fault_kind {
#define X(name, ...) FAULT_##name,
	FAULT_KINDS(X)
#undef X
		FAULT_COUNT /* their number; as a value: no fault */
};
extern const char *const fault_names[FAULT_COUNT];

enum mode { MODE_SEND, MODE_PRINT, MODE_LIST_TYPES, MODE_HELP, MODE_VERSION };

struct options {
	enum mode mode;
	struct event_settings events;
	uint64_t first;      /* number of the first event */
	uint64_t count;      /* events; 0: until duration_s or a signal */
	uint64_t print_first, print_last; /* MODE_PRINT */
	double duration_s;   /* 0: until count */
	double rate;         /* events a second; 0: as fast as it goes */
	struct address targets[TARGETS_MAX];
	unsigned target_count;
	uint16_t ports[FORMATS];
	uint32_t weights[FORMATS];    /* of datagrams of each format */
	uint32_t events_per_datagram; /* at most; the number varies from 1 */
	uint32_t datagram_max;        /* payload bytes, unless one event alone is longer */
	char raw_type[48];            /* what the receiver calls the events of raw datagrams */
	uint32_t sources;             /* senders, each with its own sequence of frames */
	uint64_t source_id;           /* of the first */
	uint32_t epoch;               /* of all; 0: UTC seconds at start */
	uint64_t start_sequence;
	uint32_t heartbeats; /* per source at the end */
	uint32_t sockets;    /* ports to send from; 1 to SOCKETS_MAX */
	int spread;          /* every source goes over all sockets in turn */
	struct address from[TARGETS_MAX];
	unsigned from_count; /* addresses to send from, at most one a family; 0: the kernel chooses */
	uint64_t faults[FAULT_COUNT];
	uint32_t reorder_depth; /* successors that overtake */
	uint32_t addresses;     /* made-up source addresses, from the first one upwards; pcap and dpdk */
	const char *pcap;       /* file to write instead of sending, or NULL */
	const char *dpdk;       /* EAL's arguments to send through DPDK, or NULL */
	uint16_t dpdk_port;
	uint32_t mtu;     /* of the frames of pcap and dpdk, without Ethernet's header */
	uint16_t vlan[2]; /* one tag, or outer and inner; 0: none */
	uint8_t source_mac[6], destination_mac[6];
	int source_mac_given, destination_mac_given;
	const char *truth, *truth_events; /* files, or NULL */
	int progress;                     /* 1: a line each second, 0: only on a terminal */
};

/* Reads the command line; strings stay in argv. 0, or -EINVAL with a sentence. */
int options_read(struct options *options, int argc, char **argv, struct error *error);

/* Prints the options, one a line. */
void options_help(void);
