/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/ring.h"
#include "batch/settled.h"
#include "spool/internal.h"

/* What the producer orders: to write a batch, to settle it, to leave its memory to the disk. Each order has one answer, now or when
 * the batch is durable; what was read back has none, and goes home. */

#define TURN_ORDERS 4096u /* taken in a row: others have their turn, too */
#define AGAIN_MS    100   /* until what was read, and nobody took, is read again */
#define WANTED_MS   2000  /* after which room that was not there is taken to be wanted no more */

void spool_answer(struct spool *spool, struct batch *batch, enum spool_answer answer)
{
	/* The ring has room for every batch there is, and each has one answer at a time. */
	(void)ring_push(spool->answers, batch_tag(batch, (uint32_t)answer));
}

/* The log of a topic is made when it is first needed. 0 and *shelf, or why it cannot be. */
static int topic_shelf(struct spool *spool, uint16_t topic, struct shelf **shelf)
{
	char name[SHELF_NAME_MAX];
	struct error error = {""};
	unsigned more;
	int index;

	*shelf = atomic_load(&spool->topics[topic]);
	if (*shelf != NULL)
		return 0;
	(void)snprintf(name, sizeof(name), "topic.%u.%s", spool->config.index, spool->config.topics->topics[topic].name);
	index = shelf_open(spool, name, -1, 0, topic, &error);
	if (index < 0) {
		if (log_allowed(&spool->topic_log, TROUBLE_S, &more))
			log_write(LOG_ERROR, "%s", error.text);
		return index;
	}
	*shelf = spool->shelves[index];
	atomic_store(&spool->topics[topic], *shelf);
	return 0;
}

void spool_want_room(struct spool *spool)
{
	spool->wanted_ms = spool->now_ms + WANTED_MS;
}

/* The producer has it, and nobody waits for the disk. */
static void go_on_unwritten(struct spool *spool, const struct batch *batch)
{
	counter_set(&spool->counters.unwritten_ms, (uint64_t)spool->now_ms);
	counter_add(&spool->counters.unwritten, batch->events);
}

static void refuse(struct spool *spool, struct batch *batch, int rc, const struct shelf *shelf)
{
	counter_add(&spool->counters.refused, 1);
	if (rc == -EDQUOT || rc == -ENOSPC)
		spool_want_room(spool);
	reached_loosen(spool, batch);
	if (shelf != NULL && rc != -EAGAIN && rc != -EDQUOT)
		spool_trouble(spool, "writing", shelf, rc);
	if (batch->lane == SPOOL_LANE) {
		spool->shelves[batch->log]->again_ms = spool->now_ms + AGAIN_MS;
		shelf_leave(spool, batch); /* it stays where it is */
	} else {
		spool_answer(spool, batch, rc == -EDQUOT || rc == -ENOSPC ? SPOOL_FULL : SPOOL_REFUSED);
	}
}

/* The producer says whose log of its lane a batch goes to. */
static unsigned class_of(const struct spool *spool, const struct batch *batch, enum spool_order order)
{
	return order == SPOOL_PARK ? spool_class_of(spool, batch->topic) : batch->class;
}

/* Of a class of which a part is kept. In mode wal it is Kafka's all the same while it can take it. */
static int sample_out(struct spool *spool, struct batch *batch, enum spool_order order)
{
	unsigned class = class_of(spool, batch, order);
	uint32_t events = (uint32_t)batch_unsettled_events(batch);

	if (batch->lane == SPOOL_LANE || batch->log != BATCH_UNLOGGED || !policy_samples_out(spool, batch, class))
		return 0;
	reached_loosen(spool, batch);
	if (order == SPOOL_WRITE) {
		go_on_unwritten(spool, batch);
		spool_answer(spool, batch, SPOOL_REFUSED);
		return 1;
	}
	loss_add_batch(spool, &spool->loss[class], batch, events);
	spool_answer(spool, batch, SPOOL_SAMPLED);
	return 1;
}

static void write_order(struct spool *spool, struct batch *batch, enum spool_order order)
{
	struct shelf *shelf;
	int rc = 0;

	if (sample_out(spool, batch, order))
		return;
	if (batch->lane != SPOOL_LANE)
		reached_begin(spool);
	if (order == SPOOL_PARK)
		rc = topic_shelf(spool, batch->topic, &shelf);
	else
		shelf = spool->shelves[spool->lanes[batch->lane][class_of(spool, batch, order)]];
	if (rc == 0)
		rc = shelf_write(spool, batch, order != SPOOL_WRITE, shelf);
	if (rc == 0)
		reached_note(spool, batch);
	if (rc != 0 && order == SPOOL_WRITE)
		go_on_unwritten(spool, batch);
	if (rc != 0)
		refuse(spool, batch, rc, shelf);
	if (rc != 0 || order != SPOOL_WRITE)
		return;
	counter_add(&spool->counters.accepted, batch->events);
	spool_answer(spool, batch, SPOOL_WRITTEN);
}

static void settle_order(struct spool *spool, struct batch *batch)
{
	int read = batch->lane == SPOOL_LANE;

	shelf_settle(spool, batch->log, batch->position, read ? batch->hour : -1);
	if (!read) {
		spool_answer(spool, batch, SPOOL_FREE);
		return;
	}
	spool->shelves[batch->log]->reading--;
	replay_home(spool, batch);
}

/* Its part of the log has made room for others while it was in memory: it is written once more. */
static int is_lost(const struct spool *spool, const struct batch *batch)
{
	return batch->lane != SPOOL_LANE && batch->position < counter_read(&spool->shelves[batch->log]->state.frontier);
}

static void obey(struct spool *spool, struct batch *batch, enum spool_order order)
{
	if (batch->log != BATCH_UNLOGGED)
		batch->position = carry_follow(spool, spool->shelves[batch->log], batch->position);
	if (order == SPOOL_SETTLE)
		settle_order(spool, batch);
	else if (order == SPOOL_BURY)
		dead_order(spool, batch);
	else if (order == SPOOL_STAY)
		shelf_leave(spool, batch);
	else if (order == SPOOL_LEAVE && batch->log != BATCH_UNLOGGED && !is_lost(spool, batch))
		shelf_leave(spool, batch);
	else
		write_order(spool, batch, order);
}

/* All that wait, however long the disk kept the thread, up to as many bytes of one log as a power cut may cost. */
unsigned orders_take(struct spool *spool)
{
	unsigned taken = 0;
	void *tag;

	spool->group_full = 0;
	while (taken < TURN_ORDERS && !spool->group_full && ring_pop(spool->orders, &tag, 1) == 1) {
		uint32_t order;
		struct batch *batch = batch_of_tag(tag, &order);

		obey(spool, batch, (enum spool_order)order);
		taken++;
	}
	return taken;
}
