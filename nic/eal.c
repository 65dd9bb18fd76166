/* SPDX-License-Identifier: Apache-2.0 */
#include "nic/eal.h"

#include <errno.h>
#include <pthread.h>
#include <rte_dev.h>
#include <rte_eal.h>
#include <rte_errno.h>
#include <rte_pci.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define ARGS      20
#define ARG_SIZE  96
#define MIN_MB    64
#define PCI_NOBODY "0000:00:00.0" /* a host bridge: the list of devices to probe at start holds no NIC */

struct arguments {
	int count;
	char text[ARGS][ARG_SIZE];
	char *list[ARGS + 1];
};

static int started;

__attribute__((format(printf, 2, 3))) static void add(struct arguments *args, const char *format, ...)
{
	va_list ap;

	if (args->count == ARGS)
		return;
	va_start(ap, format);
	(void)vsnprintf(args->text[args->count], ARG_SIZE, format, ap);
	va_end(ap);
	args->list[args->count] = args->text[args->count];
	args->count++;
}

static void build(struct arguments *args, const struct eal_config *config, int cpu)
{
	args->count = 0;
	add(args, "penstockd");
	add(args, "--lcores=0@%d", cpu);
	add(args, "--file-prefix=%s", config->prefix != NULL ? config->prefix : "penstock");
	if (config->huge_pages) {
		add(args, "--in-memory");
	} else {
		add(args, "--no-huge");
		add(args, "--no-shconf");
		add(args, "-m");
		add(args, "%u", config->memory_mb < MIN_MB ? MIN_MB : config->memory_mb);
	}
	add(args, "--no-telemetry");
	add(args, "--log-level=error");
	if (config->pci) {
		add(args, "-a");
		add(args, PCI_NOBODY);
	} else {
		add(args, "--no-pci");
	}
	if (config->plugins != NULL) {
		add(args, "-d");
		add(args, "%s", config->plugins);
	}
	args->list[args->count] = NULL;
}

static int say_failure(const struct eal_config *config, struct error *error)
{
	int code = rte_errno != 0 ? rte_errno : EIO;

	if (config->huge_pages)
		return error_set(error, -code,
			"DPDK's environment did not start with hugepages: %s; reserve some (sysctl vm.nr_hugepages=512) or set "
			"memory: {huge: false}",
			rte_strerror(code));
	return error_set(error, -code, "DPDK's environment did not start without hugepages (%u MB): %s", config->memory_mb,
		rte_strerror(code));
}

int eal_start(const struct eal_config *config, struct error *error)
{
	int cpu = config->control_cpu >= 0 ? config->control_cpu : sched_getcpu(), result;
	struct arguments args;
	cpu_set_t before, only;

	if (started)
		return error_set(error, -EALREADY, "DPDK's environment is already running");
	if (pthread_getaffinity_np(pthread_self(), sizeof(before), &before) != 0)
		return error_set(error, -EIO, "cannot read this thread's CPU mask");
	CPU_ZERO(&only);
	CPU_SET((size_t)cpu, &only);
	if (pthread_setaffinity_np(pthread_self(), sizeof(only), &only) != 0)
		return error_set(error, -EINVAL, "CPU %d for control is not available to this process", cpu);
	build(&args, config, cpu);
	rte_errno = 0;
	result = rte_eal_init(args.count, args.list);
	if (result < 0)
		result = say_failure(config, error);
	else
		started = 1;
	(void)pthread_setaffinity_np(pthread_self(), sizeof(before), &before);
	return result < 0 ? result : 0;
}

void eal_stop(void)
{
	if (!started)
		return;
	started = 0;
	(void)rte_eal_cleanup();
}

int eal_device_is_pci(const char *device)
{
	struct rte_pci_addr address;
	char name[64];
	size_t len = strcspn(device, ",");

	if (strncmp(device, "pci:", 4) == 0)
		return 1;
	if (len >= sizeof(name))
		return 0;
	memcpy(name, device, len);
	name[len] = '\0';
	return rte_pci_addr_parse(name, &address) == 0;
}
