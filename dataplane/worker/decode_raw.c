/* SPDX-License-Identifier: Apache-2.0 */
#include "worker/worker_priv.h"

int decode_raw(struct worker *worker, const struct input_plan *plan, const struct datagram *datagram)
{
	struct event *event = stage_next(worker);
	const struct event_types *types = worker->generation->types;
	uint32_t slot = types->types[plan->input->raw_type].removed ? types->unknown : plan->input->raw_type;

	worker->burst.found++;
	if (UNLIKELY(slot == TYPE_NONE)) {
		event_drop(worker, EVENT_DROP_type_unknown);
		return 0;
	}
	event_begin(worker, event, slot);
	event->body = (struct slice){datagram->data, datagram->len};
	event->key = (struct slice){NULL, 0};
	event->time_us = EVENT_NO_TIME;
	event->way.enrich = 0;
	event->way.form |= FORM_RAW;
	stage_keep(worker);
	return 0;
}
