/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "base/fault.h"
#include "egress/internal.h"

#define TURN_BATCHES 16u /* of one topic in one turn, so that a busy topic is not always first */

static void list_push(struct batch_list *list, struct batch *batch)
{
	batch->next = NULL;
	if (list->head == NULL)
		list->head = batch;
	else
		list->tail->next = batch;
	list->tail = batch;
	list->bytes += batch->bytes;
}

static struct batch *list_pop(struct batch_list *list)
{
	struct batch *batch = list->head;

	if (batch == NULL)
		return NULL;
	list->head = batch->next;
	list->bytes -= batch->bytes;
	return batch;
}

static void list_unpop(struct batch_list *list, struct batch *batch)
{
	batch->next = list->head;
	if (list->head == NULL)
		list->tail = batch;
	list->head = batch;
	list->bytes += batch->bytes;
}

static void wait_in_line(struct producer *producer, struct topic_state *topic)
{
	if (topic->listed)
		return;
	topic->listed = 1;
	TAILQ_INSERT_TAIL(&producer->waiting, topic, link);
}

static int is_waiting(const struct topic_state *topic)
{
	return topic->current != NULL || topic->again.head != NULL || topic->read.head != NULL || topic->fresh.head != NULL;
}

/* Counts the events of a batch that has come into the producer's hands. */
void flow_hold(struct producer *producer, struct batch *batch, uint64_t events)
{
	struct producer_topic_counters *counters = &producer->counters.topics[batch->topic];

	if (counter_read(&counters->held) == 0)
		producer->topics[batch->topic].moved_ms = producer->now_ms;
	counter_add(&counters->held, events);
	counter_add(&producer->counters.held, events);
}

/* Puts a batch behind the others of its topic. */
void flow_place(struct producer *producer, struct batch *batch)
{
	struct topic_state *topic = &producer->topics[batch->topic];

	list_push(batch->lane == SPOOL_LANE ? &topic->read : &topic->fresh, batch);
	wait_in_line(producer, topic);
}

void flow_take(struct producer *producer, struct lane *lane, struct batch *batch)
{
	struct topic_state *topic = &producer->topics[batch->topic];
	uint64_t events = batch->events;

	batch_unsettle(batch);
	batch->outstanding = 1; /* given back when the whole batch is handed over */
	if (FAULT("producer_pop") && events > 0) { /* an event lost in silence between ring and producer */
		batch->unsettled[0] &= ~(uint64_t)1;
		events--;
	}
	flow_hold(producer, batch, events);
	counter_add(&producer->counters.received, events);
	atomic_fetch_sub_explicit(&lane->ring_events, batch->events, memory_order_release);
	producer->home[batch->lane] = lane;
	spill_held(lane, batch->topic, 1);
	if (spill_keeps(producer, batch))
		return;
	if (!is_waiting(topic) && spill_takes(producer, batch))
		return;
	flow_place(producer, batch);
}

void flow_again(struct producer *producer, struct batch *batch)
{
	struct topic_state *topic = &producer->topics[batch->topic];

	batch->outstanding = 1;
	list_push(&topic->again, batch);
	wait_in_line(producer, topic);
}

/* What is to go next. What was read from disk goes before what is fresh, which came later, and waits until there is room for it. */
static struct batch *current_batch(struct producer *producer, struct topic_state *topic)
{
	if (topic->current != NULL)
		return topic->current;
	topic->current = list_pop(&topic->again);
	if (topic->current == NULL && topic->read.head != NULL && spill_has_window(producer, topic))
		topic->current = list_pop(&topic->read);
	if (topic->current == NULL && topic->read.head == NULL)
		topic->current = list_pop(&topic->fresh);
	topic->offset = 0;
	topic->index = 0;
	return topic->current;
}

/* A batch is its list's no longer before the disk has it, nor when it does not take it. */
static int leave_first(struct producer *producer, struct batch_list *list)
{
	struct batch *batch = list_pop(list);

	if (batch == NULL || spill_takes(producer, batch))
		return batch != NULL;
	list_unpop(list, batch);
	return 0;
}

/* What waits behind others is left to the disk all the same, or given back to it. */
static void leave_waiting(struct producer *producer, struct topic_state *topic)
{
	struct batch *probe;

	if (producer->spool == NULL)
		return;
	probe = spill_probes(producer, topic) ? list_pop(&topic->read) : NULL;
	while (leave_first(producer, &topic->read))
		continue;
	if (probe != NULL)
		list_unpop(&topic->read, probe);
	while (leave_first(producer, &topic->fresh))
		continue;
}

int flow_is_unplaced(const struct producer *producer, const struct batch *batch)
{
	return batch->partition == BATCH_UNASSIGNED &&
	       atomic_load_explicit(&producer->config.topics->topics[batch->topic].partitions, memory_order_relaxed) <= 0;
}

/*
 * Records that may be handed over now. While the topic's partitions are not known to be there, one at a time: a broker that
 * is still making a partition refuses what comes first, and its new log, which knows nothing of the client, then takes any
 * first sequence number (KIP-360), so that a second set of records on its way would overtake the first.
 */
static uint32_t room(const struct producer *producer, const struct topic_state *topic, const struct batch *batch)
{
	uint32_t window = flow_is_unplaced(producer, batch) ? 1 : topic->window;

	if (window == WINDOW_OPEN)
		return WINDOW_OPEN;
	return topic->outstanding < (int64_t)window ? (uint32_t)(window - topic->outstanding) : 0;
}

/* Some may be settled before the egress has told how many it took: all that it could take are outstanding meanwhile, and one
 * more, so that none of those is the last. */
static uint32_t submit(struct producer *producer, struct topic_state *topic, uint32_t most)
{
	struct batch *batch = topic->current;
	int64_t ahead = (int64_t)(batch->records - topic->index) + 1;
	uint32_t n;

	topic->outstanding += ahead;
	n = producer->ops->submit(producer->egress, batch, &topic->offset, &topic->index, most);
	topic->outstanding -= ahead - n;
	if (n != 0 && topic->outstanding == 0)
		settle_last(topic);
	return n;
}

/* Hands over one batch or what the window allows of it. Returns 0 when the topic has to wait. */
static unsigned submit_one(struct producer *producer, struct topic_state *topic, unsigned *taken)
{
	struct batch *batch = topic->current;
	uint32_t most, n;

	if (topic->index == 0 && batch->lane != SPOOL_LANE && spill_takes(producer, batch)) {
		topic->current = NULL;
		return 1;
	}
	most = room(producer, topic, batch);
	if (most == 0 || producer->now_ms < topic->retry_ms || !spill_has_room(producer, batch))
		return 0;
	if (topic->outstanding == 0)
		topic->heard_ms = producer->now_ms;
	n = submit(producer, topic, most);
	*taken += n;
	if (topic->index < batch->records)
		return n != 0;
	topic->current = NULL;
	if (--batch->outstanding == 0)
		settle_finish(producer, batch);
	return 1;
}

/* One round over the topics that wait, each its share; returns the records handed over. A topic that cannot go on, for
 * whatever reason, is passed by. */
unsigned flow_submit(struct producer *producer)
{
	struct topic_state *topic = TAILQ_FIRST(&producer->waiting);
	struct topic_state *last = TAILQ_LAST(&producer->waiting, topic_queue), *next;
	unsigned taken = 0;

	producer->hurried = 0;
	for (; topic != NULL; topic = next) {
		next = topic == last ? NULL : TAILQ_NEXT(topic, link);
		leave_waiting(producer, topic);
		if (linger_keeps(producer, topic))
			continue;
		for (unsigned i = 0; i < TURN_BATCHES && current_batch(producer, topic) != NULL; i++)
			if (!submit_one(producer, topic, &taken))
				break;
		TAILQ_REMOVE(&producer->waiting, topic, link);
		topic->listed = 0;
		if (!is_waiting(topic))
			continue;
		producer->hurried = 1;
		wait_in_line(producer, topic);
	}
	settle_flush(producer);
	return taken;
}

/* The egress is closed: what still waits is settled as it is. */
void flow_give_up_waiting(struct producer *producer)
{
	struct topic_state *topic;

	while ((topic = TAILQ_FIRST(&producer->waiting)) != NULL) {
		struct batch *batch = current_batch(producer, topic);

		if (batch == NULL) {
			TAILQ_REMOVE(&producer->waiting, topic, link);
			topic->listed = 0;
			continue;
		}
		topic->current = NULL;
		if (--batch->outstanding == 0)
			settle_finish(producer, batch);
	}
	settle_flush(producer);
}
