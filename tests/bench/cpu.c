/* SPDX-License-Identifier: Apache-2.0 */
#include "cpu.h"

#include <dirent.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static uint64_t read_clock(clockid_t id)
{
	struct timespec ts = {0};

	(void)clock_gettime(id, &ts);
	return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

uint64_t cpu_wall_ns(void)
{
	return read_clock(CLOCK_MONOTONIC);
}

uint64_t cpu_process_ns(void)
{
	return read_clock(CLOCK_PROCESS_CPUTIME_ID);
}

uint64_t cpu_thread_ns(void)
{
	return read_clock(CLOCK_THREAD_CPUTIME_ID);
}

/* The clock of one thread: Linux, posix-timers.h (thread bit, scheduler's clock). */
static clockid_t thread_clock(int tid)
{
	return (clockid_t)(~(unsigned)tid << 3 | 6u);
}

static int has_prefix(int tid, const char *prefix)
{
	char path[64], name[32] = "";
	FILE *file;

	(void)snprintf(path, sizeof(path), "/proc/self/task/%d/comm", tid);
	file = fopen(path, "r");
	if (file == NULL)
		return 0;
	if (fgets(name, sizeof(name), file) == NULL)
		name[0] = '\0';
	(void)fclose(file);
	return strncmp(name, prefix, strlen(prefix)) == 0;
}

uint64_t cpu_threads_ns(const char *prefix)
{
	DIR *tasks = opendir("/proc/self/task");
	const struct dirent *entry;
	uint64_t sum = 0;

	if (tasks == NULL)
		return 0;
	while ((entry = readdir(tasks)) != NULL) {
		int tid = atoi(entry->d_name);

		if (tid > 0 && has_prefix(tid, prefix))
			sum += read_clock(thread_clock(tid));
	}
	(void)closedir(tasks);
	return sum;
}

void cpu_pin(int cpu)
{
	cpu_set_t set;

	if (cpu < 0)
		return;
	CPU_ZERO(&set);
	CPU_SET((size_t)cpu, &set);
	(void)sched_setaffinity(0, sizeof(set), &set);
}
