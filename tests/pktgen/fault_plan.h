/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * When faults happen: spread evenly over the run where its length is known, by --count or by --rate and --duration; else
 * one every 200 events. Their kinds are in random order, and each comes exactly as often as asked for, as long as the run
 * has datagrams for them.
 */

#include "options.h"
#include "random.h"

struct fault_plan {
	uint64_t left[FAULT_COUNT];
	uint64_t total, done;
	uint64_t events;         /* the run's length; 0: not known, a fault every 200 */
	enum fault_kind pending; /* due, but the datagram for it has not come yet; FAULT_COUNT: none */
	struct random random;
};

void fault_plan_init(struct fault_plan *plan, const struct options *options);

/* The fault that is due when `made` events are made, or FAULT_COUNT. It stays due until fault_plan_done. */
enum fault_kind fault_plan_due(struct fault_plan *plan, uint64_t made);

/* The fault that was due has happened. */
void fault_plan_done(struct fault_plan *plan);
