/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Which topics' records have a time of their own. Kafka's timestamp is that of the produce call, unless a type asks for
 * the time of receiving or of the event; then all topics that its events may go to are timed, with the copies, those
 * that rules name and the quarantine. The client hands the records of a batch over in one way or the other, so events
 * of other types have the time of receiving in such a topic.
 */

#include "tables/types.h"

/* Fills types->timed from what the living types ask for, and follows it in their ways. Control thread. */
void timed_find(struct event_types *types);

/* Any thread. */
static inline int timed_topic(const struct event_types *types, unsigned topic)
{
	return (types->timed[topic / 64] >> (topic % 64) & 1) != 0;
}

/* Has what goes this way get a time where a timed topic wants one. Any thread. */
static inline void timed_follow(const struct event_types *types, struct event_way *way)
{
	if (timed_topic(types, way->topic) || (way->copy != 0 && timed_topic(types, way->copy - 1u)))
		way->form |= FORM_RECEIVE_TIME;
}
