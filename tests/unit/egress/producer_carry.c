/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "../kafka/mock.h"
#include "rig.h"

/*
 * A batch that stands in a log and that the client does not get rid of: what comes after it is delivered, and neither its log's
 * files nor what a crash would repeat may grow for its sake.
 */

#define RECORDS 100u
#define FLOOD   (20 * RIG_BATCHES)

static struct mock *mock;
static struct rig *rig;
static char directory[64];
static struct spool_config spool;
static uint64_t wanted; /* events of t0 */

static int topic_of(void *context, const char *name)
{
	(void)context;
	return name[1] - '0';
}

static void begin(int write_first)
{
	rig = rig_new(mock_servers(mock));
	spool = (struct spool_config){.directory = directory, .index_count = 1, .all_lanes = 8, .batch_bytes = RIG_BATCH_SIZE,
		.replay_bytes = 8 * RIG_BATCH_SIZE, .segment_bytes = 65536, .size_bytes = 64u << 20, .sync_bytes = 65536,
		.sync_us = 1000, .topics = &rig->topics, .topic_of = topic_of};
	rig->config.spool = &spool;
	rig->config.write_first = write_first;
	rig->config.drain_seconds = 1;
	rig_start(rig);
}

static int setup(void **state)
{
	(void)state;
	(void)strcpy(directory, "/tmp/penstock-carry-XXXXXX");
	assert_non_null(mkdtemp(directory));
	mock = mock_new(1);
	mock_topic(mock, "t0", 1);
	mock_topic(mock, "t1", 1);
	mock_leader(mock, "t1", 0, MOCK_NO_LEADER);
	return 0;
}

static int teardown(void **state)
{
	char command[128];

	(void)state;
	if (rig != NULL)
		rig_free(rig);
	mock_free(mock);
	(void)snprintf(command, sizeof(command), "rm -rf %s", directory);
	return system(command);
}

static const struct spool_counters *counts(void)
{
	return spool_count(producer_spool(rig->producer));
}

static const struct spool_log_state *lane_log(void)
{
	const char *name;

	return spool_log_at(producer_spool(rig->producer), 0, &name);
}

static uint64_t behind(void)
{
	return counter_read(&lane_log()->end) - counter_read(&lane_log()->frontier);
}

static int is_through(struct rig *r)
{
	return rig_topic_acked(r, 0) >= wanted;
}

static int is_short(struct rig *r)
{
	(void)r;
	return behind() <= RIG_BATCHES;
}

static int is_all_acked(struct rig *r)
{
	const struct spool_counters *c = counts();

	return rig_acked(r) == r->sent + counter_read(&c->recovered) && counter_read(&c->spooled) + counter_read(&c->parked) == 0;
}

/* The frontier stays near the end all the while that one batch of the sick topic is with the client. */
static void flood(void)
{
	rig_send(rig, 1, 0, RECORDS, 40);
	for (unsigned i = 0; i < FLOOD; i++) {
		rig_send(rig, 0, 0, RECORDS, 40);
		wanted += RECORDS;
		if (i % 4 == 3)
			rig_wait(rig, is_through);
	}
	rig_wait(rig, is_short);
	assert_in_range(counter_read(&lane_log()->bytes), 0, 4 * 65536 + (4u << 20));
}

struct seen {
	uint8_t times[200000];
	unsigned count, again;
};

static void note(void *context, const void *key, size_t key_len, const void *value, size_t value_len, int64_t time_ms)
{
	struct seen *seen = context;
	char text[24] = "";
	long number;

	(void)key;
	(void)key_len;
	(void)time_ms;
	memcpy(text, value, value_len < sizeof(text) ? value_len : sizeof(text) - 1);
	number = strtol(text, NULL, 10);
	assert_in_range(number, 0, sizeof(seen->times) - 1);
	seen->count += seen->times[number] == 0;
	seen->again += seen->times[number] != 0;
	seen->times[number] = 1;
}

static void expect_once(const char *topic, unsigned records)
{
	struct seen *seen = calloc(1, sizeof(*seen));

	assert_non_null(seen);
	(void)mock_read(mock, topic, 0, note, seen);
	assert_int_equal(seen->count, records);
	assert_int_equal(seen->again, 0);
	free(seen);
}

static void carried_batch_is_settled_where_it_stands(void **state)
{
	(void)state;
	wanted = 0;
	begin(1);
	flood();
	assert_int_equal(rig_topic_acked(rig, 1), 0);
	mock_leader(mock, "t1", 0, 1);
	rig_wait(rig, is_all_acked);
	rig_stop(rig);
	rig_free(rig);
	expect_once("t1", RECORDS);
	expect_once("t0", FLOOD * RECORDS);
	begin(1);
	assert_int_equal(counter_read(&counts()->recovered), 0);
	rig_stop(rig);
	rig_free(rig);
	rig = NULL;
}

/* What was settled beyond it comes back with it, but no more than half a pool. */
static void carried_batch_is_there_after_a_stop(void **state)
{
	uint64_t recovered;

	(void)state;
	wanted = 0;
	begin(1);
	flood();
	rig_stop(rig);
	rig_free(rig);
	begin(1);
	recovered = counter_read(&counts()->recovered);
	assert_in_range(recovered, RECORDS, (2 + RIG_BATCHES / 2) * RECORDS);
	mock_leader(mock, "t1", 0, 1);
	rig_wait(rig, is_all_acked);
	rig_stop(rig);
	rig_free(rig);
	rig = NULL;
	expect_once("t1", RECORDS);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(carried_batch_is_settled_where_it_stands, setup, teardown),
		cmocka_unit_test_setup_teardown(carried_batch_is_there_after_a_stop, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
