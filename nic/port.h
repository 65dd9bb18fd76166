/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * The inside of the dpdk back end: one Ethernet port, its queues, and what was granted. Private to nic/.
 * Memory: pools and queues are node-local and made at open; nothing is allocated afterwards.
 */

#include <rte_ethdev.h>
#include <rte_mbuf.h>

#include "base/compiler.h"
#include "nic/filter.h"
#include "nic/fragment.h"
#include "nic/gate.h"
#include "nic/responder.h"
#include "nic/source.h"

#define PORT_CHECKSUMS (RTE_ETH_RX_OFFLOAD_IPV4_CKSUM | RTE_ETH_RX_OFFLOAD_UDP_CKSUM)
#define PORT_RX_DESCRIPTORS 512
#define PORT_TX_DESCRIPTORS 256
#define PORT_BURST          32 /* frames a receive asks for: what a burst touches fits the first-level cache */
#define PORT_NOTES          8
#define PORT_REPLIES        32

struct port;

/* One worker's part. All fields are the worker's own while the gate is open, unless said otherwise. */
struct port_queue {
	struct gate gate;
	uint16_t port_id;
	uint16_t index;
	uint8_t answers;              /* it acts as a host: the responder is on and it has a TX queue of its own */
	unsigned held;                /* frames of the last burst, to be freed by release */
	int own;                      /* whether all of them are whole frames of our pool (port_is_own) */
	const struct filter *filter;
	struct port *port;            /* ro */
	uint32_t max_datagram;        /* ro */
	uint64_t ip_flags, l4_flags;  /* ro: of a frame, what tells of its checksums; 0: not granted, whatever drivers say */
	struct rte_mempool *pool;
	struct fragments *fragments;  /* NULL: fragments are dropped */
	struct rte_mbuf *frames[SOURCE_BURST];
	void *copies[PORT_BURST]; /* sanitizer builds: exact-size copies of the frames */
	struct rte_mbuf *replies[PORT_REPLIES]; /* to be sent at the burst's end */
	unsigned reply_count;
	unsigned announce_epoch, announce_round;
	uint64_t next_announce; /* tsc */
	struct responder responder;
	struct source_counters counters CACHE_ALIGNED; /* worker: w, anyone: r */
} CACHE_ALIGNED;

struct port {
	struct source_config config; /* own copy; strings are the caller's */
	struct filter filter;
	struct rte_eth_dev_info info;
	uint16_t id;
	unsigned interface; /* number of the kernel's, where one stands behind the device, else 0 */
	uint8_t started;
	uint8_t hotplugged; /* by us: removed at close */
	uint8_t gone;       /* control: its removal has been followed */
	uint16_t queues, tx_queues;
	uint16_t mtu;       /* granted by the driver */
	uint16_t data_room; /* of an mbuf, headroom included */
	int node;
	uint8_t rss, reports_missed;
	uint64_t checksums; /* of PORT_CHECKSUMS, the offloads granted */
	uint8_t mac[6]; /* as we show it */
	uint8_t rss_key[64];
	/* Written by EAL's interrupt thread in callbacks, read by control. */
	_Atomic uint64_t link_changes;
	_Atomic int reset_wanted, removed;
	_Atomic unsigned announce_epoch; /* raised by both: queue 0 announces anew */
	uint64_t resets;      /* control */
	uint64_t missed_last;   /* control: what the device said when it was asked last */
	uint64_t missed_before; /* control: what it had said, in all, each time it began to count from 0 */
	int64_t retry_ms, retry_at_ms; /* control: a reset has failed, and is tried again then; 0: none */
	int link_up;          /* control: as last seen, -1: never */
	int multicast_fd;     /* control: holds memberships of the kernel, 0: none */
	unsigned deaf_count;  /* control */
	int *deaf;            /* control: sockets that keep the kernel from answering for us */
	uint8_t watches_link; /* the driver tells of link changes itself */
	unsigned note_count;  /* control */
	char notes[PORT_NOTES][128];
	struct port_queue *queue[SOURCE_QUEUES];
};

/* Adds a warning that status shows; the same text is kept once. Control thread. */
__attribute__((format(printf, 2, 3))) void port_note(struct port *port, const char *format, ...);

/* port_setup.c: brings the device to where it can be started. 0 or -errno with a sentence. Control thread. */
int port_setup(struct port *port, struct error *error);

/* port.c: has the workers leave their queues. -1, or the index of one that may still be inside. Control thread. */
int port_close_gates(struct port *port);

/* Stops the queues, resets the device and brings it back as it was. 0 or -errno with a sentence. Control thread. */
int port_reset(struct port *port, struct error *error);

/* Configures the device and its queues, as open does and again after a reset. Control thread. */
int port_configure(struct port *port, struct error *error);
int port_setup_queues(struct port *port, struct error *error);

/* Makes mbuf pools and queue structures; frees them. Control thread. */
int port_queues_new(struct port *port, struct error *error);
void port_queues_free(struct port *port);

/* port_queue.c: the worker's calls of struct source_ops. */
unsigned port_receive(struct source_queue *queue, struct datagram *out, uint64_t tsc);
void port_release(struct source_queue *queue);
void port_tick(struct source_queue *queue, uint64_t tsc);

/* port_host.c: frames that the appliance deals with as a host, and its announcements. Worker. */
void port_host_frame(
	struct port_queue *q, const struct packet *packet, const uint8_t *frame, enum packet_kind kind, uint64_t tsc);
void port_host_flush(struct port_queue *q);
void port_host_tick(struct port_queue *q, uint64_t tsc);

/* port_events.c: what the device tells, and what follows from it. */
int port_event(uint16_t id, enum rte_eth_event_type type, void *argument, void *result);
int port_watch(struct port *port);
void port_unwatch(struct port *port);
void port_follow(struct source *source, int64_t now_ms, struct source_news *news);

/* port_deaf.c: where the kernel sees the frames, too, and has our addresses, has it say port unreachable to no sender of ours,
 * until the end. 0 or -errno with a sentence, as when another process listens there. Control thread. */
int port_deaf_open(struct port *port, struct error *error);
void port_deaf_close(struct port *port);

/* port_status.c: what control reads. port_count_missed asks the device what was lost before us; its figure may begin anew with a
 * reset and ends with its removal. */
void port_count_missed(struct port *port);
int port_link(const struct port *port, struct rte_eth_link *link); /* 0 or -errno */
uint16_t port_mtu(const struct port *port); /* the largest IP packet that driver and interface take; 0: the interface has gone */
void port_status(struct source *source, struct source_status *status);
