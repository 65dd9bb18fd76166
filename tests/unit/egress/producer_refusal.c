/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/log.h"
#include "batch/record.h"
#include "rig.h"

/*
 * An egress that answers as a broker does: it judges whole sets. All records of a topic that wait when it is polled travel
 * as one set; a set with a guilty record in it, or of more than `limit` bytes, is refused as a whole.
 */
#define SET_MAX 4096

static unsigned limit;
static unsigned guilty_every; /* the number of a record is a multiple of it; 0: none is */
static unsigned sets;

struct egress {
	kafka_settle *settle;
	void *context;
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
	*egress = calloc(1, sizeof(**egress));
	if (*egress == NULL)
		return -1;
	(*egress)->settle = settle;
	(*egress)->context = context;
	return 0;
}

static uint32_t picky_submit(struct egress *egress, struct batch *batch, uint32_t *offset, uint32_t *index, uint32_t most)
{
	unsigned *count = &egress->count[batch->topic];
	struct record record;
	uint32_t taken = 0;

	for (; *index < batch->records && taken < most && *count < SET_MAX; (*index)++) {
		if (!record_next(batch, offset, &record))
			abort();
		if (!batch_is_unsettled(batch, *index))
			continue;
		egress->tags[batch->topic][*count] = batch_tag(batch, *index);
		egress->bytes[batch->topic][*count] = record.value.len;
		egress->guilty[batch->topic][*count] =
			guilty_every != 0 && strtoul((const char *)record.value.data, NULL, 10) % guilty_every == 0;
		(*count)++;
		taken++;
		batch->outstanding++;
	}
	return taken;
}

static enum kafka_verdict judge(const struct egress *egress, unsigned topic, unsigned count)
{
	uint64_t bytes = 0;

	for (unsigned i = 0; i < count; i++) {
		if (egress->guilty[topic][i])
			return KAFKA_INVALID;
		bytes += egress->bytes[topic][i];
	}
	return bytes > limit ? KAFKA_TOO_LARGE : KAFKA_ACKED;
}

static unsigned picky_poll(struct egress *egress, int ms)
{
	unsigned total = 0;

	(void)ms;
	for (unsigned topic = 0; topic < 2; topic++) {
		unsigned count = egress->count[topic];
		enum kafka_verdict verdict = judge(egress, topic, count);

		egress->count[topic] = 0;
		sets += count != 0;
		total += count;
		for (unsigned i = 0; i < count; i++) {
			struct kafka_report report = {.tag = egress->tags[topic][i],
				.bytes = egress->bytes[topic][i],
				.verdict = verdict,
				.code = verdict == KAFKA_ACKED ? "" : "REFUSED"};

			egress->settle(egress->context, &report);
		}
	}
	return total;
}

static void picky_flush(struct egress *egress, int ms)
{
	(void)egress;
	(void)ms;
}

static unsigned picky_status(struct egress *egress, struct kafka_client_status *status, unsigned max, uint64_t *rebuilds)
{
	(void)egress;
	(void)status;
	(void)max;
	*rebuilds = 0;
	return 0;
}

static void picky_close(struct egress *egress)
{
	(void)picky_poll(egress, 0);
	free(egress);
}

static const struct egress_ops picky = {.name = "picky",
	.open = picky_open,
	.submit = picky_submit,
	.poll = picky_poll,
	.flush = picky_flush,
	.status = picky_status,
	.close = picky_close};

static struct rig *picky_rig(unsigned bytes, unsigned every)
{
	struct rig *rig = rig_new(NULL);

	rig->config.egress = &picky;
	limit = bytes;
	guilty_every = every;
	sets = 0;
	rig_start(rig);
	return rig;
}

static void guilty_records_are_given_up_alone(void **state)
{
	struct rig *rig = picky_rig(1000000, 701);

	(void)state;
	for (unsigned i = 0; i < 30; i++)
		rig_send(rig, 0, 0, 200, 20);
	rig_wait(rig, rig_all_settled);
	rig_stop(rig);
	/* numbers 0, 701, 1402 ... below 6000 */
	assert_int_equal(counter_read(&producer_counters(rig->producer)->given_up_invalid), 9);
	assert_int_equal(rig_acked(rig), 6000 - 9);
	rig_free(rig);
}

static void sets_above_the_brokers_limit_are_cut_until_they_fit(void **state)
{
	struct rig *rig = picky_rig(100, 0);

	(void)state;
	for (unsigned i = 0; i < 10; i++)
		rig_send(rig, 0, 0, 200, 20); /* five fit into a set */
	rig_wait(rig, rig_all_settled);
	rig_stop(rig);
	assert_int_equal(rig_acked(rig), 2000);
	assert_true(sets > 2000 / 5);
	rig_free(rig);
}

static void only_the_record_that_is_too_large_by_itself_is_given_up(void **state)
{
	struct rig *rig = picky_rig(500, 0);

	(void)state;
	rig_send_one_large(rig, 0, 200, 99, 501);
	rig_send(rig, 1, 0, 20, 20);
	rig_wait(rig, rig_all_settled);
	rig_stop(rig);
	assert_int_equal(counter_read(&producer_counters(rig->producer)->given_up_too_large), 1);
	assert_int_equal(rig_acked(rig), rig->sent - 1);
	rig_free(rig);
}

static void refused_topic_does_not_slow_another(void **state)
{
	struct rig *rig = picky_rig(1000000, 1); /* every record is guilty ... */

	(void)state;
	rig_send(rig, 0, 0, 200, 20);
	rig_wait(rig, rig_all_settled);
	guilty_every = 0; /* ... and then none */
	rig_send(rig, 1, 0, 200, 20);
	rig_wait(rig, rig_all_settled);
	rig_send(rig, 0, 0, 200, 20); /* the window is open again */
	rig_wait(rig, rig_all_settled);
	rig_stop(rig);
	assert_int_equal(counter_read(&producer_counters(rig->producer)->given_up_invalid), 200);
	assert_int_equal(rig_topic_acked(rig, 1), 200);
	assert_int_equal(rig_topic_acked(rig, 0), 200);
	rig_free(rig);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(guilty_records_are_given_up_alone),
		cmocka_unit_test(sets_above_the_brokers_limit_are_cut_until_they_fit),
		cmocka_unit_test(only_the_record_that_is_too_large_by_itself_is_given_up),
		cmocka_unit_test(refused_topic_does_not_slow_another),
	};

	log_set_level(LOG_ERROR);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
