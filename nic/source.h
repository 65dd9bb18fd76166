/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * A source: where datagrams come from. Two back ends stand behind one table of functions: `dpdk` (an Ethernet port that
 * the kernel has given up, or a virtual one) and `socket` (kernel UDP sockets). A source has as many queues as its port
 * group has workers; each queue belongs to one worker thread and shares nothing with the others.
 *
 * Memory: receive() lends datagrams that stay valid until release() on the same queue; nothing downstream keeps them.
 * Threads: open/start/stop/close and the readers on control threads; receive/release/tick on the queue's worker only.
 */

#include <net/if.h>

#include "base/counter.h"
#include "base/error.h"
#include "wire/datagram.h"

#define SOURCE_BURST     64  /* datagrams that one receive() returns at the most */
#define SOURCE_QUEUES    64  /* queues of one source at the most */
#define SOURCE_ADDRESSES 8   /* addresses of one port at the most */
#define SOURCE_PORTS     256 /* UDP ports that one source listens on at the most */

/* Frames that the appliance itself answers or consumes as a host. X(name, meaning) */
#define SOURCE_HOST_KINDS(X)                                                                                          \
	X(arp, "ARP requests and replies")                                                                            \
	X(nd, "IPv6 neighbour discovery")                                                                             \
	X(echo, "ICMP and ICMPv6 echo requests")                                                                      \
	X(multicast, "multicast listener and router chatter")

/* Frames that are dropped. X(name, meaning, cure) */
#define SOURCE_DROPS(X)                                                                                               \
	X(truncated, "frame shorter than its headers say",                                                       \
		"a broken sender, a cut capture, or net_af_packet and a fragmented datagram above 61,300 bytes")                        \
	X(not_ip, "neither IPv4, IPv6 nor ARP", "other protocols on the wire: harmless")                              \
	X(vlan, "more than two VLAN tags, or a VLAN nobody configured", "compare the port's `vlan` with the switch")  \
	X(ip_header, "bad IP version, header length or total length", "a broken sender or middlebox")                 \
	X(ip_checksum, "IPv4 header checksum wrong", "damage on the way: look at cable, optics, switch counters")     \
	X(extension, "IPv6 extension headers unknown, malformed or too many", "senders with exotic options")          \
	X(not_udp, "IP, but not UDP", "other traffic to our addresses: steer it elsewhere")                           \
	X(udp_header, "UDP length contradicts IP length", "a broken sender")                                          \
	X(l4_checksum, "UDP checksum wrong, or absent over IPv6",                                                     \
		"on veth or tap switch transmit checksum offload off at the sender (ethtool -K DEV tx off)")          \
	X(not_for_us, "to an address or UDP port that is not configured", "compare `addresses` and `inputs`")         \
	X(oversize, "datagram longer than max_datagram", "raise max_datagram or mend the sender")                     \
	X(fragment_bad, "fragment overlapping, too many or malformed", "an attack or a broken stack")                 \
	X(fragment_timeout, "datagram whose fragments did not all come in time", "loss on the way: lower the MTU")    \
	X(fragment_memory, "fragment with the reassembly table full", "raise the port's `fragments`")                 \
	X(fragment_share, "fragment with the reassembly table nearly full, of a sender that holds more of it than others",   \
		"find the sender: it loses fragments, or sends too many; raise the port's `fragments`")                      \
	X(neighbour_limited, "ARP or ND beyond the rate limit", "an address scan or a loop in the network")           \
	X(echo_limited, "echo request beyond the rate limit", "a flood of pings: ask who sends it, or filter it before us")

struct source_counters {
	counter frames;           /* received from the driver or the kernel; written after the outcomes */
	counter bytes;            /* of those, on the wire without FCS (socket: UDP payload) */
	counter datagram_frames;  /* frames that went into datagrams handed to the worker */
	counter fragments_held;   /* gauge: frames that wait in the reassembly table */
	counter datagrams;        /* handed to the worker */
	counter reassembled;      /* of those, put together from fragments */
	counter transmitted;      /* replies and announcements sent */
	counter transmit_dropped; /* replies the driver did not take */
	counter duplicate_addresses; /* frames that showed one of our addresses at another MAC; within host_arp, host_nd */
#define X(name, ...) counter host_##name;
	SOURCE_HOST_KINDS(X)
#undef X
#define X(name, ...) counter dropped_##name;
	SOURCE_DROPS(X)
#undef X
};

enum source_kind { SOURCE_DPDK, SOURCE_SOCKET };
enum source_responder { SOURCE_RESPOND_SELF, SOURCE_RESPOND_KERNEL };
enum source_outer_tag { SOURCE_OUTER_8021AD, SOURCE_OUTER_8021Q };
enum source_checksum { SOURCE_CHECKSUM_AUTO, SOURCE_CHECKSUM_SOFTWARE };

struct source_address {
	struct address address;
	uint8_t prefix; /* length; dpdk only */
};

/* What control fills; const while the source lives, strings owned by the caller. */
struct source_config {
	const char *name;   /* of the port, for messages */
	const char *device; /* dpdk: EAL device string (PCI address or vdev with arguments); socket: interface or NULL */
	enum source_kind kind;
	enum source_responder responder;
	enum source_checksum checksum;
	enum source_outer_tag outer_tag; /* type of the outer of two VLAN tags in what the responder sends */
	uint16_t queues;       /* workers of this port's group, 1..SOURCE_QUEUES */
	uint16_t descriptors;  /* per RX queue; 0: the default of 512 */
	uint16_t mtu;          /* 1,500 to 9,000 */
	uint16_t vlan[2];      /* outer, inner; 0: none */
	uint32_t max_datagram; /* bytes of UDP payload, at most 65,507 */
	uint32_t fragments;    /* datagrams under reassembly at once, per queue; 0: fragments are dropped */
	uint32_t fragment_ms;  /* time a datagram may wait for its rest */
	uint32_t receive_buffer; /* socket: SO_RCVBUF asked for, bytes, per socket */
	const uint8_t *rss_key;  /* 40 or 52 bytes, or NULL: random at every start */
	unsigned rss_key_len;
	struct source_address addresses[SOURCE_ADDRESSES];
	unsigned address_count; /* 0 with dpdk: any destination address is taken, and the responder is off */
	uint16_t ports[SOURCE_PORTS]; /* UDP destination ports, host byte order */
	unsigned port_count;
};

/* What was granted and what the driver counts; filled by read_status. */
struct source_status {
	char driver[32];
	char mac[18];
	int node;                /* NUMA node, -1: unknown */
	int link_up;             /* 0 or 1 */
	uint32_t speed_mbps;     /* 0: unknown */
	int removed;             /* the device is gone */
	int awaits_reset;        /* the device asked for a reset, which has failed so far: nothing is received */
	int reports_missed;      /* 0: this driver cannot tell what was lost before us */
	uint64_t missed;         /* lost before us: imissed + rx_nombuf + ierrors, or SO_RXQ_OVFL */
	uint64_t link_changes;   /* since start */
	uint64_t resets;         /* survived */
	int rss;                 /* 0 or 1: spread by the device */
	int checksum_offload;    /* 0 or 1 */
	uint16_t mtu;            /* granted */
	uint32_t receive_buffer; /* socket: bytes granted per socket */
	unsigned queues;
	char notes[512]; /* warnings a person should read, separated by "; " */
};

/* What a person should hear of, as a sentence; "": nothing. */
struct source_news {
	int bad; /* something does not work as it should */
	char text[512];
};

struct source;       /* one port */
struct source_queue; /* one worker's part of it */

struct source_ops {
	/* Opens without receiving yet. Returns 0 or -errno with a sentence in `error`. */
	int (*open)(struct source **source, const struct source_config *config, struct error *error);
	/* Begins and ends reception. stop waits until no queue can deliver any more. */
	int (*start)(struct source *source, struct error *error);
	void (*stop)(struct source *source);
	/* NULL is fine. Workers must have left their queues. */
	void (*close)(struct source *source);
	/* Queue `index` for the worker that will own it; never NULL for index < queues. */
	struct source_queue *(*queue)(struct source *source, unsigned index);
	/* Called by a worker thread once before its first receive, after it is pinned (EAL registration). 0 or -errno. */
	int (*attach)(struct source_queue *queue);
	void (*detach)(struct source_queue *queue);
	/* Lends up to SOURCE_BURST datagrams; `out` has that many places. `tsc` is the burst's time. Never waits. */
	unsigned (*receive)(struct source_queue *queue, struct datagram *out, uint64_t tsc);
	/* Gives back everything that the last receive lent. */
	void (*release)(struct source_queue *queue);
	/* Upkeep (announcements, reassembly time-outs): the worker calls it about every millisecond. Never waits. */
	void (*tick)(struct source_queue *queue, uint64_t tsc);
	/* Waits up to `us` for traffic on an idle queue, for `idle: sleep`. The one call here that may block. */
	void (*wait)(struct source_queue *queue, unsigned us);
	/* Counters of one queue; any thread may read them. */
	const struct source_counters *(*counters)(const struct source_queue *queue);
	/* Does what the device has asked for (a reset, again until it succeeds), notices that it has gone or that its link has
	 * changed, and tells each once. The main thread, about once a second between start and stop; a worker that is stuck holds
	 * it up for two seconds. `now_ms`: clock_ms. */
	void (*follow)(struct source *source, int64_t now_ms, struct source_news *news);
	/* Changes nothing. Control thread, at most a few times a second. */
	void (*status)(struct source *source, struct source_status *status);
};

extern const struct source_ops source_dpdk;
extern const struct source_ops source_socket;
