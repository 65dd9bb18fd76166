/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * The gate of a queue: control opens and closes it, the queue's worker looks at it before each receive. Closing waits for
 * the worker to have seen it, so that nobody is inside afterwards, and costs the worker one plain load a burst.
 */

#include <stdatomic.h>
#include <sys/types.h>

enum gate_state { GATE_CLOSED, GATE_OPEN, GATE_CLOSING };

struct gate {
	_Atomic int state;   /* control: closed -> open -> closing; closing -> closed: worker, or control when none is attached */
	_Atomic pid_t owner; /* worker's thread id, 0: none is attached */
};

/* The worker's own calls: on attach and detach. */
void gate_enter(struct gate *gate);
void gate_leave(struct gate *gate);

/* Control thread. */
void gate_open(struct gate *gate);

/* Closes and waits until the worker has acknowledged, has left, or has not come by for two seconds (-ETIMEDOUT; it is
 * still to acknowledge, and the next call waits for that).
 * A caller that is the worker itself does not wait. Control thread. */
int gate_close(struct gate *gate);

/* Whether the worker may go on; acknowledges a closing gate. Worker only. */
static inline int gate_pass(struct gate *gate)
{
	int state = atomic_load_explicit(&gate->state, memory_order_acquire);

	if (__builtin_expect(state == GATE_OPEN, 1))
		return 1;
	if (state == GATE_CLOSING)
		atomic_store_explicit(&gate->state, GATE_CLOSED, memory_order_release);
	return 0;
}
