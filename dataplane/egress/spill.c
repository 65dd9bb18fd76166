/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <limits.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "egress/internal.h"

#define ANSWERS     64u
#define REFUSED_MS  500   /* after which the spool is asked again */
#define CLOSED_MS   2000  /* for which a class that had no room is taken to have none */
#define CLOSE_MS    30000 /* for the disk to take what is left at the end */

/* Of a lane's pool, and of the credit that a topic has in it, in percent: what the producer holds when it begins to leave what
 * waits to the disk, and (a pool) when it ends. */
#define PRESSED_PERCENT 60u
#define EASED_PERCENT   45u

static void list_topic(struct producer *producer, uint16_t index)
{
	if (producer->topics[index].has_log)
		return;
	producer->topics[index].has_log = 1;
	producer->parked[producer->parked_count++] = index;
}

int spill_open(struct producer *producer, struct error *error)
{
	struct spool_config config;
	int rc;

	if (producer->config.spool == NULL)
		return 0;
	config = *producer->config.spool;
	config.cpus = producer->config.cpus;
	config.cpu_count = producer->config.cpu_count;
	config.topics = producer->config.topics;
	config.lanes = producer->config.lanes;
	config.lane_count = producer->config.lane_count;
	config.batches = 0;
	for (unsigned i = 0; i < config.lane_count; i++)
		config.batches += producer->config.lanes[i]->batches;
	rc = spool_start(&producer->spool, &config, error);
	if (rc != 0)
		return rc;
	producer->refused_ms = -REFUSED_MS;
	producer->class_count = config.class_count > 0 ? config.class_count : 1;
	for (unsigned i = 0; i < TOPIC_CLASSES; i++)
		producer->full_ms[i] = -CLOSED_MS;
	for (unsigned i = 0; i < config.topics->count; i++)
		if (spool_topic_state(producer->spool, (uint16_t)i) != NULL)
			list_topic(producer, (uint16_t)i);
	return 0;
}

void spill_free(struct producer *producer)
{
	spool_stop(producer->spool);
	bury_free(producer);
}

void spill_held(struct lane *lane, uint16_t topic, int change)
{
	lane->held += (unsigned)change;
	lane->topics[topic].held += (unsigned)change;
}

static int backlog(struct spool_log_state *state, unsigned on_its_way)
{
	return on_its_way != 0 || atomic_load(&state->left) != 0;
}

static void allow(struct spool_log_state *state, unsigned entries)
{
	atomic_store_explicit(&state->go, entries, memory_order_relaxed);
}

/* Returns whether its logs are empty. */
static int look_at_lane(struct producer *producer, struct lane *lane)
{
	unsigned percent = lane->is_pressed ? EASED_PERCENT : PRESSED_PERCENT, closed = 0, is_empty = 1;

	lane->is_pressed = lane->held * 100 >= lane->batches * percent;
	for (unsigned class = 0; class < producer->class_count; class++) {
		struct spool_log_state *state = spool_lane_state(producer->spool, lane->number, class);

		lane->has_backlog[class] = (uint8_t)backlog(state, lane->leaving[class]);
		is_empty &= !lane->has_backlog[class];
		allow(state, UINT_MAX);
		if (lane->is_pressed && producer->now_ms - producer->full_ms[class] < CLOSED_MS)
			closed |= 1u << class;
	}
	atomic_store_explicit(&lane->closed, closed, memory_order_relaxed);
	return (int)is_empty;
}

/* What is given back is in a log before it is `returning` no more. */
static void look_at_lanes(struct producer *producer)
{
	int is_empty = atomic_load(&spool_counters(producer->spool)->returning) == 0;

	for (unsigned i = 0; i < producer->config.lane_count; i++)
		is_empty &= look_at_lane(producer, producer->config.lanes[i]);
	producer->fill += (unsigned)is_empty;
}

/* A sick topic is tried with one batch. */
static void look_at_topic(struct producer *producer, uint16_t index)
{
	struct spool_log_state *state = spool_topic_state(producer->spool, index);
	struct topic_state *topic = &producer->topics[index];

	topic->has_backlog = topic->parking != 0;
	if (state == NULL)
		return;
	topic->has_backlog = (uint8_t)backlog(state, topic->parking);
	allow(state, !topic->sick ? UINT_MAX : counter_read(&producer->counters.topics[index].held) == 0);
}

/*
 * What the logs hold is looked at before their answers are taken: a log that is empty here has nothing on its way that is not among
 * the answers, so what comes after them in this turn is behind it.
 */
void spill_look(struct producer *producer)
{
	if (producer->spool == NULL)
		return;
	away_look(producer);
	look_at_lanes(producer);
	for (unsigned i = 0; i < producer->parked_count; i++)
		look_at_topic(producer, producer->parked[i]);
	spool_allow_reads(producer->spool, !producer->is_away && !producer->giving_up);
}

void spill_order(struct producer *producer, struct batch *batch, enum spool_order what)
{
	batch->order = (uint8_t)what;
	producer->orders_given = 1;
	if (batch->lane != SPOOL_LANE || what == SPOOL_BURY)
		producer->ordered++;
	spool_order(producer->spool, batch, what);
}

void spill_wake(struct producer *producer)
{
	if (!producer->orders_given)
		return;
	producer->orders_given = 0;
	spool_wake(producer->spool);
}

/* Whose log of its lane a batch belongs to. A topic that a reload has put into another class stays in the one before until nothing
 * waits in its log: it would be overtaken. */
static unsigned class_of(struct producer *producer, const struct batch *batch)
{
	struct lane *lane = producer->home[batch->lane];
	struct lane_topic *topic = &lane->topics[batch->topic];

	if (batch->log != BATCH_UNLOGGED)
		return batch->class;
	if (!topic->has_class || !lane->has_backlog[topic->class])
		topic->class = (uint8_t)spool_class_of(producer->spool, batch->topic);
	topic->has_class = 1;
	return topic->class;
}

int spill_keeps(struct producer *producer, struct batch *batch)
{
	if (producer->spool == NULL || !producer->config.write_first)
		return 0;
	batch->class = (uint8_t)class_of(producer, batch);
	producer->topics[batch->topic].writing += batch->events;
	spill_order(producer, batch, SPOOL_WRITE);
	return 1;
}

/* A batch that was read from disk is the disk's again at once: there it is durable. */
static void give_back(struct producer *producer, struct batch *batch)
{
	uint64_t events = batch_unsettled_events(batch);

	atomic_fetch_add(&spool_counters(producer->spool)->returning, events);
	settle_left(producer, batch, events);
}

static void leave(struct producer *producer, struct batch *batch, enum spool_order what)
{
	spill_back(producer, batch);
	if (what == SPOOL_LEAVE)
		producer->topics[batch->topic].left_in = producer->fill;
	if (what == SPOOL_PARK) {
		producer->topics[batch->topic].parking += batch->lane != SPOOL_LANE;
		producer->topics[batch->topic].has_backlog = 1;
		list_topic(producer, batch->topic);
	} else if (batch->lane != SPOOL_LANE) {
		batch->class = (uint8_t)class_of(producer, batch);
		producer->home[batch->lane]->leaving[batch->class]++;
		producer->home[batch->lane]->has_backlog[batch->class] = 1;
	}
	if (batch->lane == SPOOL_LANE)
		give_back(producer, batch);
	spill_order(producer, batch, what);
}

/* A log holds a batch as it was written: what was settled of it since would be delivered again. */
static int is_in_part(const struct batch *batch)
{
	return batch->log != BATCH_UNLOGGED && batch_unsettled_records(batch) != batch->records;
}

/* Without the disk its next events would be dropped. In a log of its own, it holds up no other topic. */
static int has_spent_credit(const struct lane *lane, uint16_t topic)
{
	return lane->topics[topic].held * 100 >= lane->credit * PRESSED_PERCENT;
}

/* What was read goes back while Kafka is away; and of a topic that is sick. */
static int takes_back(struct producer *producer, struct batch *batch)
{
	if (is_in_part(batch))
		return 0;
	if (producer->is_away || (producer->topics[batch->topic].sick && spool_is_parked(producer->spool, batch)))
		leave(producer, batch, SPOOL_LEAVE);
	else if (producer->topics[batch->topic].sick)
		leave(producer, batch, SPOOL_PARK);
	else
		return 0;
	return 1;
}

int spill_probes(const struct producer *producer, const struct topic_state *topic)
{
	return topic->sick && !producer->is_away && topic->outstanding == 0 && topic->current == NULL &&
	       topic->again.head == NULL && topic->read.head != NULL && spool_is_parked(producer->spool, topic->read.head);
}

int spill_takes(struct producer *producer, struct batch *batch)
{
	const struct topic_state *topic = &producer->topics[batch->topic];
	const struct lane *lane = producer->home[batch->lane];
	unsigned class, parks;

	if (producer->spool == NULL || producer->giving_up || producer->now_ms - producer->refused_ms < REFUSED_MS)
		return 0;
	if (batch->lane == SPOOL_LANE)
		return takes_back(producer, batch);
	parks = topic->sick || topic->has_backlog || has_spent_credit(lane, batch->topic);
	class = parks ? spool_class_of(producer->spool, batch->topic) : class_of(producer, batch);
	if (producer->now_ms - producer->full_ms[class] < REFUSED_MS)
		return 0;
	if (parks) {
		leave(producer, batch, SPOOL_PARK);
		return 1;
	}
	if (!(producer->is_away || lane->has_backlog[class] || lane->is_pressed) || is_in_part(batch))
		return 0;
	if (away_tries(producer, lane, batch->topic))
		return 0;
	leave(producer, batch, SPOOL_LEAVE);
	return 1;
}

int spill_takes_rest(struct producer *producer, struct batch *batch)
{
	if (producer->spool == NULL)
		return 0;
	leave(producer, batch, SPOOL_LEAVE);
	return 1;
}

void spill_stays(struct producer *producer, struct batch *batch)
{
	leave(producer, batch, SPOOL_STAY);
}

int spill_takes_settled(struct producer *producer, struct batch *batch)
{
	if (batch->log == BATCH_UNLOGGED)
		return 0;
	producer->topics[batch->topic].replay_window += batch->lane == SPOOL_LANE;
	spill_order(producer, batch, SPOOL_SETTLE);
	return 1;
}

int spill_has_window(const struct producer *producer, const struct topic_state *topic)
{
	return producer->giving_up || topic->replaying < topic->replay_window;
}

int spill_has_room(struct producer *producer, struct batch *batch)
{
	struct topic_state *topic = &producer->topics[batch->topic];
	struct lane *lane = producer->home[batch->lane];

	if (producer->spool == NULL || batch->with_client)
		return 1;
	if (away_is_silent(producer, topic))
		return 0;
	if (lane == NULL) {
		if (!spill_has_window(producer, topic))
			return 0;
		topic->replaying++;
	} else {
		if (!away_has_room(producer, lane, batch->topic))
			return 0;
		lane->with_client++;
		lane->topics[batch->topic].with_client++;
	}
	batch->with_client = 1;
	away_asked(producer);
	return 1;
}

void spill_back(struct producer *producer, struct batch *batch)
{
	if (!batch->with_client)
		return;
	batch->with_client = 0;
	producer->with_client--;
	if (batch->lane == SPOOL_LANE) {
		producer->topics[batch->topic].replaying--;
		return;
	}
	producer->home[batch->lane]->with_client--;
	producer->home[batch->lane]->topics[batch->topic].with_client--;
}

static void go_on(struct producer *producer, struct batch *batch)
{
	if (producer->giving_up) {
		if (batch->order != SPOOL_WRITE)
			/* the disk has refused it, and there is nobody else */
			settle_stopped(producer, batch);
		else
			(void)spill_takes_rest(producer, batch);
	} else {
		flow_place(producer, batch);
	}
}

static void was_read(struct producer *producer, struct batch *batch)
{
	producer->read_ms = producer->now_ms;
	batch_unsettle(batch);
	batch->outstanding = 1;
	flow_hold(producer, batch, batch->events);
	counter_add(&producer->counters.from_disk, batch->events);
	atomic_fetch_sub(&spool_counters(producer->spool)->passing, batch->events);
	if (producer->giving_up)
		(void)spill_takes_rest(producer, batch);
	else
		flow_place(producer, batch);
}

void spill_waits(struct producer *producer, uint16_t topic)
{
	if (counter_read(&producer->counters.topics[topic].held) == producer->topics[topic].writing)
		producer->topics[topic].moved_ms = producer->now_ms;
}

static void end_order(struct producer *producer, struct batch *batch)
{
	producer->ordered--;
	if (batch->order == SPOOL_WRITE) {
		spill_waits(producer, batch->topic);
		producer->topics[batch->topic].writing -= batch->events;
	}
	if (batch->order == SPOOL_PARK)
		producer->topics[batch->topic].parking--;
	if (batch->order == SPOOL_LEAVE)
		producer->home[batch->lane]->leaving[batch->class]--;
}

static void was_full(struct producer *producer, const struct batch *batch)
{
	unsigned class = batch->order == SPOOL_PARK ? spool_class_of(producer->spool, batch->topic) : batch->class;

	producer->full_ms[class] = producer->now_ms;
}

static void take_answer(struct producer *producer, struct batch *batch, enum spool_answer answer)
{
	if (answer != SPOOL_READ)
		end_order(producer, batch);
	if (answer != SPOOL_READ && batch->order == SPOOL_BURY) {
		bury_answered(producer, batch, answer);
		return;
	}
	switch (answer) {
	case SPOOL_WRITTEN:
		go_on(producer, batch);
		break;
	case SPOOL_REFUSED:
		if (batch->order != SPOOL_WRITE)
			producer->refused_ms = producer->now_ms;
		go_on(producer, batch);
		break;
	case SPOOL_FULL:
		was_full(producer, batch);
		go_on(producer, batch);
		break;
	case SPOOL_SAMPLED:
		settle_whole(producer, batch, &producer->counters.given_up_sampled);
		break;
	case SPOOL_LEFT:
		settle_left(producer, batch, batch_unsettled_events(batch));
		memset(batch->unsettled, 0, sizeof(batch->unsettled));
		batch->outstanding = 0;
		settle_home(producer, batch);
		break;
	case SPOOL_FREE:
		settle_home(producer, batch);
		break;
	case SPOOL_READ:
		was_read(producer, batch);
		break;
	}
}

unsigned spill_take_answers(struct producer *producer)
{
	enum spool_answer answers[ANSWERS];
	struct batch *batches[ANSWERS];
	unsigned n, taken = 0;

	if (producer->spool == NULL)
		return 0;
	do {
		n = spool_answers(producer->spool, batches, answers, ANSWERS);
		for (unsigned i = 0; i < n; i++)
			take_answer(producer, batches[i], answers[i]);
		taken += n;
	} while (n == ANSWERS);
	return taken;
}

/* Nothing is between the producer and the disk, nor will be: a turn of the spool's thread has begun after `turns`. */
static int is_closed(const struct producer *producer, unsigned turns)
{
	const struct spool_counters *counters = spool_count(producer->spool);

	return spool_turns(producer->spool) != turns && producer->ordered == 0 && atomic_load(&counters->passing) == 0 &&
	       atomic_load(&counters->returning) == 0;
}

/* The egress is closed: the disk takes what is left. */
void spill_close(struct producer *producer)
{
	int64_t end = clock_ms() + CLOSE_MS;
	unsigned turns;

	if (producer->spool == NULL)
		return;
	turns = spool_turns(producer->spool);
	producer->orders_given = 1; /* the thread may be at rest */
	while (!is_closed(producer, turns) && clock_ms() < end) {
		spill_wake(producer);
		if (spill_take_answers(producer) == 0)
			nanosleep(&(struct timespec){0, 1000000}, NULL);
	}
}
