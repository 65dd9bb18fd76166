/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* CPU time of this process and of its threads, by the threads' names; nanoseconds. Any thread. */

#include <stdint.h>

/* CLOCK_MONOTONIC. */
uint64_t cpu_wall_ns(void);

/* Of the whole process, threads that have ended included. */
uint64_t cpu_process_ns(void);

/* Of the calling thread. */
uint64_t cpu_thread_ns(void);

/* Of the living threads whose name begins with `prefix`. */
uint64_t cpu_threads_ns(const char *prefix);

/* Keeps the calling thread on a CPU; -1: does nothing. */
void cpu_pin(int cpu);
