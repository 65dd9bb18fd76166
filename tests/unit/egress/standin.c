/* SPDX-License-Identifier: Apache-2.0 */
#include "standin.h"

#include <stdlib.h>

#include "batch/settled.h"

static struct standin *standin_of(struct egress *egress)
{
	return (struct standin *)(void *)egress;
}

int standin_open(struct egress **egress, size_t size, kafka_settle *settle, void *context)
{
	*egress = calloc(1, size);
	if (*egress == NULL)
		return -1;
	*standin_of(*egress) = (struct standin){.settle = settle, .context = context};
	return 0;
}

uint32_t standin_submit(struct egress *egress, struct batch *batch, uint32_t *offset, uint32_t *index, uint32_t most,
	standin_take *take)
{
	struct record record;
	uint32_t taken = 0;

	for (; *index < batch->records && taken < most; (*index)++) {
		uint32_t before = *offset;

		if (!record_next(batch, offset, &record))
			abort();
		if (!batch_is_unsettled(batch, *index))
			continue;
		batch->outstanding++; /* it may be settled at once */
		if (!take(egress, batch_tag(batch, *index), &record)) {
			batch->outstanding--;
			*offset = before;
			break;
		}
		taken++;
	}
	return taken;
}

void standin_settle(struct egress *egress, void *tag, uint32_t bytes, enum kafka_verdict verdict, const char *code)
{
	const struct standin *standin = standin_of(egress);
	struct kafka_report report = {.tag = tag, .bytes = bytes, .verdict = verdict, .code = code};

	standin->settle(standin->context, &report);
}

void standin_flush(struct egress *egress, int ms)
{
	(void)egress;
	(void)ms;
}

unsigned standin_status(struct egress *egress, struct kafka_client_status *status, unsigned max, uint64_t *rebuilds)
{
	(void)egress;
	(void)status;
	(void)max;
	*rebuilds = 0;
	return 0;
}
