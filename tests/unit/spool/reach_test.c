/* SPDX-License-Identifier: Apache-2.0 */
/* What a start takes from the file that says how far the sequences came. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/crc32c.h"
#include "base/log.h"
#include "batch/settled.h"
#include "hand.h"

#define LAST (UINT64_MAX - REACHED_LANES) /* of as many digits as there may be */

static int setup(void **state)
{
	int rc = hand_setup(state);

	hand.config.epoch = 8;
	return rc;
}

static void put(const char *text, size_t length)
{
	char path[128];
	FILE *file;

	(void)snprintf(path, sizeof(path), "%s/reached.0", hand.directory);
	file = fopen(path, "w");
	assert_non_null(file);
	assert_int_equal(fwrite(text, 1, length, file), length);
	assert_int_equal(fclose(file), 0);
}

/* As the process writes it that has as many topics and lanes as there may be. */
static void the_largest_file_is_taken(void **state)
{
	const struct spool_reached *before;
	size_t length = 0;
	char *text = NULL;
	FILE *out = open_memstream(&text, &length);

	(void)state;
	(void)fprintf(out, "penstock reached 1\nepoch 7\n");
	for (unsigned topic = 0; topic < TOPIC_MAX; topic++) {
		(void)fprintf(out, "t%u", topic);
		for (unsigned lane = 0; lane < REACHED_LANES; lane++)
			(void)fprintf(out, " %u:%llu", lane, (unsigned long long)LAST + lane);
		(void)fputc('\n', out);
	}
	(void)fflush(out);
	(void)fprintf(out, "check %08x\n", crc32c(0, text, length));
	assert_int_equal(fclose(out), 0);
	put(text, length);
	free(text);
	hand_start(16384);
	before = spool_reached_before(hand.spool);
	assert_int_equal(before->epoch, 7);
	assert_int_equal(before->exact, 1);
	assert_int_equal(reached_last(&before->set, "t1023", REACHED_LANES - 1), LAST + REACHED_LANES - 1);
	hand_stop();
}

static void damaged_file_tells_nothing(void **state)
{
	(void)state;
	put("", 0);
	hand_start(16384);
	assert_int_equal(spool_reached_before(hand.spool)->epoch, 0);
	hand_stop();
}

/* The file of a process that was killed, when nothing was known yet but where its lane's log ended. */
static void put_begun(unsigned epoch, unsigned end)
{
	char text[128];
	int length = snprintf(text, sizeof(text), "penstock reached 1\nepoch %u\n@lane.0 %u\n", epoch, end);

	length += snprintf(text + length, sizeof(text) - (size_t)length, "check %08x\n", crc32c(0, text, (size_t)length));
	put(text, (size_t)length);
}

static void write_one(unsigned records, unsigned skipped)
{
	struct batch *batch = hand_batch(0, records, 100);

	batch->skipped = skipped;
	assert_int_equal(hand_order(batch, SPOOL_WRITE), SPOOL_WRITTEN);
}

/* With keys, or events that are packed, there are more sequences than records. */
static void last_sequence_of_an_entry_is_that_of_its_batch(void **state)
{
	const struct spool_reached *before;

	(void)state;
	hand_start(16384);
	write_one(10, 0);
	write_one(10, 30);
	write_one(4, 12);
	hand_stop();
	put_begun(8, 0);
	hand.config.epoch = 9;
	hand_start(16384);
	before = spool_reached_before(hand.spool);
	assert_int_equal(before->epoch, 8);
	assert_int_equal(before->exact, 1);
	assert_int_equal(reached_last(&before->set, "t0", 0), 40);
}

static void expect_the_batch(const struct batch *read)
{
	assert_int_equal(read->lane, SPOOL_LANE);
	assert_int_equal(read->from_lane, 0);
	assert_true(read->opened_us > 1700000000000000);
	assert_int_equal(read->records, 6);
	assert_int_equal(read->first_seq, 1);
	assert_int_equal(batch_last_seq(read), 13);
}

/* What is left of a batch, is read back and then parked, is still where it was numbered, and is not counted again. */
static void batch_that_was_read_back_keeps_its_lane_and_sequences(void **state)
{
	struct batch *batch;

	(void)state;
	(void)clock_init();
	hand_start(16384);
	batch = hand_batch(1, 8, 100);
	batch->opened_tsc = clock_tsc();
	batch->skipped = 5;
	batch_settle(batch, 0);
	batch_settle(batch, 7);
	assert_int_equal(hand_order(batch, SPOOL_LEAVE), SPOOL_LEFT);
	batch = hand_read();
	expect_the_batch(batch);
	hand_give(batch, SPOOL_PARK);
	hand_stop();
	put_begun(8, 1);
	hand.config.epoch = 9;
	hand_start(16384);
	assert_int_equal(spool_reached_before(hand.spool)->epoch, 8);
	assert_int_equal(reached_last(&spool_reached_before(hand.spool)->set, "t1", 0), 0);
	batch = hand_read_topic(1);
	expect_the_batch(batch);
	hand_give(batch, SPOOL_SETTLE);
}

static int file_tells(const char *what)
{
	char path[128], text[4096];
	FILE *file;

	(void)snprintf(path, sizeof(path), "%s/reached.0", hand.directory);
	file = fopen(path, "r");
	assert_non_null(file);
	text[fread(text, 1, sizeof(text) - 1, file)] = '\0';
	(void)fclose(file);
	return strstr(text, what) != NULL;
}

/* Before Kafka can have it: a kill comes whenever it likes. */
static void what_goes_on_unwritten_is_told_before_the_answer(void **state)
{
	struct batch *batch;

	(void)state;
	hand.config.size_bytes = 1;
	hand_start(16384);
	batch = hand_batch(0, 7, 100);
	assert_int_equal(hand_order(batch, SPOOL_WRITE), SPOOL_FULL);
	assert_true(file_tells("\nepoch 8\nloose\n"));
	assert_true(file_tells("\nt0 0:7\n"));
	batch_put(hand.pool, batch);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(the_largest_file_is_taken, setup, hand_teardown),
		cmocka_unit_test_setup_teardown(damaged_file_tells_nothing, setup, hand_teardown),
		cmocka_unit_test_setup_teardown(last_sequence_of_an_entry_is_that_of_its_batch, setup, hand_teardown),
		cmocka_unit_test_setup_teardown(what_goes_on_unwritten_is_told_before_the_answer, setup, hand_teardown),
		cmocka_unit_test_setup_teardown(batch_that_was_read_back_keeps_its_lane_and_sequences, setup, hand_teardown),
	};

	log_set_level((enum log_level)(LOG_ERROR - 1));
	return cmocka_run_group_tests(tests, NULL, NULL);
}
