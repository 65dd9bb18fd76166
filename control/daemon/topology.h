/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Who runs where: workers on their CPUs, producers by NUMA node, control threads out of the workers' way. The plan is a pure
 * function of the configuration and a description of the machine; a reader fills that from sysfs, tests write their own.
 *
 * What cannot be is an error (a CPU that does not exist or is offline). What can be but costs is a warning, and the plan
 * falls back to what still works: a poll core is never shared with producers or control while another CPU is left, a CPU
 * polls for one worker, and whoever loses every CPU runs unpinned.
 */

#include <stdint.h>

#include "base/error.h"
#include "control/daemon/config.h"

#define TOPOLOGY_CPUS     1024
#define TOPOLOGY_NODES    64
#define TOPOLOGY_WORKERS  (CONFIG_PORTS * CONFIG_WORKERS)
#define TOPOLOGY_WARNINGS 64

struct machine_cpu {
	uint8_t present;
	uint8_t online;
	uint8_t node; /* NUMA, below TOPOLOGY_NODES */
};

struct machine {
	unsigned cpu_count; /* highest number + 1 */
	struct machine_cpu cpus[TOPOLOGY_CPUS];
};

struct topology_cpus {
	unsigned count; /* 0: anywhere */
	int cpus[TOPOLOGY_CPUS];
};

struct topology_worker {
	unsigned port, queue; /* of the configuration */
	int cpu;              /* -1: not pinned */
	int node;             /* where its memory belongs; -1: unknown */
	unsigned producer;    /* index of the producer that serves its lane */
};

struct topology_producer {
	int node;
	unsigned lanes; /* workers that it serves */
	struct topology_cpus cpus;
};

struct topology {
	unsigned worker_count;
	struct topology_worker workers[TOPOLOGY_WORKERS]; /* by port, then queue: the index is the lane */
	unsigned producer_count;
	struct topology_producer producers[TOPOLOGY_NODES]; /* by node, rising; each serves a lane at least */
	struct topology_cpus control;
	unsigned warning_count;
	char warnings[TOPOLOGY_WARNINGS][320]; /* sentences for a person */
};

/* Reads the machine from `sysfs` ("/sys/devices/system"). Without node directories every CPU is on node 0.
 * 0 or -errno with a sentence. */
int machine_read(struct machine *machine, const char *sysfs, struct error *error);

/*
 * Makes the plan. `nic_nodes`: the NUMA node of each port's device, -1 unknown; NULL: none is known (yet).
 * 0, or -EINVAL with a sentence that names key and CPU. Pure; main thread.
 */
int topology_plan(struct topology *plan, const struct config *config, const struct machine *machine, const int *nic_nodes,
	struct error *error);

/* Writes CPUs as the configuration would, "1, 3-5". They must rise. Returns `out`. */
const char *topology_print_cpus(char *out, size_t size, const int *cpus, unsigned count);
