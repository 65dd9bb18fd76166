/* SPDX-License-Identifier: Apache-2.0 */
#include "swap.h"

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cpu.h"

#define WINDOW_US   20000u  /* short, so that some of them are left in peace on a busy machine */
#define SWAP_US     300000u /* from the publication on: what follows from it, caches that are cold, is in it */
#define QUIET_US    500000u
#define WINDOWS_MAX 8192u

enum phase { PHASE_NONE, PHASE_QUIET, PHASE_BUILD, PHASE_SWAP, PHASE_SHAM, PHASES };

static const char *const phase_names[PHASES] = {"", "quiet", "build", "swap", "sham"};

struct window {
	enum phase phase;
	double per_second, per_cpu_second;
};

struct sampler {
	struct rig *rig;
	atomic_int phase; /* main thread: rw */
	atomic_uint turn; /* counts changes of the phase; main thread: rw */
	atomic_int ended; /* main thread: rw */
	unsigned count;
	struct window windows[WINDOWS_MAX];
};

struct look {
	uint64_t wall_ns, cpu_ns, found;
	unsigned turn;
};

static void look(struct sampler *sampler, struct look *at)
{
	struct rig_sums sums;

	at->turn = atomic_load(&sampler->turn);
	rig_sum(sampler->rig, &sums);
	at->found = sums.found;
	at->cpu_ns = cpu_threads_ns("worker-");
	at->wall_ns = cpu_wall_ns();
}

static void *sample(void *argument)
{
	struct sampler *sampler = argument;
	struct look before, now;

	look(sampler, &before);
	while (!atomic_load(&sampler->ended) && sampler->count < WINDOWS_MAX) {
		enum phase phase = (enum phase)atomic_load(&sampler->phase);
		double events;

		usleep(WINDOW_US);
		look(sampler, &now);
		events = (double)(now.found - before.found) * 1e9;
		if (now.turn == before.turn && phase != PHASE_NONE && now.cpu_ns > before.cpu_ns)
			sampler->windows[sampler->count++] =
				(struct window){phase, events / (double)(now.wall_ns - before.wall_ns),
					events / (double)(now.cpu_ns - before.cpu_ns)};
		before = now;
	}
	return NULL;
}

static void enter(struct sampler *sampler, enum phase phase)
{
	atomic_store(&sampler->phase, (int)phase);
	atomic_fetch_add(&sampler->turn, 1);
}

static int swap_once(struct sampler *sampler, int sham, double *longest_build, struct error *error)
{
	struct generation *next;
	uint64_t began;
	double took;
	int rc;

	enter(sampler, PHASE_QUIET);
	usleep(QUIET_US);
	enter(sampler, PHASE_BUILD);
	began = cpu_wall_ns();
	rc = rig_generation_new(sampler->rig, &next, error);
	if (rc != 0)
		return rc;
	took = (double)(cpu_wall_ns() - began) / 1e9;
	*longest_build = took > *longest_build ? took : *longest_build;
	enter(sampler, sham ? PHASE_SHAM : PHASE_SWAP);
	if (sham)
		generation_free(next, sampler->rig->generation);
	else
		rig_swap(sampler->rig, next);
	usleep(SWAP_US);
	return 0;
}

static int by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

/* Prints the 10th percentile, the median and the 90th. */
static void print_spread(const char *name, double *values, unsigned count)
{
	qsort(values, count, sizeof(*values), by_value);
	printf("\"%s\": [%.0f, %.0f, %.0f]", name, values[count / 10], values[count / 2], values[count * 9 / 10]);
}

static void print_phase(const struct sampler *sampler, enum phase phase)
{
	static double wall[WINDOWS_MAX], cpu[WINDOWS_MAX];
	unsigned count = 0;

	for (unsigned i = 0; i < sampler->count; i++)
		if (sampler->windows[i].phase == phase) {
			wall[count] = sampler->windows[i].per_second;
			cpu[count++] = sampler->windows[i].per_cpu_second;
		}
	printf(", \"%s\": {\"windows\": %u", phase_names[phase], count);
	if (count > 0) {
		printf(", ");
		print_spread("per_second", wall, count);
		printf(", ");
		print_spread("per_cpu_second", cpu, count);
	}
	printf("}");
}

/* The main thread and those that it starts leave the worker's CPU alone. */
static void move_aside(const struct rig *rig)
{
	cpu_set_t set;

	if (rig->settings.cpus[0] < 0 || sched_getaffinity(0, sizeof(set), &set) != 0)
		return;
	CPU_CLR((unsigned)rig->settings.cpus[0], &set);
	if (CPU_COUNT(&set) > 0)
		(void)sched_setaffinity(0, sizeof(set), &set);
}

int swap_measure(struct rig *rig, unsigned swaps, struct error *error)
{
	static struct sampler sampler;
	double longest_build = 0;
	struct rig_sums sums;
	pthread_t thread;
	int rc = 0;

	if (rig->settings.config == NULL)
		return error_set(error, -EINVAL, "--mode swap needs --config");
	sampler.rig = rig;
	move_aside(rig);
	if (pthread_create(&thread, NULL, sample, &sampler) != 0)
		return error_set(error, -EAGAIN, "no thread to sample with");
	for (unsigned i = 0; rc == 0 && i < 2 * swaps; i++)
		rc = swap_once(&sampler, i % 2 != 0, &longest_build, error);
	atomic_store(&sampler.ended, 1);
	(void)pthread_join(thread, NULL);
	if (rc != 0)
		return rc;
	rig_sum(rig, &sums);
	printf("{\"mode\": \"swap\", \"dropped\": %llu, \"longest_build_s\": %.2f", (unsigned long long)sums.dropped,
		longest_build);
	for (int phase = PHASE_QUIET; phase < PHASES; phase++)
		print_phase(&sampler, (enum phase)phase);
	printf("}\n");
	return 0;
}
