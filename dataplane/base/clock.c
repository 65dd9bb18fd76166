/* SPDX-License-Identifier: Apache-2.0 */
#include "base/clock.h"

#include <cpuid.h>
#include <errno.h>
#include <stdatomic.h>
#include <time.h>

/* A sequence lock: odd while the one writer is at work. */
static atomic_uint anchor_sequence;
static _Atomic uint64_t anchor_tsc;
static _Atomic int64_t anchor_utc_ns;
static double ns_per_tick;
static uint64_t ticks_per_second;
static int64_t shift_us;

static int64_t now_ns(clockid_t id)
{
	struct timespec ts;

	clock_gettime(id, &ts);
	return (int64_t)ts.tv_sec * 1000000000 + ts.tv_nsec;
}

int64_t clock_ms(void)
{
	return now_ns(CLOCK_MONOTONIC) / 1000000;
}

int64_t clock_wall_us(void)
{
	return now_ns(CLOCK_REALTIME) / 1000;
}

static int tsc_is_invariant(void)
{
	unsigned a, b, c, d;

	return __get_cpuid(0x80000007, &a, &b, &c, &d) && (d & (1u << 8)) != 0;
}

/* The counter and the clock read as close together as three tries allow. */
static uint64_t read_pair(clockid_t id, int64_t *ns)
{
	uint64_t best = UINT64_MAX, tsc = 0;

	for (int i = 0; i < 3; i++) {
		uint64_t before = clock_tsc();
		int64_t value = now_ns(id);
		uint64_t after = clock_tsc();

		if (after - before < best) {
			best = after - before;
			tsc = before + (after - before) / 2;
			*ns = value;
		}
	}
	return tsc;
}

int clock_init(void)
{
	struct timespec pause = {0, 20000000};
	int64_t ns0 = 0, ns1 = 0;
	uint64_t tsc0, tsc1;

	tsc0 = read_pair(CLOCK_MONOTONIC_RAW, &ns0);
	nanosleep(&pause, NULL);
	tsc1 = read_pair(CLOCK_MONOTONIC_RAW, &ns1);
	ns_per_tick = (double)(ns1 - ns0) / (double)(tsc1 - tsc0);
	ticks_per_second = (uint64_t)(1e9 / ns_per_tick);
	clock_update();
	return tsc_is_invariant() ? 0 : -ENOTSUP;
}

void clock_update(void)
{
	unsigned sequence = atomic_load_explicit(&anchor_sequence, memory_order_relaxed);
	int64_t ns = 0;
	uint64_t tsc = read_pair(CLOCK_REALTIME, &ns);

	atomic_store_explicit(&anchor_sequence, sequence + 1, memory_order_relaxed);
	atomic_thread_fence(memory_order_release);
	atomic_store_explicit(&anchor_tsc, tsc, memory_order_relaxed);
	atomic_store_explicit(&anchor_utc_ns, ns + shift_us * 1000, memory_order_relaxed);
	atomic_store_explicit(&anchor_sequence, sequence + 2, memory_order_release);
}

uint64_t clock_hz(void)
{
	return ticks_per_second;
}

int64_t clock_utc_us(uint64_t tsc)
{
	unsigned before, after;
	uint64_t base;
	int64_t utc;

	do {
		before = atomic_load_explicit(&anchor_sequence, memory_order_acquire);
		base = atomic_load_explicit(&anchor_tsc, memory_order_relaxed);
		utc = atomic_load_explicit(&anchor_utc_ns, memory_order_relaxed);
		atomic_thread_fence(memory_order_acquire);
		after = atomic_load_explicit(&anchor_sequence, memory_order_relaxed);
	} while ((before & 1) != 0 || before != after);
	return (utc + (int64_t)((double)(int64_t)(tsc - base) * ns_per_tick)) / 1000;
}

void clock_shift_us(int64_t us)
{
	shift_us = us;
	clock_update();
}
