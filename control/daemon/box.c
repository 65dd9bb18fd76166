/* SPDX-License-Identifier: Apache-2.0 */
#include "control/daemon/box.h"

#include <errno.h>
#include <inttypes.h>
#include <sched.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/ring.h"
#include "control/daemon/box_parts.h"
#include "control/daemon/keeper.h"
#include "control/daemon/landing.h"
#include "control/daemon/totals.h"
#include "nic/eal.h"

#define FOLLOW_MS 1000 /* between two looks at what devices tell */

void box_warn(struct box *box, const char *fmt, ...)
{
	char *text = NULL;
	va_list ap;

	va_start(ap, fmt);
	if (vasprintf(&text, fmt, ap) < 0)
		text = NULL;
	va_end(ap);
	if (text == NULL)
		return;
	log_write(LOG_WARNING, "%s", text);
	if (box->warning_count < BOX_WARNINGS)
		box->warnings[box->warning_count++] = text;
	else
		free(text);
}

static int open_state(struct box *box, struct error *error)
{
	int rc = state_open(&box->state, box->config->state_directory, error);

	if (rc != 0)
		return rc;
	rc = state_epoch_begin(box->state, clock_utc_us(clock_tsc()) / 1000000, &box->epoch, error);
	if (rc != 0)
		return rc;
	box->started_ms = clock_ms();
	(void)state_partitions_load(box->state, &box->generations.topics);
	landing_open(box);
	return namesake_init(&box->namesake, box->config->node, state_uuid(box->state));
}

/* The main thread and every thread made after it stay on the control CPUs. Those made before had their CPUs told: a worker that
 * is bound to none would inherit these. */
static void pin_control(const struct box *box)
{
	const struct topology_cpus *control = &box->plan->control;
	cpu_set_t cpus;

	if (control->count == 0)
		return;
	CPU_ZERO(&cpus);
	for (unsigned i = 0; i < control->count; i++)
		CPU_SET((unsigned)control->cpus[i], &cpus);
	(void)sched_setaffinity(0, sizeof(cpus), &cpus);
}

static int start_receiving(struct box *box, struct error *error)
{
	int rc = 0;

	for (unsigned p = 0; rc == 0 && p < box->port_count; p++)
		rc = box->ports[p].ops->start(box->ports[p].source, error);
	for (unsigned i = 0; rc == 0 && i < box->worker_count; i++)
		rc = worker_start(box->workers[i].worker, error);
	box->has_received = rc == 0;
	return rc;
}

/* A pool of batches may be numbered and not written yet; twice that, and what was read back, settled and not in the state yet. */
struct box_bounds box_bounds(const struct box *box)
{
	const struct config *config = box->config;
	uint64_t pools = (uint64_t)box->worker_count * config->pool_bytes;

	if (config->spool_mode == CONFIG_SPOOL_WAL)
		return (struct box_bounds){.power_cut_us = config->spool_group_us, .power_cut_bytes = config->spool_group,
			.repeated_bytes = 2 * pools + box->producer_count * config->spool_replay};
	return (struct box_bounds){.lost_bytes = pools,
		.repeated_bytes = config->spool_mode == CONFIG_SPOOL_OFF ? 0
									: 2 * pools + box->producer_count * config->spool_replay};
}

/* What each mode may lose and repeat. */
static void print_bounds(const struct box *box)
{
	const struct box_bounds bounds = box_bounds(box);

	if (box->config->spool_mode == CONFIG_SPOOL_WAL)
		log_write(LOG_NOTICE,
			"mode wal: kill -9 loses nothing that was accepted; a power cut what was written in the last %u ms (at most %" PRIu64
			" KiB a log); either repeats at most %" PRIu64 " MiB of records",
			bounds.power_cut_us / 1000, bounds.power_cut_bytes >> 10, bounds.repeated_bytes >> 20);
	else
		log_write(LOG_NOTICE,
			"mode %s: kill -9 loses at most what is open, in the rings and in the client: %" PRIu64 " MiB of records",
			box->config->spool_mode == CONFIG_SPOOL_OFF ? "off" : "direct", bounds.lost_bytes >> 20);
}

static void print_budget(const struct box *box)
{
	const struct config *config = box->config;
	uint64_t pools = (uint64_t)box->worker_count * config->pool_bytes;

	log_write(LOG_NOTICE, "receiving: node %s, instance %s, epoch %" PRIx32 ", %u worker(s), %u producer(s)", config->node,
		state_uuid(box->state), box->epoch, box->worker_count, box->producer_count);
	log_write(LOG_NOTICE,
		"memory: %" PRIu64 " MiB of batches, %" PRIu64 " MiB mapped in all; one topic may hold %u %% of a pool",
		pools >> 20, memory_mapped_bytes() >> 20, config->credit_percent);
	print_bounds(box);
}

int box_start(struct box *box, struct config *config, struct error *error)
{
	int rc;

	box->config = config;
	ledger_init(&box->ledger);
	generations_init(&box->generations);
	box->generations.topics.lowest = config->topics->lowest;
	if (clock_init() == -ENOTSUP)
		box_warn(box, "this CPU's time stamp counter is not invariant: receive times may be off");
	rc = generations_publish(box, config, error);
	if (rc == 0)
		rc = open_state(box, error);
	if (rc == 0)
		rc = box_open_ports(box, error);
	if (rc == 0)
		rc = box_plan(box, error);
	if (rc != 0)
		return rc;
	rc = box_new_workers(box, error);
	if (rc == 0)
		rc = box_start_producers(box, error);
	if (rc == 0)
		former_look(box);
	if (rc == 0)
		rc = reached_start(box, error);
	if (rc == 0)
		rc = start_receiving(box, error);
	pin_control(box);
	if (rc == 0)
		rc = watcher_start(box, error);
	if (rc == 0)
		rc = landing_start(box, error);
	if (rc == 0)
		rc = keeper_start(box, error);
	if (rc == 0)
		rc = loader_start(box, error);
	if (rc == 0) {
		atomic_store(&box->stage, BOX_RECEIVING);
		print_budget(box);
	}
	return rc;
}

/* Of what the disk held, too. */
static void print_account(const struct box *box)
{
	uint64_t given_up = TOTAL_SPOOL(box, made_room) + TOTAL_SPOOL(box, damaged);

#define X(name, ...) given_up += TOTAL_PRODUCER(box, given_up_##name);
	EGRESS_GIVEN_UP(X)
#undef X
	log_write(LOG_NOTICE,
		"stopped: %" PRIu64 " frames, %" PRIu64 " datagrams, %" PRIu64 " events found, %" PRIu64 " numbered, %" PRIu64
		" acked, %" PRIu64 " given up, %" PRIu64 " kept as dead letters, %" PRIu64 " left on disk",
		TOTAL_SOURCE(box, frames), TOTAL_WORKER(box, datagrams), TOTAL_WORKER(box, found), TOTAL_WORKER(box, numbered),
		TOTAL_PRODUCER(box, acked), given_up, TOTAL_PRODUCER(box, dead_lettered),
		TOTAL_SPOOL(box, spooled) + TOTAL_SPOOL(box, parked));
}

void box_follow(struct box *box)
{
	int64_t now_ms = clock_ms();
	struct source_news news;

	if (now_ms - box->followed_ms < FOLLOW_MS)
		return;
	box->followed_ms = now_ms;
	for (unsigned p = 0; p < box->port_count; p++) {
		box->ports[p].ops->follow(box->ports[p].source, now_ms, &news);
		if (news.text[0] != '\0')
			log_write(news.bad ? LOG_WARNING : LOG_NOTICE, "%s", news.text);
	}
}

/* Sources first: what the kernel holds already is taken by the workers, who then have nothing more to wait for. */
void box_halt(struct box *box)
{
	atomic_store(&box->stage, BOX_DRAINING);
	for (unsigned p = 0; p < box->port_count; p++)
		box->ports[p].ops->stop(box->ports[p].source);
	for (unsigned i = 0; i < box->worker_count; i++)
		if (box->workers[i].worker != NULL)
			worker_halt(box->workers[i].worker);
}

unsigned box_drain(struct box *box)
{
	unsigned wrong;

	for (unsigned i = 0; i < box->producer_count; i++)
		producer_ask_stop(box->producers[i].producer);
	atomic_store(&box->awaits, "the loader, which reads tables");
	loader_stop(box);
	atomic_store(&box->awaits, "the producers and their spools: Kafka's client, or the spool's disk");
	for (unsigned i = 0; i < box->producer_count; i++)
		producer_stop(box->producers[i].producer);
	atomic_store(&box->awaits, "the workers");
	for (unsigned i = 0; i < box->worker_count; i++)
		if (box->workers[i].worker != NULL)
			worker_join(box->workers[i].worker);
	atomic_store(&box->awaits, "the state directory's disk");
	reached_stop(box);
	landing_stop(box);
	atomic_store(&box->awaits, "the watcher: Kafka's client, or the state directory's disk");
	watcher_stop(box);
	atomic_store(&box->awaits, "the keeper");
	keeper_stop(box);
	if (box->producer_count == 0)
		return 0;
	wrong = ledger_settle(&box->ledger, box);
	if (box->has_received)
		print_account(box);
	return wrong;
}

unsigned box_stop(struct box *box)
{
	unsigned away = 0;

	for (unsigned i = 0; i < box->producer_count; i++)
		producer_free(box->producers[i].producer);
	for (unsigned i = 0; i < box->worker_count; i++) {
		away += worker_free(box->workers[i].worker);
		ring_free(box->workers[i].lane.out);
		ring_free(box->workers[i].lane.home);
	}
	for (unsigned p = 0; p < box->port_count; p++)
		box->ports[p].ops->close(box->ports[p].source);
	senders_free(box->senders);
	sources_free(box->sources);
	generations_free(box);
	eal_stop();
	state_close(box->state);
	free(box->plan);
	for (unsigned i = 0; i < box->warning_count; i++)
		free(box->warnings[i]);
	return away;
}
