/* SPDX-License-Identifier: Apache-2.0 */
/* A worker rests when its queue is empty, and not because what comes is for nobody. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>

#include <cmocka.h>
#include <time.h>
#include <unistd.h>

#include "rig.h"

#define FRAMES 20000u

/* A queue with so many frames of which none holds a datagram. */
struct source_queue {
	struct source_counters counters;
	atomic_uint early, late; /* times that the worker rested, before it had seen all of them and then */
};

#include "stand_in.h"

static unsigned receive(struct source_queue *queue, struct datagram *out, uint64_t tsc)
{
	(void)out;
	(void)tsc;
	if (counter_read(&queue->counters.frames) < FRAMES)
		counter_add(&queue->counters.frames, 1);
	return 0;
}

static void rest(struct source_queue *queue, unsigned us)
{
	atomic_fetch_add(counter_read(&queue->counters.frames) < FRAMES ? &queue->early : &queue->late, 1);
	(void)usleep(us);
}

static void frames_without_datagrams_are_no_idleness(void **state)
{
	static struct source_ops ops;
	static struct source_queue queue;
	struct rig *rig = rig_new(8);
	struct error error;

	(void)state;
	ops = stand_in(receive, rest);
	rig->config.ops = &ops;
	rig->config.queue = &queue;
	rig->config.idle = WORKER_SLEEP;
	rig_start(rig);
	assert_int_equal(worker_start(rig->worker, &error), 0);
	(void)alarm(60);
	while (atomic_load(&queue.late) < 3)
		(void)usleep(1000);
	(void)alarm(0);
	worker_halt(rig->worker);
	worker_join(rig->worker);
	assert_int_equal(atomic_load(&queue.early), 0);
	rig_free(rig);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(frames_without_datagrams_are_no_idleness),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
