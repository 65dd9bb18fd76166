/* SPDX-License-Identifier: Apache-2.0 */
#include "fault_plan.h"

#include <string.h>

#define SPACING 200
#define UNKNOWN 1e18 /* events; more are no run's length */

/* Events that the run will have. With a duration a tenth is taken off: a run that falls behind makes fewer. */
static uint64_t run_length(const struct options *options)
{
	double due = options->rate * options->duration_s;

	if (due == 0 || due >= (options->count == 0 ? UNKNOWN : (double)options->count))
		return options->count;
	return 1 + (uint64_t)(due * 0.9);
}

void fault_plan_init(struct fault_plan *plan, const struct options *options)
{
	memset(plan, 0, sizeof(*plan));
	plan->events = run_length(options);
	plan->pending = FAULT_COUNT;
	plan->random = random_stream(options->events.seed, UINT64_MAX);
	for (unsigned i = 0; i < FAULT_COUNT; i++) {
		plan->left[i] = options->faults[i];
		plan->total += options->faults[i];
	}
}

/* A kind by chance, in proportion to what is left of each. */
static enum fault_kind choose(struct fault_plan *plan)
{
	uint64_t ticket = random_next(&plan->random) % (plan->total - plan->done);
	enum fault_kind kind = (enum fault_kind)0;

	while (ticket >= plan->left[kind])
		ticket -= plan->left[kind++];
	return kind;
}

enum fault_kind fault_plan_due(struct fault_plan *plan, uint64_t made)
{
	uint64_t at;

	if (plan->pending != FAULT_COUNT || plan->done == plan->total)
		return plan->pending;
	if (plan->events != 0)
		at = (uint64_t)((__uint128_t)plan->events * (plan->done + 1) / (plan->total + 2));
	else
		at = (plan->done + 1) * SPACING;
	if (made >= at)
		plan->pending = choose(plan);
	return plan->pending;
}

void fault_plan_done(struct fault_plan *plan)
{
	plan->left[plan->pending]--;
	plan->done++;
	plan->pending = FAULT_COUNT;
}
