/* SPDX-License-Identifier: Apache-2.0 */
#include "picky.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "standin.h"

#define SET_MAX 4096

struct picky picky;

struct egress {
	struct standin standin;
	unsigned count[TOPIC_MAX];
	void *tags[TOPIC_MAX][SET_MAX];
	uint32_t bytes[TOPIC_MAX][SET_MAX];
	uint8_t guilty[TOPIC_MAX][SET_MAX];
};

static int picky_open(struct egress **egress, const struct producer_config *config, kafka_settle *settle, void *context,
	struct error *error)
{
	(void)config;
	(void)error;
	return standin_open(egress, sizeof(**egress), settle, context);
}

static int take(struct egress *egress, void *tag, const struct record *record)
{
	uint32_t index, at, topic = batch_of_tag(tag, &index)->topic;

	if (egress->count[topic] == SET_MAX)
		return 0;
	at = egress->count[topic]++;
	egress->tags[topic][at] = tag;
	egress->bytes[topic][at] = record->value.len;
	egress->guilty[topic][at] =
		picky.guilty_every != 0 && strtoul((const char *)record->value.data, NULL, 10) % picky.guilty_every == 0;
	return 1;
}

static uint32_t picky_submit(struct egress *egress, struct batch *batch, uint32_t *offset, uint32_t *index, uint32_t most)
{
	return standin_submit(egress, batch, offset, index, most, take);
}

static enum kafka_verdict judge(const struct egress *egress, unsigned topic, unsigned count)
{
	uint64_t bytes = 0;

	if (count == 0) /* the test may be changing its mind */
		return KAFKA_ACKED;
	if (picky.away || picky.sick == topic + 1)
		return KAFKA_RETRY;
	if (picky.forbidden == topic + 1)
		return KAFKA_FORBIDDEN;
	for (unsigned i = 0; i < count; i++) {
		if (egress->guilty[topic][i])
			return KAFKA_INVALID;
		bytes += egress->bytes[topic][i];
	}
	return bytes > picky.limit ? KAFKA_TOO_LARGE : KAFKA_ACKED;
}

static const char *const codes[] = {[KAFKA_ACKED] = "",
	[KAFKA_RETRY] = "_TIMED_OUT",
	[KAFKA_TOO_LARGE] = "MSG_SIZE_TOO_LARGE",
	[KAFKA_INVALID] = "INVALID_RECORD",
	[KAFKA_FORBIDDEN] = "TOPIC_AUTHORIZATION_FAILED"};

static unsigned picky_poll(struct egress *egress, int ms)
{
	unsigned total = 0;

	(void)ms;
	for (unsigned topic = 0; topic < 2; topic++) {
		unsigned count = egress->count[topic];
		enum kafka_verdict verdict = judge(egress, topic, count);

		egress->count[topic] = 0;
		picky.sets += count != 0;
		total += count;
		for (unsigned i = 0; i < count; i++)
			standin_settle(egress, egress->tags[topic][i], egress->bytes[topic][i], verdict, codes[verdict]);
	}
	return total;
}

static void picky_close(struct egress *egress)
{
	(void)picky_poll(egress, 0);
	free(egress);
}

const struct egress_ops picky_ops = {.name = "picky",
	.open = picky_open,
	.submit = picky_submit,
	.poll = picky_poll,
	.flush = standin_flush,
	.status = standin_status,
	.close = picky_close};
