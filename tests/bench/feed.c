/* SPDX-License-Identifier: Apache-2.0 */
#include "feed.h"

#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/ring.h"
#include "wire/frame.h"
#include "worker/worker.h"

#define HOME_BURST 32u

static struct bench_feed *feed_of(struct source_queue *queue)
{
	return (struct bench_feed *)(void *)queue;
}

void feed_discard(struct bench_feed *feed)
{
	void *batches[HOME_BURST];
	unsigned n = ring_pop(feed->lane->out, batches, HOME_BURST);

	for (unsigned i = 0; i < n; i++) {
		struct batch *batch = batches[i];

		atomic_fetch_sub_explicit(&feed->lane->ring_events, batch->events, memory_order_release);
		(void)ring_push(feed->lane->home, batch);
	}
}

/* A benchmark that lost events to a full pool would measure how fast they are dropped. */
static int sink_is_full(const struct bench_feed *feed)
{
	const struct worker_config *config = worker_config(feed->worker);

	return worker_pool_available(feed->worker) < worker_pool_count(config) / 4;
}

static int is_ahead(struct bench_feed *feed, uint64_t tsc)
{
	if (feed->began == 0)
		feed->began = tsc;
	return feed->taken >= (uint64_t)((double)(tsc - feed->began) * (double)feed->rate / (double)clock_hz());
}

void feed_renumber(struct bench_feed *feed, const struct datagram *datagrams, unsigned count)
{
	for (unsigned i = 0; i < count; i++) {
		uint8_t *at = (uint8_t *)(uintptr_t)datagrams[i].data;
		uint64_t sender = frame_get64(at + 16) % FEED_SENDERS, number = frame_get64(at + 24);
		uint64_t *last = &feed->numbers[sender].last, *base = &feed->numbers[sender].base;

		if (number < *last)
			*base += *last + 1;
		*last = number;
		number = htole64(number + *base);
		memcpy(at + 24, &number, sizeof(number));
	}
}

static unsigned feed_receive(struct source_queue *queue, struct datagram *out, uint64_t tsc)
{
	struct bench_feed *feed = feed_of(queue);
	unsigned n;

	if (feed->discard)
		feed_discard(feed);
	else if (sink_is_full(feed))
		return 0;
	if (atomic_load_explicit(&feed->closed, memory_order_relaxed) || (feed->rate != 0 && is_ahead(feed, tsc)))
		return 0;
	n = feed->ops->receive(feed->queue, out, tsc);
	if (feed->frames)
		feed_renumber(feed, out, n);
	feed->taken += n;
	return n;
}

static int feed_attach(struct source_queue *queue)
{
	return feed_of(queue)->ops->attach(feed_of(queue)->queue);
}

static void feed_detach(struct source_queue *queue)
{
	feed_of(queue)->ops->detach(feed_of(queue)->queue);
}

static void feed_release(struct source_queue *queue)
{
	feed_of(queue)->ops->release(feed_of(queue)->queue);
}

static void feed_tick(struct source_queue *queue, uint64_t tsc)
{
	feed_of(queue)->ops->tick(feed_of(queue)->queue, tsc);
}

static void feed_wait(struct source_queue *queue, unsigned us)
{
	feed_of(queue)->ops->wait(feed_of(queue)->queue, us);
}

static const struct source_counters *feed_counters(const struct source_queue *queue)
{
	const struct bench_feed *feed = (const struct bench_feed *)(const void *)queue;

	return feed->ops->counters(feed->queue);
}

const struct source_ops feed_ops = {
	.attach = feed_attach,
	.detach = feed_detach,
	.receive = feed_receive,
	.release = feed_release,
	.tick = feed_tick,
	.wait = feed_wait,
	.counters = feed_counters,
};
