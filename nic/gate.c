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

	(void)atomic_compare_exchange_strong(&gate->state, &expected, GATE_CLOSING);
	for (unsigned us = 0; us < CLOSE_WAIT_US && atomic_load(&gate->state) != GATE_CLOSED; us += CLOSE_STEP_US) {
		struct timespec step = {.tv_nsec = CLOSE_STEP_US * 1000};
		pid_t owner = atomic_load(&gate->owner);

		if (owner == 0 || owner == gettid()) {
			atomic_store(&gate->state, GATE_CLOSED);
			break;
		}
		(void)nanosleep(&step, NULL);
	}
	return atomic_load(&gate->state) == GATE_CLOSED ? 0 : -ETIMEDOUT;
}
