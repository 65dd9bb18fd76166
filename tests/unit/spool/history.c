/* SPDX-License-Identifier: Apache-2.0 */
#include "history.h"

#include <errno.h>
#include <inttypes.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "oracle.h"
#include "random.h"
#include "sim_disk.h"

struct history {
	uint64_t random;
	struct sim_disk *sim;
	struct spool_log *log;
	struct oracle oracle;
	struct sim_faults faults;
	int faulty; /* any of them */
	int traced;
	int over;        /* it opened on a disk that cannot say what it holds: nothing is promised from here on */
	uint32_t serial; /* of the entry to come */
	uint64_t told;   /* events, by the last drop */
};

static const struct sim_faults no_faults;

static uint64_t below(struct history *h, uint64_t limit)
{
	return random_below(&h->random, limit);
}

static int is_dead(const struct history *h)
{
	return sim_disk_is_frozen(h->sim);
}

static struct spool_log_info info_of(const struct history *h)
{
	struct spool_log_info info;

	spool_log_info(h->log, &info);
	return info;
}

/* PENSTOCK_TRACE=1 shows a history's steps: to be used with one seed. */
static void trace(const struct history *h, const char *what, int number)
{
	struct spool_log_info info;

	if (!h->traced)
		return;
	info = info_of(h);
	(void)fprintf(stderr, "%-8s %d: frontier %u end %u synced %u top %u, %u segments, %u suspect%s\n", what, number,
		(unsigned)info.frontier, (unsigned)info.end, (unsigned)info.synced, (unsigned)h->oracle.top,
		info.segments, info.suspect, is_dead(h) ? ", dead" : "");
}

/* The same again mostly, when it failed before. */
static uint32_t choose_serial(struct history *h)
{
	struct oracle *o = &h->oracle;
	struct oracle_slot *slot = oracle_at(o, o->end);

	if (o->end < o->top || slot->count >= ORACLE_TRIES - 2 || (slot->count > 0 && below(h, 4) > 0))
		return slot->tries[slot->count - 1].serial;
	return h->serial++;
}

static void append(struct history *h)
{
	static uint8_t payload[ORACLE_BYTES + 8];
	struct oracle *o = &h->oracle;
	uint32_t serial = choose_serial(h);
	int again = o->end < o->top, empty = again && oracle_at(o, o->end)->mark == SPOOL_SETTLED && below(h, 4) > 0,
	    rc;
	struct spool_entry entry;
	struct slice pieces[2];
	uint32_t cut;

	oracle_make(serial, &entry, payload);
	cut = (uint32_t)below(h, entry.bytes + 1);
	pieces[0] = (struct slice){payload, cut};
	pieces[1] = (struct slice){payload + cut, entry.bytes - cut};
	oracle_tried(o, o->end, serial, empty);
	rc = empty ? spool_log_append_empty(h->log, entry.events) : spool_log_append(h->log, &entry, pieces, 2);
	oracle_require(o, rc == 0 || h->faulty || is_dead(h), "appending failed with %d", rc);
	if (rc != 0)
		return;
	oracle_require(
		o, empty || entry.position == o->end, "appended at %" PRIu64 ", not %" PRIu64, entry.position, o->end);
	if (o->end == o->top) {
		o->top++;
		oracle_mark(o, o->end, SPOOL_IN_MEMORY);
	}
	o->end++;
}

static void sync_log(struct history *h)
{
	struct oracle *o = &h->oracle;
	int rc = spool_log_sync(h->log);

	oracle_require(o, rc == 0 || h->faulty || is_dead(h), "syncing failed with %d", rc);
	oracle_require(o, rc != -EAGAIN || o->end < o->top, "a sync waits for nothing");
	if (rc == -EAGAIN)
		return;
	if (rc == 0) {
		oracle_require(o, info_of(h).synced == o->end, "a sync left some out");
	} else if (!is_dead(h)) {
		oracle_require(o, info_of(h).end == info_of(h).synced, "a failed sync did not go back");
		o->end = info_of(h).end;
	}
}

static void settle_one(struct history *h, uint64_t position)
{
	struct oracle *o = &h->oracle;
	const struct oracle_slot *slot = oracle_at(o, position);

	if (slot->mark == SPOOL_ON_DISK && (h->faulty || !slot->certain || position >= o->end))
		return;
	spool_log_mark(h->log, position, SPOOL_SETTLED);
	oracle_mark(o, position, SPOOL_SETTLED);
}

static void settle(struct history *h)
{
	struct oracle *o = &h->oracle;

	for (uint64_t n = below(h, 6); n > 0 && o->frontier < o->top; n--)
		settle_one(h, o->frontier + (below(h, 3) == 0 ? below(h, o->top - o->frontier) : 0));
}

static void give_back(struct history *h)
{
	struct oracle *o = &h->oracle;
	uint64_t position;

	if (o->frontier >= o->end)
		return;
	position = o->frontier + below(h, o->end - o->frontier);
	if (oracle_at(o, position)->mark != SPOOL_IN_MEMORY)
		return;
	spool_log_mark(h->log, position, SPOOL_ON_DISK);
	oracle_mark(o, position, SPOOL_ON_DISK);
}

/* What a read stepped over and settled: entries that stand for settled ones. */
static void absorb(struct history *h, uint64_t from, uint64_t to, int all)
{
	struct oracle *o = &h->oracle;

	for (uint64_t position = from > o->frontier ? from : o->frontier; position < to; position++) {
		const struct oracle_slot *slot = oracle_at(o, position);

		if (slot->mark != SPOOL_ON_DISK)
			continue;
		if (spool_log_mark_of(h->log, position) != SPOOL_SETTLED) {
			oracle_require(o, !all, "position %" PRIu64 " was passed over", position);
			continue;
		}
		oracle_require(o, oracle_may_be_empty(slot), "position %" PRIu64 " is lost", position);
		oracle_mark(o, position, SPOOL_SETTLED);
	}
}

/* 1: one was read; its events are added. */
static int read_one(struct history *h, uint64_t from, uint64_t *events)
{
	static uint8_t data[ORACLE_BYTES];
	struct oracle *o = &h->oracle;
	struct spool_entry entry;
	int rc = spool_log_read(h->log, from, &entry, data, sizeof(data));

	oracle_require(o, rc >= 0 || h->faulty || is_dead(h), "reading failed with %d", rc);
	absorb(h, from, rc == 1 ? entry.position : o->end, rc >= 0);
	if (rc == 1) {
		oracle_require(o, entry.position >= from && entry.position < o->end,
			"position %" PRIu64 " was not asked for", entry.position);
		oracle_read(o, &entry, data);
		*events += entry.events;
	}
	return rc;
}

static void read_some(struct history *h)
{
	struct oracle *o = &h->oracle;
	uint64_t from = below(h, o->end + 1), events = 0;

	for (uint64_t n = below(h, 4); n > 0; n--)
		(void)read_one(h, from, &events);
}

static void commit(struct history *h)
{
	struct oracle *o = &h->oracle;
	int rc;

	if (o->reach < o->frontier)
		o->reach = o->frontier;
	rc = spool_log_commit(h->log);
	oracle_require(o, rc == 0 || h->faulty || is_dead(h), "committing failed with %d", rc);
	if (rc == 0 && !is_dead(h)) {
		uint64_t synced = info_of(h).synced;

		o->committed = o->frontier < synced ? o->frontier : synced;
		o->given_up_open = 0;
	}
}

/* As entries are carried that stand in the way of the frontier. */
static void copy(struct history *h)
{
	static uint8_t data[ORACLE_BYTES];
	struct oracle *o = &h->oracle;
	struct spool_entry entry = {.first_seq = UINT64_MAX};
	uint64_t at = o->end, position;
	int rc;

	if (o->frontier >= at || at < o->top || oracle_at(o, at)->count >= ORACLE_TRIES - 2)
		return;
	position = o->frontier + below(h, at - o->frontier);
	if (oracle_at(o, position)->mark == SPOOL_SETTLED || oracle_may_be_empty(oracle_at(o, position)))
		return;
	rc = spool_log_copy(h->log, position, NULL, &entry, data, sizeof(data));
	oracle_require(o, rc == 0 || h->faulty || is_dead(h), "copying failed with %d", rc);
	if (entry.first_seq != UINT64_MAX)
		oracle_tried(o, at, (uint32_t)entry.first_seq, 0);
	if (rc != 0)
		return;
	oracle_require(o, entry.position == at, "copied to %" PRIu64 ", not %" PRIu64, entry.position, at);
	o->top++;
	oracle_mark(o, at, SPOOL_IN_MEMORY);
	o->end++;
}

static void rest(struct history *h)
{
	struct oracle *o = &h->oracle;
	int rests;

	for (uint64_t position = o->frontier; position < o->top; position++)
		settle_one(h, position);
	if (below(h, 4) > 0)
		sync_log(h);
	rests = spool_log_rest(h->log);
	commit(h);
	oracle_require(o, !rests || h->faulty || is_dead(h) || info_of(h).segments == 0, "a log at rest has files");
}

/* Each entry that is told is one that only the disk has. */
static void told(void *context, const struct spool_entry *entry)
{
	struct history *h = context;

	oracle_require(&h->oracle, oracle_at(&h->oracle, entry->position)->mark == SPOOL_ON_DISK,
		"position %" PRIu64 " was told as given up", entry->position);
	h->told += entry->events;
}

static void drop(struct history *h)
{
	struct oracle *o = &h->oracle;
	uint64_t before = o->frontier, reach = o->reach, events = 0;
	int certain = 1, was_open = o->given_up_open;
	int64_t rc;

	o->given_up_open = 1;
	o->reach = o->top;
	h->told = 0;
	rc = spool_log_drop_oldest(h->log, told, h);
	oracle_require(o, rc >= 0 || h->faulty || is_dead(h), "dropping failed with %d", (int)rc);
	if (is_dead(h))
		return;
	while (o->frontier < info_of(h).frontier) {
		const struct oracle_slot *slot = oracle_at(o, o->frontier);

		if (slot->mark == SPOOL_ON_DISK)
			events += oracle_events(slot->tries[slot->count - 1].serial);
		certain &= slot->mark != SPOOL_ON_DISK || slot->certain;
		oracle_mark(o, o->frontier, SPOOL_SETTLED);
	}
	if (rc < 0)
		return;
	o->given_up_open = was_open && rc == 0;
	if (before == o->frontier)
		o->reach = reach;
	oracle_require(
		o, rc == (int64_t)events || !certain, "%" PRIu64 " events were given up, not %d", events, (int)rc);
	o->given_up += (uint64_t)rc;
	oracle_require(o, h->told <= (uint64_t)rc, "%" PRIu64 " events were told as given up, not %d", h->told, (int)rc);
}

static const struct {
	const char *name;
	unsigned share; /* of a hundred */
	void (*act)(struct history *h);
} actions[] = {
	{"append", 40, append},
	{"sync", 13, sync_log},
	{"settle", 20, settle},
	{"back", 5, give_back},
	{"read", 8, read_some},
	{"commit", 8, commit},
	{"copy", 2, copy},
	{"rest", 2, rest},
	{"drop", 2, drop},
};

static void act(struct history *h)
{
	uint64_t choice = below(h, 100), sum = 0;

	for (unsigned i = 0; i < sizeof(actions) / sizeof(actions[0]); i++) {
		if (choice >= sum && choice < sum + actions[i].share) {
			actions[i].act(h);
			trace(h, actions[i].name, 0);
		}
		sum += actions[i].share;
	}
}

static void let_go(struct history *h)
{
	spool_log_close(h->log);
	h->log = NULL;
	oracle_require(&h->oracle, sim_disk_open_files(h->sim) == 0, "files are left open");
}

/* With what fails at first, and perhaps another end of the machine on the way: then it returns 1. */
static int open_log(struct history *h)
{
	struct spool_log_config config = {
		.disk = sim_disk_of(h->sim), .segment_bytes = SPOOL_SEGMENT_MIN, .name = "model"};
	int tries = h->faulty, crashed = 0;

	for (;; tries = 0) {
		struct error error;
		int rc;

		sim_disk_set_faults(h->sim, tries ? &h->faults : &no_faults);
		sim_disk_freeze(h->sim, below(h, 8) == 0 ? 1 + (int)below(h, 4) : -1);
		rc = spool_log_open(&h->log, &config, &error);
		if (is_dead(h)) {
			if (rc == 0)
				let_go(h);
			h->log = NULL;
			sim_disk_crash(h->sim);
			crashed = 1;
			continue;
		}
		sim_disk_freeze(h->sim, -1);
		if (rc == 0)
			break;
		h->log = NULL;
		oracle_require(&h->oracle, tries, "opening failed: %s", error.text);
		oracle_require(&h->oracle, sim_disk_open_files(h->sim) == 0, "files are left open");
	}
	sim_disk_set_faults(h->sim, &h->faults);
	return crashed;
}

static void read_all(struct history *h)
{
	struct oracle *o = &h->oracle;
	uint64_t events = 0;
	int rc;

	sim_disk_set_faults(h->sim, &no_faults);
	while ((rc = read_one(h, 0, &events)) == 1)
		;
	oracle_compare(o, h->log);
	oracle_require(o, events + info_of(h).empty == info_of(h).recovered,
		"%" PRIu64 " events were read of %" PRIu64 " recovered", events, info_of(h).recovered);
	sim_disk_set_faults(h->sim, &h->faults);
}

enum end { CLOSED, KILLED, POWER_CUT };

static void end_life(struct history *h, enum end end, int read)
{
	/* Syncs may fail: what was written outlives the process. */
	int whole = h->faults.write + h->faults.full + h->faults.read == 0, was_dead = is_dead(h);

	if (end != CLOSED)
		sim_disk_freeze(h->sim, 0);
	if (h->oracle.reach < h->oracle.frontier)
		h->oracle.reach = h->oracle.frontier;
	let_go(h);
	if (end == POWER_CUT || was_dead) {
		sim_disk_crash(h->sim);
		whole = 0;
	} else {
		sim_disk_restart(h->sim);
	}
	if (open_log(h))
		whole = 0;
	if (h->faults.read > 0) { /* one slot of the state may have been unreadable */
		h->oracle.committed = 0;
		h->oracle.given_up_open = 1;
	}
	trace(h, "reopened", (int)end);
	h->over = info_of(h).suspect > 0;
	if (h->over)
		return;
	oracle_reopened(&h->oracle, h->log, whole, h->faulty);
	if (read)
		read_all(h);
}

static void live(struct history *h)
{
	for (uint64_t n = 5 + below(h, 60); n > 0 && !h->over; n--) {
		int fuse = below(h, 20) == 0;

		if (fuse)
			sim_disk_freeze(h->sim, 1 + (int)below(h, 5));
		act(h);
		if (is_dead(h)) {
			end_life(h, POWER_CUT, below(h, 4) > 0);
			continue;
		}
		sim_disk_freeze(h->sim, -1);
		oracle_compare(&h->oracle, h->log);
		if (below(h, 16) == 0) {
			enum end end = (enum end)below(h, 3);

			end_life(h, end, below(h, 4) > 0);
		}
	}
}

/* In the end nothing fails any more, and everything that was promised is there. */
static void conclude(struct history *h)
{
	h->faults = no_faults;
	sim_disk_set_faults(h->sim, &no_faults);
	if (h->over) {
		let_go(h);
		return;
	}
	if (spool_log_sync(h->log) != 0)
		h->oracle.end = info_of(h).end;
	end_life(h, POWER_CUT, 1);
	h->faulty = 0;
	end_life(h, CLOSED, 1);
	let_go(h);
}

static void choose_faults(struct history *h)
{
	unsigned *rates[] = {&h->faults.write, &h->faults.full, &h->faults.read, &h->faults.sync, &h->faults.names};

	if (below(h, 2) == 0)
		return;
	for (unsigned i = 0; i < sizeof(rates) / sizeof(rates[0]); i++)
		if (below(h, 3) == 0)
			*rates[i] = (unsigned)below(h, 800);
	h->faulty = h->faults.write + h->faults.full + h->faults.read + h->faults.sync + h->faults.names > 0;
}

static int run(struct history *h, jmp_buf *failed)
{
	if (setjmp(*failed) != 0)
		return 1;
	(void)open_log(h);
	live(h);
	conclude(h);
	return 0;
}

int history_run(uint64_t seed, char text[256])
{
	static struct history h;
	static jmp_buf failed;
	uint64_t disk_seed;
	int rc;

	h = (struct history){.random = seed, .traced = getenv("PENSTOCK_TRACE") != NULL};
	disk_seed = random_next(&h.random);
	h.sim = sim_disk_new(disk_seed, below(&h, 2) == 0);
	oracle_init(&h.oracle, &failed);
	choose_faults(&h);
	rc = run(&h, &failed);
	if (rc != 0) {
		(void)snprintf(text, 256, "%s", h.oracle.text);
		sim_disk_freeze(h.sim, 0);
		spool_log_close(h.log);
	}
	oracle_fini(&h.oracle);
	sim_disk_free(h.sim);
	return rc;
}
