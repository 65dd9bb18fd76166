/* SPDX-License-Identifier: Apache-2.0 */
#include "control/daemon/box_parts.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/memory.h"
#include "base/ring.h"
#include "kafka/settings.h"
#include "nic/eal.h"

static int needs_eal(const struct config *config, unsigned *pci)
{
	int needed = 0;

	for (unsigned i = 0; i < config->port_count; i++) {
		if (config->ports[i].source.kind != SOURCE_DPDK)
			continue;
		needed = 1;
		if (eal_device_is_pci(config->ports[i].source.device))
			*pci = 1;
	}
	return needed;
}

static int open_eal(struct box *box, struct error *error)
{
	const struct config *config = box->config;
	struct eal_config eal = {
		.control_cpu = config->control_cpu_count > 0 ? config->control_cpus[0] : -1,
		.huge_pages = config->huge_pages,
		.memory_mb = config->eal_memory_mb,
	};

	return needs_eal(config, &eal.pci) ? eal_start(&eal, error) : 0;
}

int box_open_ports(struct box *box, struct error *error)
{
	int rc = open_eal(box, error);

	for (unsigned i = 0; rc == 0 && i < box->config->port_count; i++) {
		const struct source_config *source = &box->config->ports[i].source;
		struct box_port *port = &box->ports[i];

		port->ops = source->kind == SOURCE_DPDK ? &source_dpdk : &source_socket;
		rc = port->ops->open(&port->source, source, error);
		if (rc == 0)
			box->port_count = i + 1;
	}
	return rc;
}

_Static_assert(CONFIG_WORKERS <= BOX_WORKERS, "a configuration that is taken has room for its workers");

int box_plan(struct box *box, struct error *error)
{
	struct machine *machine = calloc(1, sizeof(*machine));
	int nodes[CONFIG_PORTS], rc = -ENOMEM;

	box->plan = calloc(1, sizeof(*box->plan));
	if (machine == NULL || box->plan == NULL) {
		free(machine);
		return error_set(error, rc, "no memory for the plan of CPUs");
	}
	for (unsigned i = 0; i < box->port_count; i++) {
		struct source_status status = {0};

		box->ports[i].ops->status(box->ports[i].source, &status);
		nodes[i] = status.node;
	}
	rc = machine_read(machine, "/sys/devices/system", error);
	if (rc == 0)
		rc = topology_plan(box->plan, box->config, machine, nodes, error);
	free(machine);
	for (unsigned i = 0; rc == 0 && i < box->plan->warning_count; i++)
		box_warn(box, "%s", box->plan->warnings[i]);
	if (rc == 0 && box->plan->producer_count > BOX_PRODUCERS)
		return error_set(error, -E2BIG, "ports: workers on %u NUMA nodes; expected %u at the most: put them on CPUs of fewer",
			box->plan->producer_count, BOX_PRODUCERS);
	return rc;
}

static int new_sources(struct box *box, struct error *error)
{
	const struct sources_config c = {
		.count = box->config->sources,
		.window = SOURCES_WINDOW,
		.quiet_ticks = clock_hz(),
		.node = MEMORY_ANY_NODE,
	};
	int rc;

	for (unsigned i = 0; i < box->config->input_count; i++) {
		if (box->config->inputs[i].format != INPUT_FRAME)
			continue;
		rc = sources_new(&box->sources, &c);
		if (rc != 0)
			return error_set(error, rc, "no memory for %u numbered sources (%" PRIu64 " MiB): %s; lower memory.sources",
				c.count, (uint64_t)c.count * SOURCES_BYTES(c.window) >> 20, strerror(-rc));
		return 0;
	}
	return 0;
}

static int new_senders(struct box *box, struct error *error)
{
	const struct senders_config c = {.count = box->config->senders, .node = MEMORY_ANY_NODE};
	int rc = senders_new(&box->senders, &c);

	if (rc == 0)
		return 0;
	return error_set(error, rc, "no memory for the quotas of %u senders (%" PRIu64 " MiB): %s; lower memory.senders", c.count,
		(uint64_t)c.count * SENDERS_BYTES >> 20, strerror(-rc));
}

static void worker_settings(const struct box *box, const struct topology_worker *plan, struct worker_config *c)
{
	const struct config *config = box->config;
	const struct box_port *port = &box->ports[plan->port];

	*c = (struct worker_config){
		.lane = (uint16_t)box->worker_count,
		.cpu = plan->cpu,
		.node = plan->node,
		.idle = (enum worker_idle)config->ports[plan->port].idle,
		.ops = port->ops,
		.queue = port->ops->queue(port->source, plan->queue),
		.inputs = config->inputs,
		.input_count = config->input_count,
		.generation = &box->generations.slot,
		.topics = &box->generations.topics,
		.hours = &box->hours,
		.sources = box->sources,
		.senders = box->senders,
		.node_name = config->node,
		.epoch = box->epoch,
		.first_seq = 1,
		.pool_bytes = config->pool_bytes,
		.batch_bytes = config->batch_bytes,
		.credit_percent = config->credit_percent,
		.age_min_us = config->batch_age_min_us,
		.age_max_us = config->batch_age_max_us,
	};
}

static int new_worker(struct box *box, const struct topology_worker *plan, struct error *error)
{
	struct box_worker *w = &box->workers[box->worker_count];
	struct worker_config c;
	unsigned batches;
	int rc;

	worker_settings(box, plan, &c);
	batches = worker_pool_count(&c);
	w->plan = plan;
	w->lane.out = ring_new(batches, c.node);
	w->lane.home = ring_new(batches, c.node);
	box->worker_count++;
	if (w->lane.out == NULL || w->lane.home == NULL)
		return error_set(error, -ENOMEM, "no memory for a ring of %u batches; lower memory.pool", batches);
	rc = worker_new(&w->worker, &c, &w->lane, error);
	return rc;
}

int box_new_workers(struct box *box, struct error *error)
{
	int rc = new_sources(box, error);

	if (rc == 0)
		rc = new_senders(box, error);
	if (rc != 0)
		return rc;
	for (unsigned i = 0; rc == 0 && i < box->plan->worker_count; i++)
		rc = new_worker(box, &box->plan->workers[i], error);
	return rc == 0 ? generations_prepare(box, box->generations.now, error) : rc;
}

static int topic_of(void *context, const char *name)
{
	return generations_topic(context, name);
}

static void spool_settings(struct box *box, unsigned index, struct spool_config *c)
{
	const struct config *config = box->config;

	*c = (struct spool_config){
		.directory = box->spool_directory,
		.index = index,
		.index_count = box->plan->producer_count,
		.epoch = box->epoch,
		.all_lanes = box->worker_count,
		.batch_bytes = config->batch_bytes,
		.replay_bytes = config->spool_replay,
		/* rounded up: 0 is no limit */
		.replay_rate = (config->spool_replay_rate + box->plan->producer_count - 1) / box->plan->producer_count,
		.segment_bytes = config->spool_segment,
		.size_bytes = config->spool_bytes / box->plan->producer_count,
		.free_percent = config->spool_keep_free,
		.class_count = config->class_count,
		.sync_bytes = config->spool_group,
		.sync_us = config->spool_group_us,
		.topic_of = topic_of,
		.context = &box->generations,
	};
	memcpy(c->classes, config->classes, sizeof(c->classes));
	if (config->spool_directory != NULL)
		(void)snprintf(box->spool_directory, sizeof(box->spool_directory), "%s", config->spool_directory);
	else
		(void)snprintf(box->spool_directory, sizeof(box->spool_directory), "%s/spool", config->state_directory);
}

static int start_producer(struct box *box, unsigned index, struct error *error)
{
	const struct config *config = box->config;
	struct box_producer *p = &box->producers[index];
	struct producer_config c = {
		.lanes = p->lanes,
		.topics = &box->generations.topics,
		.properties = box->properties,
		.property_count = config->property_count,
		.handles = config->handles,
		.drain_seconds = config->drain_seconds,
	};
	struct spool_config spool;
	int rc;

	spool_settings(box, index, &spool);
	c.spool = config->spool_mode != CONFIG_SPOOL_OFF ? &spool : NULL;
	c.bury_forbidden = config->spool_forbidden == CONFIG_FORBIDDEN_BURY;
	c.write_first = config->spool_mode == CONFIG_SPOOL_WAL;
	p->plan = &box->plan->producers[index];
	c.node = p->plan->node < 0 ? 0 : (unsigned)p->plan->node;
	c.cpus = p->plan->cpus.cpus;
	c.cpu_count = p->plan->cpus.count;
	for (unsigned i = 0; i < box->worker_count; i++)
		if (box->workers[i].plan->producer == index)
			p->lanes[c.lane_count++] = &box->workers[i].lane;
	rc = producer_start(&p->producer, &c, error);
	if (rc == 0)
		box->producer_count++;
	return rc;
}

/* -ECANCELED with a sentence once the box is asked to stop, else 0. */
static int is_wanted(const struct box *box, struct error *error)
{
	return atomic_load(&box->stop_asked) ? error_set(error, -ECANCELED, "asked to stop while it was starting") : 0;
}

/* What its spool holds may take long to be looked through: between two of them it may stop. */
int box_start_producers(struct box *box, struct error *error)
{
	int rc = 0;

	(void)kafka_tune_allocator();
	for (unsigned i = 0; i < box->config->property_count; i++)
		box->properties[i] = (struct kafka_property){box->config->properties[i].name, box->config->properties[i].value};
	for (unsigned i = 0; rc == 0 && i < box->plan->producer_count; i++) {
		rc = is_wanted(box, error);
		if (rc == 0)
			rc = start_producer(box, i, error);
	}
	return rc == 0 ? is_wanted(box, error) : rc;
}
