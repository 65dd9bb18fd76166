/* SPDX-License-Identifier: Apache-2.0 */
#include "base/thread.h"

#include <sched.h>
#include <signal.h>
#include <time.h>

int thread_start(pthread_t *thread, const char *name, const int *cpus, unsigned cpu_count, void *(*run)(void *), void *argument)
{
	pthread_attr_t attributes;
	sigset_t all, before;
	cpu_set_t set;
	int rc;

	CPU_ZERO(&set);
	for (unsigned i = 0; i < cpu_count; i++)
		CPU_SET((size_t)cpus[i], &set);
	pthread_attr_init(&attributes);
	if (cpu_count != 0)
		pthread_attr_setaffinity_np(&attributes, sizeof(set), &set);
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	rc = pthread_create(thread, &attributes, run, argument);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	pthread_attr_destroy(&attributes);
	if (rc == 0)
		pthread_setname_np(*thread, name);
	return -rc;
}

int thread_wait(pthread_cond_t *condition, pthread_mutex_t *mutex, int64_t ms)
{
	struct timespec until;

	clock_gettime(CLOCK_MONOTONIC, &until);
	ms = ms > 0 ? ms : 0;
	until.tv_sec += ms / 1000;
	until.tv_nsec += ms % 1000 * 1000000;
	if (until.tv_nsec >= 1000000000) {
		until.tv_nsec -= 1000000000;
		until.tv_sec++;
	}
	return pthread_cond_clockwait(condition, mutex, CLOCK_MONOTONIC, &until);
}
