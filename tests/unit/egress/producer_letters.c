/* SPDX-License-Identifier: Apache-2.0 */
/* What Kafka refuses for good, when there is a spool. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/log.h"
#include "letters.h"
#include "picky.h"

static int all_recovered_are_settled(struct rig *r)
{
	(void)r;
	return counter_read(&letters_counts()->acked) + counter_read(&letters_counts()->dead_lettered) ==
	       counter_read(&spool_rig_counts()->recovered);
}

static void record_that_is_too_large_is_kept_with_its_reason(void **state)
{
	struct letters *letters;

	(void)state;
	picky.limit = 500;
	letters_begin(0, 64u << 20);
	rig_send_one_large(spool_rig.rig, 1, 200, 99, 501);
	rig_send(spool_rig.rig, 0, 0, 20, 20);
	rig_wait(spool_rig.rig, rig_all_settled);
	assert_int_equal(counter_read(&letters_counts()->dead_lettered), 1);
	assert_int_equal(counter_read(&letters_counts()->topics[1].dead_lettered), 1);
	assert_int_equal(counter_read(&spool_rig_counts()->dead), 1);
	assert_true(counter_read(&spool_rig_counts()->dead_since_us) > 0);
	assert_string_equal(atomic_load(&spool_reason_at(producer_spool(spool_rig.rig->producer), 0)->name), "MSG_SIZE_TOO_LARGE");
	assert_int_equal(counter_read(&spool_reason_at(producer_spool(spool_rig.rig->producer), 0)->events), 1);
	assert_null(spool_reason_at(producer_spool(spool_rig.rig->producer), 1));
	assert_int_equal(rig_acked(spool_rig.rig), spool_rig.rig->sent - 1);
	spool_rig_end();
	letters = letters_read();
	assert_int_equal(letters->count, 1);
	assert_int_equal(letters->numbers[0], 99);
	assert_int_equal(letters->last_len, 501);
	assert_string_equal(letters->last.topic, "t1");
	assert_string_equal(letters->last.reason, "MSG_SIZE_TOO_LARGE");
	assert_int_equal(letters->last.lane, 7);
	free(letters);
}

static void invalid_among_many(int write_first)
{
	struct letters *letters;

	picky.guilty_every = 701;
	letters_begin(write_first, 64u << 20);
	for (unsigned i = 0; i < 30; i++)
		rig_send(spool_rig.rig, 0, 0, 200, 20);
	rig_wait(spool_rig.rig, rig_all_settled);
	assert_int_equal(counter_read(&letters_counts()->dead_lettered), 9);
	assert_int_equal(rig_acked(spool_rig.rig), 6000 - 9);
	spool_rig_end();
	letters = letters_read();
	assert_int_equal(letters->count, 9);
	for (unsigned i = 0; i < letters->count; i++)
		assert_int_equal(letters->numbers[i] % 701, 0);
	assert_string_equal(letters->last.reason, "INVALID_RECORD");
	free(letters);
}

static void invalid_ones_among_many_are_kept_alone(void **state)
{
	(void)state;
	invalid_among_many(0);
}

static void invalid_ones_among_many_are_kept_alone_when_written_first(void **state)
{
	(void)state;
	invalid_among_many(1);
	letters_begin(1, 64u << 20); /* their batches are settled in the lane's log */
	assert_int_equal(counter_read(&spool_rig_counts()->recovered), 0);
	assert_int_equal(counter_read(&spool_rig_counts()->dead), 9);
	spool_rig_end();
}

/* More than may be on their way at once: the rest is tried again. */
static void all_of_a_topic_may_be_refused(void **state)
{
	uint8_t seen[1000] = {0};
	struct letters *letters;

	(void)state;
	picky.guilty_every = 1;
	letters_begin(0, 64u << 20);
	for (unsigned i = 0; i < 5; i++)
		rig_send(spool_rig.rig, 0, 0, 200, 20);
	rig_wait(spool_rig.rig, rig_all_settled);
	assert_int_equal(counter_read(&letters_counts()->dead_lettered), 1000);
	spool_rig_end();
	letters = letters_read();
	assert_int_equal(letters->count, 1000);
	for (unsigned i = 0; i < letters->count; i++)
		assert_int_equal(seen[letters->numbers[i]]++, 0);
	free(letters);
}

static void letters_stay_over_restarts_and_are_not_delivered(void **state)
{
	struct letters *letters;
	uint64_t since;

	(void)state;
	picky.limit = 500;
	letters_begin(1, 64u << 20);
	rig_send_one_large(spool_rig.rig, 0, 100, 7, 600);
	rig_wait(spool_rig.rig, rig_all_settled);
	since = counter_read(&spool_rig_counts()->dead_since_us);
	spool_rig_end();
	picky.limit = 1000000;
	letters_begin(1, 64u << 20);
	assert_int_equal(counter_read(&spool_rig_counts()->recovered), 0);
	assert_int_equal(counter_read(&spool_rig_counts()->spooled), 0);
	assert_int_equal(counter_read(&spool_rig_counts()->dead), 1);
	assert_int_equal(counter_read(&spool_rig_counts()->dead_since_us), since);
	assert_null(spool_reason_at(producer_spool(spool_rig.rig->producer), 0));
	rig_send(spool_rig.rig, 0, 0, 100, 20);
	rig_wait(spool_rig.rig, rig_all_settled);
	assert_int_equal(rig_acked(spool_rig.rig), 100);
	picky.limit = 500;
	rig_send_one_large(spool_rig.rig, 0, 100, 50, 700);
	rig_wait(spool_rig.rig, rig_all_settled);
	spool_rig_end();
	letters = letters_read();
	assert_int_equal(letters->count, 2);
	assert_int_equal(letters->last_len, 700);
	free(letters);
}

/* A batch that was read from disk has no lane. */
static void records_that_come_from_disk_are_refused_like_others(void **state)
{
	struct letters *letters;

	(void)state;
	for (int write_first = 0; write_first < 2; write_first++) {
		picky = (struct picky){.limit = 1000000, .away = 1};
		letters_begin(write_first, 64u << 20);
		for (unsigned i = 0; i < 4; i++)
			rig_send(spool_rig.rig, 0, 0, 50, 20);
		spool_rig_end();
		picky = (struct picky){.limit = 1000000, .guilty_every = 40};
		letters_begin(write_first, 64u << 20);
		assert_int_equal(counter_read(&spool_rig_counts()->recovered), 200);
		rig_wait(spool_rig.rig, all_recovered_are_settled);
		assert_int_equal(counter_read(&letters_counts()->dead_lettered), 5);
		spool_rig_end();
	}
	letters = letters_read();
	assert_int_equal(letters->count, 10);
	free(letters);
}

/* A part of the spool is theirs, and no more. */
static void letters_beyond_their_share_are_given_up(void **state)
{
	struct letters *letters;
	uint64_t buried;

	(void)state;
	picky.guilty_every = 1;
	letters_begin(0, 16 * 8192);
	for (unsigned i = 0; i < 10; i++) {
		rig_send(spool_rig.rig, 0, 0, 10, 1000);
		rig_wait(spool_rig.rig, rig_all_settled);
	}
	buried = counter_read(&letters_counts()->dead_lettered);
	assert_in_range(buried, 1, 8);
	assert_int_equal(counter_read(&letters_counts()->given_up_invalid), 100 - buried);
	assert_true(counter_read(&spool_rig_counts()->dead_bytes) < 2 * 8192);
	spool_rig_end();
	letters = letters_read();
	assert_int_equal(letters->count, buried);
	free(letters);
}

/* Where the log of dead letters would be made. */
static void put_a_file_in_the_way(void)
{
	char path[128];
	FILE *file;

	(void)snprintf(path, sizeof(path), "%s/dead.0", spool_rig.directory);
	file = fopen(path, "w");
	assert_non_null(file);
	(void)fclose(file);
}

static void letters_that_the_disk_refuses_are_given_up(void **state)
{
	(void)state;
	picky.guilty_every = 50;
	letters_begin(0, 64u << 20);
	put_a_file_in_the_way();
	rig_send(spool_rig.rig, 0, 0, 200, 20);
	rig_wait(spool_rig.rig, rig_all_settled);
	assert_int_equal(counter_read(&letters_counts()->dead_lettered), 0);
	assert_int_equal(counter_read(&letters_counts()->given_up_invalid), 4);
	assert_int_equal(rig_acked(spool_rig.rig), 196);
	spool_rig_end();
}

static int first_topic_is_acked(struct rig *r)
{
	return rig_topic_acked(r, 0) == 200;
}

static void send_to_both(void)
{
	rig_send(spool_rig.rig, 1, 0, 200, 20);
	rig_send(spool_rig.rig, 0, 0, 200, 20);
	rig_wait(spool_rig.rig, first_topic_is_acked);
}

static void topic_that_is_forbidden_waits_for_the_right(void **state)
{
	(void)state;
	picky.forbidden = 2;
	letters_begin(0, 64u << 20);
	send_to_both();
	picky.forbidden = 0;
	rig_wait(spool_rig.rig, rig_all_settled);
	assert_int_equal(rig_acked(spool_rig.rig), 400);
	spool_rig_end();
}

static void what_is_forbidden_is_a_letter(int write_first)
{
	struct letters *letters;

	spool_rig.bury_forbidden = 1;
	picky.forbidden = 2;
	letters_begin(write_first, 64u << 20);
	send_to_both();
	rig_wait(spool_rig.rig, rig_all_settled);
	assert_int_equal(counter_read(&letters_counts()->topics[1].dead_lettered), 200);
	picky.forbidden = 0;
	rig_send(spool_rig.rig, 1, 0, 100, 20);
	rig_wait(spool_rig.rig, rig_all_settled);
	assert_int_equal(rig_topic_acked(spool_rig.rig, 1), 100);
	spool_rig_end();
	letters = letters_read();
	assert_int_equal(letters->count, 200);
	assert_string_equal(letters->last.topic, "t1");
	assert_string_equal(letters->last.reason, "TOPIC_AUTHORIZATION_FAILED");
	free(letters);
}

static void what_is_forbidden_is_a_letter_where_that_is_asked_for(void **state)
{
	(void)state;
	what_is_forbidden_is_a_letter(0);
}

static void what_is_forbidden_is_a_letter_where_that_is_asked_for_when_written_first(void **state)
{
	(void)state;
	what_is_forbidden_is_a_letter(1);
}

static int some_were_refused(struct rig *r)
{
	(void)r;
	return counter_read(&spool_rig_counts()->refused) >= 3 * SPOOL_LETTERS;
}

/* Other than a record that is bad itself, which nobody will ever take. */
static void letters_of_what_is_forbidden_that_the_disk_refuses_wait(void **state)
{
	(void)state;
	spool_rig.bury_forbidden = 1;
	picky.forbidden = 2;
	letters_begin(0, 64u << 20);
	put_a_file_in_the_way();
	send_to_both();
	rig_wait(spool_rig.rig, some_were_refused);
	picky.forbidden = 0;
	rig_wait(spool_rig.rig, rig_all_settled);
	assert_int_equal(rig_acked(spool_rig.rig), 400);
	spool_rig_end();
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, letters_setup, spool_rig_teardown)
	const struct CMUnitTest tests[] = {
		TEST(record_that_is_too_large_is_kept_with_its_reason),
		TEST(invalid_ones_among_many_are_kept_alone),
		TEST(invalid_ones_among_many_are_kept_alone_when_written_first),
		TEST(all_of_a_topic_may_be_refused),
		TEST(letters_stay_over_restarts_and_are_not_delivered),
		TEST(records_that_come_from_disk_are_refused_like_others),
		TEST(letters_beyond_their_share_are_given_up),
		TEST(letters_that_the_disk_refuses_are_given_up),
		TEST(topic_that_is_forbidden_waits_for_the_right),
		TEST(what_is_forbidden_is_a_letter_where_that_is_asked_for),
		TEST(what_is_forbidden_is_a_letter_where_that_is_asked_for_when_written_first),
		TEST(letters_of_what_is_forbidden_that_the_disk_refuses_wait),
	};
#undef TEST

	log_set_level(LOG_ERROR);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
