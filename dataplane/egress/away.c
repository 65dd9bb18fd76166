/* SPDX-License-Identifier: Apache-2.0 */
#include "egress/internal.h"

/*
 * Kafka is away when nothing is acknowledged though the client has records. A topic of which it says nothing while others are
 * acknowledged is no sign of that, nor does it keep them from their part of the pool.
 */

/* Of a lane's pool, in percent, what the client may have, not counted the batches of silent topics; and with them, which is also
 * what it may have, while it is connected, when a topic comes of which it has nothing. */
#define CLIENT_PERCENT 40u
#define ALL_PERCENT    60u

int away_is_silent(const struct producer *producer, const struct topic_state *topic)
{
	return topic->outstanding != 0 && producer->acked_ms - topic->heard_ms >= AWAY_MS;
}

static void count_silent(struct producer *producer, unsigned index)
{
	producer->silent += producer->topics[index].replaying;
	for (unsigned i = 0; i < producer->config.lane_count; i++) {
		struct lane *lane = producer->config.lanes[i];

		lane->silent += lane->topics[index].with_client;
		producer->silent += lane->topics[index].with_client;
	}
}

void away_sweep(struct producer *producer)
{
	if (producer->spool == NULL)
		return;
	producer->silent = 0;
	for (unsigned i = 0; i < producer->config.lane_count; i++)
		producer->config.lanes[i]->silent = 0;
	for (unsigned i = 0; i < producer->config.topics->count; i++)
		if (away_is_silent(producer, &producer->topics[i]))
			count_silent(producer, i);
}

/* A Kafka that keeps a connection for half a minute and acknowledges nothing is there: its topics stand still, each by itself. One
 * that has vanished loses its connections sooner. */
void away_look(struct producer *producer)
{
	int64_t quiet_ms = producer->now_ms - producer->acked_ms;
	int was_away = producer->is_away;

	producer->is_away = producer->with_client > producer->silent && quiet_ms >= AWAY_MS &&
			    !(producer->is_connected && quiet_ms >= settle_stuck_ms(producer) / 4);
	if (!was_away || producer->is_away)
		return;
	for (unsigned i = 0; i < producer->config.topics->count; i++)
		producer->topics[i].moved_ms = producer->now_ms; /* each has its time anew to show whether it is sick */
}

int away_has_room(const struct producer *producer, const struct lane *lane, uint16_t topic)
{
	unsigned percent = producer->topics[topic].outstanding == 0 && producer->is_connected ? ALL_PERCENT : CLIENT_PERCENT;
	unsigned silent = lane->silent < lane->with_client ? lane->silent : lane->with_client;

	return (lane->with_client - silent) * 100 < lane->batches * percent &&
	       lane->with_client * 100 < lane->batches * ALL_PERCENT &&
	       lane->topics[topic].with_client * 100 < lane->credit * CLIENT_PERCENT;
}

void away_asked(struct producer *producer)
{
	if (producer->with_client++ <= producer->silent)
		producer->acked_ms = producer->now_ms;
}

int away_tries(const struct producer *producer, const struct lane *lane, uint16_t index)
{
	const struct topic_state *topic = &producer->topics[index];

	return producer->is_away && topic->outstanding == 0 && topic->left_in != producer->fill &&
	       producer->now_ms >= topic->retry_ms && (producer->is_connected || !lane->is_pressed) &&
	       away_has_room(producer, lane, index);
}
