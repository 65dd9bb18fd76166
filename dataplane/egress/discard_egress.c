/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdlib.h>
#include <time.h>

#include "batch/record.h"
#include "egress/egress.h"

/* Reads each record as a client would, and calls it delivered. */
struct egress {
	kafka_settle *settle;
	void *context;
};

static int discard_open(struct egress **egress, const struct producer_config *config, kafka_settle *settle, void *context,
	struct error *error)
{
	struct egress *e = calloc(1, sizeof(*e));

	(void)config;
	if (e == NULL)
		return error_set(error, -ENOMEM, "opening the discarding egress: out of memory");
	e->settle = settle;
	e->context = context;
	*egress = e;
	return 0;
}

static uint32_t discard_submit(struct egress *egress, struct batch *batch, uint32_t *offset, uint32_t *index, uint32_t most)
{
	struct record record;
	uint32_t taken = 0;

	for (; *index < batch->records && taken < most; (*index)++) {
		struct kafka_report report = {.tag = batch_tag(batch, *index), .verdict = KAFKA_ACKED, .code = ""};

		if (!record_next(batch, offset, &record))
			record = (struct record){0};
		if (!batch_is_unsettled(batch, *index))
			continue;
		report.bytes = record.key.len + record.value.len;
		taken++;
		batch->outstanding++;
		egress->settle(egress->context, &report);
	}
	return taken;
}

static unsigned discard_poll(struct egress *egress, int ms)
{
	struct timespec pause = {ms / 1000, (long)(ms % 1000) * 1000000};

	(void)egress;
	if (ms > 0)
		nanosleep(&pause, NULL);
	return 0;
}

static void discard_flush(struct egress *egress, int ms)
{
	(void)egress;
	(void)ms;
}

static unsigned discard_status(struct egress *egress, struct kafka_client_status *status, unsigned max, uint64_t *rebuilds)
{
	(void)egress;
	(void)status;
	(void)max;
	*rebuilds = 0;
	return 0;
}

static void discard_close(struct egress *egress)
{
	free(egress);
}

const struct egress_ops egress_discard = {
	.name = "discard",
	.open = discard_open,
	.submit = discard_submit,
	.poll = discard_poll,
	.flush = discard_flush,
	.status = discard_status,
	.close = discard_close,
};
