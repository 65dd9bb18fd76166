/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <pthread.h>
#include <stdint.h>

/*
 * Starts a thread that is born on its CPUs (count 0: where its maker may run), so that every thread it makes, or a library makes
 * for it, is too. Signals are blocked in it: they are for the main thread. 0 or -errno.
 */
int thread_start(pthread_t *thread, const char *name, const int *cpus, unsigned cpu_count, void *(*run)(void *), void *argument);

/* Waits on a condition, at most `ms` milliseconds of CLOCK_MONOTONIC: that the wall clock is set does not prolong it. 0 or
 * ETIMEDOUT. Any thread but a poll core. */
int thread_wait(pthread_cond_t *condition, pthread_mutex_t *mutex, int64_t ms);
