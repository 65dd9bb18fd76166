/* SPDX-License-Identifier: Apache-2.0 */
/* What a sender sends beyond its quota, from the datagram on. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/memory.h"
#include "rig.h"
#include "sources_helpers.h"
#include "worker/senders.h"

#define HOUR_A_DATAGRAM (clock_hz() * 3600) /* no test takes so long */

/* Each sender may send three datagrams. */
static struct rig *quota_rig(void)
{
	struct rig *rig = rig_new(8);
	struct quotas *quotas = calloc(1, sizeof(*quotas));

	assert_non_null(quotas);
	*quotas = (struct quotas){.count = 1, .each[0] = {.datagrams = 1, .burst_us = 3000000}};
	quotas_seal(quotas, HOUR_A_DATAGRAM);
	rig->generation->quotas = quotas;
	rig->config.sources = table_new(4, 64, 1u << 30);
	assert_int_equal(
		senders_new(&rig->config.senders, &(struct senders_config){.count = 16, .node = MEMORY_ANY_NODE}), 0);
	rig_start(rig);
	return rig;
}

static void quota_rig_free(struct rig *rig)
{
	struct senders *senders = rig->config.senders;
	struct sources *sources = rig->config.sources;

	rig_free(rig);
	senders_free(senders);
	sources_free(sources);
}

static uint64_t refused(const struct rig *rig)
{
	return counter_read(&rig->counters->datagram_drops[DATAGRAM_DROP_sender_quota]);
}

static void datagrams_beyond_it_are_dropped_by_name(void **state)
{
	struct rig *rig = quota_rig();

	(void)state;
	for (unsigned i = 0; i < 5; i++)
		rig_put_json(rig, "{\"type\":\"click\"} {\"type\":\"view\"}");
	rig_put(rig, RIG_PORT_RAW, "a line", 6);
	assert_int_equal(counter_read(&rig->counters->datagrams), 6);
	assert_int_equal(counter_read(&rig->counters->decoded), 3);
	assert_int_equal(refused(rig), 3);
	assert_int_equal(counter_read(&rig->counters->found), 6);
	assert_int_equal(counter_read(&rig->counters->numbered), 6);
	quota_rig_free(rig);
}

/* The network lost none of them. */
static void frames_beyond_it_are_received_all_the_same(void **state)
{
	struct rig *rig = quota_rig();
	struct sources_totals totals;

	(void)state;
	for (unsigned i = 1; i <= 5; i++) {
		struct frame_header header = {.source_id = 1, .source_epoch = 1, .sequence = i};
		struct frame_event event = {.type_id = 1, .body = {(const uint8_t *)"{\"n\":1}", 7}};
		struct frame_writer writer;
		uint8_t data[256];

		assert_int_equal(frame_begin(&writer, data, sizeof(data), &header), 0);
		assert_int_equal(frame_add(&writer, &event), 0);
		rig_put(rig, RIG_PORT_FRAME, data, frame_end(&writer));
	}
	(void)sources_totals(rig->config.sources, &totals, NULL);
	assert_int_equal(totals.received, 5);
	assert_int_equal(totals.lost, 0);
	assert_int_equal(counter_read(&rig->counters->decoded), 3);
	assert_int_equal(refused(rig), 2);
	assert_int_equal(counter_read(&rig->counters->numbered), 3);
	quota_rig_free(rig);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(datagrams_beyond_it_are_dropped_by_name),
		cmocka_unit_test(frames_beyond_it_are_received_all_the_same),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
