/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <string.h>

#include "base/clock.h"
#include "base/fault.h"
#include "base/ring.h"
#include "egress/internal.h"

static void moved(struct producer *producer, uint16_t topic)
{
	producer->topics[topic].moved_ms = producer->now_ms;
	producer->topics[topic].code = NULL;
	producer->topics[topic].sick = 0;
	counter_set(&producer->counters.topics[topic].stalled_since, 0);
}

static void count_end(struct producer *producer, uint16_t topic, counter *as, counter *of_topic, uint64_t events)
{
	counter_add(as, events);
	counter_add(of_topic, events);
	counter_sub(&producer->counters.topics[topic].held, events);
	counter_sub(&producer->counters.held, events);
}

void settle_given_up(struct producer *producer, uint16_t topic, counter *reason, uint64_t events)
{
	count_end(producer, topic, reason, &producer->counters.topics[topic].given_up, events);
	moved(producer, topic);
}

void settle_buried(struct producer *producer, uint16_t topic, uint64_t events)
{
	struct producer_counters *counters = &producer->counters;

	count_end(producer, topic, &counters->dead_lettered, &counters->topics[topic].dead_lettered, events);
	moved(producer, topic);
}

void settle_flush(struct producer *producer)
{
	struct settled_run *run = &producer->run;
	struct batch *batch = run->batch;
	struct producer_topic_counters *topic;
	uint64_t events, acked;

	if (run->events == 0 && run->bytes == 0)
		return;
	topic = &producer->counters.topics[batch->topic];
	events = acked = run->events;
	if (FAULT("producer_report") && acked > 0) /* a report lost in silence: no longer held, never acked */
		acked--;
	counter_add(&producer->counters.acked, acked);
	counter_add(&topic->acked, acked);
	counter_add(&producer->counters.bytes_acked, run->bytes);
	counter_sub(&topic->held, events);
	counter_sub(&producer->counters.held, events);
	if (batch->opened_tsc != 0 && clock_hz() != 0)
		latency_add(&producer->counters.latency,
			(uint64_t)((double)(clock_tsc() - batch->opened_tsc) * 1e6 / (double)clock_hz()), events);
	moved(producer, batch->topic);
	run->events = 0;
	run->bytes = 0;
}

static void count_acked(struct producer *producer, struct batch *batch, uint32_t index, uint32_t bytes)
{
	struct settled_run *run = &producer->run;

	if (run->batch != batch) {
		settle_flush(producer);
		run->batch = batch;
	}
	run->events += batch_events_at(batch, index);
	run->bytes += bytes;
}

static void back_off(struct producer *producer, struct topic_state *topic)
{
	if (producer->now_ms < topic->retry_ms)
		return;
	topic->backoff_ms = topic->backoff_ms == 0 ? BACKOFF_MIN_MS : topic->backoff_ms * 2;
	if (topic->backoff_ms > BACKOFF_MAX_MS)
		topic->backoff_ms = BACKOFF_MAX_MS;
	topic->retry_ms = producer->now_ms + topic->backoff_ms;
}

/* All that was handed over of a topic has come back: its window follows what became of it. */
void settle_last(struct topic_state *topic)
{
	if (topic->refused)
		topic->window = topic->window > WINDOW_FIRST ? WINDOW_FIRST : topic->window / 4;
	else if (topic->window != WINDOW_OPEN)
		topic->window = topic->window > WINDOW_LAST / 4 ? WINDOW_OPEN : topic->window * 4;
	if (topic->window == 0)
		topic->window = 1;
	topic->refused = 0;
}

static void settle_refusal(struct producer *producer, struct batch *batch, uint32_t index, const struct kafka_report *report)
{
	struct topic_state *topic = &producer->topics[batch->topic];
	struct producer_counters *counters = &producer->counters;
	counter *reason = report->verdict == KAFKA_TOO_LARGE ? &counters->given_up_too_large : &counters->given_up_invalid;
	int rc;

	topic->code = report->code;
	if (!report->alone && topic->window != 1) {
		topic->refused = 1;
		return;
	}
	rc = bury_record(producer, batch, index, report->code, reason);
	if (rc == -EAGAIN) { /* the disk has as many as may be: Kafka is asked again when it has had time for them */
		topic->retry_ms = producer->now_ms + BURY_MS;
		return;
	}
	if (rc != 0 && bury_stays(producer, batch))
		return;
	batch_settle(batch, index);
	if (rc != 0)
		settle_given_up(producer, batch->topic, reason, batch_events_at(batch, index));
}

void settle_again(struct producer *producer, struct batch *batch, uint32_t index)
{
	batch_unsettle_one(batch, index);
	back_off(producer, &producer->topics[batch->topic]);
}

/* Not for the record's own sake: one that is no letter is handed over again. */
static void settle_forbidden(struct producer *producer, struct batch *batch, uint32_t index, const struct kafka_report *report)
{
	struct topic_state *topic = &producer->topics[batch->topic];
	int rc = producer->config.bury_forbidden ? bury_record(producer, batch, index, report->code, NULL) : -EPERM;

	topic->code = report->code;
	if (rc == 0)
		batch_settle(batch, index);
	else if (rc == -EAGAIN)
		topic->retry_ms = producer->now_ms + BURY_MS;
	else
		back_off(producer, topic);
}

/* A partition that the topic no longer has is chosen anew. One that was added, of which this client has yet to hear, is waited
 * for: elsewhere, its keys would be where no other producer puts them. */
static void settle_misplaced(struct producer *producer, struct batch *batch)
{
	if (batch->partition < atomic_load(&producer->config.topics->topics[batch->topic].partitions))
		back_off(producer, &producer->topics[batch->topic]);
	else
		batch->partition = BATCH_UNASSIGNED;
}

void settle_record(void *context, const struct kafka_report *report)
{
	struct producer *producer = context;
	uint32_t index;
	struct batch *batch = batch_of_tag(report->tag, &index);
	struct topic_state *topic = &producer->topics[batch->topic];

	switch (report->verdict) {
	case KAFKA_ACKED:
		batch_settle(batch, index);
		count_acked(producer, batch, index, report->bytes);
		topic->backoff_ms = 0;
		producer->acked_ms = producer->now_ms;
		break;
	case KAFKA_TOO_LARGE:
	case KAFKA_INVALID:
		settle_refusal(producer, batch, index, report);
		break;
	case KAFKA_FORBIDDEN:
		settle_forbidden(producer, batch, index, report);
		break;
	case KAFKA_MISPLACED:
		topic->code = report->code;
		settle_misplaced(producer, batch);
		break;
	case KAFKA_RETRY:
	case KAFKA_REBUILD:
		topic->code = report->code;
		back_off(producer, topic);
		break;
	}
	topic->heard_ms = producer->now_ms;
	if (--topic->outstanding == 0)
		settle_last(topic);
	if (--batch->outstanding == 0)
		settle_finish(producer, batch);
}

void settle_home(struct producer *producer, struct batch *batch)
{
	struct lane *lane = producer->home[batch->lane];

	spill_held(lane, batch->topic, -1);
	/* The ring is as large as the pool: this cannot fail. */
	(void)ring_push(lane->home, batch);
}

void settle_left(struct producer *producer, struct batch *batch, uint64_t events)
{
	counter_add(&producer->counters.to_disk, events);
	counter_sub(&producer->counters.topics[batch->topic].held, events);
	counter_sub(&producer->counters.held, events);
}

void settle_whole(struct producer *producer, struct batch *batch, counter *reason)
{
	count_end(producer, batch->topic, reason, &producer->counters.topics[batch->topic].given_up, batch_unsettled_events(batch));
	memset(batch->unsettled, 0, sizeof(batch->unsettled));
	batch->outstanding = 0;
	settle_home(producer, batch);
}

void settle_stopped(struct producer *producer, struct batch *batch)
{
	if (producer->spool != NULL)
		spool_gave_up(producer->spool, batch);
	settle_whole(producer, batch, &producer->counters.given_up_stopped);
}

void settle_finish(struct producer *producer, struct batch *batch)
{
	uint64_t left = batch_unsettled_records(batch);

	settle_flush(producer);
	spill_back(producer, batch);
	if (batch->stays) {
		spill_stays(producer, batch);
	} else if (left != 0 && !producer->giving_up) {
		counter_add(&producer->counters.topics[batch->topic].retries, left);
		flow_again(producer, batch);
	} else if (left != 0) {
		if (!spill_takes_rest(producer, batch))
			settle_stopped(producer, batch);
	} else if (!spill_takes_settled(producer, batch)) {
		settle_home(producer, batch);
	}
}

static void mark_stalled(struct producer *producer, unsigned index)
{
	struct producer_topic_counters *counters = &producer->counters.topics[index];
	struct topic_state *topic = &producer->topics[index];
	int64_t still_ms;
	unsigned more;

	spill_waits(producer, (uint16_t)index);
	still_ms = producer->now_ms - topic->moved_ms;
	if (still_ms >= SICK_MS && !producer->is_away && producer->spool != NULL) {
		topic->sick = 1;
		topic->replay_window = REPLAY_FIRST;
	}
	if (still_ms < STALLED_MS || counter_read(&counters->stalled_since) != 0)
		return;
	counter_set(&counters->stalled_since, (uint64_t)(clock_utc_us(clock_tsc()) / 1000 - still_ms) / 1000);
	if (log_allowed(&producer->stall_log, 10, &more))
		log_write(LOG_WARNING, "topic %s: nothing acknowledged for %d s, last answer: %s%s (%u other topics before it)",
			producer->config.topics->topics[index].name, (int)(still_ms / 1000),
			topic->code != NULL ? topic->code : "none", topic->code != NULL ? kafka_topic_cure(topic->code) : "", more);
}

int64_t settle_stuck_ms(const struct producer *producer)
{
	return producer->config.stuck_ms != 0 ? producer->config.stuck_ms : STUCK_MS;
}

/* The client has records of the topic and says nothing of them: neither that they were delivered nor that they were not. */
static int seems_stuck(const struct producer *producer, const struct topic_state *topic)
{
	return topic->outstanding != 0 && producer->now_ms - topic->heard_ms >= settle_stuck_ms(producer);
}

/* When the cluster has just come back, the client is given time to say something. */
static void ask_whether_stuck(struct producer *producer, unsigned index)
{
	struct topic_state *topic = &producer->topics[index];
	int64_t stuck_ms = settle_stuck_ms(producer);
	int is_well;

	producer->asked = index;
	producer->ask_ms = producer->now_ms + (stuck_ms < ASK_MS ? stuck_ms : ASK_MS);
	topic->look_ms = producer->now_ms + (stuck_ms < STUCK_AGAIN_MS ? stuck_ms : STUCK_AGAIN_MS);
	is_well = producer->ops->is_well(producer->egress, (uint16_t)index);
	if (is_well && topic->was_well)
		producer->ops->unstick(producer->egress, (uint16_t)index);
	topic->was_well = is_well;
}

/* Lanes wait while the cluster is asked: one topic at a time, by turns, and none when there can be no answer. */
static void mark_stuck(struct producer *producer)
{
	unsigned count = producer->config.topics->count;

	if (producer->ops->unstick == NULL || producer->now_ms < producer->ask_ms || !producer->is_connected || producer->is_away ||
		atomic_load_explicit(&producer->stop, memory_order_relaxed))
		return;
	for (unsigned i = 1; i <= count; i++) {
		unsigned index = (producer->asked + i) % count;
		const struct topic_state *topic = &producer->topics[index];

		if (!seems_stuck(producer, topic) || producer->now_ms < topic->look_ms)
			continue;
		ask_whether_stuck(producer, index);
		return;
	}
}

void settle_sweep(struct producer *producer)
{
	away_sweep(producer);
	for (unsigned i = 0; i < producer->config.topics->count; i++) {
		atomic_store_explicit(&producer->counters.topics[i].answer, producer->topics[i].code, memory_order_relaxed);
		if (counter_read(&producer->counters.topics[i].held) != 0)
			mark_stalled(producer, i);
		else
			counter_set(&producer->counters.topics[i].stalled_since, 0);
		if (!seems_stuck(producer, &producer->topics[i]))
			producer->topics[i].was_well = 0;
	}
	mark_stuck(producer);
}
