/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Time on the poll core: the CPU's time stamp counter, tied to UTC by an anchor that one control thread renews ten times a
 * second. A poll core makes no system call to know the time. UTC may step, also backwards; what must not go back (epochs,
 * sequences, landing hours) is guarded where it is kept, not here.
 */

#include <stdint.h>
#include <x86intrin.h>

/* The counter now. Any thread. */
static inline uint64_t clock_tsc(void)
{
	return __rdtsc();
}

/* Milliseconds of CLOCK_MONOTONIC. Any thread but a poll core. */
int64_t clock_ms(void);

/* UTC in microseconds as the kernel tells it, for programs without an anchor too. Same threads. */
int64_t clock_wall_us(void);

/* Measures the counter's rate against CLOCK_MONOTONIC_RAW (some 20 ms) and sets the first anchor. Returns 0, or -ENOTSUP
 * when the CPU's counter is not invariant (it is then used all the same; the caller warns). Main thread, once, first. */
int clock_init(void);

/* Renews the anchor from CLOCK_REALTIME. One control thread, about every 100 ms. */
void clock_update(void);

/* Counter ticks a second, as measured. Any thread, after clock_init. */
uint64_t clock_hz(void);

/* UTC in microseconds since 1970 at counter value `tsc` (recent: within some seconds of now). Any thread. */
int64_t clock_utc_us(uint64_t tsc);

/* Adds `us` to the UTC that the clock tells: tests of a clock that is wrong. Main thread, before workers start. */
void clock_shift_us(int64_t us);
