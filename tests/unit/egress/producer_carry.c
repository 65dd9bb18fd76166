/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include <errno.h>
#include <stdatomic.h>

#include "spool_rig.h"

/*
 * A batch that stands in a log and that the client does not get rid of: what comes after it is delivered, and neither its log's
 * files nor what a crash would repeat may grow for its sake.
 */

#define RECORDS 100u
#define FLOOD   (20 * RIG_BATCHES)

static uint64_t wanted; /* events of t0 */
static atomic_uint fails_every, syncs; /* 0: no sync fails */

/* In the library's place: the spool's own. */
int fdatasync(int file)
{
	unsigned every = atomic_load(&fails_every);

	if (every != 0 && atomic_fetch_add(&syncs, 1) % every == every - 1) {
		errno = EIO;
		return -1;
	}
	return (int)syscall(SYS_fdatasync, file);
}

static void begin(int write_first)
{
	spool_rig.spool.sync_us = 1000;
	spool_rig.write_first = write_first;
	spool_rig_begin();
}

static int setup(void **state)
{
	int rc = spool_rig_setup(state);

	if (rc == 0)
		mock_leader(spool_rig.mock, "t1", 0, MOCK_NO_LEADER);
	return rc;
}

static const struct spool_log_state *lane_log(void)
{
	const char *name;

	return spool_log_at(producer_spool(spool_rig.rig->producer), 0, &name);
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
	const struct spool_counters *c = spool_rig_counts();

	return rig_acked(r) + counter_read(&c->settled) == r->sent + counter_read(&c->recovered) &&
	       counter_read(&c->spooled) + counter_read(&c->parked) == 0;
}

/* The frontier stays near the end all the while that one batch of the sick topic is with the client. */
static void flood(void)
{
	rig_send(spool_rig.rig, 1, 0, RECORDS, 40);
	for (unsigned i = 0; i < FLOOD; i++) {
		rig_send(spool_rig.rig, 0, 0, RECORDS, 40);
		wanted += RECORDS;
		if (i % 4 == 3)
			rig_wait(spool_rig.rig, is_through);
	}
	rig_wait(spool_rig.rig, is_short);
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

/* Returns how many of them are there more than once. */
static unsigned expect_all(const char *topic, unsigned records)
{
	struct seen *seen = calloc(1, sizeof(*seen));
	unsigned again;

	assert_non_null(seen);
	(void)mock_read(spool_rig.mock, topic, 0, note, seen);
	assert_int_equal(seen->count, records);
	again = seen->again;
	free(seen);
	return again;
}

static void expect_once(const char *topic, unsigned records)
{
	assert_int_equal(expect_all(topic, records), 0);
}

static void carried_batch_is_settled_where_it_stands(void **state)
{
	(void)state;
	wanted = 0;
	begin(1);
	flood();
	assert_int_equal(rig_topic_acked(spool_rig.rig, 1), 0);
	mock_leader(spool_rig.mock, "t1", 0, 1);
	rig_wait(spool_rig.rig, is_all_acked);
	spool_rig_end();
	expect_once("t1", RECORDS);
	expect_once("t0", FLOOD * RECORDS);
	begin(1);
	assert_int_equal(counter_read(&spool_rig_counts()->recovered), 0);
	spool_rig_end();
}

/* What was settled beyond it comes back with it, but no more than half a pool. */
static void carried_batch_is_there_after_a_stop(void **state)
{
	uint64_t recovered;

	(void)state;
	wanted = 0;
	begin(1);
	flood();
	spool_rig_end();
	begin(1);
	recovered = counter_read(&spool_rig_counts()->recovered);
	assert_in_range(recovered, RECORDS, (2 + RIG_BATCHES / 2) * RECORDS);
	mock_leader(spool_rig.mock, "t1", 0, 1);
	rig_wait(spool_rig.rig, is_all_acked);
	spool_rig_end();
	expect_once("t1", RECORDS);
}

/* What a kill would leave is what the next life finds. */
static void end_as_if_killed(void)
{
	char command[256];

	(void)snprintf(command, sizeof(command), "cp -r %s/lane.7 %s/killed", spool_rig.directory, spool_rig.directory);
	assert_int_equal(system(command), 0);
	spool_rig_end();
	(void)snprintf(command, sizeof(command), "cd %s && rm -r lane.7 && mv killed lane.7", spool_rig.directory);
	assert_int_equal(system(command), 0);
}

/* A copy that does not become durable leaves its batch where it was. */
static void batch_is_carried_over_syncs_that_fail(void **state)
{
	(void)state;
	wanted = 0;
	begin(1);
	atomic_store(&fails_every, 3);
	flood();
	atomic_store(&fails_every, 0);
	end_as_if_killed();
	begin(1);
	mock_leader(spool_rig.mock, "t1", 0, 1);
	rig_wait(spool_rig.rig, is_all_acked);
	spool_rig_end();
	assert_in_range(expect_all("t1", RECORDS), 0, RECORDS); /* in its old place and in its new one */
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(carried_batch_is_settled_where_it_stands, setup, spool_rig_teardown),
		cmocka_unit_test_setup_teardown(carried_batch_is_there_after_a_stop, setup, spool_rig_teardown),
		cmocka_unit_test_setup_teardown(batch_is_carried_over_syncs_that_fail, setup, spool_rig_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
