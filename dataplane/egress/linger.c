/* SPDX-License-Identifier: Apache-2.0 */
#include <time.h>

#include "egress/internal.h"

#define REST_MS         5   /* between two looks at the lanes and at what came back, when nothing is in a hurry */
#define READING_MS      100 /* after something was read from disk, during which more of it may come */
#define RIPE_BYTES      1000000u /* of one topic: a whole request */
#define CROWDED_PERCENT 30u /* of a pool, or of a topic's credit in it, held: well below what the disk would be asked for */

_Static_assert(AWAY_MS >= 2 * KAFKA_LINGER_MAX_MS, "records that wait for others are no sign that Kafka is away");

/* What a turn may add to the time is part of it: what comes in may wait REST_MS for being seen, and so may its reports. */
void linger_open(struct producer *producer)
{
	unsigned ms = producer->ops->collect_ms != NULL ? producer->ops->collect_ms(producer->egress) : 0;

	producer->collect_ms = ms > 2 * REST_MS ? ms - 2 * REST_MS : 0;
}

static int is_crowded(const struct producer *producer)
{
	for (unsigned i = 0; i < producer->config.lane_count; i++) {
		const struct lane *lane = producer->config.lanes[i];

		if (lane->held * 100 >= lane->batches * CROWDED_PERCENT)
			return 1;
	}
	return 0;
}

void linger_look(struct producer *producer)
{
	producer->crowded = producer->collect_ms != 0 && is_crowded(producer);
	producer->collecting = !producer->crowded && producer->now_ms - producer->handed_ms < producer->collect_ms;
	if (!producer->collecting)
		producer->handed_ms = producer->now_ms;
}

static int has_used_credit(const struct producer *producer, uint16_t topic)
{
	for (unsigned i = 0; i < producer->config.lane_count; i++) {
		const struct lane *lane = producer->config.lanes[i];

		if (lane->topics[topic].held * 100 >= lane->credit * CROWDED_PERCENT)
			return 1;
	}
	return 0;
}

int linger_keeps(const struct producer *producer, const struct topic_state *topic)
{
	if (!producer->collecting || topic->fresh.bytes >= RIPE_BYTES || topic->window != WINDOW_OPEN)
		return 0;
	if (topic->current != NULL || topic->again.head != NULL || topic->read.head != NULL || topic->fresh.head == NULL)
		return 0;
	return !flow_is_unplaced(producer, topic->fresh.head) && !has_used_credit(producer, topic->fresh.head->topic);
}

int linger_rests(const struct producer *producer)
{
	if (producer->collect_ms == 0 || producer->crowded || producer->hurried)
		return 0;
	if (producer->now_ms - producer->read_ms < READING_MS)
		return 0;
	nanosleep(&(struct timespec){0, REST_MS * 1000000L}, NULL);
	return 1;
}
