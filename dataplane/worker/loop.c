/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <sched.h>

#include "base/clock.h"
#include "base/fault.h"
#include "base/rcu.h"
#include "base/ring.h"
#include "worker/worker_priv.h"

#define TICK_US       1000u
#define HOME_BURST    32u   /* batches taken off the ring by one pop */
#define IDLE_POLLS    64u   /* empty polls before an idle worker pauses or sleeps */
#define IDLE_SLEEP_US 1000u

void worker_batch_home(struct worker *worker, struct batch *batch)
{
	worker->topics[batch->topic].batches--;
	hours_batch_home(worker, batch);
	batch_put(worker->pool, batch);
}

/* All that is there, since a burst may fill more batches than one pop takes. None goes out meanwhile, so the pool bounds it. */
void worker_homecoming(struct worker *worker)
{
	void *home[HOME_BURST];
	unsigned n;

	do {
		n = ring_pop(worker->lane->home, home, HOME_BURST);
		for (unsigned i = 0; i < n; i++)
			worker_batch_home(worker, home[i]);
	} while (n == HOME_BURST);
}

static void burst_begin(struct worker *worker, uint64_t tsc)
{
	struct burst *burst = &worker->burst;
	const struct hours *hours = worker->config.hours;

	worker->generation = generation_now(worker->config.generation);
	burst->tsc = tsc;
	burst->receive_us = clock_utc_us(tsc);
	if (UNLIKELY(worker->generation->number != worker->timed_by))
		timed_adopt(worker);
	burst->hour = atomic_load_explicit(&hours->current, memory_order_relaxed);
	burst->oldest_hour = atomic_load_explicit(&hours->oldest, memory_order_relaxed);
	burst->hour_us = burst->hour * HOUR_US;
	burst->head_len = ingest_head(burst->head, burst->receive_us, burst->hour, worker->generation->number);
	burst->found = burst->decoded = burst->numbered = 0;
	burst->filtered = burst->sampled_out = burst->copies_asked = burst->copies = 0;
}

void worker_publish(struct worker *worker)
{
	struct worker_counters *counters = worker->counters;

	worker->open_events += worker->burst.numbered + worker->burst.copies;
	counter_set(&counters->open, worker->open_events);
	counter_set(&counters->open_batches, worker->open_count);
	counter_add(&counters->copies, worker->burst.copies);
	counter_add(&counters->numbered, worker->burst.numbered);
	counter_add(&counters->filtered, worker->burst.filtered);
	counter_add(&counters->sampled_out, worker->burst.sampled_out);
	counter_add(&counters->found, worker->burst.found);
	counter_add(&counters->decoded, worker->burst.decoded);
	counter_add(&counters->copies_asked, worker->burst.copies_asked);
	worker->burst.numbered = worker->burst.found = worker->burst.decoded = 0;
	worker->burst.filtered = worker->burst.sampled_out = 0;
	worker->burst.copies_asked = worker->burst.copies = 0;
}

static int decode(struct worker *worker, const struct datagram *datagram)
{
	const struct input_plan *plan = &worker->generation->plans[worker->input_of_port[datagram->destination_port]];

	if (UNLIKELY(datagram->len == 0))
		return 1 + DATAGRAM_DROP_empty;
	if (plan->input->format == INPUT_FRAME)
		return decode_frame(worker, plan, datagram); /* which sees to the quota when the sender's account has it */
	if (over_quota(worker, datagram))
		return 1 + DATAGRAM_DROP_sender_quota;
	return plan->input->format == INPUT_JSON ? decode_json(worker, plan, datagram) : decode_raw(worker, plan, datagram);
}

void worker_burst(struct worker *worker, const struct datagram *datagrams, unsigned count, uint64_t tsc)
{
	struct worker_counters *counters = worker->counters;

	burst_begin(worker, tsc);
	for (unsigned i = 0; i < count; i++) {
		int drop;

		if (FAULT("worker_datagram"))
			continue;
		drop = decode(worker, &datagrams[i]);
		if (LIKELY(drop == 0))
			worker->burst.decoded++;
		else
			counter_add(&counters->datagram_drops[drop - 1], 1);
	}
	stage_run(worker);
	worker_publish(worker);
	counter_add(&counters->datagrams, count);
	counter_add(&counters->bursts, 1);
}

void worker_flush(struct worker *worker)
{
	outlets_seal_all(worker);
	worker_publish(worker);
}

static void tick(struct worker *worker, uint64_t tsc)
{
	worker->next_tick = tsc + TICK_US * worker->us_ticks;
	outlets_seal_aged(worker, tsc);
	worker_publish(worker);
	hours_hear(worker);
	worker->config.ops->tick(worker->config.queue, tsc);
}

/* What a worker does when nothing came for a while. A thread that may block must not count as a reader meanwhile. */
static void idle(struct worker *worker)
{
	switch (worker->config.idle) {
	case WORKER_SPIN:
		return;
	case WORKER_PAUSE:
		for (int i = 0; i < 64; i++)
			__builtin_ia32_pause();
		return;
	case WORKER_SLEEP:
		rcu_worker_offline();
		worker->config.ops->wait(worker->config.queue, IDLE_SLEEP_US);
		rcu_worker_online();
	}
}

/* Polls in a row in which the queue gave nothing: frames that hold no datagram for us are something, too. */
static unsigned count_empty(const struct source_counters *counters, uint64_t *frames, unsigned empty)
{
	uint64_t before = *frames;

	*frames = counter_read(&counters->frames);
	return *frames == before ? empty + 1 : 0;
}

static void poll_loop(struct worker *worker)
{
	const struct source_ops *ops = worker->config.ops;
	struct source_queue *queue = worker->config.queue;
	const struct source_counters *counters = ops->counters(queue);
	struct datagram datagrams[SOURCE_BURST];
	uint64_t frames = 0;
	unsigned empty = 0;

	while (atomic_load_explicit(&worker->stage, memory_order_relaxed) == WORKER_RUNNING) {
		uint64_t tsc = clock_tsc();
		unsigned n = ops->receive(queue, datagrams, tsc);

		if (n > 0 && FAULT("worker_receive"))
			n--;
		counter_add(&worker->counters->polls, 1);
		if (n > 0) {
			worker_burst(worker, datagrams, n, tsc);
			ops->release(queue);
			counter_add(&worker->counters->busy_ticks, clock_tsc() - tsc);
			empty = 0;
		} else {
			ops->release(queue);
			empty = count_empty(counters, &frames, empty);
		}
		if ((int64_t)(tsc - worker->next_tick) >= 0)
			tick(worker, tsc);
		worker_homecoming(worker);
		rcu_quiescent();
		if (empty >= IDLE_POLLS)
			idle(worker);
	}
}

/* Takes batches home until control joins. */
static void wait_for_join(struct worker *worker)
{
	struct timespec pause = {0, 1000000};

	while (atomic_load(&worker->stage) != WORKER_JOINING) {
		worker_homecoming(worker);
		nanosleep(&pause, NULL);
	}
}

/* After reception: everything open goes out. */
static void wind_down(struct worker *worker)
{
	worker->burst.tsc = clock_tsc();
	worker_flush(worker);
	rcu_worker_offline();
	worker->config.ops->detach(worker->config.queue); /* or the source's stop waits for this thread to let go */
	atomic_store(&worker->stage, WORKER_HALTED);
	wait_for_join(worker);
	worker_homecoming(worker);
	rcu_worker_online();
}

void *worker_main(void *argument)
{
	struct worker *worker = argument;

	(void)worker->config.ops->attach(worker->config.queue);
	rcu_worker_register();
	poll_loop(worker);
	wind_down(worker);
	rcu_worker_unregister();
	return NULL;
}
