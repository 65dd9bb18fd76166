/* SPDX-License-Identifier: Apache-2.0 */
#include "tables/timed.h"
#include "worker/worker_priv.h"

_Static_assert(TYPE_TOPICS >= TOPIC_MAX, "each topic has its bit");

int64_t timed_ms(const struct worker *worker, unsigned topic, const struct event *event, int *clamped)
{
	const struct event_types *types = worker->generation->types;
	int64_t now = worker->burst.receive_us, back = (int64_t)types->time_back_us,
		ahead = (int64_t)types->time_ahead_us;

	if (!timed_topic(types, topic))
		return 0;
	if ((event->way.form & FORM_EVENT_TIME) == 0 || event->time_us == EVENT_NO_TIME)
		return now / 1000;
	if (event->time_us >= now - back && event->time_us <= now + ahead)
		return event->time_us / 1000;
	*clamped = 1;
	return (event->time_us < now ? now - back : now + ahead) / 1000;
}

void timed_adopt(struct worker *worker)
{
	const struct event_types *types = worker->generation->types;

	worker->timed_by = worker->generation->number;
	for (unsigned i = worker->open_count; i-- > 0;)
		if ((worker->open[i]->batch->base_ms != 0) != timed_topic(types, worker->open_topic[i]))
			outlet_seal(worker, worker->open[i], 0);
}
