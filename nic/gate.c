/* SPDX-License-Identifier: Apache-2.0 */
#include "nic/gate.h"

#include <errno.h>
#include <time.h>
#include <unistd.h>

#define CLOSE_WAIT_US 2000000
#define CLOSE_STEP_US 200

void gate_enter(struct gate *gate)
{
	atomic_store(&gate->owner, gettid());
}

void gate_leave(struct gate *gate)
{
	atomic_store(&gate->owner, 0);
}

void gate_open(struct gate *gate)
{
	atomic_store(&gate->state, GATE_OPEN);
}

int gate_close(struct gate *gate)
{
	int expected = GATE_OPEN;

	if (!atomic_compare_exchange_strong(&gate->state, &expected, GATE_CLOSING))
		return 0;
	for (unsigned us = 0; us < CLOSE_WAIT_US; us += CLOSE_STEP_US) {
		struct timespec step = {.tv_nsec = CLOSE_STEP_US * 1000};
		pid_t owner = atomic_load(&gate->owner);

		if (owner == 0 || owner == gettid())
			break;
		if (atomic_load(&gate->state) == GATE_CLOSED)
			return 0;
		(void)nanosleep(&step, NULL);
	}
	expected = GATE_CLOSING;
	if (!atomic_compare_exchange_strong(&gate->state, &expected, GATE_CLOSED))
		return 0;
	expected = (int)atomic_load(&gate->owner);
	return expected == 0 || expected == gettid() ? 0 : -ETIMEDOUT;
}
