/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "../kafka/mock.h"
#include "base/log.h"
#include "rig.h"

static void discarding_producer_settles_all_and_sends_batches_home(void **state)
{
	struct rig *rig = rig_new(NULL);

	(void)state;
	rig_start(rig);
	for (unsigned i = 0; i < 100; i++)
		rig_send(rig, (uint16_t)(i % 2), 0, 1 + i, 20);
	rig_stop(rig);
	assert_int_equal(rig_acked(rig), rig->sent);
	assert_true(latency_percentile(&producer_counters(rig->producer)->latency, 50) > 0);
	rig_free(rig);
}

/* Bit k: number k was read. */
struct seen {
	uint8_t *times;
	uint64_t count;
};

static void note(void *context, const void *key, size_t key_len, const void *value, size_t value_len, int64_t time_ms)
{
	struct seen *seen = context;
	char text[24] = "";
	unsigned long long number;

	(void)time_ms;
	assert_null(key);
	assert_int_equal(key_len, 0);
	memcpy(text, value, value_len < sizeof(text) ? value_len : sizeof(text) - 1);
	number = strtoull(text, NULL, 10);
	assert_true(number < seen->count);
	assert_int_equal(((const uint8_t *)value)[value_len - 1], 'x');
	seen->times[number]++;
}

static void all_records_are_acked_and_arrive_once_and_unchanged(void **state)
{
	struct mock *mock = mock_new(1);
	struct rig *rig = rig_new(mock_servers(mock));
	struct seen seen;

	(void)state;
	mock_topic(mock, "t0", 2);
	mock_topic(mock, "t1", 2);
	rig->config.handles = 2;
	rig_start(rig);
	for (unsigned i = 0; i < 60; i++) /* more than the pool: memory is used again while others are under way */
		rig_send(rig, (uint16_t)(i % 2), (int32_t)(i / 2 % 2), 100, 60);
	rig_stop(rig);
	assert_int_equal(rig_acked(rig), 6000);
	assert_int_equal(counter_read(&producer_counters(rig->producer)->bytes_acked), 6000 * 60);
	seen.times = calloc(1, rig->sent);
	seen.count = rig->sent;
	for (int i = 0; i < 4; i++)
		(void)mock_read(mock, i % 2 ? "t1" : "t0", i / 2, note, &seen);
	for (uint64_t i = 0; i < rig->sent; i++)
		assert_int_equal(seen.times[i], 1);
	free(seen.times);
	rig_free(rig);
	mock_free(mock);
}

static void records_that_cannot_be_read_are_given_up_alone(void **state)
{
	struct mock *mock = mock_new(1);
	struct rig *rig = rig_new(mock_servers(mock));

	(void)state;
	mock_topic(mock, "t0", 1);
	rig_start(rig);
	rig_send(rig, 0, 0, 10, 60);
	rig_send_unreadable(rig, 0, 5);
	rig_send(rig, 0, 0, 10, 60);
	rig_wait(rig, rig_all_settled);
	rig_stop(rig);
	assert_int_equal(rig_acked(rig), 20);
	assert_int_equal(counter_read(&producer_counters(rig->producer)->given_up_invalid), 5);
	rig_free(rig);
	mock_free(mock);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(discarding_producer_settles_all_and_sends_batches_home),
		cmocka_unit_test(all_records_are_acked_and_arrive_once_and_unchanged),
		cmocka_unit_test(records_that_cannot_be_read_are_given_up_alone),
	};

	log_set_level(LOG_ERROR);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
