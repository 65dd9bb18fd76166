/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * What a swap of generations costs the traffic. While the first worker works, generations with the same tables are
 * built, published and freed on the main thread, away from the worker's CPU; a thread of its own takes the worker's
 * counters every 20 ms.
 */

#include "rig.h"

/*
 * Swaps so many times and prints a line of JSON. Phases are `quiet`, `build` while a geo table is loaded, `swap` from
 * the publication on for 300 ms, and `sham`, which is as `swap`, but what was built is freed and not published. For
 * each the windows wholly in it, their 10th percentile, median and 90th of events a second, and of events a second of
 * the worker's CPU. 0 or -errno with a sentence. Workers run. Main thread.
 */
int swap_measure(struct rig *rig, unsigned swaps, struct error *error);
