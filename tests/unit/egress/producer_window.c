/* SPDX-License-Identifier: Apache-2.0 */
/* Records that the client refuses at once, while a refused set is being narrowed down, cost no innocent record. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/log.h"
#include "rig.h"
#include "standin.h"

#define LARGE 1000u /* bytes of a record that is refused at once */
#define SET   2u
#define HELD  16u

/*
 * Takes records in sets of two. A set with number 0 or 2 in it is refused as a whole. The fourth time that number 0 comes, when the
 * window is as wide as the four records that are sent first, the second set is not judged before two large records have come.
 */
struct egress {
	struct standin standin;
	unsigned count, larges, judged;
	void *tags[HELD];
	unsigned numbers[HELD];
};

static atomic_uint tries; /* of number 0 */

static int window_open(struct egress **egress, const struct producer_config *config, kafka_settle *settle, void *context,
	struct error *error)
{
	(void)config;
	(void)error;
	return standin_open(egress, sizeof(**egress), settle, context);
}

static void hold(struct egress *egress, void *tag, unsigned number)
{
	if (number == 0) {
		atomic_fetch_add(&tries, 1);
		egress->judged = 0;
	}
	egress->tags[egress->count] = tag;
	egress->numbers[egress->count++] = number;
}

static void refuse_at_once(struct egress *egress, void *tag)
{
	struct kafka_report report = {.tag = tag, .verdict = KAFKA_TOO_LARGE, .alone = 1, .code = "MSG_SIZE_TOO_LARGE"};

	egress->larges++;
	egress->standin.settle(egress->standin.context, &report);
}

static int take(struct egress *egress, void *tag, const struct record *record)
{
	if (egress->count == HELD)
		return 0;
	if (record->value.len >= LARGE)
		refuse_at_once(egress, tag);
	else
		hold(egress, tag, (unsigned)strtoul((const char *)record->value.data, NULL, 10));
	return 1;
}

static uint32_t window_submit(struct egress *egress, struct batch *batch, uint32_t *offset, uint32_t *index, uint32_t most)
{
	return standin_submit(egress, batch, offset, index, most, take);
}

static unsigned judge(struct egress *egress)
{
	unsigned count = egress->count < SET ? egress->count : SET, guilty = 0;
	void *tags[SET];

	memcpy(tags, egress->tags, sizeof(tags));
	for (unsigned i = 0; i < count; i++)
		guilty |= egress->numbers[i] == 0 || egress->numbers[i] == 2;
	egress->count -= count;
	egress->judged++;
	memmove(egress->tags, egress->tags + count, egress->count * sizeof(egress->tags[0]));
	memmove(egress->numbers, egress->numbers + count, egress->count * sizeof(egress->numbers[0]));
	for (unsigned i = 0; i < count; i++)
		standin_settle(egress, tags[i], 1, guilty ? KAFKA_INVALID : KAFKA_ACKED, guilty ? "INVALID_RECORD" : "");
	return count;
}

static unsigned window_poll(struct egress *egress, int ms)
{
	(void)ms;
	if (egress->count == 0 || (atomic_load(&tries) == 4 && egress->judged == 1 && egress->larges < 2))
		return 0;
	return judge(egress);
}

static void window_close(struct egress *egress)
{
	free(egress);
}

static const struct egress_ops window_ops = {.name = "window",
	.open = window_open,
	.submit = window_submit,
	.poll = window_poll,
	.flush = standin_flush,
	.status = standin_status,
	.close = window_close};

static int window_fits(struct rig *rig)
{
	(void)rig;
	return atomic_load(&tries) == 4;
}

static void refusal_at_once_costs_no_innocent_record(void **state)
{
	struct rig *rig = rig_new(NULL);
	const struct producer_counters *counters;

	(void)state;
	rig->config.egress = &window_ops;
	rig_start(rig);
	counters = producer_counters(rig->producer);
	rig_send(rig, 0, 0, 4, 20);
	rig_wait(rig, window_fits);
	rig_send(rig, 0, 0, 2, LARGE);
	rig_wait(rig, rig_all_settled);
	rig_stop(rig);
	assert_int_equal(counter_read(&counters->given_up_too_large), 2);
	assert_int_equal(counter_read(&counters->given_up_invalid), 2);
	assert_int_equal(rig_acked(rig), 2);
	rig_free(rig);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(refusal_at_once_costs_no_innocent_record),
	};

	log_set_level(LOG_ERROR);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
