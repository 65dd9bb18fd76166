/* SPDX-License-Identifier: Apache-2.0 */
#include "worker/worker_priv.h"

int decode_raw(struct worker *worker, const struct input_plan *plan, const struct datagram *datagram)
{
	const struct event event = {
		.body = {datagram->data, datagram->len},
		.time_us = EVENT_NO_TIME,
		.type = plan->input->raw_type,
		.body_kind = BODY_RAW,
	};

	worker->burst.found++;
	if (UNLIKELY(worker->generation->types.types[event.type].removed)) {
		event_drop(worker, EVENT_DROP_type_unknown);
		return 0;
	}
	worker_emit(worker, &event);
	return 0;
}
