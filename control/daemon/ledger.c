/* SPDX-License-Identifier: Apache-2.0 */
#include "control/daemon/ledger.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "control/api/protocol.h"
#include "control/daemon/box.h"
#include "control/daemon/totals.h"

/* Checks in a row that make an alarm. */
#define LOSS_ORDERED   2
#define LOSS_UNORDERED 3
#define SURPLUS        10

#define SOURCES (LEDGER_EQUATIONS - 1) /* the equation of the numbered senders, which takes a walk over them */

static void begin(struct ledger_equation *e, const char *name, int ordered, const char *left, uint64_t value)
{
	e->name = name;
	e->ordered = ordered;
	(void)snprintf(e->left.name, sizeof(e->left.name), "%s", left);
	e->left.value = value;
	e->more_count = 0;
	e->term_count = 0;
}

static void add_left(struct ledger_equation *e, const char *name, uint64_t value)
{
	struct ledger_term *term = &e->more[e->more_count++];

	(void)snprintf(term->name, sizeof(term->name), "%s", name);
	term->value = value;
}

static void add(struct ledger_equation *e, const char *prefix, const char *name, uint64_t value)
{
	struct ledger_term *term = &e->right[e->term_count++];

	(void)snprintf(term->name, sizeof(term->name), "%s%s", prefix, name);
	term->moves = 0;
	term->value = value;
}

static void add_moving(struct ledger_equation *e, const char *prefix, const char *name, uint64_t value)
{
	add(e, prefix, name, value);
	e->right[e->term_count - 1].moves = 1;
}

static void end(struct ledger_equation *e)
{
	uint64_t left = e->left.value, right = 0;

	for (unsigned i = 0; i < e->more_count; i++)
		left += e->more[i].value;
	for (unsigned i = 0; i < e->term_count; i++)
		right += e->right[i].value;
	e->difference = (int64_t)(left - right);
}

static void read_frames(struct ledger_equation *e, const struct box *box)
{
	begin(e, "frames", 0, "frames", TOTAL_SOURCE(box, frames));
	add(e, "", "datagram_frames", TOTAL_SOURCE(box, datagram_frames));
	add(e, "", "fragments_held", TOTAL_SOURCE(box, fragments_held));
#define X(name, ...) add(e, "host.", #name, TOTAL_SOURCE(box, host_##name));
	SOURCE_HOST_KINDS(X)
#undef X
#define X(name, ...) add(e, "dropped.", #name, TOTAL_SOURCE(box, dropped_##name));
	SOURCE_DROPS(X)
#undef X
	end(e);
}

static void read_deliveries(struct ledger_equation *e, const struct box *box)
{
	begin(e, "deliveries", 0, "delivered by sources", TOTAL_SOURCE(box, datagrams));
	add(e, "", "taken by workers", TOTAL_WORKER(box, datagrams));
	end(e);
}

static void read_datagrams(struct ledger_equation *e, const struct box *box)
{
	begin(e, "datagrams", 1, "datagrams", TOTAL_WORKER(box, datagrams));
	add(e, "", "decoded", TOTAL_WORKER(box, decoded));
	for (unsigned i = 0; i < DATAGRAM_DROPS; i++)
		add(e, "dropped.", datagram_drop_text(i).name,
			total_workers(box, offsetof(struct worker_counters, datagram_drops) + i * sizeof(counter)));
	end(e);
}

static void read_events(struct ledger_equation *e, const struct box *box)
{
	begin(e, "events", 1, "events found", TOTAL_WORKER(box, found));
	add(e, "", "numbered", TOTAL_WORKER(box, numbered));
	add(e, "", "filtered", TOTAL_WORKER(box, filtered));
	add(e, "", "sampled_out", TOTAL_WORKER(box, sampled_out));
	for (unsigned i = 0; i < EVENT_DROPS; i++)
		add(e, "dropped.", event_drop_text(i).name,
			total_workers(box, offsetof(struct worker_counters, event_drops) + i * sizeof(counter)));
	end(e);
}

static void read_copies(struct ledger_equation *e, const struct box *box)
{
	begin(e, "copies", 1, "copies asked for", TOTAL_WORKER(box, copies_asked));
	add(e, "", "copies", TOTAL_WORKER(box, copies));
#define X(name)                                                                                                       \
	add(e, "dropped.", #name,                                                                                     \
		total_workers(box, offsetof(struct worker_counters, copy_drops) + EVENT_DROP_##name * sizeof(counter)));
	WORKER_COPY_DROPS(X)
#undef X
	end(e);
}

static void read_records(struct ledger_equation *e, const struct box *box)
{
	begin(e, API_EQUATION_RECORDS, 1, "numbered", TOTAL_WORKER(box, numbered));
	add_left(e, "copies", TOTAL_WORKER(box, copies));
	add_left(e, API_TERM_FROM_DISK, TOTAL_PRODUCER(box, from_disk));
	add_moving(e, "in_flight.", "open", TOTAL_WORKER(box, open));
	add_moving(e, "in_flight.", "rings", total_rings(box));
	add_moving(e, "in_flight.", "producers", TOTAL_PRODUCER(box, held));
	add(e, "", API_TERM_ACKED, TOTAL_PRODUCER(box, acked));
#define X(name, ...) add(e, API_TERM_GIVEN_UP ".", #name, TOTAL_PRODUCER(box, given_up_##name));
	EGRESS_GIVEN_UP(X)
#undef X
	add(e, "", API_TERM_DEAD, TOTAL_PRODUCER(box, dead_lettered));
	add(e, "", API_TERM_TO_DISK, TOTAL_PRODUCER(box, to_disk));
	end(e);
}

/* What left the producers for the disk, was there at the start, or was a dead letter and is to be delivered. An event goes
 * through these terms in their order. */
static void read_spool(struct ledger_equation *e, const struct box *box)
{
	begin(e, API_EQUATION_SPOOL, 1, "recovered", TOTAL_SPOOL(box, recovered));
	add_left(e, API_TERM_TO_DISK, TOTAL_PRODUCER(box, to_disk));
	add_left(e, "exhumed", TOTAL_SPOOL(box, exhumed));
	add_moving(e, "", "returning", TOTAL_SPOOL(box, returning));
	add(e, "", "spooled", TOTAL_SPOOL(box, spooled));
	add(e, "", "parked", TOTAL_SPOOL(box, parked));
	add_moving(e, "", "passing", TOTAL_SPOOL(box, passing));
	add(e, "", API_TERM_REBURIED, TOTAL_SPOOL(box, reburied));
	add(e, API_TERM_GIVEN_UP ".", "damaged", TOTAL_SPOOL(box, damaged));
	add(e, API_TERM_GIVEN_UP ".", "made_room", TOTAL_SPOOL(box, made_room));
	add(e, "", API_TERM_BEFORE, TOTAL_SPOOL(box, settled));
	add(e, "", API_TERM_FROM_DISK, TOTAL_PRODUCER(box, from_disk));
	end(e);
}

/* 0, or what the pause has returned: nothing is read then. */
static int read_sources(struct ledger_equation *e, const struct box *box, const struct sources_pause *pause)
{
	struct sources_totals totals = {0};
	int rc = box->sources != NULL ? sources_totals(box->sources, &totals, pause) : 0;

	if (rc != 0)
		return rc;
	begin(e, "sources", 0, "expected of numbered sources", totals.expected);
	add(e, "", "received", totals.received);
	add(e, "", "lost", totals.lost);
	end(e);
	return 0;
}

static void read_counters(struct ledger_equation *equations, const struct box *box)
{
	read_frames(&equations[0], box);
	read_deliveries(&equations[1], box);
	read_datagrams(&equations[2], box);
	read_events(&equations[3], box);
	read_copies(&equations[4], box);
	read_records(&equations[5], box);
	read_spool(&equations[6], box);
}

void ledger_init(struct ledger *ledger)
{
	memset(ledger, 0, sizeof(*ledger));
	pthread_mutex_init(&ledger->lock, NULL);
	ledger->equation_count = LEDGER_EQUATIONS;
}

static void judge(struct ledger *ledger, struct ledger_equation *e)
{
	int losing = e->ordered ? e->highest > 0 : e->lowest > 0;
	int alarm;

	e->losing = losing ? e->losing + 1 : 0;
	e->gaining = e->highest < 0 ? e->gaining + 1 : 0;
	alarm = e->losing >= (e->ordered ? LOSS_ORDERED : LOSS_UNORDERED) || e->gaining >= SURPLUS;
	if (alarm && !e->alarm) {
		ledger->alarms++;
		ledger->alarm_since_us = clock_utc_us(clock_tsc());
		log_write(LOG_ERROR, "ledger: %s do not add up: %s %" PRIu64 ", difference %" PRId64 "; see `penstock ledger`",
			e->name, e->left.name, e->left.value, e->losing > 0 ? e->highest : e->lowest);
	}
	e->alarm = alarm;
}

static void take(struct ledger_equation *e, const struct ledger_equation *sample)
{
	e->name = sample->name;
	e->ordered = sample->ordered;
	e->left = sample->left;
	e->more_count = sample->more_count;
	memcpy(e->more, sample->more, sizeof(e->more));
	e->term_count = sample->term_count;
	memcpy(e->right, sample->right, sizeof(e->right));
	e->difference = sample->difference;
}

void ledger_read(struct ledger *ledger, const struct box *box)
{
	struct ledger_equation sample[LEDGER_EQUATIONS];

	read_counters(sample, box);
	(void)read_sources(&sample[SOURCES], box, NULL);
	for (unsigned k = 0; k < ledger->equation_count; k++)
		take(&ledger->equations[k], &sample[k]);
}

/* Says what is left on its way, which would be lost without a word. How many terms. */
static unsigned find_left(const struct ledger_equation *e)
{
	unsigned left = 0;

	for (unsigned i = 0; i < e->term_count; i++) {
		if (!e->right[i].moves || e->right[i].value == 0)
			continue;
		left++;
		log_write(LOG_ERROR, "ledger at stop: %s: %" PRIu64 " are left in %s", e->name, e->right[i].value, e->right[i].name);
	}
	return left;
}

unsigned ledger_settle(struct ledger *ledger, const struct box *box)
{
	unsigned wrong = 0;

	pthread_mutex_lock(&ledger->lock);
	ledger_read(ledger, box);
	for (unsigned k = 0; k < ledger->equation_count; k++) {
		const struct ledger_equation *e = &ledger->equations[k];

		wrong += find_left(e);
		if (e->difference == 0)
			continue;
		wrong++;
		log_write(LOG_ERROR, "ledger at stop: %s do not add up: %s %" PRIu64 ", difference %" PRId64, e->name,
			e->left.name, e->left.value, e->difference);
	}
	pthread_mutex_unlock(&ledger->lock);
	return wrong;
}

void ledger_check(struct ledger *ledger, const struct box *box, const struct sources_pause *pause)
{
	static struct ledger_equation sample[LEDGER_EQUATIONS];
	int64_t highest[LEDGER_EQUATIONS], lowest[LEDGER_EQUATIONS];

	for (unsigned i = 0; i < LEDGER_SAMPLES; i++) {
		read_counters(sample, box);
		if ((i == 0 || (i < LEDGER_WALKS && sample[SOURCES].difference != 0)) &&
			read_sources(&sample[SOURCES], box, pause) != 0)
			return;
		for (unsigned k = 0; k < ledger->equation_count; k++) {
			int64_t d = sample[k].difference;

			highest[k] = i == 0 || d > highest[k] ? d : highest[k];
			lowest[k] = i == 0 || d < lowest[k] ? d : lowest[k];
		}
	}
	pthread_mutex_lock(&ledger->lock);
	for (unsigned k = 0; k < ledger->equation_count; k++) {
		struct ledger_equation *e = &ledger->equations[k];

		take(e, &sample[k]);
		e->highest = highest[k];
		e->lowest = lowest[k];
		judge(ledger, e);
	}
	ledger->checks++;
	ledger->checked_us = clock_utc_us(clock_tsc());
	pthread_mutex_unlock(&ledger->lock);
}

int ledger_alarmed(struct ledger *ledger)
{
	int alarm = 0;

	pthread_mutex_lock(&ledger->lock);
	for (unsigned k = 0; k < ledger->equation_count; k++)
		alarm |= ledger->equations[k].alarm;
	pthread_mutex_unlock(&ledger->lock);
	return alarm;
}
