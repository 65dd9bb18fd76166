/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * The account of numbered sources: what each sender's datagrams lost on their way here. One table a box, shared by all its
 * workers without a lock, exact also when one sequence arrives over several sockets and so at several workers.
 *
 * A source is (sender's address, source id, source epoch); ports do not matter. Per source, each a counter of its own:
 *   received   numbers that arrived, each once
 *   duplicate  arrivals of a number that was received before
 *   lost       numbers from the first one seen to the highest known that have not arrived. Those inside the window may
 *              still come and are shown as `pending` too; the others are settled when the window leaves them
 *   late       arrivals that had been settled as lost: received goes up and lost goes down by one
 *   outside    received, but no part of the span from first to highest: numbers below the first one seen (they were under
 *              way before us: none of their absent neighbours is called lost), and numbers no sane sequence jumps to
 *   expected   = highest - first + outside; always received + lost, which sources_check verifies
 * Every datagram of a source is received or duplicate. Heartbeats count as neither: they move `highest`.
 *
 * Bounds of what is exact. A number that comes again after the window has left it cannot be told from one that comes late
 * while some are lost: it then counts as late. The window's length is a matter of configuration.
 * A new epoch of an (address, id) that is known is a restart and begins anew; stragglers of older epochs still go to their
 * own account; of one (address, id) the newest four epochs are kept. A sender that starts anew under its old epoch is
 * noticed as RFC 3550 A.1 does it: two consecutive numbers behind the window, or more than SOURCES_JUMP_MAX ahead of it,
 * and only when the old sequence has made no progress for `quiet_ticks`, lest a worker that was descheduled make old
 * datagrams look like it. The datagrams before the second of these are still counted in the old account.
 *
 * Memory is taken at the start: SOURCES_BYTES a source and 64 of index. When it is used up, further sources are untracked,
 * and their datagrams are taken all the same. The last of it is for addresses that hold little (base/shares.h), so that one that
 * invents ids does not keep others from being tracked. The index is 15-way: a keyed hash (random at every start) names the one
 * place where a source can be, so crafted sources cannot make chains. Of one place three accounts are replaced between two calls of
 * sources_retire, lest a sender that invents epochs fill it: what else starts anew there is untracked until then.
 *
 * Threads: sources_note by workers, each registered with base/rcu.h and passing rcu_quiescent or offline between bursts.
 * Everything else by control threads, which take turns behind a mutex that no worker takes; they must not be online for
 * base/rcu.h, since one of them waits for a grace period with it held. Accounts and their places in the index are reused
 * only after a grace period: within one, the set of accounts in a bucket never returns to what it was, so a single
 * compare-and-swap of the bucket's word decides who inserts, replaces or removes.
 */

#include <stdint.h>

#include "wire/datagram.h"
#include "wire/frame.h"

#define SOURCES_WINDOW     1024u /* numbers; the default window */
#define SOURCES_WINDOW_MIN 32u
#define SOURCES_WINDOW_MAX 8192u
#define SOURCES_JUMP_MAX   ((uint64_t)1 << 30) /* numbers that may be lost at once */
#define SOURCES_EPOCHS     4u                  /* of one (address, id) */

/* Memory of one source with a window of so many numbers. */
#define SOURCES_BYTES(window) (128u + (window) / 4u)

struct sources_config {
	uint32_t count;         /* sources that have room, 1 to 2^24 */
	uint32_t window;        /* numbers; power of two from SOURCES_WINDOW_MIN to SOURCES_WINDOW_MAX */
	uint64_t quiet_ticks;   /* of the counter that `tsc` comes from; about a second */
	int node;               /* NUMA node of the memory, or MEMORY_ANY_NODE */
	const uint64_t *secret; /* 4 words of hash key for tests; NULL: random */
};

enum sources_verdict {
	SOURCES_RECEIVED,
	SOURCES_DUPLICATE,
	SOURCES_LATE,      /* received too */
	SOURCES_HEARTBEAT, /* no datagram that counts */
	SOURCES_UNTRACKED, /* no room */
};

/* One account as it is now. */
struct sources_row {
	struct address address;
	uint32_t epoch;
	uint32_t restarts; /* of this (address, id) while we knew it */
	uint64_t id;
	uint64_t first, head; /* the first number, and the one after the highest known */
	uint64_t expected, received, lost, pending, late, duplicate, outside;
	uint64_t moved_tsc; /* when it last made progress */
	int closed;         /* expected == received + lost */
};

/* Sums over all accounts since start, the retired ones included. */
struct sources_totals {
	uint64_t expected, received, lost, pending, late, duplicate, outside;
	uint64_t tracked;   /* gauge: accounts now */
	uint64_t capacity;  /* constant */
	uint64_t restarted; /* restarts seen */
	uint64_t retired;   /* accounts folded into the sums */
	uint64_t untracked; /* datagrams and heartbeats that found no room */
	uint64_t open;      /* accounts whose sum does not close: see sources_check */
};

struct sources;

/* What a control thread does now and then, some milliseconds apart, in what may take seconds with millions of accounts. The other
 * control threads still wait, and it must not call this room. Other than 0 ends what it is in. */
struct sources_pause {
	int (*take)(void *context);
	void *context;
};

/* Makes a table; every byte is taken here. 0, -EINVAL, -ENOMEM, or -EIO (no random numbers). Before workers start. */
int sources_new(struct sources **table, const struct sources_config *config);

/* NULL is fine. Workers must have left. */
void sources_free(struct sources *table);

/* Bytes that the table holds. Any thread. */
uint64_t sources_bytes(const struct sources *table);

/* Counts the datagram or heartbeat with this header from this sender. `tsc` is the burst's time. Worker; never waits. */
enum sources_verdict sources_note(struct sources *table, const struct address *from, const struct frame_header *header,
	uint64_t tsc);

/* Gives every account that can still receive to `each`, until it returns other than 0, which is returned. `each` must not
 * call this room. */
int sources_read(struct sources *table, int (*each)(void *context, const struct sources_row *row), void *context);

/* Walks over all accounts: 100,000 take some tens of milliseconds. A sum is not of one moment, but each account is in it once, and
 * as it was at one. `pause` may be NULL. 0, or what the pause has returned: the totals are then of a part of the accounts. */
int sources_totals(struct sources *table, struct sources_totals *totals, const struct sources_pause *pause);

/* Accounts whose sum does not close; the same as the totals' `open`. Worth an alarm when it is not 0 twice in a row: a worker
 * that is stopped between two of its steps looks like one for as long. */
unsigned sources_check(struct sources *table);

/* Folds accounts without progress since `before_tsc`, and those that newer epochs have pushed out, into the sums, and makes
 * their room free again. Waits for a grace period if there are any. Returns how many. About once a second. A source that comes
 * back later begins anew, so what it lost in between is not seen: let idle mean minutes. `pause` may be NULL; what it cuts short is
 * done by the next call. */
unsigned sources_retire(struct sources *table, uint64_t before_tsc, const struct sources_pause *pause);
