/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "control/daemon/topology.h"

#define PATH_SIZE 256
#define LIST_SIZE 8192

/* The kernel's list of numbers, "0-3,8\n". Numbers from TOPOLOGY_CPUS on are left out: the configuration cannot name them. */
static int read_list(const char *path, uint8_t *member)
{
	char text[LIST_SIZE], *at = text;
	FILE *file = fopen(path, "re");
	size_t n;

	if (file == NULL)
		return -errno;
	n = fread(text, 1, sizeof(text) - 1, file);
	text[n] = '\0';
	(void)fclose(file);
	memset(member, 0, TOPOLOGY_CPUS);
	while (*at >= '0' && *at <= '9') {
		unsigned long first = strtoul(at, &at, 10), last = first;

		if (*at == '-')
			last = strtoul(at + 1, &at, 10);
		for (unsigned long i = first; i <= last && i < TOPOLOGY_CPUS; i++)
			member[i] = 1;
		if (*at == ',')
			at++;
	}
	return *at == '\0' || *at == '\n' ? 0 : -EBADMSG;
}

static void read_nodes(struct machine *machine, const char *sysfs)
{
	for (unsigned node = 0; node < TOPOLOGY_NODES; node++) {
		uint8_t member[TOPOLOGY_CPUS];
		char path[PATH_SIZE];

		(void)snprintf(path, sizeof(path), "%s/node/node%u/cpulist", sysfs, node);
		if (read_list(path, member) != 0)
			continue;
		for (unsigned i = 0; i < machine->cpu_count; i++)
			if (member[i])
				machine->cpus[i].node = (uint8_t)node;
	}
}

int machine_read(struct machine *machine, const char *sysfs, struct error *error)
{
	uint8_t present[TOPOLOGY_CPUS], online[TOPOLOGY_CPUS];
	char path[PATH_SIZE];
	int rc;

	memset(machine, 0, sizeof(*machine));
	(void)snprintf(path, sizeof(path), "%s/cpu/present", sysfs);
	rc = read_list(path, present);
	if (rc == 0) {
		(void)snprintf(path, sizeof(path), "%s/cpu/online", sysfs);
		rc = read_list(path, online);
	}
	if (rc != 0)
		return error_set(error, rc, "%s: %s; expected the kernel's list of CPUs", path, strerror(-rc));
	for (unsigned i = 0; i < TOPOLOGY_CPUS; i++) {
		if (!present[i])
			continue;
		machine->cpus[i] = (struct machine_cpu){.present = 1, .online = online[i]};
		machine->cpu_count = i + 1;
	}
	read_nodes(machine, sysfs);
	return 0;
}
