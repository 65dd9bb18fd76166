/* SPDX-License-Identifier: Apache-2.0 */
#include "silent.h"

#include <stdlib.h>
#include <time.h>

#include "standin.h"

#define HELD_MAX 65536u

atomic_uchar silent[TOPIC_MAX];
atomic_uint silent_asked[TOPIC_MAX], silent_asked_most;
atomic_int silent_disconnected;

struct egress {
	struct standin standin;
	unsigned count, asked;
	void *tags[HELD_MAX];
};

static int silent_open(struct egress **egress, const struct producer_config *config, kafka_settle *settle, void *context,
	struct error *error)
{
	(void)config;
	(void)error;
	return standin_open(egress, sizeof(**egress), settle, context);
}

static int take(struct egress *egress, void *tag, const struct record *record)
{
	(void)record;
	if (egress->count == HELD_MAX)
		return 0;
	egress->tags[egress->count++] = tag;
	return 1;
}

static uint32_t silent_submit(struct egress *egress, struct batch *batch, uint32_t *offset, uint32_t *index, uint32_t most)
{
	return standin_submit(egress, batch, offset, index, most, take);
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

		if (ends)
			standin_settle(egress, tag, 1, KAFKA_RETRY, "_PURGE_QUEUE");
		else if (is_silent(tag))
			egress->tags[kept++] = tag;
		else
			standin_settle(egress, tag, 1, KAFKA_ACKED, "");
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
	.flush = standin_flush,
	.status = silent_status,
	.close = silent_close};
