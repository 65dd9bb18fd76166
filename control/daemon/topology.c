/* SPDX-License-Identifier: Apache-2.0 */
#include "control/daemon/topology.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define LIST_SIZE 96

__attribute__((format(printf, 2, 3))) static void warn(struct topology *plan, const char *fmt, ...)
{
	va_list ap;

	if (plan->warning_count == TOPOLOGY_WARNINGS)
		return;
	va_start(ap, fmt);
	(void)vsnprintf(plan->warnings[plan->warning_count++], sizeof(plan->warnings[0]), fmt, ap);
	va_end(ap);
}

const char *topology_print_cpus(char *out, size_t size, const int *cpus, unsigned count)
{
	size_t n = 0;

	out[0] = '\0';
	for (unsigned i = 0; i < count && n + 32 < size; i++) {
		unsigned last = i;

		while (last + 1 < count && cpus[last + 1] == cpus[last] + 1)
			last++;
		n += (size_t)snprintf(out + n, size - n, "%s%d", n > 0 ? ", " : "", cpus[i]);
		if (last > i)
			n += (size_t)snprintf(out + n, size - n, "-%d", cpus[last]);
		if (last + 1 < count && n + 32 >= size)
			(void)snprintf(out + n, size - n, " ...");
		i = last;
	}
	return out;
}

static void online_cpus(const struct machine *machine, int node, struct topology_cpus *out)
{
	out->count = 0;
	for (unsigned i = 0; i < machine->cpu_count; i++)
		if (machine->cpus[i].online && (node < 0 || machine->cpus[i].node == node))
			out->cpus[out->count++] = (int)i;
}

static int check_cpu(const struct config *config, const struct machine *machine, const char *key, int cpu,
	struct error *error)
{
	struct topology_cpus online;
	char list[LIST_SIZE];

	if (cpu < 0 || ((unsigned)cpu < machine->cpu_count && machine->cpus[cpu].online))
		return 0;
	if ((unsigned)cpu < machine->cpu_count && machine->cpus[cpu].present)
		return error_set(error, -EINVAL, "%s: %s: CPU %d is offline; switch it on (echo 1 > "
						 "/sys/devices/system/cpu/cpu%d/online) or name another", config->path, key,
			cpu, cpu);
	online_cpus(machine, -1, &online);
	return error_set(error, -EINVAL, "%s: %s: CPU %d does not exist; this machine has %s", config->path, key, cpu,
		topology_print_cpus(list, sizeof(list), online.cpus, online.count));
}

static int check_cpus(const struct config *config, const struct machine *machine, const char *key, const int *cpus,
	unsigned count, struct error *error)
{
	int rc = 0;

	for (unsigned i = 0; i < count && rc == 0; i++)
		rc = check_cpu(config, machine, key, cpus[i], error);
	return rc;
}

static int check_all(const struct config *config, const struct machine *machine, struct error *error)
{
	int rc = check_cpus(config, machine, "control.cpus", config->control_cpus, config->control_cpu_count, error);

	if (rc == 0)
		rc = check_cpus(config, machine, "kafka.cpus", config->producer_cpus, config->producer_cpu_count, error);
	for (unsigned i = 0; i < config->port_count && rc == 0; i++) {
		char key[64];

		(void)snprintf(key, sizeof(key), "workers of port %s", config->ports[i].source.name);
		rc = check_cpus(config, machine, key, config->ports[i].worker_cpus, config->ports[i].worker_count, error);
	}
	return rc;
}

static const struct topology_worker *worker_on(const struct topology *plan, int cpu)
{
	for (unsigned i = 0; i < plan->worker_count; i++)
		if (plan->workers[i].cpu == cpu)
			return &plan->workers[i];
	return NULL;
}

static void place_worker(struct topology *plan, const struct config *config, const struct machine *machine, unsigned port,
	unsigned queue, int nic_node)
{
	int cpu = config->ports[port].worker_cpus[queue];
	const struct topology_worker *other = cpu >= 0 ? worker_on(plan, cpu) : NULL;
	struct topology_worker *worker = &plan->workers[plan->worker_count];

	*worker = (struct topology_worker){.port = port, .queue = queue, .cpu = cpu, .node = nic_node};
	if (cpu >= 0)
		worker->node = machine->cpus[cpu].node;
	if (other != NULL) {
		warn(plan, "CPU %d polls for port %s already: a worker of port %s runs unpinned; name a CPU of its own", cpu,
			config->ports[other->port].source.name, config->ports[port].source.name);
		worker->cpu = -1;
	}
	plan->worker_count++;
}

/* One warning a port: its workers that sit on another node than its device. */
static void judge_nodes(struct topology *plan, const struct config *config, const struct machine *machine, unsigned port,
	int nic_node)
{
	struct topology_cpus away = {0}, near;
	char list[LIST_SIZE], better[LIST_SIZE];

	for (unsigned i = 0; i < plan->worker_count; i++) {
		const struct topology_worker *w = &plan->workers[i];

		if (w->port == port && w->cpu >= 0 && w->node != nic_node)
			away.cpus[away.count++] = w->cpu;
	}
	if (away.count == 0 || nic_node < 0)
		return;
	online_cpus(machine, nic_node, &near);
	warn(plan, "port %s: its device is on NUMA node %d, its workers on CPU %s are not: every packet crosses between nodes; "
		   "name CPUs of node %d (%s)", config->ports[port].source.name, nic_node,
		topology_print_cpus(list, sizeof(list), away.cpus, away.count), nic_node,
		topology_print_cpus(better, sizeof(better), near.cpus, near.count));
}

static void place_workers(struct topology *plan, const struct config *config, const struct machine *machine,
	const int *nic_nodes)
{
	for (unsigned p = 0; p < config->port_count; p++) {
		int node = nic_nodes != NULL && nic_nodes[p] < TOPOLOGY_NODES ? nic_nodes[p] : -1;

		for (unsigned q = 0; q < config->ports[p].worker_count; q++)
			place_worker(plan, config, machine, p, q, node);
		judge_nodes(plan, config, machine, p, node);
	}
}

/* Takes poll cores out of a set. What was named in the configuration (`key`) is warned of. */
static void leave_poll_cores(struct topology *plan, struct topology_cpus *set, const char *key, const char *who)
{
	struct topology_cpus lost = {0};
	unsigned kept = 0;
	char list[LIST_SIZE];

	for (unsigned i = 0; i < set->count; i++) {
		if (worker_on(plan, set->cpus[i]) != NULL)
			lost.cpus[lost.count++] = set->cpus[i];
		else
			set->cpus[kept++] = set->cpus[i];
	}
	set->count = kept;
	topology_print_cpus(list, sizeof(list), lost.cpus, lost.count);
	if (lost.count > 0 && kept == 0)
		warn(plan, "every CPU for %s (%s) polls for a worker: they run unpinned and compete with it; name other CPUs", who,
			list);
	else if (lost.count > 0 && key != NULL)
		warn(plan, "%s: CPU %s polls for a worker: %s leave it alone; take it out of one of the lists", key, list, who);
}

static void copy_cpus(struct topology_cpus *out, const struct config *config, const struct machine *machine, int node)
{
	out->count = 0;
	for (unsigned i = 0; i < config->producer_cpu_count; i++)
		if (machine->cpus[config->producer_cpus[i]].node == node)
			out->cpus[out->count++] = config->producer_cpus[i];
}

/* Nodes that get a producer: those of kafka.cpus that have workers, or the first of them; without kafka.cpus those that have
 * workers. A bit a node. */
static uint64_t producer_nodes(const struct topology *plan, const struct config *config, const struct machine *machine)
{
	uint64_t workers = 0, named = 0;

	for (unsigned i = 0; i < plan->worker_count; i++)
		if (plan->workers[i].node >= 0 && plan->workers[i].node < TOPOLOGY_NODES)
			workers |= UINT64_C(1) << plan->workers[i].node;
	for (unsigned i = 0; i < config->producer_cpu_count; i++)
		named |= UINT64_C(1) << machine->cpus[config->producer_cpus[i]].node;
	if (named != 0)
		return (named & workers) != 0 ? named & workers : named & -named;
	if (workers != 0)
		return workers;
	for (unsigned i = 0; i < machine->cpu_count; i++)
		if (machine->cpus[i].online)
			return UINT64_C(1) << machine->cpus[i].node;
	return 1;
}

static unsigned serving(const struct topology *plan, int node)
{
	for (unsigned i = 0; i < plan->producer_count; i++)
		if (plan->producers[i].node == node)
			return i;
	return 0;
}

static void place_producers(struct topology *plan, const struct config *config, const struct machine *machine)
{
	uint64_t nodes = producer_nodes(plan, config, machine), warned = 0;

	for (int node = 0; node < TOPOLOGY_NODES; node++) {
		struct topology_producer *p = &plan->producers[plan->producer_count];
		char who[48];

		if ((nodes >> node & 1) == 0)
			continue;
		*p = (struct topology_producer){.node = node};
		(void)snprintf(who, sizeof(who), "producers of node %d", node);
		if (config->producer_cpu_count > 0)
			copy_cpus(&p->cpus, config, machine, node);
		else
			online_cpus(machine, node, &p->cpus);
		leave_poll_cores(plan, &p->cpus, config->producer_cpu_count > 0 ? "kafka.cpus" : NULL, who);
		plan->producer_count++;
	}
	for (unsigned i = 0; i < plan->worker_count; i++) {
		struct topology_worker *w = &plan->workers[i];

		w->producer = serving(plan, w->node);
		plan->producers[w->producer].lanes++;
		if (w->node < 0 || plan->producers[w->producer].node == w->node || (warned >> w->node & 1) != 0)
			continue;
		warned |= UINT64_C(1) << w->node;
		warn(plan, "NUMA node %d has workers but none of kafka.cpus: the producer of node %d serves them, and every batch "
			   "crosses between nodes", w->node, plan->producers[w->producer].node);
	}
}

static void place_control(struct topology *plan, const struct config *config, const struct machine *machine)
{
	if (config->control_cpu_count == 0) {
		online_cpus(machine, -1, &plan->control);
	} else {
		plan->control.count = config->control_cpu_count;
		memcpy(plan->control.cpus, config->control_cpus, config->control_cpu_count * sizeof(int));
	}
	leave_poll_cores(plan, &plan->control, config->control_cpu_count > 0 ? "control.cpus" : NULL, "control threads");
}

int topology_plan(struct topology *plan, const struct config *config, const struct machine *machine, const int *nic_nodes,
	struct error *error)
{
	int rc = check_all(config, machine, error);

	if (rc != 0)
		return rc;
	memset(plan, 0, sizeof(*plan));
	place_workers(plan, config, machine, nic_nodes);
	place_producers(plan, config, machine);
	place_control(plan, config, machine);
	return 0;
}
