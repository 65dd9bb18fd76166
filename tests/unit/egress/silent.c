/* SPDX-License-Identifier: Apache-2.0 */
#include "silent.h"

#include <stdlib.h>
#include <time.h>

#include "batch/record.h"

#define HELD_MAX 65536u

atomic_uchar silent[TOPIC_MAX];
atomic_uint silent_asked[TOPIC_MAX], silent_asked_most;
atomic_int silent_disconnected;

struct egress {
	kafka_settle *settle;
	void *context;
	unsigned count, asked;
	void *tags[HELD_MAX];
};

static int silent_open(struct egress **egress, const struct producer_config *config, kafka_settle *settle, void *context,
	struct error *error)
{
	(void)config;
	(void)error;
	*egress = calloc(1, sizeof(**egress));
	if (*egress == NULL)
		return -1;
	(*egress)->settle = settle;
	(*egress)->context = context;
	return 0;
}

static uint32_t silent_submit(struct egress *egress, struct batch *batch, uint32_t *offset, uint32_t *index, uint32_t most)
{
	struct record record;
	uint32_t taken = 0;

	for (; *index < batch->records && taken < most && egress->count < HELD_MAX; (*index)++) {
		if (!record_next(batch, offset, &record))
			abort();
		if (!batch_is_unsettled(batch, *index))
			continue;
		egress->tags[egress->count++] = batch_tag(batch, *index);
		taken++;
		batch->outstanding++;
	}
	return taken;
}

static int is_silent(void *tag)
{
	uint32_t index;

	return atomic_load(&silent[batch_of_tag(tag, &index)->topic]);
}

static unsigned answer(struct egress *egress, int ends)
{
	unsigned count = egress->count, kept = 0;

	for (unsigned i = 0; i < count; i++) {
		void *tag = egress->tags[i];
		struct kafka_report acked = {.tag = tag, .bytes = 1, .verdict = KAFKA_ACKED, .code = ""};
		struct kafka_report purged = {.tag = tag, .bytes = 1, .verdict = KAFKA_RETRY, .code = "_PURGE_QUEUE"};

		if (!ends && is_silent(tag))
			egress->tags[kept++] = tag;
		else
			egress->settle(egress->context, ends ? &purged : &acked);
	}
	egress->count = kept;
	return count - kept;
}

static unsigned silent_poll(struct egress *egress, int ms)
{
	unsigned answered = answer(egress, 0);

	egress->asked = 0;
	if (answered == 0 && ms > 0)
		nanosleep(&(struct timespec){0, ms * 1000000L}, NULL);
	return answered;
}

static int silent_is_well(struct egress *egress, uint16_t topic)
{
	atomic_fetch_add(&silent_asked[topic], 1);
	if (++egress->asked > atomic_load(&silent_asked_most))
		atomic_store(&silent_asked_most, egress->asked);
	return 0;
}

static void silent_unstick(struct egress *egress, uint16_t topic)
{
	(void)egress;
	(void)topic;
}

static void silent_flush(struct egress *egress, int ms)
{
	(void)egress;
	(void)ms;
}

static unsigned silent_status(struct egress *egress, struct kafka_client_status *status, unsigned max, uint64_t *rebuilds)
{
	(void)egress;
	(void)max;
	*rebuilds = 0;
	status[0] = (struct kafka_client_status){.connected = !atomic_load(&silent_disconnected)};
	return 1;
}

static void silent_close(struct egress *egress)
{
	(void)answer(egress, 1);
	free(egress);
}

const struct egress_ops silent_ops = {.name = "silent",
	.open = silent_open,
	.submit = silent_submit,
	.poll = silent_poll,
	.is_well = silent_is_well,
	.unstick = silent_unstick,
	.flush = silent_flush,
	.status = silent_status,
	.close = silent_close};
